"""The root contract: bodies of its owner's operations, and its initial data (``onchain.md`` §4).

``chain.root_contract`` reads it; ``root_limits`` has the ranges that our root enforces.
"""

from collections.abc import Iterable, Mapping

from cocoon.chain import opcodes
from cocoon.chain.address import Address
from cocoon.chain.cells import EMPTY_CELL, Builder, Cell
from cocoon.chain.contracts.fields import head
from cocoon.chain.contracts.params import ROOT_MASK, ContractParams
from cocoon.chain.hashmap import write_hashmap
from cocoon.chain.net_address import parse_registered_proxy
from cocoon.errors import DecodeError

HASH_BITS = 256
SEQNO_BITS = 32
MAX_REGISTER_BYTES = 114
"""What a body can hold after operation and query id."""
MAX_UPDATE_BYTES = 110
"""Likewise with the number of the registration."""


def add_worker_type(query_id: int, image_hash: bytes) -> Cell:
    """Trust workers with this image (32 bytes).

    Raises:
        DecodeError: a value does not fit; so for every function here.
    """
    return _hash(opcodes.ROOT_ADD_WORKER_TYPE, query_id, image_hash)


def del_worker_type(query_id: int, image_hash: bytes) -> Cell:
    """Trust workers with this image no more."""
    return _hash(opcodes.ROOT_DEL_WORKER_TYPE, query_id, image_hash)


def add_model_type(query_id: int, model_hash: bytes) -> Cell:
    """Allow a model: SHA-256 of its full name."""
    return _hash(opcodes.ROOT_ADD_MODEL_TYPE, query_id, model_hash)


def del_model_type(query_id: int, model_hash: bytes) -> Cell:
    """Allow a model no more."""
    return _hash(opcodes.ROOT_DEL_MODEL_TYPE, query_id, model_hash)


def add_proxy_type(query_id: int, image_hash: bytes) -> Cell:
    """Trust proxies with this image (32 bytes)."""
    return _hash(opcodes.ROOT_ADD_PROXY_TYPE, query_id, image_hash)


def del_proxy_type(query_id: int, image_hash: bytes) -> Cell:
    """Trust proxies with this image no more."""
    return _hash(opcodes.ROOT_DEL_PROXY_TYPE, query_id, image_hash)


def register_proxy(query_id: int, address: str) -> Cell:
    """List a proxy: ``host:port``, or one for workers, a space, one for clients."""
    out = head(opcodes.ROOT_REGISTER_PROXY, query_id)
    return out.content(net_address(address, MAX_REGISTER_BYTES)).cell()


def unregister_proxy(query_id: int, seqno: int) -> Cell:
    """List a proxy no more."""
    return head(opcodes.ROOT_UNREGISTER_PROXY, query_id).uint(seqno, SEQNO_BITS).cell()


def update_proxy(query_id: int, seqno: int, address: str) -> Cell:
    """Change where a listed proxy listens."""
    out = head(opcodes.ROOT_UPDATE_PROXY, query_id).uint(seqno, SEQNO_BITS)
    return out.content(net_address(address, MAX_UPDATE_BYTES)).cell()


def change_price(query_id: int, price_per_token: int, worker_fee_per_token: int) -> Cell:
    """Set both prices, nanoTON; this changes the addresses of all contracts."""
    out = head(opcodes.ROOT_CHANGE_PRICE, query_id)
    return out.coins(price_per_token).coins(worker_fee_per_token).cell()


def change_params(
    query_id: int,
    *,
    price_per_token: int,
    worker_fee_per_token: int,
    proxy_delay: int,
    client_delay: int,
    min_proxy_stake: int,
    min_client_stake: int,
) -> Cell:
    """Set prices and stakes (nanoTON) and delays (seconds); this changes all addresses."""
    out = head(opcodes.ROOT_CHANGE_PARAMS, query_id)
    out.coins(price_per_token).coins(worker_fee_per_token)
    out.uint(proxy_delay, 32).uint(client_delay, 32)
    return out.coins(min_proxy_stake).coins(min_client_stake).cell()


