"""What a devnet's root configuration shall say, however it is published."""

from dataclasses import dataclass
from typing import Any


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

    @property
    def terms(self) -> tuple[int, ...]:
        """Everything that is part of the contracts' addresses."""
        return (
            self.price_per_token,
            self.worker_fee_per_token,
            self.proxy_delay,
            self.client_delay,
            self.min_proxy_stake,
            self.min_client_stake,
        )

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "proxy_hashes": sorted(item.hex() for item in self.proxy_hashes),
            "worker_hashes": sorted(item.hex() for item in self.worker_hashes),
            "model_hashes": sorted(item.hex() for item in self.model_hashes),
            "proxies": list(self.proxies),
            "terms": list(self.terms),
        }

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> "RootPlan":
        """Read it.

        Raises:
            LookupError: something is missing; so ValueError and TypeError where it is wrong.
        """
        proxies, workers, models = (
            frozenset(bytes.fromhex(item) for item in document[f"{kind}_hashes"])
            for kind in ("proxy", "worker", "model")
        )
        terms = [int(item) for item in document["terms"]]
        return cls(proxies, workers, models, tuple(document["proxies"]), *terms)
