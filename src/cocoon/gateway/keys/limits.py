"""What a key, or an end user of a key, may use."""

import msgspec

MAX_NANO = 2**63 - 1
MAX_RATE = 2**40


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Limits; None is "as the default says", and no limit where there is no default.

    Attributes:
        day, month, total: nanoTON that may be spent in a UTC day, a UTC month, and ever.
        requests, tokens: in a minute.
        concurrency: requests at a time.
    """

    day: int | None = None
    month: int | None = None
    total: int | None = None
    requests: int | None = None
    tokens: int | None = None
    concurrency: int | None = None

    def over(self, default: "Limits") -> "Limits":
        """These limits, with ``default`` where there is none."""
        return Limits(
            *(
                theirs if ours is None else ours
                for ours, theirs in zip(
                    msgspec.structs.astuple(self), msgspec.structs.astuple(default), strict=True
                )
            )
        )

    @property
    def any(self) -> bool:
        """Whether something is limited."""
        return any(value is not None for value in msgspec.structs.astuple(self))

    @property
    def any_budget(self) -> bool:
        """Whether money is limited."""
        return not (self.day is None and self.month is None and self.total is None)


NO_LIMITS = Limits()
