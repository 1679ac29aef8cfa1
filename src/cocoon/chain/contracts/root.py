"""The root contract: bodies of its owner's operations (``onchain.md`` §4).

``chain.root_contract`` has its data; ``root_limits`` has the ranges that our root enforces.
"""

from cocoon.chain import opcodes
from cocoon.chain.address import Address
from cocoon.chain.cells import Cell
from cocoon.chain.contracts.fields import head
from cocoon.chain.net_address import parse_registered_proxy
from cocoon.chain.root_contract import net_address

_SEQNO_BITS = 32


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
    """List a proxy: ``host:port``, or one for workers, a space, one for clients; 114 bytes fit."""
    out = head(opcodes.ROOT_REGISTER_PROXY, query_id)
    return out.content(_net_address(address)).cell()


def unregister_proxy(query_id: int, seqno: int) -> Cell:
    """List a proxy no more."""
    return head(opcodes.ROOT_UNREGISTER_PROXY, query_id).uint(seqno, _SEQNO_BITS).cell()


def update_proxy(query_id: int, seqno: int, address: str) -> Cell:
    """Change where a listed proxy listens; 110 bytes fit."""
    out = head(opcodes.ROOT_UPDATE_PROXY, query_id).uint(seqno, _SEQNO_BITS)
    return out.content(_net_address(address)).cell()


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


def _hash(operation: int, query_id: int, value: bytes) -> Cell:
    return head(operation, query_id).hash256(value).cell()


def _net_address(text: str) -> Cell:
    return net_address(parse_registered_proxy(0, text))
