"""Which request bodies a worker passes to its engine: allow-lists, as data, for every endpoint.

The rules are in `cocoon.worker.rules`; this is their door. ``null`` for an optional field is the
same as leaving it out. A field that is not listed is refused: what a worker does not know, it must
not switch on in its engine. What the forms of a refusal are says `cocoon.wire.refusals`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from cocoon.engine.base import JSON_TYPE
from cocoon.engine.request_rules import (
    Fields,
    cap_tokens,
    encode_body,
    parse_body,
    prepare_fields,
)
from cocoon.errors import BadRequestError
from cocoon.wire import refusals
from cocoon.worker.rules import form, media, text
from cocoon.worker.rules.form import Part
from cocoon.worker.rules.text import CHAT_FIELDS, COMPLETION_FIELDS, MAX_PROMPTS
from cocoon.worker.rules.values import Rule, encoded, first, is_null, text_of

__all__ = [
    "CHAT_FIELDS",
    "CHAT_PATH",
    "COMPLETIONS_PATH",
    "COMPLETION_FIELDS",
    "ENDPOINTS",
    "MAX_PROMPTS",
    "AcceptedBody",
    "Endpoint",
    "path_of",
    "validate",
]

CHAT_PATH: Final = "/v1/chat/completions"
COMPLETIONS_PATH: Final = "/v1/completions"
TOKENIZE_PATH: Final = "/tokenize"


@dataclass(frozen=True, slots=True)
class AcceptedBody:
    """A body that may go to the engine.

    Attributes:
        fields: top-level fields as JSON texts, rewritten where needed; the prompt is in them. Of a
            form, nothing.
        max_tokens: completion tokens at most over all choices, or None when there is no limit.
        content_type: of `body`.
        form: the bytes of a form, or nothing.
    """

    fields: Fields = field(default_factory=dict)
    max_tokens: int | None = None
    content_type: str = JSON_TYPE
    form: bytes = b""

    @property
    def body(self) -> bytes:
        """What to send, put together anew at each call."""
        return self.form or encode_body(self.fields)

    def __repr__(self) -> str:
        return f"AcceptedBody({len(self.fields)} fields, max_tokens={self.max_tokens})"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One path that workers serve.

    Attributes:
        fields: the rules of its fields.
        required: those that must be there.
        is_form: its body is a form with a file.
    """

    fields: Mapping[str, Rule]
    required: tuple[str, ...]
    is_form: bool = False


ENDPOINTS: Final[Mapping[str, Endpoint]] = {
    CHAT_PATH: Endpoint(CHAT_FIELDS, ("model", "messages")),
    COMPLETIONS_PATH: Endpoint(COMPLETION_FIELDS, ("model", "prompt")),
    "/v1/embeddings": Endpoint(text.EMBEDDING_FIELDS, ("model", "input")),
    "/v1/rerank": Endpoint(text.RERANK_FIELDS, ("model", "query", "documents")),
    "/v1/moderations": Endpoint(text.MODERATION_FIELDS, ("model", "input")),
    TOKENIZE_PATH: Endpoint(text.TOKENIZE_FIELDS, ("model",)),
    "/detokenize": Endpoint(text.DETOKENIZE_FIELDS, ("model", "tokens")),
    "/v1/images/generations": Endpoint(media.IMAGE_FIELDS, ("model", "prompt")),
    "/v1/audio/transcriptions": Endpoint(media.TRANSCRIPTION_FORM, ("model",), is_form=True),
    "/v1/audio/translations": Endpoint(media.TRANSLATION_FORM, ("model",), is_form=True),
    "/v1/audio/speech": Endpoint(media.SPEECH_FIELDS, ("model", "input", "voice")),
}
"""The paths of `cocoon.wire.features.ENDPOINTS`."""

_NO_COMPLETION: Final = frozenset(
    {"/v1/embeddings", "/v1/rerank", "/v1/moderations", TOKENIZE_PATH, "/detokenize"}
)
"""Endpoints that generate nothing."""


def path_of(url: str) -> str:
    """The part of a request's URL that decides: from its first ``/`` (§5.4)."""
    start = url.find("/")
    return url[start:] if start >= 0 else ""


