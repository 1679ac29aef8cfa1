"""Failures in the form that Anthropic's packages understand."""

import msgspec

from cocoon.client.api import RequestSummary
from cocoon.errors import OverloadedError
from cocoon.gateway.answers.chat_stream import read_failure
from cocoon.gateway.refusal import (
    MAX_MESSAGE,
    ErrorAnswer,
    Header,
    cocoon_object,
    error_answer,
    error_object,
)

OVERLOADED = 529
"""Anthropic's status for "try again later"; its packages have a class for it."""

_TYPES = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    OVERLOADED: "overloaded_error",
}
_NO_CREDIT = "insufficient_quota"

_encoder = msgspec.json.Encoder()


class AnthropicDialect:
    """Anthropic's form of errors, with its header ``request-id``."""

    def answer(self, error: BaseException, request_id: str) -> ErrorAnswer:
        """Status, body and headers that tell of ``error``."""
        plain = error_answer(error, request_id)
        told = _object(error, plain.status, request_id)
        body = _encoder.encode({"type": "error", "error": told.members, "request_id": request_id})
        return ErrorAnswer(told.status, body, plain.headers)

    def headers(self, request_id: str) -> tuple[Header, ...]:
        """``request-id``, which Anthropic's packages show as ``_request_id``."""
        return ((b"request-id", request_id.encode()),)


ANTHROPIC = AnthropicDialect()


def error_event(error: BaseException) -> bytes:
    """The last event of a stream that broke off."""
    told = _object(error, error_answer(error).status)
    body = _encoder.encode({"type": "error", "error": told.members})
    return b"event: error\ndata: " + body + b"\n\n"


def engine_error(status: int, body: bytes, summary: RequestSummary | None = None) -> bytes:
    """An engine's error answer in Anthropic's form; the text is the engine's.

    Args:
        status: that the caller gets, 400 to 599.
        body: of the engine, in OpenAI's form or in none.
        summary: what the failed request cost, where that is known.
    """
    try:
        members = _decode(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        members = _Body()
    failure = read_failure(bytes(members.error) or body)
    message = _printable(failure.message) or f"the engine answered with HTTP status {status}"
    told: dict[str, object] = {"type": error_type(status), "message": message}
    if summary is not None:
        told["cocoon"] = {"charged_nanoton": int(summary.cost)}
    return _encoder.encode({"type": "error", "error": told})


def error_type(status: int) -> str:
    """Anthropic's ``type`` for an HTTP status."""
    return _TYPES.get(status) or ("invalid_request_error" if status < 500 else "api_error")


class _Body(msgspec.Struct):
    error: msgspec.Raw = msgspec.Raw()


_decode = msgspec.json.Decoder(_Body).decode


class _Told(msgspec.Struct):
    status: int
    members: dict[str, object]


def _object(error: BaseException, status: int, request_id: str = "") -> _Told:
    """The ``error`` member, and the status where Anthropic's differs from OpenAI's."""
    told = error_object(error)
    if isinstance(error, OverloadedError):
        status = OVERLOADED
    elif told["code"] == _NO_CREDIT:
        # OpenAI answers 429 to an empty purse; for Anthropic's packages that would mean "later".
        status = 402
    members: dict[str, object] = {"type": error_type(status), "message": told["message"]}
    details = {
        name: told[member]
        for name, member in (("error_code", "code"), ("param", "param"))
        if told[member] is not None
    }
    if details:
        members["details"] = details
    members["cocoon"] = cocoon_object(error, request_id)
    return _Told(status, members)


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text[:MAX_MESSAGE])
