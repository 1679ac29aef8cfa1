"""Messages between accounts and from outside: built for sending, parsed from transactions.

Layout: the network's ``MessageRelaxed``/``Message`` schema; encodings in ``onchain.md`` §1.
"""

from dataclasses import dataclass
from enum import Enum

from cocoon.chain.address import Address
from cocoon.chain.cells import EMPTY_CELL, Builder, Cell, Reader

_INTERNAL = 0b0100
"""Internal, instant routing disabled (it was never built), no bounce, not bounced."""
_BOUNCE = 0b0010
_NO_ADDRESS_BITS = 2
_UNSET_BITS = 1 + 4 + 4 + 64 + 32
"""Extra currencies, two fees, logical time and time: the network fills them in."""
_EXTERNAL_IN = 0b10


class MessageKind(Enum):
    """Where a message comes from and goes to."""

    INTERNAL = "internal"
    EXTERNAL_IN = "external-in"
    EXTERNAL_OUT = "external-out"


@dataclass(frozen=True, slots=True)
class Message:
    """A message as a transaction holds it.

    Args:
        kind: which.
        source: sender; None for external-in, and for an account that is not in workchain 0.
        dest: receiver; None for external-out, likewise.
        value: nanoTON.
        bounce: whether a failure sends it back.
        bounced: whether it is such an answer.
        body: its body.
        has_init: whether it carries code and data to deploy.
        created_lt: logical time; 0 for external-in.
        created_at: Unix seconds; 0 for external-in.
        forward_fee: nanoTON that the receiver's side of the network earns; 0 for external messages.
        hash: representation hash of the whole message cell, 32 bytes.
    """

    kind: MessageKind
    source: Address | None
    dest: Address | None
    value: int = 0
    bounce: bool = False
    bounced: bool = False
    body: Cell = EMPTY_CELL
    has_init: bool = False
    created_lt: int = 0
    created_at: int = 0
    forward_fee: int = 0
    hash: bytes = bytes(32)


@dataclass(frozen=True, slots=True)
class OutMessage:
    """An internal message that a wallet shall send.

    Args:
        dest: receiver.
        value: nanoTON.
        body: its body.
        bounce: whether a failure sends it back.
        init: state that deploys the receiver.
        mode: send mode; 1 = fees on top of the value, 2 = ignore a failing action, 128 = all.
    """

    dest: Address
    value: int
    body: Cell = EMPTY_CELL
    bounce: bool = True
    init: Cell | None = None
    mode: int = 3

    def cell(self) -> Cell:
        """The message as a wallet contract passes it to the network: source and fees left open.

        Raises:
            DecodeError: a value does not fit.
        """
        out = Builder().uint(_INTERNAL | (_BOUNCE if self.bounce else 0), 4)
        out.uint(0, _NO_ADDRESS_BITS).address(self.dest).coins(self.value).uint(0, _UNSET_BITS)
        return _finish(out, self.init, self.body)


def external_in(dest: Address, body: Cell, init: Cell | None = None) -> Cell:
    """An external message to a contract.

    Raises:
        DecodeError: it does not fit.
    """
    out = Builder().uint(_EXTERNAL_IN, 2).uint(0, _NO_ADDRESS_BITS).address(dest).coins(0)
    return _finish(out, init, body)


def parse_message(cell: Cell) -> Message:
    """Read a message.

    Raises:
        DecodeError: malformed.
    """
    read = Reader(cell)
    if not read.uint(1):
        return _internal(cell, read)
    if not read.uint(1):
        read.any_address()
        dest = read.any_address()
        read.var_uint(4)  # an import fee; the sender may write anything
        has_init, body = _init_and_body(read)
        kind = MessageKind.EXTERNAL_IN
        return Message(kind, None, dest, body=body, has_init=has_init, hash=cell.hash)
    source = read.any_address()
    read.any_address()
    created_lt, created_at = read.uint(64), read.uint(32)
    has_init, body = _init_and_body(read)
    return Message(
        MessageKind.EXTERNAL_OUT,
        source,
        None,
        body=body,
        has_init=has_init,
        created_lt=created_lt,
        created_at=created_at,
        hash=cell.hash,
    )


def read_currencies(read: Reader) -> int:
    """The nanoTON of a ``CurrencyCollection``; other currencies are skipped.

    Raises:
        DecodeError: malformed.
    """
    value = read.var_uint(4)
    read.maybe_ref()
    return value


def _internal(cell: Cell, read: Reader) -> Message:
    read.uint(1)
    bounce, bounced = bool(read.uint(1)), bool(read.uint(1))
    source, dest = read.any_address(), read.any_address()
    value = read_currencies(read)
    read.var_uint(4)  # once a routing fee, now flags for the bounce
    forward_fee = read.var_uint(4)
    created_lt, created_at = read.uint(64), read.uint(32)
    has_init, body = _init_and_body(read)
    return Message(
        MessageKind.INTERNAL,
        source,
        dest,
        value,
        bounce,
        bounced,
        body,
        has_init,
        created_lt,
        created_at,
        forward_fee,
        cell.hash,
    )


def _finish(out: Builder, init: Cell | None, body: Cell) -> Cell:
    """Append the state, in a reference, and the body, inline if it fits."""
    if init is None:
        out.uint(0, 1)
    else:
        out.uint(0b11, 2).ref(init)
    if out.fits(body, 1):
        return out.uint(0, 1).content(body).cell()
    return out.uint(1, 1).ref(body).cell()


def _init_and_body(read: Reader) -> tuple[bool, Cell]:
    has_init = bool(read.uint(1))
    if has_init:
        if read.uint(1):
            read.ref()
        else:
            read_state_init(read)
    if not read.uint(1):
        return has_init, read.rest()
    body = read.ref()
    read.end()
    return has_init, body


def read_state_init(read: Reader) -> tuple[Cell | None, Cell | None]:
    """Code and data of an inline ``StateInit``; its libraries are skipped.

    Raises:
        DecodeError: malformed.
    """
    if read.uint(1):
        read.uint(5)  # how many bits of the address may differ from the hash
    if read.uint(1):
        read.uint(2)  # tick and tock of a system contract
    code, data = read.maybe_ref(), read.maybe_ref()
    read.maybe_ref()
    return code, data
