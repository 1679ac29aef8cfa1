"""How one engine wants to be asked: which paths it has, and what becomes of each field.

A `Dialect` is data and a few pure functions. `prepare` applies it: fields that mean nothing to an
engine are dropped where that harms nobody, renamed or translated where it has other words, and
refused with a reason where an engine would ignore them and answer something else than was asked.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

import msgspec

from cocoon.engine.base import Fields, Prepared
from cocoon.engine.dialects.words import PATH_WORDS
from cocoon.errors import BadRequestError

Adjust = Callable[[str, Fields], None]
"""Translates what one field's rule cannot; gets the caller's path and changes the fields."""

Restate = Callable[[bytes], bytes]
"""Turns an engine's whole JSON answer into OpenAI's form.

Raises:
    EngineError: the answer is not of the engine's form either.
"""

RESERVED: Final = frozenset(
    {"cache_salt", "extra_key", "cache_prompt", "id_slot", "rid", "request_id", "session_id"}
    | {"session_params", "priority", "kv_transfer_params", "lora_path", "keep_alive"}
)
"""Fields by which a caller could reach into an engine's cache, queue or sessions. A worker's
allow-list has none of them; they are removed again here."""


@dataclass(frozen=True, slots=True)
class FieldRule:
    """What becomes of a field; a field without a rule is passed on as it is.

    Attributes:
        kind: ``dropped``: removed, the answer is the same without it. ``renamed``: passed on under
            another name. ``refused``: removed when its value is `neutral`, otherwise refused.
            ``translated``: left to the dialect's own functions.
        text: for ``refused``, ends the sentence "this worker's engine …"; otherwise why.
        to: the name that it is passed on under.
        neutral: JSON values that ask for nothing.
    """

    kind: Literal["dropped", "renamed", "refused", "translated"]
    text: str = ""
    to: str = ""
    neutral: tuple[bytes, ...] = ()

    def apply(self, name: str, fields: Fields) -> None:
        """Apply it to the fields, in place.

        Raises:
            BadRequestError: the engine cannot do this.
        """
        if self.kind == "dropped":
            del fields[name]
        elif self.kind == "renamed":
            raw = fields.pop(name)
            fields.setdefault(self.to, raw)
        elif self.kind == "refused":
            if bytes(fields[name]) not in self.neutral:
                raise BadRequestError(f"field '{name}': this worker's engine {self.text}")
            del fields[name]


def dropped(why: str) -> FieldRule:
    """A field whose loss changes nothing that the caller sees."""
    return FieldRule("dropped", why)


def renamed(to: str) -> FieldRule:
    """A field that the engine knows by another name."""
    return FieldRule("renamed", f"as `{to}`", to)


def refused(text: str, *neutral: bytes) -> FieldRule:
    """A field that the engine would ignore; the text ends "this worker's engine …"."""
    return FieldRule("refused", text, neutral=neutral)


def translated(text: str) -> FieldRule:
    """A field that one of the dialect's functions rewrites."""
    return FieldRule("translated", text)


_WHO = "it names the caller, whom the engine need not know"
_HINT = "a hint that changes no answer of this engine"
CALLER_FIELDS: Final[Mapping[str, FieldRule]] = {
    "user": dropped(_WHO),
    "safety_identifier": dropped(_WHO),
    "prompt_cache_key": dropped("prompt caches are separated by client here"),
    "prompt_cache_retention": dropped("prompt caches are separated by client here"),
    "metadata": dropped("nothing is stored"),
    "store": dropped("nothing is stored"),
    "service_tier": dropped("there is one tier; the price is the worker's coefficient"),
}
"""What no engine needs to see."""

HINTS: Final[Mapping[str, FieldRule]] = {
    "prediction": dropped(_HINT),
    "verbosity": dropped(_HINT),
}


@dataclass(frozen=True, slots=True)
class Dialect:
    """One engine.

    Attributes:
        name: ``vllm``, ``sglang``, ``llama.cpp``, ``ollama`` or ``openai``.
        title: its name for people.
        paths: where requests go, by the caller's path; a path that is missing is refused.
        features: words that hold for every model it serves.
        rules: what becomes of fields, by the caller's path.
        adjust: functions that run after the rules.
        salted: paths for which `salt` keeps prompt caches apart.
        salt: writes a client's salt, or None where the engine has no such field.
        cacheless: paths that never use a prompt cache, whatever the engine does.
        restate: rewrites whole answers, by the engine's path.
        load_metrics: names in ``/metrics`` of running and waiting requests and of the cache's use;
            empty: it is not asked.
    """

    name: str
    title: str
    paths: Mapping[str, str]
    features: frozenset[str]
    rules: Mapping[str, Mapping[str, FieldRule]] = field(default_factory=dict)
    adjust: tuple[Adjust, ...] = ()
    salted: frozenset[str] = frozenset()
    salt: Callable[[Fields, str], None] | None = None
    cacheless: frozenset[str] = frozenset()
    restate: Mapping[str, Restate] = field(default_factory=dict)
    load_metrics: tuple[str, str, tuple[str, ...]] | None = None

    def rule(self, path: str, name: str) -> FieldRule | None:
        """What becomes of a field at a path; None: it is passed on as it is."""
        return self.rules.get(path, {}).get(name)


def same_paths(*paths: str) -> dict[str, str]:
    """Paths that an engine has under the caller's own names."""
    return {path: path for path in paths}


def for_paths(
    paths: tuple[str, ...], *tables: Mapping[str, FieldRule]
) -> dict[str, dict[str, FieldRule]]:
    """The same rules for several paths; later tables win."""
    merged: dict[str, FieldRule] = {}
    for table in tables:
        merged.update(table)
    return dict.fromkeys(paths, merged)


def prepare(dialect: Dialect, path: str, fields: Fields, salt: str) -> Prepared:
    """Put a checked request into the engine's words.

    Args:
        dialect: the engine's.
        path: the caller's.
        fields: of the body; not changed.
        salt: the client's, for the prompt cache; empty: none is written.

    Raises:
        BadRequestError: the engine lacks the endpoint, or cannot do what a field asks.
    """
    there = dialect.paths.get(path)
    if there is None:
        what = PATH_WORDS.get(path, "this endpoint")
        raise BadRequestError(f"this worker's engine does not serve {what}")
    own = dict(fields)
    rules = dialect.rules.get(path)
    for name in fields:
        rule = None if rules is None else rules.get(name)
        if rule is not None:
            rule.apply(name, own)
        elif name in RESERVED:
            del own[name]
    for adjust in dialect.adjust:
        adjust(path, own)
    if salt and dialect.salt is not None and path in dialect.salted:
        dialect.salt(own, salt)
    return Prepared(there, own)


def write_cache_salt(fields: Fields, salt: str) -> None:
    """Salt in the field that vLLM and SGLang share."""
    fields["cache_salt"] = msgspec.Raw(b'"%s"' % salt.encode("ascii"))
