"""Messages between accounts and from outside: built for sending, parsed from transactions.

Layout: the network's ``MessageRelaxed``/``Message`` schema; encodings in ``onchain.md`` §1.
"""

from dataclasses import dataclass
from enum import Enum

from cocoon.chain.address import Address
from cocoon.chain.cells import EMPTY_CELL, Cell


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
        raise NotImplementedError


def external_in(dest: Address, body: Cell, init: Cell | None = None) -> Cell:
    """An external message to a contract.

    Raises:
        DecodeError: it does not fit.
    """
    raise NotImplementedError


def parse_message(cell: Cell) -> Message:
    """Read a message.

    Raises:
        DecodeError: malformed.
    """
    raise NotImplementedError
