"""Which request bodies a worker passes to its engine: an allow-list, as data.

The list is the official one (``wire-protocol.md`` §5.4) with its mistakes corrected: fields that
engines understand and that it refuses (``tools``, ``seed``, ``logprobs``, sampling options of vLLM
and SGLang …) are allowed, ``prediction`` and ``suffix`` have the types that OpenAI documents, and
``null`` for an optional field is the same as leaving it out. A field that is not listed is refused:
what a worker does not know, it must not switch on in its engine. Refused on purpose are fields that
would send content elsewhere (``web_search_options``), store it, or that no text engine has.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from cocoon.engine.request_rules import Fields, encode_body, parse_body, prepare_fields
from cocoon.errors import BadRequestError

CHAT_PATH = "/v1/chat/completions"
COMPLETIONS_PATH = "/v1/completions"

MAX_PROMPTS = 2048
"""Prompts in one completion request."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What a field's value must be.

    Attributes:
        text: ends the sentence "field 'x' must be …".
        accepts: whether this JSON value is allowed.
    """

    text: str
    accepts: Callable[[msgspec.Raw], bool]


@dataclass(frozen=True, slots=True)
class AcceptedBody:
    """A body that may go to the engine.

    Attributes:
        body: JSON to send, rewritten where needed; the prompt is in it.
        max_tokens: completion tokens at most over all choices, or None when there is no limit.
    """

    body: bytes
    max_tokens: int | None

    def __repr__(self) -> str:
        return f"AcceptedBody({len(self.body)} bytes, max_tokens={self.max_tokens})"


_DIGITS = frozenset(b"0123456789")
_SIGNED = frozenset(b"-0123456789")
_BOOLEANS = (b"true", b"false")
_FIELD_NAME = re.compile(r"[A-Za-z0-9_.\-]{1,64}", re.ASCII)


def _first(raw: msgspec.Raw) -> int:
    return int(memoryview(raw)[0])


def _starts_with(*starts: bytes) -> Callable[[msgspec.Raw], bool]:
    allowed = frozenset(b"".join(starts))
    return lambda raw: _first(raw) in allowed


def _is_boolean(raw: msgspec.Raw) -> bool:
    return bytes(raw) in _BOOLEANS


def _is_integer(raw: msgspec.Raw) -> bool:
    text = bytes(raw)
    return text.removeprefix(b"-").isdigit()


def _at_least(least: int) -> Callable[[msgspec.Raw], bool]:
    def accepts(raw: msgspec.Raw) -> bool:
        text = bytes(raw)
        return text.isdigit() and int(text) >= least

    return accepts


def _between(low: float, high: float) -> Callable[[msgspec.Raw], bool]:
    def accepts(raw: msgspec.Raw) -> bool:
        return _first(raw) in _SIGNED and low <= float(bytes(raw)) <= high

    return accepts


def _object_of(names: Mapping[str, "Rule"]) -> Callable[[msgspec.Raw], bool]:
    decode = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode

    def accepts(raw: msgspec.Raw) -> bool:
        if _first(raw) != ord("{"):
            return False
        inner = decode(raw)
        return all(name in names and names[name].accepts(value) for name, value in inner.items())

    return accepts


ANYTHING = Rule("present", lambda _raw: True)
STRING = Rule("a string", _starts_with(b'"'))
BOOLEAN = Rule("true or false", _is_boolean)
NUMBER = Rule("a number", lambda raw: _first(raw) in _SIGNED)
INTEGER = Rule("an integer", _is_integer)
COUNT = Rule("an integer of 0 or more", _at_least(0))
POSITIVE = Rule("an integer of 1 or more", _at_least(1))
PENALTY = Rule("a number from -2 to 2", _between(-2, 2))
OBJECT = Rule("an object", _starts_with(b"{"))
ARRAY = Rule("an array", _starts_with(b"["))
STRING_OR_ARRAY = Rule("a string or an array", _starts_with(b'"', b"["))
STRING_OR_OBJECT = Rule("a string or an object", _starts_with(b'"', b"{"))
OBJECT_OR_NUMBER = Rule("an object", _starts_with(b"{", bytes(_SIGNED)))
STRING_OR_BOOLEAN = Rule("a string", _starts_with(b'"', b"t", b"f"))
COUNT_OR_BOOLEAN = Rule(
    "an integer of 0 or more, or true or false",
    lambda raw: _is_boolean(raw) or COUNT.accepts(raw),
)
FALSE = Rule("false: nothing is stored", lambda raw: bytes(raw) == b"false")
STREAM_OPTIONS = Rule(
    "an object with include_usage and include_obfuscation, each true or false",
    _object_of({"include_usage": BOOLEAN, "include_obfuscation": BOOLEAN}),
)
TEMPLATE_OPTIONS = Rule(
    "an object with enable_thinking or thinking, each true or false",
    _object_of({"enable_thinking": BOOLEAN, "thinking": BOOLEAN}),
)

_COMMON: Final[Mapping[str, Rule]] = {
    "model": STRING,
    "frequency_penalty": PENALTY,
    "presence_penalty": NUMBER,
    "temperature": NUMBER,
    "top_p": NUMBER,
    "max_tokens": COUNT,
    "n": POSITIVE,
    "seed": INTEGER,
    "stop": ANYTHING,
    "stream": BOOLEAN,
    "stream_options": STREAM_OPTIONS,
    "response_format": ANYTHING,
    "logit_bias": OBJECT,
    "user": STRING,
    # Sampling options that vLLM, SGLang and llama.cpp share.
    "top_k": INTEGER,
    "min_p": NUMBER,
    "typical_p": NUMBER,
    "repetition_penalty": NUMBER,
    "length_penalty": NUMBER,
    "min_tokens": COUNT,
    "ignore_eos": BOOLEAN,
    "stop_token_ids": ARRAY,
    "include_stop_str_in_output": BOOLEAN,
    "skip_special_tokens": BOOLEAN,
    "spaces_between_special_tokens": BOOLEAN,
    "truncate_prompt_tokens": INTEGER,
}

CHAT_FIELDS: Final[Mapping[str, Rule]] = {
    **_COMMON,
    "messages": ARRAY,
    "max_completion_tokens": COUNT,
    "parallel_tool_calls": BOOLEAN,
    "prediction": OBJECT_OR_NUMBER,
    "reasoning_effort": STRING,
    "verbosity": STRING,
    "logprobs": BOOLEAN,
    "top_logprobs": COUNT,
    "chat_template_kwargs": TEMPLATE_OPTIONS,
    "tools": ARRAY,
    "tool_choice": STRING_OR_OBJECT,
    "functions": ARRAY,
    "function_call": STRING_OR_OBJECT,
    "metadata": OBJECT,
    "store": FALSE,
    "service_tier": STRING,
    "safety_identifier": STRING,
    "prompt_cache_key": STRING,
}

COMPLETION_FIELDS: Final[Mapping[str, Rule]] = {
    **_COMMON,
    "prompt": STRING_OR_ARRAY,
    "best_of": COUNT,
    "echo": BOOLEAN,
    "logprobs": COUNT_OR_BOOLEAN,
    "suffix": STRING_OR_BOOLEAN,
}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One path that workers serve: its fields and those that must be there."""

    fields: Mapping[str, Rule]
    required: tuple[str, ...]


