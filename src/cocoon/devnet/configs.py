"""The configuration files of a devnet's members, as documents."""

from pathlib import Path
from typing import Any

from cocoon.devnet.members import Member
from cocoon.devnet.options import DevnetOptions
from cocoon.devnet.ports import LOOPBACK, ProxyPorts

POLL_SECONDS = 0.3
ROOT_SECONDS = 2.0
"""How often members look at the chain: the embedded one makes a block at once."""

SETTLEMENT = {
    "commit_value": "0.001",
    "commit_age": 1.0,
    "charge_value": "0.001",
    "payout_value": "0.1",
    "commission_value": "1",
    "retry_delay": 2.0,
}
"""A devnet commits and charges after every answer, so that there is something to see."""

MAX_PER_DAY = "1000000"
"""TON; the faucet does not run dry."""

Document = dict[str, Any]


class Configs:
    """Writes down what each member is told.

    Args:
        options: the network.
        model: full model name.
        tee: directory of the simulated machine.
        image_hashes: by role, 32 bytes each.
        ton: keys that say how TON is reached, the same for everybody.
    """

    def __init__(
        self,
        options: DevnetOptions,
        model: str,
        tee: Path,
        image_hashes: dict[str, bytes],
        ton: Document,
    ) -> None:
        self._options = options
        self._model = model
        self._tee = tee
        self._hashes = image_hashes
        self._ton = ton

    def proxy(self, member: Member, ports: ProxyPorts) -> Document:
        """Of a proxy."""
        return {
            **self._common("proxy", member),
            "machine_key_file": "machine.key",
            # A store belongs to one contract, and those of simulated TON are others.
            "database": "books.sqlite" if "node_wallet" in self._ton else "proxy.sqlite",
            "check_worker_hashes": True,
            "http": {"host": LOOPBACK, "port": ports.http},
            "workers": self._listen(ports.workers, "worker"),
            "clients": self._listen(ports.clients, "client"),
            "settlement": SETTLEMENT,
        }

    def worker(self, member: Member, port: int) -> Document:
        """Of a worker."""
        url = self._options.engine_url
        return {
            **self._common("worker", member),
            "model": self._model,
            "max_active_requests": self._options.max_active_requests,
            "proxy_connections": self._options.proxies,
            "check_proxy_hashes": True,
            "state": "earnings.json",
            "http": {"host": LOOPBACK, "port": port},
            "dial": self._dial(),
            "engine": {"kind": "llama"} if url is None else _engine_at(url),
        }

    def client(self, member: Member, port: int) -> Document:
        """Of the client with its gateway."""
        if "node_wallet" in self._ton:
            more: Document = {"deposits": {"max_per_day": MAX_PER_DAY}}
        else:
            more = {"wallet_key_file": "wallet.key"}
        if self._options.api_keys is not None:
            more["api_keys"] = {"store": self._options.api_keys}
        return {
            **self._common("client", member),
            **more,
            "proxy_connections": self._options.proxies,
            "check_proxy_hashes": True,
            "state": "payments.json",
            "http": {"host": LOOPBACK, "port": port},
            "dial": self._dial(),
        }

    def _common(self, image: str, member: Member) -> Document:
        return {
            "is_test": True,
            "is_testnet": True,
            "owner": member.owner.address.friendly(testnet=True),
            **self._ton,
            "identity": {"kind": "tdx-simulated", "directory": str(self._tee), "image": image},
            "log": {"level": self._options.log_level},
        }

    def _policy(self, image: str) -> Document:
        return {
            "kind": "tdx-simulated",
            "directory": str(self._tee),
            "image_hashes": [self._hashes[image].hex()],
        }

    def _listen(self, port: int, image: str) -> Document:
        return {
            "host": LOOPBACK,
            "port": port,
            "transport": "ratls",
            "pow_difficulty": self._options.pow_difficulty,
            "policy": self._policy(image),
        }

    def _dial(self) -> Document:
        return {"transport": "ratls", "policy": self._policy("proxy")}


def _engine_at(url: str) -> Document:
    """On a network of one's own all clients are oneself: they may share a prompt cache."""
    return {"kind": "openai", "url": url, "allow_shared_cache": True}
