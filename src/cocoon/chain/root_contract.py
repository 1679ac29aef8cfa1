"""The root contract's account as a :class:`RootConfig`, and back (``onchain.md`` §4).

Reading is exact, as the official reader is, except for what strangers to Cocoon could put there: an
owner outside workchain 0 is no owner that we can name, and a proxy whose network address does not
parse is left out.
"""

from collections.abc import Iterable

from cocoon.chain.address import Address
from cocoon.chain.backend import ChainBackend
from cocoon.chain.cells import EMPTY_CELL, Builder, Cell, Reader
from cocoon.chain.contracts.params import ROOT_MASK, ContractParams
from cocoon.chain.governance import with_governance
from cocoon.chain.hashmap import read_hashmap, write_hashmap
from cocoon.chain.net_address import RegisteredProxy, parse_registered_proxy
from cocoon.chain.root_config import RootConfig
from cocoon.errors import ChainDataError, ChainError, DecodeError

MAX_HASHES = 2048
"""Entries of each list of hashes; a network has a few images and models."""
MAX_PROXIES = 1024
MAX_NET_ADDRESS_BYTES = 127

_HASH_BITS = 256
_SEQNO_BITS = 32
_TEXT_ADDRESS = 0
"""Type of a network address that is text; the other type is not defined."""


def root_config(address: Address, data: Cell) -> RootConfig:
    """Read the root contract's data.

    Args:
        address: the root contract.
        data: its data cell.

    Raises:
        DecodeError: malformed, over a limit, or of a newer layout.
    """
    read = Reader(data)
    owner, version = read.any_address(), read.uint(32)
    lists, params = Reader(read.ref()), ContractParams.from_cell(read.ref())
    read.end()
    # Keyword arguments are evaluated in this order, which is the order in the cell.
    config = RootConfig(
        address=address,
        version=version,
        params=params,
        owner=owner,
        proxy_hashes=_read_hashes(lists),
        proxies=_read_proxies(lists),
        last_proxy_seqno=lists.uint(32),
        worker_hashes=_read_hashes(lists),
        model_hashes=_read_hashes(lists),
    )
    lists.end()
    return config


def root_data(config: RootConfig) -> Cell:
    """The data cell of a root contract with this configuration.

    Raises:
        DecodeError: a value does not fit, or there is no owner.
    """
    if config.owner is None:
        raise DecodeError("a root contract needs an owner")
    out = Builder().address(config.owner).uint(config.version, 32)
    return out.ref(root_lists(config)).ref(config.params.cell(ROOT_MASK)).cell()


def root_lists(config: RootConfig) -> Cell:
    """The cell with the lists of hashes and proxies.

    Raises:
        DecodeError: a network address or number does not fit.
    """
    out = Builder().maybe_ref(_write_hashes(config.proxy_hashes))
    proxies = {proxy.seqno: net_address(proxy) for proxy in config.proxies}
    out.maybe_ref(write_hashmap(proxies, _SEQNO_BITS)).uint(config.last_proxy_seqno, 32)
    out.maybe_ref(_write_hashes(config.worker_hashes))
    return out.maybe_ref(_write_hashes(config.model_hashes)).cell()


def net_address(proxy: RegisteredProxy) -> Cell:
    """Where a proxy listens, as the registration message and the list of proxies hold it.

    Raises:
        DecodeError: the text is too long.
    """
    both = (proxy.for_workers, proxy.for_clients)
    text = " ".join(dict.fromkeys(str(endpoint) for endpoint in both)).encode("ascii")
    if len(text) > MAX_NET_ADDRESS_BYTES:
        raise DecodeError(f"network address has more than {MAX_NET_ADDRESS_BYTES} bytes")
    return Builder().uint(_TEXT_ADDRESS, 1).uint(len(text), 7).raw(text).cell()


async def read_root(backend: ChainBackend, address: Address) -> RootConfig:
    """Read the root contract's newest state.

    Raises:
        ChainError: the chain cannot be read, or has no contract there.
        ChainDataError: the contract there is not a root contract that we understand.
    """
    state = await backend.account(address)
    if state.data is None:
        where = "testnet" if backend.is_testnet else "mainnet"
        raise ChainError(
            f"there is no root contract at {address} on this {where} ({backend.name}): "
            "check the root address and the network in the configuration"
        )
    try:
        config = root_config(address, state.data)
    except DecodeError as error:
        raise ChainDataError(f"contract at {address} is no root contract: {error}") from None
    return await with_governance(backend, config)


def adopt(current: RootConfig | None, read: RootConfig) -> RootConfig:
    """Which of two configurations holds: the one read only if its version is greater.

    A chain that shows an older version lags or lies; the same version says nothing new.
    """
    return read if current is None or read.supersedes(current) else current


def _read_hashes(read: Reader) -> frozenset[bytes]:
    root = read.maybe_ref()
    found = read_hashmap(root, _HASH_BITS, lambda _: None, max_entries=MAX_HASHES)
    return frozenset(key.to_bytes(_HASH_BITS // 8, "big") for key in found)


def _write_hashes(hashes: Iterable[bytes]) -> Cell | None:
    return write_hashmap({int.from_bytes(key, "big"): EMPTY_CELL for key in hashes}, _HASH_BITS)


def _read_proxies(read: Reader) -> tuple[RegisteredProxy, ...]:
    entries = read_hashmap(read.maybe_ref(), _SEQNO_BITS, Reader.rest, max_entries=MAX_PROXIES)
    proxies = (_read_proxy(seqno, entry) for seqno, entry in entries.items())
    return tuple(proxy for proxy in proxies if proxy is not None)


def _read_proxy(seqno: int, entry: Cell) -> RegisteredProxy | None:
    read = Reader(entry)
    try:
        if read.uint(1) != _TEXT_ADDRESS:
            return None
        text = read.raw(read.uint(7))
        read.end()
        return parse_registered_proxy(seqno, text.decode("ascii"))
    except (DecodeError, UnicodeDecodeError):
        return None
