"""What the sender needs of a wallet, whatever its version."""

from collections.abc import Sequence
from typing import Protocol

from cocoon.chain.address import Address
from cocoon.chain.cells import Cell
from cocoon.chain.keys import PublicKey, SecretKey
from cocoon.chain.message import OutMessage
from cocoon.errors import LocalProtocolError, PaymentError


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

    @property
    def min_balance(self) -> int:
        """Balance in nanoTON below which it accepts no message."""
        ...

    def transfer(self, messages: Sequence[OutMessage], seqno: int, valid_until: int) -> Cell:
        """A signed external message; with ``state_init`` while ``seqno`` is 0.

        Args:
            messages: what to send, at most :attr:`max_messages`.
            seqno: sequence number that the wallet has now.
            valid_until: Unix seconds.

        Raises:
            LocalProtocolError: no message, or too many.
            DecodeError: a value does not fit.
        """
        ...

    def read_seqno(self, data: Cell) -> int:
        """The sequence number in the wallet's data cell.

        Raises:
            DecodeError: not the data of such a wallet.
        """
        ...

    def signed_seqno(self, body: Cell) -> int | None:
        """The sequence number in a message's body that our key has signed; None in any other."""
        ...


def verified(key: SecretKey, signature: bytes, signed: Cell) -> bool:
    """Whether a signature is this key's over a cell's hash."""
    try:
        PublicKey(key.public_key).verify(signature, signed.hash)
    except PaymentError:
        return False
    return True


def check_count(messages: Sequence[OutMessage], most: int) -> None:
    """Refuse a batch that a wallet cannot take.

    Raises:
        LocalProtocolError: no message, or more than ``most``.
    """
    if not 1 <= len(messages) <= most:
        raise LocalProtocolError(f"a batch has 1 to {most} messages, not {len(messages)}")
