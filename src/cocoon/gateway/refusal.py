"""Failures of a call in the shape that OpenAI's packages understand."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from cocoon import errors
from cocoon.errors import BadRequestError, CocoonError
from cocoon.gateway.answers.worker_refusal import param_and_code

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
        fix: what the caller can do, where the text does not say it.
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
        fix: str = "",
    ) -> None:
        super().__init__(message)
        self.fix = fix
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


_SOON = "try again in a moment"
_NOT_CHARGED_TWICE = "what ran until then may be charged; ask again with a longer 'timeout'"


@dataclass(frozen=True, slots=True)
class _Form:
    """How one class of errors is told.

    Attributes:
        kind: OpenAI's ``type``.
        code: OpenAI's ``code``.
        text: a fixed text where the error's own is not for callers.
        before: what its own text needs in front to be understood alone.
        fix: what a caller can do.
        param: the field that decides.
        status: HTTP status, where it is not the class's own.
        free: it is only raised while nothing can have been charged.
    """

    kind: str
    code: str | None = None
    text: str = ""
    before: str = ""
    fix: str = ""
    param: str | None = None
    status: int | None = None
    free: bool = False


_FORMS: dict[type[BaseException], _Form] = {
    errors.BadRequestError: _Form("invalid_request_error"),
    errors.UnknownModelError: _Form(
        "invalid_request_error",
        "model_not_found",
        param="model",
        fix="GET /v1/models lists the models that are served now",
        free=True,
    ),
    errors.UnsupportedError: _Form(
        "invalid_request_error",
        "unsupported_by_workers",
        fix="GET /v1/models tells the features of each model's workers",
        free=True,
    ),
    errors.PriceError: _Form(
        "invalid_request_error",
        "price_too_high",
        param="max_coefficient",
        before="no worker within 'max_coefficient' is free now: another ",
        fix="raise 'max_coefficient', or ask again when cheaper workers are free",
        free=True,
    ),
    # As OpenAI tells of an account without money; the caller's request is not to blame.
    errors.InsufficientFundsError: _Form(
        "insufficient_quota",
        "insufficient_quota",
        fix="whoever runs the gateway must deposit more; or lower max_tokens and max_coefficient",
        status=429,
        free=True,
    ),
    errors.PaymentError: _Form(
        "server_error",
        "payment_error",
        fix="ask again: another proxy may be chosen",
        status=502,
    ),
    errors.OverloadedError: _Form("server_error", "overloaded", fix=_SOON),
    errors.UnavailableError: _Form("server_error", "unavailable", fix=_SOON),
    errors.DeadlineError: _Form("timeout", "timeout", fix=_NOT_CHARGED_TWICE),
    errors.CancelledRequestError: _Form("server_error", "cancelled", fix=_SOON),
    errors.UpstreamError: _Form("server_error", "upstream_error", fix=_SOON),
    errors.EngineError: _Form("server_error", "engine_error", fix=_SOON),
    errors.AttestationError: _Form(
        "server_error", "attestation_failed", fix="pin less, or wait for another proxy"
    ),
    errors.PolicyError: _Form(
        "server_error",
        "attestation_failed",
        fix="pin less, or wait for another proxy",
        free=True,
    ),
    errors.RemoteProtocolError: _Form(
        "server_error",
        "protocol_error",
        "a peer in the network broke the protocol",
        fix=_SOON,
    ),
}
_UNKNOWN = _Form(
    "server_error",
    "internal_error",
    "the gateway failed to handle the request",
    fix="tell whoever runs the gateway the request id",
)
_REFUSED = _Form("invalid_request_error", free=True)
_CHARGED = "charged_nanoton"
_REQUEST = "gateway_request_id"


def _form(error: BaseException) -> _Form:
    if isinstance(error, Refusal):
        return _REFUSED
    return next((_FORMS[cls] for cls in type(error).__mro__ if cls in _FORMS), _UNKNOWN)


def note_charge(error: BaseException, nanoton: int | None) -> None:
    """Let an error say what the failed request cost; None while nobody knows."""
    if nanoton is not None or not _form(error).free:
        setattr(error, _CHARGED, nanoton)


def note_request(error: BaseException, request_id: str) -> None:
    """Let an error say which request it ended."""
    setattr(error, _REQUEST, request_id)


def error_object(error: BaseException) -> dict[str, str | None]:
    """OpenAI's ``error`` member for ``error``: ``message``, ``type``, ``param``, ``code``.

    Only errors that are meant for callers show their own text; anything else becomes a fixed one,
    so that no stack trace, path or content can appear.
    """
    if isinstance(error, Refusal):
        return _shape(str(error), error.kind, error.param, error.code)
    form = _form(error)
    param, code = form.param, form.code
    if isinstance(error, BadRequestError):
        param, code = param_and_code(str(error))
    return _shape(form.text or form.before + str(error), form.kind, param, code)


def cocoon_object(error: BaseException, request_id: str = "") -> dict[str, object]:
    """The ``cocoon`` member of an ``error`` object.

    Members: ``request_id`` where it is known; ``retryable``, whether the same request may succeed
    later; ``charged_nanoton``, null while nobody knows; ``fix``, what to do, or null.
    """
    form = _form(error)
    charged = getattr(error, _CHARGED, 0 if form.free else None)
    fix = getattr(error, "fix", "") or form.fix
    request_id = request_id or getattr(error, _REQUEST, "")
    return _cocoon(request_id, charged, _printable(fix) or None, retryable=is_retryable(error))


def error_answer(error: BaseException, request_id: str = "") -> ErrorAnswer:
    """Status, body and headers that tell a caller about ``error``."""
    status = http_status(error)
    retryable = is_retryable(error)
    # The packages repeat by themselves what says "true": never what was, or may be, paid for.
    again = retryable and getattr(error, _CHARGED, 0) == 0
    headers: list[Header] = [(b"x-should-retry", b"true" if again else b"false")]
    if isinstance(error, Refusal):
        headers.extend(error.headers)
    elif status in (502, 503) and retryable:
        headers.append((b"retry-after", RETRY_AFTER))
    return ErrorAnswer(status, _whole(error, request_id), tuple(headers))


def error_event(error: BaseException, request_id: str = "") -> bytes:
    """The last event of a stream that broke off."""
    return b"data: " + _whole(error, request_id) + b"\n\n"


def error_json(
    message: str,
    kind: str,
    param: str | None,
    code: str | None,
    *,
    retryable: bool,
    charged: int | None,
    fix: str | None = None,
) -> bytes:
    """A whole error body that somebody else wrote the parts of; texts are cut and cleaned."""
    parts = [None if text is None else _printable(text) for text in (param, code)]
    shape = _shape(message, _printable(kind), parts[0], parts[1])
    cocoon = _cocoon("", charged, fix, retryable=retryable)
    return _encoder.encode({"error": {**shape, "cocoon": cocoon}})


def http_status(error: BaseException) -> int:
    """HTTP status for ``error``; 500 for whatever is not ours."""
    if isinstance(error, Refusal):
        return error.status
    if not isinstance(error, CocoonError):
        return 500
    return _form(error).status or error.http_status


def is_retryable(error: BaseException) -> bool:
    """Whether the same request may succeed later."""
    if isinstance(error, Refusal):
        return error.status in (429, 503) and error.code != "insufficient_quota"
    return isinstance(error, CocoonError) and error.retryable


def _whole(error: BaseException, request_id: str) -> bytes:
    member = {**error_object(error), "cocoon": cocoon_object(error, request_id)}
    return _encoder.encode({"error": member})


def _cocoon(
    request_id: str, charged: int | None, fix: str | None, *, retryable: bool
) -> dict[str, object]:
    told: dict[str, object] = {"request_id": request_id} if request_id else {}
    return told | {"retryable": retryable, "charged_nanoton": charged, "fix": fix}


def _shape(message: str, kind: str, param: str | None, code: str | None) -> dict[str, str | None]:
    return {"message": _printable(message), "type": kind, "param": param, "code": code}


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text[:MAX_MESSAGE])
