"""Contract addresses and signed payments (onchain.md §1-§8, §13, §15) on pytoniq_core's cells."""

import base64
import binascii
import hashlib
import json
import os
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pytoniq_core import Address, Cell, begin_cell

CLIENT_CHARGE, WORKER_PAYOUT = 0xBB63FF93, 0xA040AD28
TON = 10**9
EMPTY_SECRET_HASH = hashlib.sha256(b"").digest()
WALLET_CODE_HASH = bytes.fromhex("7a48f05ceef40f06cabbaa39c1c5a67b24e8bb59d8cf8a74e49988a5f44cf66a")
WALLET_CODE_DEPTH = 6


def friendly(account: bytes, *, testnet: bool = True, bounceable: bool = False) -> str:
    """The 48-character form; contracts and wallets are non-bounceable on the wire."""
    tag = (0x11 if bounceable else 0x51) | (0x80 if testnet else 0)
    body = bytes([tag, 0]) + account
    return base64.urlsafe_b64encode(body + binascii.crc_hqx(body, 0).to_bytes(2, "big")).decode()


def account(text: str | bytes) -> bytes:
    """The account of a friendly address; raises ValueError."""
    raw = base64.urlsafe_b64decode(text)
    body, check = raw[:-2], raw[-2:]
    if len(raw) != 36 or binascii.crc_hqx(body, 0).to_bytes(2, "big") != check:
        raise ValueError("not an address")
    return body[2:]


def _address(account: bytes) -> Address:
    return Address((0, account))


@dataclass(frozen=True)
class Fixed:
    """What simulated TON fixes and the file does not say."""

    struct_version: int = 1
    unique_id: int = 13
    is_test: bool = True
    multipliers: tuple[int, int, int, int] = (10_000, 10_000, 10_000, 10_000)
    delays: tuple[int, int] = (600, 300)
    stakes: tuple[int, int] = (TON, TON)


@dataclass(frozen=True)
class Root:
    """The root configuration of simulated TON, read from the official JSON file."""

    address: bytes
    document: dict[str, Any]
    fixed: Fixed = Fixed()

    @classmethod
    def parse(cls, text: str, address: bytes = bytes(32)) -> "Root":
        """Read the file's text."""
        return cls(address, json.loads(text))

    def hashes(self, name: str) -> set[bytes]:
        """One of the lists of hashes."""
        return {base64.b64decode(item) for item in self.document.get(name, [])}

    @property
    def models(self) -> set[bytes]:
        """Hashes of models; ``model_types`` are hashed up to the ``@``."""
        types = self.document.get("model_types", [])
        return self.hashes("model_hashes") | {
            hashlib.sha256(text.partition("@")[0].encode()).digest() for text in types
        }

    @property
    def version(self) -> int:
        return int(self.document["version"])

    def code(self, name: str) -> Cell:
        """Code of a contract, from hex; nothing is an empty cell."""
        text = self.document.get(f"{name}_sc_code", "")
        return Cell.one_from_boc(bytes.fromhex(text)) if text else begin_cell().end_cell()

    def params(self, mask: int) -> Cell:
        """The params cell with the codes of ``mask`` (onchain.md §3)."""
        fixed, version = self.fixed, self.fixed.struct_version
        cell = begin_cell().store_uint(version, 8)
        cell.store_uint(int(self.document.get("params_version", 0)), 32)
        cell.store_uint(fixed.unique_id, 32).store_bit(fixed.is_test)
        cell.store_coins(int(self.document["price_per_token"]))
        cell.store_coins(int(self.document["worker_fee_per_token"]))
        for since, multiplier in zip((3, 2, 3, 2), fixed.multipliers, strict=True):
            if version >= since:
                cell.store_uint(multiplier, 32)
        for delay in fixed.delays:
            cell.store_uint(delay, 32)
        for stake in fixed.stakes if version >= 1 else ():
            cell.store_coins(stake)
        for bit, name in enumerate(("proxy", "worker", "client")):
            cell.store_maybe_ref(self.code(name) if mask >> bit & 1 else None)
        return cell.end_cell()

    def proxy(self, owner: bytes, key: bytes) -> bytes:
        """Account of a proxy contract."""
        data = begin_cell().store_address(_address(owner)).store_bytes(key)
        data.store_address(_address(self.address)).store_uint(0, 2)
        data.store_coins(0).store_coins(0).store_uint(0, 32).store_ref(self.params(6))
        return _deployed(self.code("proxy"), data.end_cell())

    def client(self, wallet: bytes, proxy: bytes, key: bytes) -> bytes:
        """Account of a client contract; its owner is the cocoon wallet."""
        fixed = begin_cell().store_address(_address(wallet)).store_address(_address(proxy))
        data = begin_cell().store_uint(0, 2).store_coins(0).store_coins(self.fixed.stakes[1])
        data.store_uint(0, 64).store_uint(0, 32).store_bytes(bytes(32))
        data.store_ref(fixed.store_bytes(key).end_cell()).store_ref(self.params(0))
        return _deployed(self.code("client"), data.end_cell())

    def worker(self, owner: bytes, proxy: bytes, key: bytes) -> bytes:
        """Account of a worker contract."""
        data = begin_cell().store_address(_address(owner)).store_address(_address(proxy))
        data.store_bytes(key).store_uint(0, 2).store_uint(0, 64).store_ref(self.params(0))
        return _deployed(self.code("worker"), data.end_cell())


