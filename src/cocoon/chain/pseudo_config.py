"""Root configuration from the official simulated-TON file, ``rootConfig.pseudo``.

The official reader is followed where it is lenient: every field may be missing, unknown fields are
ignored, numbers may be texts (``onchain.md`` §15, ``wire-protocol.md`` §9). Everything else that is
wrong is a ``ConfigError`` that names the field and says what to do.
"""

import base64
import binascii
import hashlib
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from cocoon.chain.address import Address
from cocoon.chain.boc import from_boc
from cocoon.chain.cells import EMPTY_CELL, Cell
from cocoon.chain.contracts.params import ContractParams
from cocoon.chain.net_address import RegisteredProxy, parse_registered_proxy
from cocoon.chain.root_config import RootConfig, model_hash
from cocoon.errors import ConfigError, DecodeError

MAX_FILE_BYTES = 4 * 1024 * 1024
HASH_BYTES = 32
MAX_UINT32 = 2**32 - 1

PSEUDO_STRUCT_VERSION = 1
PSEUDO_UNIQUE_ID = 13
PSEUDO_IS_TEST = True
PSEUDO_PROXY_DELAY = 600
PSEUDO_CLIENT_DELAY = 300
PSEUDO_CLIENT_BALANCE = 10**6 * 10**9
"""Balance and stake of every client in this mode, in nanoTON: a million TON."""
PSEUDO_SECRET_HASH = hashlib.sha256(b"").digest()
"""What every client contract holds in this mode: clients authenticate with the empty secret."""
DEFAULT_ROOT_ADDRESS = Address(bytes(32))
"""Where the root contract is said to be when no configuration names one."""

_T = TypeVar("_T")


def load_pseudo_config(text: bytes | str, root: Address = DEFAULT_ROOT_ADDRESS) -> RootConfig:
    """Read the JSON text of a ``rootConfig.pseudo`` file.

    Struct version 1, unique id 13, test network, delays 600 and 300 s, stakes of 1 TON and
    multipliers of 1.0 are fixed in this mode and not read.

    Args:
        text: the file's content.
        root: the root contract's address, from the node's own configuration.

    Raises:
        ConfigError: says which field is wrong and what belongs there.
    """
    if len(text) > MAX_FILE_BYTES:
        raise ConfigError(f"root configuration is larger than {MAX_FILE_BYTES} bytes")
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise ConfigError(f"root configuration is not valid JSON: {error}") from None
    if not isinstance(value, dict):
        raise ConfigError("root configuration must be a JSON object")
    fields = _Fields(value)
    return RootConfig(
        address=root,
        owner=fields.text("root_owner_address", _owner),
        version=fields.number("version"),
        params=_params(fields),
        proxy_hashes=frozenset(fields.items("proxy_hashes", _hash)),
        worker_hashes=frozenset(fields.items("worker_hashes", _hash)),
        model_hashes=frozenset(
            (*fields.items("model_hashes", _hash), *fields.items("model_types", _model_type))
        ),
        proxies=tuple(fields.items("registered_proxies", _registered_proxy)),
        last_proxy_seqno=fields.number("last_proxy_seqno"),
    )


def _params(fields: "_Fields") -> ContractParams:
    return ContractParams(
        struct_version=PSEUDO_STRUCT_VERSION,
        params_version=fields.number("params_version"),
        unique_id=PSEUDO_UNIQUE_ID,
        is_test=PSEUDO_IS_TEST,
        price_per_token=fields.number("price_per_token"),
        worker_fee_per_token=fields.number("worker_fee_per_token"),
        proxy_delay_before_close=PSEUDO_PROXY_DELAY,
        client_delay_before_close=PSEUDO_CLIENT_DELAY,
        proxy_code=fields.text("proxy_sc_code", _code),
        worker_code=fields.text("worker_sc_code", _code),
        client_code=fields.text("client_sc_code", _code),
    )


class _Fields:
    """Takes typed values out of a JSON object; a missing field is zero or empty."""

    __slots__ = ("_value",)

    def __init__(self, value: dict[str, Any]) -> None:
        self._value = value

    def number(self, name: str) -> int:
        return _named(name, _number, self._value.get(name, 0))

    def text(self, name: str, read: Callable[[str], _T]) -> _T:
        return _named(name, lambda value: read(_text(value)), self._value.get(name, ""))

    def items(self, name: str, read: Callable[[Any], _T]) -> list[_T]:
        value = self._value.get(name, [])
        if not isinstance(value, list):
            raise ConfigError(f"root configuration: {name} must be a list")
        return [_named(f"{name}[{index}]", read, item) for index, item in enumerate(value)]


def _named(name: str, read: Callable[[Any], _T], value: Any) -> _T:
    try:
        return read(value)
    except (ValueError, DecodeError) as error:
        raise ConfigError(f"root configuration: {name}: {error}") from None


def _number(value: Any) -> int:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 10:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_UINT32:
        raise ValueError("must be a whole number from 0 to 4294967295")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("must be a text")
    return value


def _hash(value: Any) -> bytes:
    try:
        raw = base64.b64decode(_text(value), validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != HASH_BYTES:
        raise ValueError(f"must be base64 of {HASH_BYTES} bytes")
    return raw


def _model_type(value: Any) -> bytes:
    # The official node hashes the part before '@' only, so such an entry pins no version.
    return model_hash(_text(value).partition("@")[0])


def _owner(text: str) -> Address | None:
    return Address.parse(text) if text else None


def _code(text: str) -> Cell:
    if not text:
        return EMPTY_CELL
    try:
        raw = bytes.fromhex(text)
    except ValueError:
        raise ValueError("must be a bag of cells in hex, or empty") from None
    return from_boc(raw)


def _registered_proxy(value: Any) -> RegisteredProxy:
    if not isinstance(value, dict):
        raise ValueError('must be an object like {"seqno": 1, "address": "127.0.0.1:11001"}')
    address = _text(value.get("address", ""))
    try:
        return parse_registered_proxy(_number(value.get("seqno", 0)), address)
    except DecodeError as error:
        raise ValueError(f'{error}; write "host:port" or "host:port host:port"') from None
