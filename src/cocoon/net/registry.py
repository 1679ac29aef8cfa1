"""What the root configuration says about proxies, applied to targets and peers."""

from cocoon.attestation.peer import VerifiedPeer
from cocoon.chain.root_config import RootConfig
from cocoon.errors import PolicyError
from cocoon.net.reconnect import Target

MAX_LIST_AGE = 86_400.0
"""Seconds without a look at the root contract after which nobody new is trusted by its lists."""


def client_targets(root: RootConfig) -> list[Target]:
    """Where registered proxies listen for clients."""
    return [Target(proxy.seqno, *proxy.for_clients) for proxy in root.proxies]


def worker_targets(root: RootConfig) -> list[Target]:
    """Where registered proxies listen for workers."""
    return [Target(proxy.seqno, *proxy.for_workers) for proxy in root.proxies]


def lists_count(age: float) -> bool:
    """Whether lists that were read ``age`` seconds ago still decide whom to trust.

    Whoever keeps the chain away from a node must not keep a revoked image in use for ever.
    """
    return age <= MAX_LIST_AGE


def require_recent_lists(age: float, *, required: bool) -> None:
    """Refuse to judge anybody by lists that are too old, before anything is dialled.

    Args:
        age: seconds since the root contract was read.
        required: whether hashes are checked.

    Raises:
        PolicyError: they do not count any more.
    """
    if required and not lists_count(age):
        raise PolicyError(
            "the root contract was not read for more than a day: its lists no longer decide whom "
            "to trust",
            fix="mend the connection to TON",
        )


def check_proxy_image(root: RootConfig, peer: VerifiedPeer, *, required: bool) -> None:
    """Refuse a proxy whose image is not listed, before anything is sent (§3.1 step 1).

    Raises:
        PolicyError: hashes are checked and this one is not in the root configuration.
    """
    if required and not root.allows_proxy(peer.image_hash):
        raise PolicyError(f"proxy image {peer.image_hash.hex()} is not in the root configuration")
