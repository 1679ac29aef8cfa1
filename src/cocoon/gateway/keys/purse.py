"""What a process holds of one budget, in memory: a lease, and what requests do with it."""

from cocoon.gateway.keys.leases import Booking, BudgetName, Grant, Want

KNOWN_SECONDS = 0.25
"""How long what the store said of a budget answers for it; a refusal then asks no database."""
_LOW_PART = 4


class Purse:
    """One budget of one account in one period. Amounts are plain nanoTON.

    Attributes:
        name: account and period.
        budget: ``day``, ``month`` or ``total``.
        ends_at: Unix seconds at which the period ends, or None.
        cap: of the budget; None: spending is only counted.
        held: our lease in the store.
        unflushed: spent, and not yet in the store.
        returning: given up, and not yet in the store.
        reserved: promised to requests that run.
        spent: of the whole budget, as the store last told.
        free: what nobody had leased then.
        known_until: until when that may be relied on to refuse.
        low: with less room than this more is leased ahead.
        wanted: what requests wait for.
        touched: used since the last sweep.
        dirty: has something for the next batch.
    """

    __slots__ = (
        "budget",
        "cap",
        "dirty",
        "ends_at",
        "free",
        "held",
        "known_until",
        "low",
        "name",
        "reserved",
        "returning",
        "spent",
        "touched",
        "unflushed",
        "wanted",
    )

    def __init__(self, name: BudgetName, budget: str, ends_at: int | None) -> None:
        self.name = name
        self.budget = budget
        self.ends_at = ends_at
        self.cap: int | None = None
        self.held = self.unflushed = self.returning = self.reserved = 0
        self.spent = self.free = self.low = self.wanted = 0
        self.known_until = 0.0
        self.touched = self.dirty = False

    def room(self) -> int:
        """What may still be promised; negative after a request cost more than was reserved."""
        return self.held - self.unflushed - self.returning - self.reserved

    def lacks(self, amount: int) -> bool:
        """Whether ``amount`` cannot be promised now."""
        return self.cap is not None and self.room() < amount

    def is_refused(self, amount: int, now: float) -> bool:
        """Whether what we know of the store says that leasing more is no use."""
        # What we are giving back will be free in a moment.
        return now < self.known_until and self.room() + self.returning + self.free < amount

    def left(self) -> int:
        """What was not spent when the store last told, less what we spent since."""
        return max(0, (self.cap or 0) - self.spent - self.unflushed)

    def want(self) -> Want | None:
        """What to ask the store for, if anything."""
        if self.cap is None:
            return None
        need = max(0, self.wanted - self.room())
        return Want(self.name, self.ends_at, self.cap, need)

    def take(self, grant: Grant, now: float) -> None:
        """The store has answered."""
        self.held = grant.held
        self.free = grant.free
        self.spent = grant.spent
        self.low = grant.chunk // _LOW_PART
        self.known_until = now + KNOWN_SECONDS

    def return_spare(self) -> bool:
        """Give up what is not promised; whether there was any."""
        spare = self.room()
        if spare <= 0:
            return False
        self.returning += spare
        return True

    def booking(self) -> Booking:
        """What the next batch writes."""
        taken = min(self.held, self.unflushed + self.returning)
        return Booking(self.ends_at, self.unflushed, taken)

    def booked(self, booking: Booking, returned: int) -> None:
        """A batch is in the store.

        Args:
            booking: what it wrote.
            returned: how much of ``returning`` was in it.
        """
        self.held -= booking.taken
        self.unflushed -= booking.spent
        self.returning -= returned
        if returned:
            self.known_until = 0.0  # what is free is more than we knew

    def lose_lease(self) -> None:
        """Somebody reconciled it."""
        self.held = self.returning = 0
        self.known_until = 0.0

    def is_idle(self) -> bool:
        """Whether nothing would be lost without it."""
        return not (self.held or self.unflushed or self.reserved or self.wanted)