def _deployed(code: Cell, data: Cell) -> bytes:
    state = begin_cell().store_bits("00110").store_ref(code).store_ref(data).end_cell()
    return state.hash


def wallet(owner: bytes, key: bytes) -> bytes:
    """Account of a cocoon wallet; its code is known by hash and depth only."""
    data = begin_cell().store_uint(0, 32).store_uint(0, 32).store_bytes(key).store_uint(0, 32)
    cell = data.store_address(_address(owner)).end_cell()
    # Representation of a cell of 5 bits, 00110 and the completion tag, with two references.
    depths = WALLET_CODE_DEPTH.to_bytes(2, "big") + cell.get_depth().to_bytes(2, "big")
    return hashlib.sha256(b"\x02\x01\x34" + depths + WALLET_CODE_HASH + cell.hash).digest()


class Signer:
    """A proxy's machine key."""

    def __init__(self, seed: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.public_key = self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    def payment(self, op: int, tokens: int, contract: bytes, excesses: bytes) -> bytes:
        """A signed payment as it goes into ``proxy.signedPayment``."""
        number = int.from_bytes(os.urandom(8), "big")
        inner = begin_cell().store_uint(op, 32).store_uint(number, 64).store_uint(tokens, 64)
        cell = inner.store_address(_address(contract)).end_cell()
        outer = begin_cell().store_uint(op, 32).store_uint(number, 64)
        outer.store_address(_address(excesses)).store_bytes(self._key.sign(cell.hash))
        return outer.store_ref(cell).end_cell().to_boc()


def verify_payment(boc: bytes, op: int, contract: bytes, key: bytes) -> int:
    """Tokens of a signed payment, every rule of a receiver checked; raises ValueError."""
    outer = Cell.one_from_boc(boc)
    if len(outer.bits) != 875 or len(outer.refs) != 1:
        raise ValueError("envelope has the wrong size")
    inner = outer.refs[0]
    if len(inner.bits) != 427 or inner.refs:
        raise ValueError("inner cell has the wrong size")
    a, b = outer.begin_parse(), inner.begin_parse()
    if a.load_uint(32) != op or b.load_uint(32) != op or a.load_uint(64) != b.load_uint(64):
        raise ValueError("operation or query id differ")
    a.load_address()
    signature = a.load_bytes(64)
    tokens = b.load_uint(64)
    if b.load_address().hash_part != contract:
        raise ValueError("for another contract")
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, inner.hash)
    except InvalidSignature:
        raise ValueError("signature is wrong") from None
    return int(tokens)
