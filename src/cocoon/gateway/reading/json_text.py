"""Reading a JSON object of a stranger without trusting or copying its contents.

Values stay :class:`msgspec.Raw`, that is the bytes that the caller wrote. Only what
the gateway must understand is ever decoded.
"""

import math
import re

import msgspec
from msgspec import Raw

from cocoon.gateway.refusal import Refusal

MAX_NUMBER = 64
"""Longest number, in characters, as a direct member of a request."""
MAX_MEMBERS = 256
"""Direct members of a request; workers take no more."""
MAX_CONTAINERS = 100_000
"""Objects and arrays in a request; workers take no more."""

_decoder = msgspec.json.Decoder(dict[str, Raw])
_encoder = msgspec.json.Encoder()
_brackets = bytes.maketrans(b"{}", b"[]")
_not_brackets = bytes(b for b in range(256) if b not in b"[]{}")
_where = re.compile(r"\(byte (\d+)\)")
_key = re.compile(rb'[\s,{]*"[^"\\]*(?:\\.[^"\\]*)*"\s*:\s*', re.DOTALL)
_string = msgspec.json.Decoder(str)


def decode_object(body: bytes, max_depth: int) -> dict[str, Raw]:
    """Members of the JSON object in ``body``, their values untouched.

    Refused are text that is not strict JSON in UTF-8, anything but an object, a name that
    occurs twice (two parsers would not agree on what was asked), nesting beyond ``max_depth``,
    numbers of absurd length, and more members or containers than a worker takes.

    Raises:
        Refusal: with status 400; its text never quotes the body.
    """
    try:
        if not body.isascii():
            body.decode()
        members = _decoder.decode(body)
    except UnicodeDecodeError:
        raise Refusal("the request body is not valid UTF-8", code="invalid_json") from None
    except RecursionError:
        raise _too_deep(max_depth) from None
    except msgspec.ValidationError:
        raise Refusal("the request body must be a JSON object", code="invalid_json") from None
    except msgspec.DecodeError as error:
        raise Refusal(_syntax(str(error)), code="invalid_json") from None
    if len(members) > MAX_MEMBERS:
        raise Refusal(f"the request body has more than {MAX_MEMBERS} members")
    check_depth(body, max_depth)
    check_unique(body, members)
    return members


def encode_object(members: dict[str, Raw]) -> bytes:
    """The object as compact JSON; raw values are copied byte for byte."""
    return _encoder.encode(members)


def decode_string(raw: Raw) -> str | None:
    """The JSON string in ``raw``, or None when it is something else."""
    try:
        return _string.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def check_depth(body: bytes, max_depth: int) -> None:
    """Refuse valid JSON that nests deeper than ``max_depth``.

    Nearly every body has fewer brackets than that and is done after two counts. Otherwise
    strings are cut out and the innermost pairs removed, one level a pass.
    """
    if body.count(b"[") + body.count(b"{") <= max_depth:
        return
    outside = body.replace(b"\\\\", b"").replace(b'\\"', b"").split(b'"')[::2]
    nesting = b"".join(outside).translate(_brackets, _not_brackets)
    if len(nesting) > 2 * MAX_CONTAINERS:
        raise Refusal(f"the request body has more than {MAX_CONTAINERS} objects and arrays")
    for _ in range(max_depth):
        if not nesting:
            return
        nesting = nesting.replace(b"[]", b"")
    if nesting:
        raise _too_deep(max_depth)


def check_unique(body: bytes, members: dict[str, Raw]) -> None:
    """Refuse an object with a name that occurs twice.

    Compact text as SDKs write it has exactly the length of its encoding when no member was
    lost. Other text is walked member by member along what was decoded.
    """
    if len(_encoder.encode(members)) == len(body):
        return
    at = 0
    for name, value in members.items():
        found = _key.match(body, at)
        if found is None or _string.decode(found[0].strip(b" \t\r\n,{:")) != name:
            raise _duplicate()
        raw = memoryview(value)
        at = found.end() + len(raw)
        if body[found.end() : at] != raw:
            raise _duplicate()
    if body[at:].strip(b" \t\r\n{") != b"}":
        raise _duplicate()


def check_number(raw: Raw) -> None:
    """Refuse a number that no double holds, such as ``1e400`` or one of thousands of digits."""
    text = bytes(raw)
    if len(text) > MAX_NUMBER or math.isinf(float(text)):
        raise Refusal("a number in the request body is out of range")


def _syntax(text: str) -> str:
    """The place of a syntax error, without what stands there."""
    found = _where.search(text)
    place = f" (byte {found[1]})" if found else ""
    return f"the request body is not valid JSON{place}"


def _too_deep(max_depth: int) -> Refusal:
    return Refusal(f"the request body is nested deeper than {max_depth}", code="invalid_json")


def _duplicate() -> Refusal:
    return Refusal("a name occurs twice in the request body", code="invalid_json")
