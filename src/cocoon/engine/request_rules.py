"""What every request body must satisfy and is given before it goes to an engine.

`parse_body` takes a JSON object apart at its top level only: values stay as the bytes they were,
so a long prompt is scanned but never copied into Python objects. `prepare_body` adds what metering
needs (``stream_options.include_usage``) and a token cap (``wire-protocol.md`` §5.4, rewrites).
Which fields are allowed at all is the worker's business, not decided here.

Rules, each refused with `BadRequestError` whose text quotes nothing of the body:

* at most `MAX_BODY_SIZE` bytes of UTF-8, a JSON object, nothing behind it, no ``NaN``;
* at most `MAX_DEPTH` levels, `MAX_CONTAINERS` objects and arrays, `MAX_FIELDS` top-level fields;
* top-level numbers fit 64 bits or a finite double;
* of a top-level name given twice the last counts and the others are removed (as in the official
  client, §5.2), so that whoever checks the body and the engine that runs it see the same value.
"""

import re
from itertools import accumulate

import msgspec

from cocoon.errors import BadRequestError

MAX_BODY_SIZE = 16 << 20
MAX_DEPTH = 64
MAX_FIELDS = 256
#: Most objects and arrays in a body.
MAX_CONTAINERS = 100_000
#: Most quotation marks, those inside text included, in a body with more than a few containers.
MAX_QUOTES = 1_000_000
#: Largest token limit or number of choices: an int32, as on the wire.
MAX_COUNT = 2**31 - 1

Fields = dict[str, msgspec.Raw]

_decode_fields = msgspec.json.Decoder(Fields).decode
_encode = msgspec.json.encode
_BAD_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
# The end of the text ends a string as well: a search that fails would start again at every quote.
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_DEPTH_CHANGE = tuple((byte in b"[{") - (byte in b"]}") for byte in range(256))
_TRUE = msgspec.Raw(b"true")
_FALSE = msgspec.Raw(b"false")
_USAGE_ON = msgspec.Raw(b'{"include_usage":true}')
_COMPLETIONS = "/v1/completions"
_GENERATES = ("/v1/chat/completions", _COMPLETIONS)
_NUMBER_START = frozenset(b"-0123456789")


def parse_body(body: bytes) -> Fields:
    """Split a request body into its top-level fields; values are unread JSON text.

    Raises:
        BadRequestError: the body breaks one of the rules of this module.
    """
    if len(body) > MAX_BODY_SIZE:
        raise BadRequestError(f"the request body is longer than {MAX_BODY_SIZE} bytes")
    _check_depth(body)
    try:
        if not body.isascii():
            body.decode()  # msgspec does not look into strings that it skips
        fields = _decode_fields(body)
    except UnicodeDecodeError:
        raise BadRequestError("the request body is not UTF-8") from None
    except _BAD_JSON:
        raise BadRequestError("the request body is not a JSON object") from None
    if len(fields) > MAX_FIELDS:
        raise BadRequestError(f"the request has more than {MAX_FIELDS} fields")
    for raw in fields.values():
        view = memoryview(raw)
        if view[0] in _NUMBER_START:
            _check_number(bytes(view))
    return fields


def encode_body(fields: Fields) -> bytes:
    """Join fields to a body: compact at the top level, values as they are."""
    return _encode(fields)


def prepare_body(path: str, body: bytes, max_tokens: int | None = None) -> bytes:
    """Return the body as the engine shall get it; the same object if nothing must change.

    Args:
        path: the endpoint; ``/v1/chat/completions`` and ``/v1/completions`` are rewritten.
        body: what the client sent.
        max_tokens: most completion tokens that all choices together may have, or None.

    Raises:
        BadRequestError: the body breaks a rule.
    """
    fields = parse_body(body)
    prepare_fields(path, fields, max_tokens)
    encoded = _encode(fields)
    return body if encoded == body else encoded


def prepare_fields(path: str, fields: Fields, max_tokens: int | None = None) -> None:
    """Apply the rewrites to parsed fields, in place. See `prepare_body`."""
    if path in _GENERATES:
        _ask_for_usage(fields)
    if max_tokens is not None:
        choices = max(1, _count(fields, "n") or 1)
        if path == _COMPLETIONS:
            choices = max(choices, _count(fields, "best_of") or 1)
        cap_tokens(fields, max_tokens, choices)


def _ask_for_usage(fields: Fields) -> None:
    """``stream_options`` without ``stream`` turns it on; a stream always reports usage (§5.4)."""
    options = fields.get("stream_options")
    stream = fields.get("stream")
    if stream is None:
        if options is None:
            return
        fields["stream"] = _TRUE
    elif not _boolean(stream, "stream"):
        return
    if options is None:
        fields["stream_options"] = _USAGE_ON
        return
    try:
        inner = _decode_fields(options)
    except _BAD_JSON:
        raise BadRequestError("field 'stream_options' must be an object") from None
    if inner.get("include_usage") != _TRUE:
        inner["include_usage"] = _TRUE
        fields["stream_options"] = msgspec.Raw(_encode(inner))


def cap_tokens(fields: Fields, cap: int, choices: int) -> None:
    """Lower the token limits to the cap, or insert it, in place.

    Args:
        fields: of the body.
        cap: completion tokens for all choices together.
        choices: how many there are, over all prompts.

    Raises:
        BadRequestError: there is not one token for each.
    """
    each = min(cap, MAX_COUNT) // choices
    if each < 1:
        raise BadRequestError("the token limit is too small for the number of choices")
    limited = False
    for name in ("max_tokens", "max_completion_tokens"):
        limit = _count(fields, name)
        if limit is not None:
            limited = True
            if limit > each:
                fields[name] = msgspec.Raw(b"%d" % each)
    if not limited:
        fields["max_tokens"] = msgspec.Raw(b"%d" % each)


def _count(fields: Fields, name: str) -> int | None:
    raw = fields.get(name)
    if raw is None:
        return None
    text = bytes(raw)
    if not text.isdigit() or len(text) > 10 or int(text) > MAX_COUNT:
        raise BadRequestError(f"field '{name}' must be an integer from 0 to {MAX_COUNT}")
    return int(text)


def _boolean(raw: msgspec.Raw, name: str) -> bool:
    if raw == _TRUE:
        return True
    if raw == _FALSE:
        return False
    raise BadRequestError(f"field '{name}' must be true or false")


def _check_number(text: bytes) -> None:
    try:
        value = msgspec.json.decode(text) if len(text) <= 64 else None
    except _BAD_JSON:
        value = None
    if type(value) is int and -(2**63) <= value < 2**64:
        return
    if type(value) is not float:
        raise BadRequestError("the request has a number out of range")


def _check_depth(body: bytes) -> None:
    """Refuse deep nesting before any recursive parser sees it, here or in the engine."""
    if body.count(b"[") + body.count(b"{") <= MAX_DEPTH:
        return
    if body.count(b'"') > MAX_QUOTES:
        raise BadRequestError("the request has too many strings")
    brackets = _STRING.sub(b"", body).translate(None, _NOT_BRACKETS)
    if len(brackets) > 2 * MAX_CONTAINERS:
        raise BadRequestError(f"the request has more than {MAX_CONTAINERS} objects and arrays")
    if max(accumulate(map(_DEPTH_CHANGE.__getitem__, brackets)), default=0) > MAX_DEPTH:
        raise BadRequestError(f"the request is nested deeper than {MAX_DEPTH} levels")
