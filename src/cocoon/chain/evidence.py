"""What can be checked of a server's claims without trusting it: order, hashes, age and network."""

from collections import OrderedDict
from collections.abc import Callable, Sequence

from cocoon.chain.address import Address
from cocoon.chain.backend import Head, TransactionRef
from cocoon.chain.transaction import Transaction
from cocoon.errors import ChainDataError, ChainError, ConfigError

MAX_BEHIND = 32
"""Blocks that one of several servers behind one address may lag."""
MAX_AHEAD_SECONDS = 60
"""A block of a still later time: this machine's clock is wrong, or the server lies."""
DEFAULT_MAX_AGE = 120.0
"""Seconds; the public networks make a block every few."""
MAX_WATCHED = 4096

MAINNET_ZERO_STATE = bytes.fromhex(
    "17a3a92992aabea785a7a090985a265cd31f323d849da51239737e321fb05569"
)
TESTNET_ZERO_STATE = bytes.fromhex(
    "823f81f306ff02694f935cf5021548e3ce2b86b529812af6a12148879e95a128"
)
"""Root hashes of the states that the two public networks started from, as every node's global
configuration file has them."""
MAINNET_ID = -239
TESTNET_ID = -3
"""Network numbers in block headers of the two public networks."""

_ZERO_STATES = {MAINNET_ZERO_STATE: False, TESTNET_ZERO_STATE: True}
_IDS = {MAINNET_ID: False, TESTNET_ID: True}


class HeadWatch:
    """Refuses a chain that jumps back, stands still or lives in the future.

    Args:
        max_age: seconds that the newest block may be old; None for ``DEFAULT_MAX_AGE`` on the
            public networks and no limit on others, whose clock may be their own.
        wall: Unix seconds now.
    """

    def __init__(self, max_age: float | None, wall: Callable[[], float]) -> None:
        self._max_age = max_age
        self._wall = wall
        self._best: Head | None = None

    @property
    def best(self) -> Head | None:
        """The newest head seen."""
        return self._best

    def accept(self, head: Head, zero_state: bytes | None) -> Head:
        """Take note of a head; a server that lags a little gets the newest one known back.

        Args:
            head: what the server says.
            zero_state: which chain it is.

        Raises:
            ChainDataError: it is far behind one already seen, or its time goes back or is ahead.
            ChainError: the newest block is too old.
        """
        best = self._best
        if best is not None and head.seqno < best.seqno - MAX_BEHIND:
            raise ChainDataError(f"chain jumps back from block {best.seqno} to {head.seqno}")
        if best is not None and head.seqno > best.seqno and head.time < best.time:
            raise ChainDataError(f"time of block {head.seqno} is before that of its predecessor")
        if best is None or head.seqno > best.seqno:
            best = head
        max_age = self._max_age
        if max_age is None and zero_state in _ZERO_STATES:
            max_age = DEFAULT_MAX_AGE
        if max_age is not None:
            self._check_age(best, max_age)
        self._best = best
        return best

    def _check_age(self, head: Head, max_age: float) -> None:
        age = self._wall() - head.time
        if age < -MAX_AHEAD_SECONDS:
            raise ChainDataError(
                f"block {head.seqno} is {-age:.0f} s in the future: check this machine's clock"
            )
        if age > max_age:
            raise ChainError(
                f"chain stalls: its newest block {head.seqno} is {age:.0f} s old, "
                f"at most {max_age:.0f} s are allowed; "
                "wait, use another server, or check this machine's clock"
            )


class AccountWatch:
    """Remembers each account's newest known transaction; a server must not go back behind it."""

    def __init__(self) -> None:
        self._last: OrderedDict[Address, TransactionRef] = OrderedDict()

    def is_old(self, address: Address, last: TransactionRef) -> bool:
        """Whether a newer state of the account was seen before; else takes note of this one.

        Raises:
            ChainDataError: another transaction was seen at this logical time.
        """
        known = self._last.get(address)
        if known is not None:
            if last.lt < known.lt:
                return True
            if last.lt == known.lt and last.hash != known.hash:
                raise ChainDataError(
                    f"two different transactions of {address} are said to have logical time "
                    f"{last.lt}: the server contradicts itself, or the chain was reset"
                )
        self._last[address] = last
        self._last.move_to_end(address)
        if len(self._last) > MAX_WATCHED:
            self._last.popitem(last=False)
        return False


def check_history(
    address: Address, items: Sequence[Transaction], first: TransactionRef | None
) -> None:
    """Check that transactions, newest first, are one account's and without a gap.

    Args:
        address: whose they must be.
        items: each names its predecessor by logical time and hash.
        first: what the newest must be, where it is known.

    Raises:
        ChainDataError: they are not.
    """
    expected = first
    for item in items:
        if item.address != address:
            raise ChainDataError(f"server says that a transaction of {item.address} is {address}'s")
        if expected is not None and (item.lt, item.hash) != (expected.lt, expected.hash):
            raise ChainDataError(
                f"history of {address} has a gap: {expected.lt} expected, {item.lt} found"
            )
        if item.prev_lt >= item.lt:
            raise ChainDataError(f"a transaction of {address} is older than its predecessor")
        expected = TransactionRef(item.prev_lt, item.prev_hash)


def check_network(
    is_testnet: bool, *, zero_state: bytes | None = None, network_id: int | None = None
) -> None:
    """Refuse the wrong one of the two public networks. A private network is either.

    Args:
        is_testnet: what the configuration says.
        zero_state: root hash of the state that the server's chain started from, if it says.
        network_id: number of the network in its block headers, if it says; private networks use
            any, so that it counts only where the zero state is not one of theirs.

    Raises:
        ConfigError: the server is on the other network.
        ChainDataError: the two contradict each other.
    """
    if zero_state is not None and zero_state not in _ZERO_STATES:
        return
    by_state = None if zero_state is None else _ZERO_STATES[zero_state]
    by_id = _IDS.get(network_id) if network_id is not None else None
    if by_state is not None and by_id is not None and by_state != by_id:
        raise ChainDataError("server says that it is on mainnet and on testnet")
    actual = by_state if by_state is not None else by_id
    if actual is not None and actual != is_testnet:
        names = ("mainnet", "testnet")
        raise ConfigError(
            f"server is on {names[actual]}, but the configuration says {names[is_testnet]}: "
            "set is_testnet, or use a server of that network"
        )
