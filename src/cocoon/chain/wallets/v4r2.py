"""Wallet v4r2: one key, up to four messages at a time. Its plugins are not used."""

from collections.abc import Sequence

from cocoon.chain.address import Address
from cocoon.chain.cells import Builder, Cell, Reader
from cocoon.chain.contracts.state_init import state_init
from cocoon.chain.keys import SIGNATURE_BYTES, SecretKey
from cocoon.chain.message import OutMessage, external_in
from cocoon.chain.wallets.base import check_count, verified
from cocoon.chain.wallets.codes import wallet_code
from cocoon.errors import DecodeError

DEFAULT_SUBWALLET = 698983191
"""The number that all wallet applications use in workchain 0."""
_SIMPLE_SEND = 0


class WalletV4R2:
    """A v4r2 wallet.

    Args:
        key: the wallet's key.
        subwallet: makes different wallets of one key, 32 bits.
    """

    __slots__ = ("_key", "_subwallet", "address", "state_init")

    max_messages = 4
    min_balance = 0

    def __init__(self, key: SecretKey, *, subwallet: int = DEFAULT_SUBWALLET) -> None:
        self._key = key
        self._subwallet = subwallet
        data = Builder().uint(0, 32).uint(subwallet, 32).hash256(key.public_key).uint(0, 1)
        self.state_init = state_init(wallet_code("v4r2"), data.cell())
        self.address = Address(self.state_init.hash)

    def __repr__(self) -> str:
        return f"WalletV4R2({self.address})"

    def transfer(self, messages: Sequence[OutMessage], seqno: int, valid_until: int) -> Cell:
        """A signed external message; see ``Wallet.transfer``."""
        check_count(messages, self.max_messages)
        unsigned = Builder().uint(self._subwallet, 32).uint(valid_until, 32).uint(seqno, 32)
        unsigned.uint(_SIMPLE_SEND, 8)
        for message in messages:
            unsigned.uint(message.mode, 8).ref(message.cell())
        signed = unsigned.cell()
        body = Builder().raw(self._key.sign(signed.hash)).content(signed).cell()
        return external_in(self.address, body, None if seqno else self.state_init)

    def read_seqno(self, data: Cell) -> int:
        """The sequence number in the wallet's data cell; see ``Wallet.read_seqno``."""
        read = Reader(data)
        seqno = read.uint(32)
        read.uint(32)
        read.raw(32)
        read.maybe_ref()
        read.end()
        return seqno

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
