"""What the API answers when something fails: one stable code for each kind."""

import math
from dataclasses import dataclass

import msgspec

from cocoon import errors
from cocoon.errors import RequestError
from cocoon.gateway.refusal import Refusal
from cocoon.telegram.web.shapes import ErrorAnswer, ErrorBody

MAX_MESSAGE = 300
"""Characters of a message."""

_encoder = msgspec.json.Encoder()


class ApiError(RequestError):
    """The API itself refuses a call.

    Args:
        code: stable word, as the table in ``docs/reference/telegram-app-api.md`` has it.
        text: what to tell; never content.
        status: HTTP status.
        action: what the app can do.
        retry_after: seconds, where waiting helps.
    """

    def __init__(
        self,
        code: str,
        text: str,
        *,
        status: int = 400,
        action: str | None = "change",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(text)
        self.code = code
        self.status = status
        self.action = action
        self.retry_after = retry_after


def invalid(text: str) -> ApiError:
    """400: the same call again changes nothing."""
    return ApiError("invalid", text)


def not_found() -> ApiError:
    """404: it is not there, or somebody else's."""
    return ApiError("not_found", "there is nothing here", status=404, action=None)


def too_large(text: str) -> ApiError:
    """413."""
    return ApiError("too_large", text, status=413)


def wait(code: str, text: str, seconds: float = 1.0) -> ApiError:
    """429: the same call may be taken after a while."""
    return ApiError(code, text, status=429, action="wait", retry_after=seconds)


@dataclass(frozen=True, slots=True)
class _Form:
    """How one class of errors is told; without a ``text`` in its own words."""

    code: str
    status: int
    action: str | None = None
    text: str = ""


_FORMS: dict[type[BaseException], _Form] = {
    errors.InsufficientFundsError: _Form("insufficient_funds", 402, "topup"),
    errors.BlockedError: _Form("blocked", 403, None, "the operator does not serve this account"),
    errors.UnknownModelError: _Form("model_not_found", 404, "change"),
    errors.UnsupportedError: _Form("unsupported", 400, "change"),
    errors.PriceError: _Form("price_too_high", 402, "change"),
    errors.BadRequestError: _Form("invalid", 400, "change"),
    errors.OverloadedError: _Form("unavailable", 503, "retry"),
    errors.UnavailableError: _Form("unavailable", 502, "retry"),
    errors.DeadlineError: _Form("timeout", 504, "retry"),
    errors.CancelledRequestError: _Form("unavailable", 502, "retry"),
    errors.UpstreamError: _Form("unavailable", 502, "retry"),
    errors.EngineError: _Form("unavailable", 502, "retry"),
    errors.AttestationError: _Form(
        "unavailable", 502, "retry", "nobody who can be verified is there now"
    ),
    errors.ChainError: _Form("unavailable", 502, "retry", "the chain cannot be asked now"),
    errors.PaymentError: _Form("unavailable", 502, "retry", "the network cannot be paid now"),
    errors.ProtocolError: _Form("unavailable", 502, "retry", "the network broke the protocol"),
    errors.StoreError: _Form("unavailable", 503, "retry", "the service cannot write now"),
}
_UNKNOWN = _Form("internal", 500, "retry", "this service has failed; try again")
_LOGIN: dict[str, _Form] = {
    "missing": _Form("login_required", 401, "login"),
    "expired": _Form("login_expired", 401, "login"),
    "aged": _Form("init_data_expired", 401, "reopen"),
}
_NO_SESSION = _Form("login_required", 401, "login")
_NO_LOGIN = _Form("init_data_refused", 401, "reopen")


@dataclass(frozen=True, slots=True)
class Failure:
    """A failure, ready to be sent."""

    status: int
    body: ErrorBody

    @property
    def json(self) -> bytes:
        """The answer's body."""
        return _encoder.encode(ErrorAnswer(error=self.body))

    @property
    def event(self) -> bytes:
        """The last event of a stream."""
        return b"event: error\ndata: " + _encoder.encode(self.body) + b"\n\n"


def failure(error: BaseException, *, logging_in: bool = False) -> Failure:
    """What a caller is told.

    Args:
        error: anything; what is not ours becomes ``internal`` and keeps its text to itself.
        logging_in: whether initData was refused, rather than a session.
    """
    if isinstance(error, ApiError):
        body = ErrorBody(
            code=error.code,
            message=_printable(str(error)),
            action=error.action,
            retry_after=None if error.retry_after is None else math.ceil(error.retry_after),
        )
        return Failure(error.status, body)
    form = _form(error, logging_in=logging_in)
    missing = getattr(error, "missing", 0) if form.code == "insufficient_funds" else 0
    body = ErrorBody(
        code=form.code,
        message=_printable(form.text or str(error)),
        action=form.action,
        missing_nano=int(missing) or None,
    )
    return Failure(form.status, body)


def _form(error: BaseException, *, logging_in: bool) -> _Form:
    if isinstance(error, Refusal):
        return _of_refusal(error)
    if isinstance(error, errors.LoginError):
        return _LOGIN.get(error.reason, _NO_LOGIN if logging_in else _NO_SESSION)
    return next((_FORMS[cls] for cls in type(error).__mro__ if cls in _FORMS), _UNKNOWN)


def _of_refusal(error: Refusal) -> _Form:
    """What reading a body refuses."""
    if error.status == 413:
        return _Form("too_large", 413, "change")
    if error.status == 429:
        return _Form("busy", 429, "wait")
    return _Form("invalid", error.status, "change")


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text[:MAX_MESSAGE])
