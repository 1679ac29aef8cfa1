"""What contracts send to wallets and to each other beyond requests, and bounced messages.

Bodies say who *claims* something: whether to believe it depends on the sender and on whether the
transaction succeeded, which the caller checks.
"""

from dataclasses import dataclass
from typing import TypeAlias

from cocoon.chain import opcodes
from cocoon.chain.address import Address
from cocoon.chain.cells import Builder, Cell, Reader
from cocoon.chain.contracts.fields import head
from cocoon.errors import DecodeError


@dataclass(frozen=True, slots=True)
class Excesses:
    """What was left of a message's value."""

    query_id: int

    def cell(self) -> Cell:
        """The message body."""
        return head(opcodes.EXCESSES, self.query_id).cell()


@dataclass(frozen=True, slots=True)
class Payout:
    """Money for the owner; the amount is the message's value."""

    query_id: int

    def cell(self) -> Cell:
        """The message body."""
        return head(opcodes.PAYOUT, self.query_id).cell()


@dataclass(frozen=True, slots=True)
class ProxyClientCredited:
    """Our proxy contract to a client contract: the money of a top-up is there.

    Args:
        query_id: that of the top-up.
        amount: nanoTON.
        owner: the client contract's owner.
        excesses: who receives what is left.
    """

    query_id: int
    amount: int
    owner: Address
    excesses: Address

    def cell(self) -> Cell:
        """The message body."""
        out = head(opcodes.PROXY_CLIENT_CREDITED, self.query_id).coins(self.amount)
        return out.address(self.owner).address(self.excesses).cell()


@dataclass(frozen=True, slots=True)
class Bounce:
    """A message that came back.

    Args:
        body: the original body; with a plain bounce only its first 256 bits and no references.
        phase: 0 = the contract did not run, 1 = it failed, 2 = its actions failed; None if the
            bounce is a plain one, which does not say.
        exit_code: of that phase; for phase 0: -1 no contract, -2 wrong initial state, -3 no gas,
            -4 suspended; None likewise.
        value: nanoTON of the original message; None likewise.
    """

    body: Cell
    phase: int | None = None
    exit_code: int | None = None
    value: int | None = None


Reply: TypeAlias = Excesses | Payout | ProxyClientCredited


def parse_reply(body: Cell) -> Reply | None:
    """Read a reply; None for any other or malformed body, which anybody can send."""
    try:
        return _parse_reply(Reader(body))
    except DecodeError:
        return None


def _parse_reply(read: Reader) -> Reply | None:
    operation, query_id = read.uint(32), read.uint(64)
    reply: Reply
    match operation:
        case opcodes.EXCESSES:
            reply = Excesses(query_id)
        case opcodes.PAYOUT:
            reply = Payout(query_id)
        case opcodes.PROXY_CLIENT_CREDITED:
            reply = ProxyClientCredited(query_id, read.coins(), read.address(), read.address())
        case _:
            return None
    read.end()
    return reply


def parse_bounce(body: Cell) -> Bounce | None:
    """Read the body of a message whose ``bounced`` flag is set; None if it is malformed.

    The network writes these bodies; without the flag anybody can.
    """
    try:
        read = Reader(body)
        kind = read.uint(32)
        if kind == opcodes.RICH_BOUNCE:
            return _rich(read)
        if kind == opcodes.PLAIN_BOUNCE:
            rest = body.bits - 32
            return Bounce(Builder().uint(read.uint(rest), rest).cell())
    except DecodeError:
        return None
    return None


def _rich(read: Reader) -> Bounce:
    original, info = read.ref(), Reader(read.ref())
    value = info.coins()
    phase, exit_code = read.uint(8), _signed(read.uint(32), 32)
    return Bounce(original, phase, exit_code, value)


def _signed(value: int, bits: int) -> int:
    return value - (1 << bits) if value >> (bits - 1) else value
