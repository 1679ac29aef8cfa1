"""The Merkle root of a proxy's books: what a commit on chain binds the store to.

The tree is that of RFC 6962 §2.1 over the accounts in order of kind and owner, with SHA-256, leaf
prefix 0 and node prefix 1. A leaf is kind, owner and the cumulative token counter, so an auditor
with a copy of the books can check any account against the chain (``onchain.md`` §12, D10).
"""

import hashlib
from collections.abc import Iterable

from cocoon.accounting.account import AccountKind
from cocoon.accounting.amount import Tokens

_LEAF = b"\x00"
_NODE = b"\x01"
_KINDS = {AccountKind.CLIENT: b"c", AccountKind.WORKER: b"w"}

AccountLevel = tuple[AccountKind, str, Tokens]
"""Kind, owner and counter of one account."""


def state_root(levels: Iterable[AccountLevel]) -> bytes:
    """Root hash of the books, 32 bytes; of empty books the hash of nothing.

    Args:
        levels: every account once, in any order.
    """
    nodes = [
        _hash(_LEAF + kind + len(owner).to_bytes(2, "big") + owner + tokens.to_bytes(8, "big"))
        for kind, owner, tokens in sorted(
            (_KINDS[kind], owner.encode(), int(tokens)) for kind, owner, tokens in levels
        )
    ]
    if not nodes:
        return _hash(b"")
    while len(nodes) > 1:
        odd = [nodes.pop()] if len(nodes) % 2 else []
        nodes = [_hash(_NODE + nodes[i] + nodes[i + 1]) for i in range(0, len(nodes), 2)] + odd
    return nodes[0]


def _hash(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()
