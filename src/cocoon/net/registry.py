"""What the root configuration says about proxies, applied to targets and peers."""

from cocoon.attestation.peer import VerifiedPeer
from cocoon.chain.root_config import RootConfig
from cocoon.errors import PolicyError
from cocoon.net.reconnect import Target


def client_targets(root: RootConfig) -> list[Target]:
    """Where registered proxies listen for clients."""
    return [Target(proxy.seqno, *proxy.for_clients) for proxy in root.proxies]


def worker_targets(root: RootConfig) -> list[Target]:
    """Where registered proxies listen for workers."""
    return [Target(proxy.seqno, *proxy.for_workers) for proxy in root.proxies]


def check_proxy_image(root: RootConfig, peer: VerifiedPeer, *, required: bool) -> None:
    """Refuse a proxy whose image is not listed, before anything is sent (§3.1 step 1).

    Raises:
        PolicyError: hashes are checked and this one is not in the root configuration.
    """
    if required and not root.allows_proxy(peer.image_hash):
        raise PolicyError(f"proxy image {peer.image_hash.hex()} is not in the root configuration")
