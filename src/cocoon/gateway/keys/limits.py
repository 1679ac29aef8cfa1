"""What a key, or an end user of a key, may use."""

from typing import Annotated

import msgspec

MAX_AMOUNT = 2**63 - 1
MAX_RATE = 2**40

_Amount = Annotated[int, msgspec.Meta(ge=0, le=MAX_AMOUNT)] | None
_Rate = Annotated[int, msgspec.Meta(ge=0, le=MAX_RATE)] | None

_NAMES = {
    "day": "day_nanoton",
    "month": "month_nanoton",
    "total": "total_nanoton",
    "requests": "requests_per_minute",
    "tokens": "tokens_per_minute",
}


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename=_NAMES):
    """Limits; None is "as the default says", and no limit where there is no default.

    Attributes:
        day, month, total: nanoTON that may be spent in a UTC day, a UTC month, and ever.
        requests, tokens: in a minute.
        concurrency: requests at a time.
    """

    day: _Amount = None
    month: _Amount = None
    total: _Amount = None
    requests: _Rate = None
    tokens: _Rate = None
    concurrency: _Rate = None

    def over(self, default: "Limits") -> "Limits":
        """These limits, with ``default`` where there is none."""
        pairs = zip(msgspec.structs.astuple(self), msgspec.structs.astuple(default), strict=True)
        return Limits(*(theirs if ours is None else ours for ours, theirs in pairs))


NO_LIMITS = Limits()
