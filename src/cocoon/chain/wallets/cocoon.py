"""The cocoon wallet: a node's own wallet, owned by its operator (``onchain.md`` §8)."""

from collections.abc import Sequence

from cocoon.chain.address import Address
from cocoon.chain.cells import Builder, Cell, Reader
from cocoon.chain.contracts.attached import WALLET_LOW_BALANCE
from cocoon.chain.contracts.state_init import state_init
from cocoon.chain.contracts.wallet import CocoonWalletState, wallet_data
from cocoon.chain.keys import SIGNATURE_BYTES, SecretKey
from cocoon.chain.message import OutMessage, external_in
from cocoon.chain.wallets.base import check_count, verified
from cocoon.errors import DecodeError

_SUBWALLET = 0


class CocoonWallet:
    """A cocoon wallet.

    Args:
        key: the node's wallet key.
        owner: the operator, who can always take over.
        code: the wallet's code; ours or the official one.
    """

    __slots__ = ("_key", "address", "owner", "state_init")

    max_messages = 4
    min_balance = WALLET_LOW_BALANCE

    def __init__(self, key: SecretKey, owner: Address, code: Cell) -> None:
        self._key = key
        self.owner = owner
        self.state_init = state_init(code, wallet_data(owner, key.public_key))
        self.address = Address(self.state_init.hash)

    def __repr__(self) -> str:
        return f"CocoonWallet({self.address}, owner={self.owner})"

    def transfer(self, messages: Sequence[OutMessage], seqno: int, valid_until: int) -> Cell:
        """A signed external message; see ``Wallet.transfer``."""
        check_count(messages, self.max_messages)
        signed = unsigned_body(messages, seqno, valid_until)
        body = Builder().raw(self._key.sign(signed.hash)).content(signed).cell()
        return external_in(self.address, body, None if seqno else self.state_init)

    def read_seqno(self, data: Cell) -> int:
        """The sequence number in the wallet's data cell; see ``Wallet.read_seqno``."""
        return CocoonWalletState.from_data(data).seqno

    def signed_seqno(self, body: Cell) -> int | None:
        """What our key has signed; see ``Wallet.signed_seqno``."""
        try:
            read = Reader(body)
            signature, signed = read.raw(SIGNATURE_BYTES), read.rest()
            read = Reader(signed)
            read.uint(64)
            seqno = read.uint(32)
        except DecodeError:
            return None
        return seqno if verified(self._key, signature, signed) else None


def unsigned_body(messages: Sequence[OutMessage], seqno: int, valid_until: int) -> Cell:
    """The cell whose hash is signed.

    Raises:
        DecodeError: a value does not fit.
    """
    out = Builder().uint(_SUBWALLET, 32).uint(valid_until, 32).uint(seqno, 32)
    for message in messages:
        out.uint(message.mode, 8).ref(message.cell())
    return out.cell()
