"""What went wrong, as a key of our texts and the buttons that help."""

from dataclasses import dataclass
from typing import Literal

from cocoon.errors import (
    BadRequestError,
    BlockedError,
    CocoonError,
    DeadlineError,
    InsufficientFundsError,
    OverloadedError,
    PriceError,
    StoreError,
    UnavailableError,
    UnknownModelError,
    UnsupportedError,
    UpstreamError,
)

Help = Literal["again", "topup", "model", "price", "new"]


@dataclass(frozen=True, slots=True)
class Failure:
    """What people are told.

    Attributes:
        code: stable; ``errors.CODE`` is the text, and operators see how often it was.
        helps: buttons below it.
    """

    code: str
    helps: tuple[Help, ...] = ()


UNEXPECTED = Failure("unexpected", ("again",))
_FAILURES: tuple[tuple[type[CocoonError], Failure], ...] = (
    (InsufficientFundsError, Failure("insufficient_funds", ("topup",))),
    (BlockedError, Failure("blocked")),
    (UnknownModelError, Failure("model_not_found", ("model",))),
    (UnsupportedError, Failure("unsupported", ("model",))),
    (PriceError, Failure("price", ("price", "again"))),
    (OverloadedError, Failure("busy", ("again",))),
    (UnavailableError, Failure("unavailable", ("again",))),
    (DeadlineError, Failure("deadline", ("again",))),
    (BadRequestError, Failure("invalid", ("new",))),
    (UpstreamError, Failure("broke_off", ("again",))),
    (StoreError, Failure("store", ("again",))),
)


def failure_of(error: BaseException) -> Failure:
    """What to say about an error; its own text is never shown."""
    return next((failure for kind, failure in _FAILURES if isinstance(error, kind)), UNEXPECTED)


CODES = (*(failure.code for _, failure in _FAILURES), UNEXPECTED.code)
