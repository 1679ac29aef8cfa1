"""The few TL messages of a liteserver that we use, as bytes; layouts in the public ``lite_api``."""

from dataclasses import dataclass
from typing import Self

from cocoon.chain.address import HASH_BYTES, Address
from cocoon.errors import DecodeError

MASTERCHAIN = -1
ALL_OF_IT = 1 << 63
"""Prefix of a shard that is its whole workchain."""
MAX_ITEMS = 256

ADNL_QUERY = bytes.fromhex("7af98bb4")
ADNL_ANSWER = bytes.fromhex("1684ac0f")
PING = bytes.fromhex("9a2b084d")
PONG = bytes.fromhex("03fb69dc")
LITESERVER_QUERY = bytes.fromhex("df068c79")
WAIT_MASTERCHAIN = bytes.fromhex("92b8eaba")
GET_MASTERCHAIN_INFO = bytes.fromhex("2ee6b589")
MASTERCHAIN_INFO = bytes.fromhex("81288385")
LOOKUP_BLOCK = bytes.fromhex("1ef7c8fa")
GET_BLOCK_HEADER = bytes.fromhex("9e06ec21")
BLOCK_HEADER = bytes.fromhex("19822d75")
GET_ACCOUNT_STATE = bytes.fromhex("250e896b")
ACCOUNT_STATE = bytes.fromhex("51c77970")
GET_TRANSACTIONS = bytes.fromhex("a1e7401c")
TRANSACTION_LIST = bytes.fromhex("0bc6266f")
RUN_METHOD = bytes.fromhex("d25dc65c")
METHOD_RESULT = bytes.fromhex("6b619aa3")
SEND_MESSAGE = bytes.fromhex("82d40a69")
SEND_STATUS = bytes.fromhex("97e55039")
ERROR = bytes.fromhex("48e1a9bb")

BY_SEQNO = 1
WITH_RESULT = 4


@dataclass(frozen=True, slots=True)
class BlockId:
    """A block's full name.

    Args:
        workchain: -1 or 0.
        shard: prefix, 64 bits unsigned.
        seqno: number.
        root_hash: hash of its cell.
        file_hash: hash of its bytes.
    """

    workchain: int
    shard: int
    seqno: int
    root_hash: bytes
    file_hash: bytes

    def bytes(self) -> bytes:
        """As TL writes it."""
        out = number(self.workchain) + self.shard.to_bytes(8, "little")
        return out + number(self.seqno) + self.root_hash + self.file_hash


class TlReader:
    """Reads TL front to back; every method raises ``DecodeError`` where the bytes do not fit."""

    __slots__ = ("_data", "_position")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    def take(self, size: int) -> bytes:
        """So many bytes."""
        end = self._position + size
        if end > len(self._data):
            raise DecodeError("liteserver's answer is too short")
        piece = self._data[self._position : end]
        self._position = end
        return piece

    def expect(self, constructor: bytes) -> Self:
        """A constructor that must be this one."""
        if self.take(4) != constructor:
            raise DecodeError("liteserver's answer is of another kind")
        return self

    def number(self) -> int:
        """An ``int``."""
        return int.from_bytes(self.take(4), "little", signed=True)

    def unsigned(self) -> int:
        """A ``#``."""
        return int.from_bytes(self.take(4), "little")

    def text(self) -> bytes:
        """``bytes`` or a ``string``."""
        size, head = self.take(1)[0], 1
        if size == 254:
            size, head = int.from_bytes(self.take(3), "little"), 4
        elif size == 255:
            raise DecodeError("liteserver's answer has a text of unknown form")
        value = self.take(size)
        self.take(-(size + head) % 4)
        return value

    def hash(self) -> bytes:
        """An ``int256``."""
        return self.take(HASH_BYTES)

    def block(self) -> BlockId:
        """A ``tonNode.blockIdExt``."""
        workchain = self.number()
        shard = int.from_bytes(self.take(8), "little")
        seqno = self.unsigned()
        return BlockId(workchain, shard, seqno, self.hash(), self.hash())

    def end(self) -> None:
        """Refuse what is left over."""
        if self._position != len(self._data):
            raise DecodeError("liteserver's answer is too long")


def number(value: int) -> bytes:
    """An ``int``."""
    return (value & 0xFFFFFFFF).to_bytes(4, "little")


def long(value: int) -> bytes:
    """A ``long``."""
    return (value & (1 << 64) - 1).to_bytes(8, "little")


def text(value: bytes) -> bytes:
    """``bytes`` or a ``string``."""
    size = len(value)
    head = bytes((size,)) if size < 254 else b"\xfe" + size.to_bytes(3, "little")
    return head + value + bytes(-(size + len(head)) % 4)


def account_id(address: Address) -> bytes:
    """A ``liteServer.accountId``."""
    return number(0) + address.account


def get_account(block: BlockId, address: Address) -> bytes:
    """``getAccountState``."""
    return GET_ACCOUNT_STATE + block.bytes() + account_id(address)


def get_header(block: BlockId) -> bytes:
    """``getBlockHeader``."""
    return GET_BLOCK_HEADER + block.bytes() + number(0)


def lookup_masterchain(seqno: int, wait_ms: int) -> bytes:
    """``lookupBlock`` by number, after waiting for it."""
    wait = WAIT_MASTERCHAIN + number(seqno) + number(wait_ms)
    block = number(MASTERCHAIN) + long(ALL_OF_IT) + number(seqno)
    return wait + LOOKUP_BLOCK + number(BY_SEQNO) + block


def get_transactions(address: Address, count: int, lt: int, last: bytes) -> bytes:
    """``getTransactions``."""
    return GET_TRANSACTIONS + number(count) + account_id(address) + long(lt) + last


def run_method(block: BlockId, address: Address, method_id: int, params: bytes) -> bytes:
    """``runSmcMethod``."""
    head = RUN_METHOD + number(WITH_RESULT) + block.bytes() + account_id(address)
    return head + long(method_id) + text(params)


def send_message(body: bytes) -> bytes:
    """``sendMessage``."""
    return SEND_MESSAGE + text(body)
