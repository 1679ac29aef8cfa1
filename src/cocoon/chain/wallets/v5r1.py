"""Wallet v5r1: one key, many messages at a time. Its extensions are not used.

The wallet's number is bound to the network: the same key has another address on the testnet.
"""

from collections.abc import Sequence

from cocoon.chain.address import Address
from cocoon.chain.cells import EMPTY_CELL, Builder, Cell, Reader
from cocoon.chain.contracts.state_init import state_init
from cocoon.chain.keys import SIGNATURE_BYTES, SecretKey
from cocoon.chain.message import OutMessage, external_in
from cocoon.chain.wallets.base import check_count, verified
from cocoon.chain.wallets.codes import wallet_code
from cocoon.errors import DecodeError

MAINNET_ID = -239
TESTNET_ID = -3
MAX_SUBWALLET = 2**15 - 1

_CLIENT_CONTEXT = 1 << 31
"""One bit; then workchain 0 in 8, version 0 in 8, and the subwallet in 15 bits."""
_SIGNED_EXTERNAL = 0x7369676E
_SEND_MESSAGE = 0x0EC3C86D
_IGNORE_ERRORS = 2
_HEAD_BITS = 128
"""Kind, wallet number, time limit and sequence number, 32 bits each."""


class WalletV5R1:
    """A v5r1 wallet.

    Args:
        key: the wallet's key.
        testnet: which network it is for.
        subwallet: makes different wallets of one key, at most ``MAX_SUBWALLET``.

    Raises:
        DecodeError: the subwallet's number is too large.
    """

    __slots__ = ("_id", "_key", "address", "state_init")

    max_messages = 64
    """The contract takes 255; a message to the network must stay below 64 KiB."""
    min_balance = 0

    def __init__(self, key: SecretKey, *, testnet: bool, subwallet: int = 0) -> None:
        if not 0 <= subwallet <= MAX_SUBWALLET:
            raise DecodeError(f"subwallet is above {MAX_SUBWALLET}")
        self._key = key
        network = TESTNET_ID if testnet else MAINNET_ID
        self._id = (network & 0xFFFFFFFF) ^ (_CLIENT_CONTEXT | subwallet)
        data = Builder().uint(1, 1).uint(0, 32).uint(self._id, 32)
        data.hash256(key.public_key).uint(0, 1)
        self.state_init = state_init(wallet_code("v5r1"), data.cell())
        self.address = Address(self.state_init.hash)

    def __repr__(self) -> str:
        return f"WalletV5R1({self.address})"

    def transfer(self, messages: Sequence[OutMessage], seqno: int, valid_until: int) -> Cell:
        """A signed external message; see ``Wallet.transfer``.

        The contract demands that a failing message is ignored, so mode 2 is added to each.
        """
        check_count(messages, self.max_messages)
        actions = EMPTY_CELL
        for message in messages:
            action = Builder().uint(_SEND_MESSAGE, 32).uint(message.mode | _IGNORE_ERRORS, 8)
            actions = action.ref(actions).ref(message.cell()).cell()
        unsigned = Builder().uint(_SIGNED_EXTERNAL, 32).uint(self._id, 32)
        unsigned.uint(valid_until, 32).uint(seqno, 32)
        unsigned.maybe_ref(actions).uint(0, 1)  # and no other actions
        signed = unsigned.cell()
        body = Builder().content(signed).raw(self._key.sign(signed.hash)).cell()
        return external_in(self.address, body, None if seqno else self.state_init)

    def read_seqno(self, data: Cell) -> int:
        """The sequence number in the wallet's data cell; see ``Wallet.read_seqno``."""
        read = Reader(data)
        read.uint(1)
        seqno = read.uint(32)
        read.uint(32)
        read.raw(32)
        read.maybe_ref()
        read.end()
        return seqno

    def signed_seqno(self, body: Cell) -> int | None:
        """What our key has signed, to be sent by ourselves or by a relay; see ``Wallet``."""
        bits = 8 * SIGNATURE_BYTES
        if body.exotic or body.bits < _HEAD_BITS + bits:
            return None
        signature = (body.data & ((1 << bits) - 1)).to_bytes(SIGNATURE_BYTES, "big")
        signed = Cell(body.data >> bits, body.bits - bits, body.refs)
        read = Reader(signed)
        read.uint(_HEAD_BITS - 32)
        return read.uint(32) if verified(self._key, signature, signed) else None
