"""The three levels of a token counter: used, stored, confirmed (``onchain.md`` §12).

``max`` is what has been used, in memory. ``db`` survives a crash of the proxy. ``chain`` also
survives the loss of its database, because the commit that covers it was seen on chain; payments are
signed up to this level and no further. Always ``max ≥ db ≥ chain``, and none ever goes down.
"""

from dataclasses import dataclass

from cocoon.accounting.amount import NO_TOKENS, Tokens
from cocoon.errors import PaymentError


@dataclass(frozen=True, slots=True)
class Levels:
    """One reading of a counter, for a handshake, a payment status or the books.

    Raises:
        PaymentError: the levels are not in order.
    """

    max: Tokens = NO_TOKENS
    db: Tokens = NO_TOKENS
    chain: Tokens = NO_TOKENS

    def __post_init__(self) -> None:
        if not self.chain <= self.db <= self.max:
            raise PaymentError(f"levels out of order: {self}")


class Counter:
    """A cumulative token counter with its three levels."""

    __slots__ = ("chain", "db", "max")

    def __init__(self, levels: Levels | None = None) -> None:
        start = levels or Levels()
        self.max = start.max
        self.db = start.db
        self.chain = start.chain

    @property
    def levels(self) -> Levels:
        """The current reading."""
        return Levels(self.max, self.db, self.chain)

    @property
    def all_signable(self) -> bool:
        """Whether everything used so far may be signed."""
        return self.chain == self.max

    def use(self, tokens: Tokens) -> None:
        """Count usage.

        Raises:
            PaymentError: the counter would leave the range of an amount; nothing is changed.
        """
        self.max = self.max + tokens

    def stored(self, level: Tokens) -> None:
        """The store holds ``level``; an older confirmation arriving late changes nothing.

        Raises:
            PaymentError: more than was used.
        """
        if level > self.max:
            raise PaymentError(f"stored level {level} is above the used level {self.max}")
        self.db = max(self.db, level)

    def confirmed(self, level: Tokens) -> None:
        """A commit that covers ``level`` was seen on chain; late ones change nothing.

        Raises:
            PaymentError: more than the store holds.
        """
        if level > self.db:
            raise PaymentError(f"confirmed level {level} is above the stored level {self.db}")
        self.chain = max(self.chain, level)
