"""What a devnet's root configuration shall say, however it is published."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RootPlan:
    """The content of a root configuration.

    Attributes:
        proxy_hashes, worker_hashes: image hashes, 32 bytes each.
        model_hashes: of full model names, 32 bytes each.
        proxies: ``worker address:port client address:port`` of each proxy.
        price_per_token, worker_fee_per_token: nanoTON.
        proxy_delay, client_delay: seconds.
        min_proxy_stake, min_client_stake: nanoTON.
    """

    proxy_hashes: frozenset[bytes]
    worker_hashes: frozenset[bytes]
    model_hashes: frozenset[bytes]
    proxies: tuple[str, ...]
    price_per_token: int
    worker_fee_per_token: int
    proxy_delay: int
    client_delay: int
    min_proxy_stake: int
    min_client_stake: int
