"""Transactions: what one message did to one account.

Layout: the network's ``Transaction`` schema. The kinds that split and merge accounts exist on paper
only; of such a transaction everything but its phases is read.
"""

from dataclasses import dataclass, field

from cocoon.chain.address import HASH_BYTES, Address
from cocoon.chain.cells import EMPTY_CELL, Cell, Reader
from cocoon.chain.hashmap import read_hashmap
from cocoon.chain.message import Message, parse_message, read_currencies
from cocoon.errors import DecodeError

MAX_OUT_MESSAGES = 255
"""The network's limit of actions in one transaction."""

_TAG = 0b0111
_OUT_MESSAGE_KEY_BITS = 15
_ORDINARY = 0b0000
_STORAGE = 0b0001
_TICK_TOCK = 0b0010
"""Its lowest bit tells tick from tock."""


@dataclass(frozen=True, slots=True)
class ComputePhase:
    """What the virtual machine did.

    Args:
        skipped: why it did not run (``no state``, ``bad state``, ``no gas``, ``suspended``), or
            None if it did.
        success: whether it ended well.
        exit_code: its exit code; 0 if skipped.
        gas_used: gas units.
        gas_fees: nanoTON.
    """

    skipped: str | None
    success: bool
    exit_code: int
    gas_used: int = 0
    gas_fees: int = 0


@dataclass(frozen=True, slots=True)
class Transaction:
    """One transaction.

    Args:
        address: whose.
        lt: logical time.
        hash: representation hash, 32 bytes.
        time: Unix seconds.
        prev_lt: logical time of the account's transaction before, 0 if it is the first.
        prev_hash: its hash.
        in_message: what caused it.
        out_messages: what it sent, in order.
        total_fees: nanoTON, without forwarding fees of its messages.
        compute: what the virtual machine did; None for kinds without that phase.
        action_code: result of the action phase, 0 = well; None if it had none.
        aborted: whether its effects were undone.
        bounced: whether the incoming message was sent back.
        cell: the transaction itself.
    """

    address: Address
    lt: int
    hash: bytes
    time: int
    prev_lt: int
    prev_hash: bytes
    in_message: Message | None
    out_messages: tuple[Message, ...] = ()
    total_fees: int = 0
    compute: ComputePhase | None = None
    action_code: int | None = None
    aborted: bool = False
    bounced: bool = False
    cell: Cell = field(default=EMPTY_CELL, repr=False)

    @property
    def success(self) -> bool:
        """Whether the contract ran and all it wanted to do was done."""
        return not self.aborted


def parse_transaction(cell: Cell) -> Transaction:
    """Read a transaction. The account is taken to be in workchain 0: it does not say.

    Raises:
        DecodeError: malformed.
    """
    read = Reader(cell)
    if read.uint(4) != _TAG:
        raise DecodeError("not a transaction")
    address = Address(read.raw(HASH_BYTES))
    lt, prev_hash, prev_lt = read.uint(64), read.raw(HASH_BYTES), read.uint(64)
    time, count = read.uint(32), read.uint(15)
    read.uint(4)  # status before and after
    in_message, out_messages = _messages(Reader(read.ref()), count)
    total_fees = read_currencies(read)
    read.ref()  # hashes of the account before and after
    phases = _read_phases(Reader(read.ref()))
    read.end()
    return Transaction(
        address,
        lt,
        cell.hash,
        time,
        prev_lt,
        prev_hash,
        in_message,
        out_messages,
        total_fees,
        phases.compute,
        phases.action_code,
        phases.aborted,
        phases.bounced,
        cell,
    )


def _messages(read: Reader, count: int) -> tuple[Message | None, tuple[Message, ...]]:
    incoming, outgoing = read.maybe_ref(), read.maybe_ref()
    read.end()
    # Keys are 0, 1, … in the order of sending, and come back ascending.
    out = read_hashmap(outgoing, _OUT_MESSAGE_KEY_BITS, Reader.ref, max_entries=MAX_OUT_MESSAGES)
    if len(out) != count:
        raise DecodeError("transaction miscounts its messages")
    return (
        None if incoming is None else parse_message(incoming),
        tuple(parse_message(message) for message in out.values()),
    )


@dataclass(slots=True)
class _Phases:
    compute: ComputePhase | None = None
    action_code: int | None = None
    aborted: bool = False
    bounced: bool = False


def _read_phases(read: Reader) -> _Phases:
    kind = read.uint(4)
    if kind == _STORAGE:
        _skip_storage(read)
        read.end()
        return _Phases()
    if kind == _ORDINARY:
        read.uint(1)  # whether the value was credited first
        if read.uint(1):
            _skip_storage(read)
        if read.uint(1):
            _skip_credit(read)
    elif kind & ~1 == _TICK_TOCK:
        _skip_storage(read)
    else:
        return _Phases()
    compute = _read_compute(read)
    action = read.maybe_ref()
    phases = _Phases(
        compute, None if action is None else _action_code(Reader(action)), bool(read.uint(1))
    )
    if kind == _ORDINARY and read.uint(1):
        phases.bounced = _read_bounce(read)
    read.uint(1)  # destroyed
    read.end()
    return phases


def _skip_storage(read: Reader) -> None:
    read.var_uint(4)
    if read.uint(1):
        read.var_uint(4)
    if read.uint(1):
        read.uint(1)


def _skip_credit(read: Reader) -> None:
    if read.uint(1):
        read.var_uint(4)
    read_currencies(read)


def _read_compute(read: Reader) -> ComputePhase:
    if not read.uint(1):
        return ComputePhase(_skip_reason(read), success=False, exit_code=0)
    success = bool(read.uint(1))
    read.uint(2)  # whether the state came with the message, and whether that activated it
    gas_fees = read.var_uint(4)
    more = Reader(read.ref())
    gas_used = more.var_uint(3)
    more.var_uint(3)
    if more.uint(1):
        more.var_uint(2)
    more.signed(8)
    return ComputePhase(None, success, more.signed(32), gas_used, gas_fees)


def _skip_reason(read: Reader) -> str:
    code = read.uint(2)
    if code == 3:
        if read.uint(1):
            raise DecodeError("unknown reason for a skipped computation")
        return "suspended"
    return ("no state", "bad state", "no gas")[code]


def _action_code(read: Reader) -> int:
    read.uint(3)
    if read.uint(1):
        read.uint(1)
    for _ in ("forwarding fees", "action fees"):
        if read.uint(1):
            read.var_uint(4)
    return read.signed(32)


def _read_bounce(read: Reader) -> bool:
    """Whether the message was sent back."""
    if read.uint(1):
        read.var_uint(3)
        read.var_uint(3)
        read.var_uint(4)
        read.var_uint(4)
        return True
    if read.uint(1):
        read.var_uint(3)
        read.var_uint(3)
        read.var_uint(4)
    return False
