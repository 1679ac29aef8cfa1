"""TON account addresses: every text form in, the two that Cocoon uses out.

Texts are either raw (``0:`` and 64 hex digits) or user-friendly (48 base64 characters: a flag byte,
the workchain, the 32-byte hash and a CRC-16). Contracts and wallets travel on the wire in the
non-bounceable friendly form with the URL alphabet, and peers compare the *text*
(``wire-protocol.md`` §3.1). Only workchain 0 exists for Cocoon: the official node misreads others
(defect D19, ``onchain.md`` §1), so they are refused here instead.
"""

import base64
import binascii
import re
from dataclasses import dataclass
from functools import lru_cache

from cocoon.errors import DecodeError

HASH_BYTES = 32
FRIENDLY_LENGTH = 48
MAX_TEXT_LENGTH = 68
"""The longest form: ``-1:`` would need 67; anything longer is refused unread."""

_BOUNCEABLE = 0x11
_NON_BOUNCEABLE = 0x51
_TEST_ONLY = 0x80
_RAW = re.compile(r"(-?[0-9]{1,3}):([0-9a-fA-F]{64})", re.ASCII)
_FRIENDLY_URL = re.compile(r"[A-Za-z0-9_-]{48}", re.ASCII)
_FRIENDLY_STANDARD = re.compile(r"[A-Za-z0-9+/]{48}", re.ASCII)
_CACHE_SIZE = 4096


@dataclass(frozen=True, slots=True)
class Address:
    """An account in workchain 0.

    Args:
        account: 32 bytes, the hash part.

    Raises:
        DecodeError: not 32 bytes.
    """

    account: bytes

    def __post_init__(self) -> None:
        if len(self.account) != HASH_BYTES:
            raise DecodeError(f"an address has {HASH_BYTES} bytes, not {len(self.account)}")

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Read any text form, whatever its flags.

        Raises:
            DecodeError: malformed, wrong checksum, unknown flags, or not in workchain 0.
        """
        return parse_with_flags(text).address

    @classmethod
    def parse_contract(cls, text: str, *, testnet: bool) -> "Address":
        """Read an address that must be in the one form in which contracts travel.

        Raises:
            DecodeError: another form: raw, bounceable, other network or standard alphabet.
        """
        parsed = parse_with_flags(text)
        if text != parsed.address.friendly(testnet=testnet):
            raise DecodeError("contract address is not in the network's non-bounceable form")
        return parsed.address

    def friendly(self, *, testnet: bool, bounceable: bool = False) -> str:
        """The 48-character form with the URL alphabet.

        Args:
            testnet: whether to set the test-only flag.
            bounceable: whether transfers to it bounce; contracts on the wire are never bounceable.
        """
        return _friendly(self.account, testnet, bounceable)

    def raw(self) -> str:
        """The form ``0:<hex>``; independent of the network."""
        return f"0:{self.account.hex()}"

    __str__ = raw


@dataclass(frozen=True, slots=True)
class AddressText:
    """What a text said beyond the account.

    Args:
        address: the account.
        bounceable: flag of a friendly form; None for a raw form, which says neither.
        test_only: likewise.
    """

    address: Address
    bounceable: bool | None = None
    test_only: bool | None = None


def parse_with_flags(text: str) -> AddressText:
    """Read any text form and keep its flags.

    Raises:
        DecodeError: malformed, wrong checksum, unknown flags, or not in workchain 0.
    """
    if len(text) > MAX_TEXT_LENGTH:
        raise DecodeError("address text is too long")
    return _parse(text)


@lru_cache(_CACHE_SIZE)
def _parse(text: str) -> AddressText:
    raw = _RAW.fullmatch(text)
    if raw is not None:
        _check_workchain(int(raw[1]))
        return AddressText(Address(bytes.fromhex(raw[2])))
    if _FRIENDLY_URL.fullmatch(text):
        data = base64.urlsafe_b64decode(text)
    elif _FRIENDLY_STANDARD.fullmatch(text):
        data = base64.b64decode(text)
    else:
        raise DecodeError("address is neither raw nor user-friendly")
    if binascii.crc_hqx(data, 0) != 0:
        raise DecodeError("address checksum does not match")
    flags = data[0] & ~_TEST_ONLY
    if flags not in (_BOUNCEABLE, _NON_BOUNCEABLE):
        raise DecodeError(f"unknown address flags {data[0]:#04x}")
    _check_workchain(int.from_bytes(data[1:2], "big", signed=True))
    return AddressText(
        Address(data[2:34]),
        bounceable=flags == _BOUNCEABLE,
        test_only=bool(data[0] & _TEST_ONLY),
    )


def _check_workchain(workchain: int) -> None:
    if workchain != 0:
        raise DecodeError(f"address is in workchain {workchain}; Cocoon uses workchain 0 only")


@lru_cache(_CACHE_SIZE)
def _friendly(account: bytes, testnet: bool, bounceable: bool) -> str:
    flags = (_BOUNCEABLE if bounceable else _NON_BOUNCEABLE) | (_TEST_ONLY if testnet else 0)
    data = bytes((flags, 0)) + account
    return base64.urlsafe_b64encode(data + binascii.crc_hqx(data, 0).to_bytes(2, "big")).decode()
