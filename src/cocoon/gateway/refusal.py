"""Failures of a call in the shape that OpenAI's packages understand."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from cocoon import errors
from cocoon.errors import BadRequestError, CocoonError

MAX_MESSAGE = 500
"""Longest text of an error, in characters; a peer may have written it."""
RETRY_AFTER = b"1"
"""Seconds after which a caller may try again when nobody could take its request."""

Header = tuple[bytes, bytes]

_encoder = msgspec.json.Encoder()


class Refusal(BadRequestError):  # noqa: N818 - an answer more than a failure
    """The gateway itself refuses a call.

    Attributes:
        status: HTTP status of the answer.
        kind: OpenAI's ``type``.
        code: OpenAI's ``code``, a stable word for programs, or None.
        param: the field that is wrong, or None.
        headers: extra response headers.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        kind: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        headers: Sequence[Header] = (),
    ) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind
        self.code = code
        self.param = param
        self.headers = headers


@dataclass(frozen=True, slots=True)
class ErrorAnswer:
    """A failure, ready to be sent."""

    status: int
    body: bytes
    headers: tuple[Header, ...]


_INTERNAL = ("server_error", "internal_error", "the gateway failed to handle the request")

# class: OpenAI's type, its code, and a fixed text where the error's own is not for callers
_SHAPES: dict[type[BaseException], tuple[str, str | None, str | None]] = {
    errors.BadRequestError: ("invalid_request_error", None, None),
    errors.UnknownModelError: ("invalid_request_error", "model_not_found", None),
    errors.InsufficientFundsError: ("insufficient_quota", "insufficient_quota", None),
    errors.PaymentError: ("payment_error", "payment_error", None),
    errors.OverloadedError: ("server_error", "overloaded", None),
    errors.UnavailableError: ("server_error", "unavailable", None),
    errors.DeadlineError: ("timeout", "timeout", None),
    errors.CancelledRequestError: ("server_error", "cancelled", None),
    errors.UpstreamError: ("server_error", "upstream_error", None),
    errors.EngineError: ("server_error", "engine_error", None),
    errors.AttestationError: ("server_error", "attestation_failed", None),
    errors.RemoteProtocolError: (
        "server_error",
        "protocol_error",
        "a peer in the network broke the protocol",
    ),
}


def error_object(error: BaseException) -> dict[str, str | None]:
    """OpenAI's ``error`` member for ``error``.

    Only errors that are meant for callers show their own text; anything else becomes a fixed one,
    so that no stack trace, path or content can appear.
    """
    if isinstance(error, Refusal):
        return _shape(str(error), error.kind, error.param, error.code)
    for cls in type(error).__mro__:
        if cls in _SHAPES:
            kind, code, fixed = _SHAPES[cls]
            return _shape(fixed or str(error), kind, None, code)
    kind, code, message = _INTERNAL
    return _shape(message, kind, None, code)


def error_answer(error: BaseException) -> ErrorAnswer:
    """Status, body and headers that tell a caller about ``error``."""
    status = http_status(error)
    headers: list[Header] = [(b"x-should-retry", b"true" if _retryable(error) else b"false")]
    if isinstance(error, Refusal):
        headers.extend(error.headers)
    elif status in (502, 503) and _retryable(error):
        headers.append((b"retry-after", RETRY_AFTER))
    return ErrorAnswer(status, _encoder.encode({"error": error_object(error)}), tuple(headers))


def error_event(error: BaseException) -> bytes:
    """The last event of a stream that broke off."""
    return b"data: " + _encoder.encode({"error": error_object(error)}) + b"\n\n"


def http_status(error: BaseException) -> int:
    """HTTP status for ``error``; 500 for whatever is not ours."""
    if isinstance(error, Refusal):
        return error.status
    return error.http_status if isinstance(error, CocoonError) else 500


def _retryable(error: BaseException) -> bool:
    if isinstance(error, Refusal):
        return error.status in (429, 503)
    return isinstance(error, CocoonError) and error.retryable


def _shape(message: str, kind: str, param: str | None, code: str | None) -> dict[str, str | None]:
    printable = "".join(c if c.isprintable() else " " for c in message[:MAX_MESSAGE])
    return {"message": printable, "type": kind, "param": param, "code": code}