ENDPOINTS: Final[Mapping[str, Endpoint]] = {
    CHAT_PATH: Endpoint(CHAT_FIELDS, ("model", "messages")),
    COMPLETIONS_PATH: Endpoint(COMPLETION_FIELDS, ("model", "prompt")),
}

_decode_string = msgspec.json.Decoder(str).decode
_decode_items = msgspec.json.Decoder(list[msgspec.Raw]).decode


def path_of(url: str) -> str:
    """The part of a request's URL that decides: from its first ``/`` (§5.4)."""
    start = url.find("/")
    return url[start:] if start >= 0 else ""


def validate(url: str, body: bytes, base_model: str, full_model: str = "") -> AcceptedBody:
    """Check a request body and rewrite it for the engine.

    Args:
        url: of the ``http.request``.
        body: its payload.
        base_model: the model name that this worker answers to.
        full_model: ``name@commit:hash`` that it serves; a request that names all of it is pinned,
            and served only where it is exactly this. Empty: pinned requests are refused.

    Raises:
        BadRequestError: refused; the text quotes nothing of the body but plain field names.
    """
    path = path_of(url)
    endpoint = ENDPOINTS.get(path)
    if endpoint is None:
        raise BadRequestError(
            "unsupported method: only chat completions and completions are served"
        )
    fields = parse_body(body)
    _drop_nulls(fields, endpoint.required)
    _check_fields(fields, endpoint)
    _check_model(fields, base_model, full_model)
    limit = _token_limit(path, fields)
    prepare_fields(path, fields)
    return AcceptedBody(encode_body(fields), limit)


def _drop_nulls(fields: Fields, required: tuple[str, ...]) -> None:
    nulls = [name for name, raw in fields.items() if bytes(memoryview(raw)[:4]) == b"null"]
    for name in nulls:
        if name not in required:
            del fields[name]


def _check_fields(fields: Fields, endpoint: Endpoint) -> None:
    rules = endpoint.fields
    for name, raw in fields.items():
        rule = rules.get(name)
        if rule is None:
            raise BadRequestError(f"unknown option {_printable(name)} in request")
        if not rule.accepts(raw):
            raise BadRequestError(f"field '{name}' must be {rule.text}")
    for name in endpoint.required:
        if name not in fields:
            raise BadRequestError(f"field '{name}' is missing")


def _check_model(fields: Fields, base_model: str, full_model: str) -> None:
    """The engine knows only the base name."""
    asked = _string(fields["model"])
    if asked == base_model:
        return
    if not full_model or asked != full_model:
        raise BadRequestError("this worker serves another model")
    fields["model"] = msgspec.Raw(msgspec.json.encode(base_model))


def _printable(name: str) -> str:
    # A caller may have put anything into a name; only what looks like an option is repeated.
    return f"'{name}'" if _FIELD_NAME.fullmatch(name) else "with an unusual name"


def _string(raw: msgspec.Raw) -> str:
    try:
        return _decode_string(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise BadRequestError("the request has a malformed string") from None


def _token_limit(path: str, fields: Fields) -> int | None:
    """Completion tokens at most over all choices and prompts, as the caller's own fields say."""
    choices = max(1, _number(fields, "n"))
    if path == COMPLETIONS_PATH:
        choices = max(choices, _number(fields, "best_of")) * _prompts(fields["prompt"])
    each = fields.get("max_completion_tokens", fields.get("max_tokens"))
    return None if each is None else int(bytes(each)) * choices


def _number(fields: Fields, name: str) -> int:
    raw: Any = fields.get(name)
    return 0 if raw is None else int(bytes(raw))


def _prompts(raw: msgspec.Raw) -> int:
    if _first(raw) != ord("["):
        return 1
    try:
        items = _decode_items(raw)
    except msgspec.DecodeError:
        raise BadRequestError("field 'prompt' must be a string or an array") from None
    if len(items) > MAX_PROMPTS and _first(items[0]) not in _DIGITS:
        raise BadRequestError(f"field 'prompt' has more than {MAX_PROMPTS} prompts")
    if not items or _first(items[0]) in _DIGITS:
        return 1  # one prompt, as token numbers
    return len(items)
