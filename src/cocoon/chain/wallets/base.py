"""What the sender needs of a wallet, whatever its version."""

from collections.abc import Sequence
from typing import Protocol

from cocoon.chain.address import Address
from cocoon.chain.cells import Cell
from cocoon.chain.message import OutMessage


class Wallet(Protocol):
    """A wallet contract together with the key that commands it; ``repr`` never shows the key."""

    @property
    def address(self) -> Address:
        """Where it lives."""
        ...

    @property
    def state_init(self) -> Cell:
        """What deploys it."""
        ...

    @property
    def max_messages(self) -> int:
        """How many messages fit one external message."""
        ...

    def transfer(self, messages: Sequence[OutMessage], seqno: int, valid_until: int) -> Cell:
        """A signed external message; with ``state_init`` while ``seqno`` is 0.

        Args:
            messages: what to send, at most :attr:`max_messages`.
            seqno: sequence number that the wallet has now.
            valid_until: Unix seconds.

        Raises:
            LocalProtocolError: too many messages.
            DecodeError: a value does not fit.
        """
        ...

    def read_seqno(self, data: Cell) -> int:
        """The sequence number in the wallet's data cell.

        Raises:
            DecodeError: not the data of such a wallet.
        """
        ...