def upgrade_contracts(query_id: int, proxy: Cell, worker: Cell, client: Cell) -> Cell:
    """Set the codes of the three contracts; this changes all addresses."""
    out = head(opcodes.ROOT_UPGRADE_CONTRACTS, query_id)
    return out.ref(proxy).ref(worker).ref(client).cell()


def upgrade(query_id: int, code: Cell) -> Cell:
    """Replace the root's own code; data and version stay."""
    return head(opcodes.ROOT_UPGRADE, query_id).ref(code).cell()


def upgrade_full(query_id: int, data: Cell, code: Cell) -> Cell:
    """Replace the root's data and code."""
    return head(opcodes.ROOT_UPGRADE_FULL, query_id).ref(data).ref(code).cell()


def reset(query_id: int) -> Cell:
    """Empty all four lists; nobody is trusted then."""
    return head(opcodes.ROOT_RESET, query_id).cell()


def change_owner(query_id: int, owner: Address) -> Cell:
    """Hand the root over, at once."""
    return head(opcodes.ROOT_CHANGE_OWNER, query_id).address(owner).cell()


def net_address(text: str, max_bytes: int) -> Cell:
    """Where a proxy listens, as the root keeps it: type bit 0, length in 7 bits, ASCII.

    Raises:
        DecodeError: malformed, or longer than ``max_bytes``.
    """
    parse_registered_proxy(0, text)
    raw = text.encode("ascii")
    if len(raw) > max_bytes:
        raise DecodeError(f"network address has {len(raw)} bytes, at most {max_bytes} fit")
    return Builder().uint(0, 1).uint(len(raw), 7).raw(raw).cell()


def root_data(
    owner: Address,
    params: ContractParams,
    *,
    version: int = 0,
    proxy_hashes: Iterable[bytes] = (),
    worker_hashes: Iterable[bytes] = (),
    model_hashes: Iterable[bytes] = (),
    proxies: Mapping[int, str] | None = None,
    last_proxy_seqno: int | None = None,
) -> Cell:
    """Data of a root contract, for deployment and for :func:`upgrade_full`.

    Args:
        owner: who may change it.
        params: prices, delays, stakes, codes.
        version: as nodes compare it.
        proxy_hashes: trusted images, 32 bytes each.
        worker_hashes: likewise for workers.
        model_hashes: likewise, SHA-256 of the full names of models.
        proxies: network addresses by number.
        last_proxy_seqno: None for the highest number in ``proxies``.

    Raises:
        DecodeError: a value does not fit.
    """
    listed = proxies or {}
    last = max(listed, default=0) if last_proxy_seqno is None else last_proxy_seqno
    addresses = {seqno: net_address(text, MAX_REGISTER_BYTES) for seqno, text in listed.items()}
    lists = Builder().maybe_ref(_hash_set(proxy_hashes))
    lists.maybe_ref(write_hashmap(addresses, SEQNO_BITS)).uint(last, SEQNO_BITS)
    lists.maybe_ref(_hash_set(worker_hashes)).maybe_ref(_hash_set(model_hashes))
    out = Builder().address(owner).uint(version, 32)
    return out.ref(lists.cell()).ref(params.cell(ROOT_MASK)).cell()


def _hash(operation: int, query_id: int, value: bytes) -> Cell:
    return head(operation, query_id).hash256(value).cell()


def _hash_set(hashes: Iterable[bytes]) -> Cell | None:
    entries = {}
    for value in hashes:
        if len(value) * 8 != HASH_BITS:
            raise DecodeError(f"a hash has {HASH_BITS // 8} bytes, not {len(value)}")
        entries[int.from_bytes(value, "big")] = EMPTY_CELL
    return write_hashmap(entries, HASH_BITS)
