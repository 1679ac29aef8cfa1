"""What the ``openai`` package raises, as our errors."""

from collections.abc import Mapping
from typing import Any

import openai

from cocoon.errors import (
    BadRequestError,
    CocoonError,
    DeadlineError,
    OverloadedError,
    PriceError,
    RequestError,
    UnavailableError,
    UnknownModelError,
    UnsupportedError,
    UpstreamError,
)

# Words of the gateway's error objects (docs/reference/http-api.md) that say more than the status.
_BY_CODE: dict[str, type[RequestError]] = {
    "model_not_found": UnknownModelError,
    "unsupported_by_workers": UnsupportedError,
    "price_too_high": PriceError,
    "max_cost_exceeded": PriceError,
    "overloaded": OverloadedError,
    "unavailable": UnavailableError,
}
_BY_STATUS: dict[int, type[RequestError]] = {
    400: BadRequestError,
    401: UnavailableError,
    402: PriceError,
    403: UnavailableError,
    404: UnknownModelError,
    408: DeadlineError,
    413: BadRequestError,
    422: BadRequestError,
    429: OverloadedError,
    503: UnavailableError,
    504: DeadlineError,
}
_TEXTS: dict[type[RequestError], str] = {
    BadRequestError: "the network does not take this conversation; it may be too long",
    DeadlineError: "the answer did not come in time",
    OverloadedError: "every worker is busy; try again in a moment",
    PriceError: "only dearer workers could answer; choose a higher price class",
    UnavailableError: "the network cannot answer now; try again in a moment",
    UnknownModelError: "nobody serves this model now",
    UnsupportedError: "no worker of this model can do that",
    UpstreamError: "the answer broke off",
}


def network_error(error: Exception) -> CocoonError:
    """The class that a caller can act on; its text quotes nothing of the answer."""
    if isinstance(error, CocoonError):
        return error
    kind = _kind(error)
    return kind(_TEXTS[kind])


def _kind(error: Exception) -> type[RequestError]:
    if isinstance(error, openai.APITimeoutError):
        return DeadlineError
    if isinstance(error, openai.APIConnectionError):
        return UnavailableError
    found = _BY_CODE.get(_code(error))
    if found is not None:
        return found
    if isinstance(error, openai.APIStatusError):
        return _BY_STATUS.get(error.status_code, UpstreamError)
    return UpstreamError


def _code(error: Exception) -> str:
    code = getattr(error, "code", None)
    body: Any = getattr(error, "body", None)
    if code is None and isinstance(body, Mapping):
        code = body.get("code")
    return code if isinstance(code, str) else ""
