"""Rules for objects and arrays: they look inside and write anew what they have checked."""

from collections.abc import Mapping

import msgspec

from cocoon.wire import refusals
from cocoon.worker.rules.values import BAD_JSON, Rule, encoded, first, is_null, starts_with

Fields = dict[str, msgspec.Raw]

_decode_object = msgspec.json.Decoder(Fields).decode
_decode_array = msgspec.json.Decoder(list[msgspec.Raw]).decode
_is_object = starts_with(b"{")
_is_array = starts_with(b"[")


def object_of(
    text: str,
    names: Mapping[str, Rule],
    *,
    required: tuple[str, ...] = (),
    dropped: frozenset[str] = frozenset(),
) -> Rule:
    """Objects with these fields and no others.

    Args:
        text: what it is, such as ``an object``.
        names: the rules of its fields; null is the same as leaving one out.
        required: fields that must be there.
        dropped: names that callers send and engines have no use for; they are removed.
    """

    def inside(raw: msgspec.Raw, path: str) -> msgspec.Raw:
        fields = read_object(raw, path)
        kept: Fields = {}
        for name, value in fields.items():
            rule = names.get(name)
            if rule is None:
                if name in dropped:
                    continue
                raise refusals.unknown(name, path)
            if not is_null(value) or rule.accepts(value):
                kept[name] = rule.apply(value, refusals.inside(path, name))
        for name in required:
            if name not in kept:
                raise refusals.missing(refusals.inside(path, name))
        return encoded(kept)

    return Rule(text, _is_object, inside)


def list_of(text: str, item: Rule, *, most: int, least: int = 0) -> Rule:
    """Arrays whose items all follow one rule.

    Args:
        text: what it is, such as ``an array of strings``.
        item: the rule.
        most: items that it may have.
        least: items that it must have.
    """

    def inside(raw: msgspec.Raw, path: str) -> msgspec.Raw:
        items = read_array(raw, path, most)
        if len(items) < least:
            raise refusals.wrong(path, f"have at least {least} items")
        kept = [item.apply(value, f"{path}[{at}]") for at, value in enumerate(items)]
        return encoded(kept)

    return Rule(text, _is_array, inside)


def one_kind_of(text: str, kinds: Mapping[str, Rule]) -> Rule:
    """Objects whose ``type`` decides which rule they follow."""
    words = ", ".join(kinds)

    def inside(raw: msgspec.Raw, path: str) -> msgspec.Raw:
        value = read_object(raw, path).get("type")
        if value is None:
            raise refusals.missing(f"{path}.type")
        kind = _word(value)
        rule = kinds.get(kind)
        if rule is None:
            raise refusals.wrong(f"{path}.type", f"be one of {words}")
        return rule.apply(raw, path)

    return Rule(text, _is_object, inside)


def map_of(text: str, rule: Rule, *, most: int, name_length: int) -> Rule:
    """Objects whose names the caller chooses."""

    def inside(raw: msgspec.Raw, path: str) -> msgspec.Raw:
        fields = read_object(raw, path)
        if len(fields) > most or any(len(name) > name_length for name in fields):
            limits = f"at most {most} fields with names of at most {name_length} characters"
            raise refusals.wrong(path, f"have {limits}")
        return encoded({name: rule.apply(value, path) for name, value in fields.items()})

    return Rule(text, _is_object, inside)


def read_object(raw: msgspec.Raw, path: str) -> Fields:
    """The fields of an object.

    Raises:
        BadRequestError: it is none.
    """
    try:
        return _decode_object(raw)
    except BAD_JSON:
        raise refusals.wrong(path, "be an object") from None


def read_array(raw: msgspec.Raw, path: str, most: int) -> list[msgspec.Raw]:
    """The items of an array.

    Raises:
        BadRequestError: it is none, or has more than `most`.
    """
    try:
        items = _decode_array(raw)
    except BAD_JSON:
        raise refusals.wrong(path, "be an array") from None
    if len(items) > most:
        raise refusals.wrong(path, f"have at most {most} items")
    return items


def _word(raw: msgspec.Raw) -> str:
    if first(raw) != ord('"') or len(memoryview(raw)) > 256:
        return ""
    try:
        return msgspec.json.decode(raw, type=str)
    except BAD_JSON:
        return ""
