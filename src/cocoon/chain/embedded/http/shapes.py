"""Small JSON shapes that the calls of an indexer share."""

import base64
from typing import Any

from cocoon.chain.address import Address
from cocoon.chain.embedded.chain import EmbeddedChain
from cocoon.chain.embedded.records import Block

SHARD = "-9223372036854775808"
"""The one shard, as a signed number."""
MASTERCHAIN = -1
BASECHAIN = 0
MAINNET = -239
TESTNET = -3


def b64(data: bytes) -> str:
    """Bytes in Base64."""
    return base64.b64encode(data).decode()


def friendly(address: Address | None) -> str:
    """The bounceable form of mainnet, which indexers answer on every network; "" for no address."""
    return "" if address is None else address.friendly(testnet=False, bounceable=True)


def raw(address: Address | None) -> str | None:
    """The form of the v3 indexers: raw with capital digits."""
    return None if address is None else address.raw().upper()


def block_id(block: Block, workchain: int = MASTERCHAIN) -> dict[str, Any]:
    """A block's full name. A block here is one of both workchains at once, with one number."""
    digest = b64(block.hash)
    return {
        "@type": "ton.blockIdExt",
        "workchain": workchain,
        "shard": SHARD,
        "seqno": block.seqno,
        "root_hash": digest,
        "file_hash": digest,
    }


def zero_block_id(chain: EmbeddedChain) -> dict[str, Any]:
    """The name of what was before the first block; each chain has another, as each network has."""
    first = chain.block(1) or chain.head()
    return block_id(Block(0, first.time, 0, 0, first.hash, 0))


def global_id(chain: EmbeddedChain) -> int:
    """The network's number: that of the public network whose address flag is used here."""
    return TESTNET if chain.testnet else MAINNET


def transaction_id(lt: int, digest: bytes) -> dict[str, Any]:
    """A place in an account's list of transactions."""
    return {"@type": "internal.transactionId", "lt": str(lt), "hash": b64(digest)}
