"""One client's or worker's account at a proxy, and the reservations on it."""

from dataclasses import dataclass
from enum import Enum

from cocoon.accounting.amount import NO_NANO, NO_TOKENS, Nano, Tokens
from cocoon.accounting.levels import Counter
from cocoon.errors import LocalProtocolError

UNPRICED_TOKENS = 10**12
"""What a balance is worth in tokens when the price is zero (``wire-protocol.md`` §6.3)."""


class AccountKind(Enum):
    """Who the account belongs to."""

    CLIENT = "client"
    WORKER = "worker"


@dataclass(frozen=True, slots=True)
class Funds:
    """What a client's contract holds, as last seen on chain.

    Args:
        balance: prepaid and not yet charged.
        stake: the floor for withdrawals; also caps uncharged usage.
        charged: tokens already charged on chain, cumulative.
    """

    balance: Nano = NO_NANO
    stake: Nano = NO_NANO
    charged: Tokens = NO_TOKENS


def tokens_available(funds: Funds, reserved: int, used: int, price_per_token: Nano) -> int:
    """Tokens that a client may still reserve; negative when it has overspent.

    ``min(balance/price, stake/price) + charged - reserved - used``, divisions rounded down
    (``wire-protocol.md`` §6.3, ``onchain.md`` §13).

    Args:
        funds: the contract's state.
        reserved: tokens set aside for running requests.
        used: cumulative tokens used, the ``max`` level.
        price_per_token: zero gives ``UNPRICED_TOKENS`` in place of both quotients.
    """
    price = int(price_per_token)
    backing = min(int(funds.balance), int(funds.stake))
    backed = backing // price if price else UNPRICED_TOKENS
    return backed + int(funds.charged) - int(reserved) - int(used)


class Account:
    """Counter, funds and open reservations of one owner.

    Args:
        kind: client or worker; a worker has no funds.
        owner: the key of the account.
        counter: tokens used (client) or earned (worker).
    """

    __slots__ = ("counter", "funds", "kind", "owner", "reserved", "running")

    def __init__(self, kind: AccountKind, owner: str, counter: Counter) -> None:
        self.kind = kind
        self.owner = owner
        self.counter = counter
        self.funds = Funds()
        self.reserved = Tokens(0)
        self.running = 0

    def tokens_available(self, price_per_token: Nano) -> int:
        """Tokens that may still be reserved; see :func:`tokens_available`."""
        return tokens_available(self.funds, self.reserved, self.counter.max, price_per_token)

    def hold(self, tokens: Tokens) -> "Reservation":
        """Set tokens aside without asking for funds; :meth:`Ledger.reserve` asks first."""
        self.reserved = self.reserved + tokens
        self.running += 1
        return Reservation(self, tokens)


class Reservation:
    """Tokens set aside for one running request, to be settled or released exactly once."""

    __slots__ = ("_open", "account", "tokens")

    def __init__(self, account: Account, tokens: Tokens) -> None:
        self.account = account
        self.tokens = tokens
        self._open = True

    @property
    def is_open(self) -> bool:
        """Whether it still waits for its end."""
        return self._open

    def check_open(self) -> None:
        """Refuse a second end.

        Raises:
            LocalProtocolError: it was closed before.
        """
        if not self._open:
            raise LocalProtocolError("reservation was settled or released before")

    def close(self) -> None:
        """Give the tokens back to the account; the ledger's part of ending a request.

        Raises:
            LocalProtocolError: it was closed before.
        """
        self.check_open()
        self._open = False
        self.account.reserved = self.account.reserved - self.tokens
        self.account.running -= 1


@dataclass(frozen=True, slots=True)
class Settlement:
    """How a request was charged.

    Args:
        charged: tokens added to the client's and the worker's counter.
        reported: tokens that the worker asked for.
    """

    charged: Tokens
    reported: Tokens

    @property
    def was_capped(self) -> bool:
        """Whether the worker reported more than the client had agreed to."""
        return self.reported > self.charged