def validate(
    url: str,
    body: bytes,
    base_model: str,
    full_model: str = "",
    *,
    content_type: str = JSON_TYPE,
    cap: int | None = None,
) -> AcceptedBody:
    """Check a request body and rewrite it for the engine.

    Args:
        url: of the ``http.request``.
        body: its payload.
        base_model: the model name that this worker answers to.
        full_model: ``name@commit:hash`` that it serves; a request that names all of it is pinned,
            and served only where it is exactly this. Empty: pinned requests are refused.
        content_type: of the body. It decides nothing but how a form is read: official clients send
            any, or none.
        cap: completion tokens that were reserved, over all choices, or None. A body that asks for
            more is refused; one without a limit of its own gets this one.

    Raises:
        BadRequestError: refused; the text quotes nothing of the body but plain field names.
    """
    path = path_of(url)
    endpoint = ENDPOINTS.get(path)
    if endpoint is None:
        raise BadRequestError("unsupported method: no worker serves this path")
    if endpoint.is_form:
        parts = form.parse_form(body, content_type)
        return _accept_form(parts, endpoint, base_model, full_model, cap)
    if form.is_form(content_type):
        raise BadRequestError(f"the content type must be {JSON_TYPE}")
    fields = _checked_fields(parse_body(body), endpoint)
    fields["model"] = encoded(_our_model(text_of(fields["model"], "model"), base_model, full_model))
    if path == TOKENIZE_PATH:
        _check_one_of(fields, ("prompt", "messages"))
    limit = _limit(path, fields, cap)
    return AcceptedBody(fields, limit)


def _checked_fields(fields: Fields, endpoint: Endpoint) -> Fields:
    rules, kept = endpoint.fields, {}
    for name, raw in fields.items():
        rule = rules.get(name)
        if rule is None:
            raise refusals.unknown(name)
        if not is_null(raw) or name in endpoint.required:
            kept[name] = rule.apply(raw, name)
    for name in endpoint.required:
        if name not in kept:
            raise refusals.missing(name)
    return kept


def _our_model(asked: str, base_model: str, full_model: str) -> str:
    """The engine knows only the base name."""
    if asked != base_model and (not full_model or asked != full_model):
        raise BadRequestError("this worker serves another model")
    return base_model


def _check_one_of(fields: Fields, names: tuple[str, str]) -> None:
    given = [name for name in names if name in fields]
    if not given:
        raise refusals.missing(names[0])
    if len(given) > 1:
        raise refusals.wrong(names[1], f"be left out where '{names[0]}' is given")


# --- token limits ---


def _limit(path: str, fields: Fields, cap: int | None) -> int | None:
    """Rewrite the body's own limit and return what it allows."""
    if path in _NO_COMPLETION:
        return 0
    if path not in (CHAT_PATH, COMPLETIONS_PATH):
        return cap
    if "max_completion_tokens" in fields:
        fields.pop("max_tokens", None)  # as official clients do it (§5.2)
    limit = _token_limit(path, fields)
    if cap is not None:
        if limit is None:
            cap_tokens(fields, cap, _choices(path, fields))
            limit = cap
        elif limit > cap:
            raise refusals.wrong(_limit_name(fields), "ask for no more tokens than were reserved")
    prepare_fields(path, fields)
    return limit


def _limit_name(fields: Fields) -> str:
    return "max_completion_tokens" if "max_completion_tokens" in fields else "max_tokens"


def _token_limit(path: str, fields: Fields) -> int | None:
    """Completion tokens at most over all choices and prompts, as the caller's own fields say."""
    each = fields.get(_limit_name(fields))
    return None if each is None else int(bytes(each)) * _choices(path, fields)


def _choices(path: str, fields: Fields) -> int:
    choices = max(1, _number(fields, "n"))
    if path != COMPLETIONS_PATH:
        return choices
    choices = max(choices, _number(fields, "best_of"))
    return choices * text.prompts_in(fields["prompt"], "prompt")


def _number(fields: Fields, name: str) -> int:
    raw = fields.get(name)
    return 0 if raw is None or first(raw) == ord('"') else int(bytes(raw))


# --- forms ---


def _accept_form(
    parts: list[Part], endpoint: Endpoint, base_model: str, full_model: str, cap: int | None
) -> AcceptedBody:
    kept = form.check_form(parts, endpoint.fields)
    limit = cap
    for part in kept:
        if part.name == "model":
            part.data = _our_model(part.data.decode(), base_model, full_model).encode()
        elif part.name == "max_completion_tokens":
            limit = int(part.data)
            if cap is not None and limit > cap:
                raise refusals.wrong(part.name, "ask for no more tokens than were reserved")
    body, content_type = form.write_form(kept)
    return AcceptedBody({}, limit, content_type, body)
