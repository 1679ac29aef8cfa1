"""The root configuration: what every node must agree on before it trusts or pays anybody.

In production this is the state of the root contract. In simulated-TON mode it is a JSON file in the
official form (``rootConfig.pseudo``, ``onchain.md`` §15), read here.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache

from cocoon.chain.address import Address
from cocoon.chain.contracts.client import client_data
from cocoon.chain.contracts.governor_rules import Rules
from cocoon.chain.contracts.params import ContractParams
from cocoon.chain.contracts.proxy import proxy_data
from cocoon.chain.contracts.state_init import contract_address
from cocoon.chain.contracts.tariff import Tariff
from cocoon.chain.contracts.worker import worker_data
from cocoon.chain.net_address import RegisteredProxy
from cocoon.errors import ConfigError

_ADDRESS_CACHE = 4096

_Derive = Callable[[Address, Address, bytes], Address]


@dataclass(frozen=True)
class RootConfig:
    """One version of the root configuration.

    Args:
        address: the root contract; it is part of every proxy's address.
        owner: who may change the configuration; None if the file does not say.
        version: grows with every change; nodes adopt only a greater one.
        params: prices, delays, stakes, codes.
        proxy_hashes: image hashes (32 bytes) of proxies to be trusted.
        worker_hashes: likewise for workers.
        model_hashes: SHA-256 of the full model strings that may be served.
        proxies: where the registered proxies listen.
        last_proxy_seqno: number of the last registration.
        rules: how its owners decide, if the owner is our governor contract; None for any other
            owner, who can change everything alone and at once.
        tariff: weights of the token classes, if the governor keeps some.
    """

    address: Address
    version: int
    params: ContractParams
    owner: Address | None = None
    proxy_hashes: frozenset[bytes] = frozenset()
    worker_hashes: frozenset[bytes] = frozenset()
    model_hashes: frozenset[bytes] = frozenset()
    proxies: tuple[RegisteredProxy, ...] = field(default=())
    last_proxy_seqno: int = 0
    rules: Rules | None = None
    tariff: Tariff | None = None

    @property
    def owner_kind(self) -> str:
        """``governor`` or ``single``: whether one key can change everything at once."""
        return "single" if self.rules is None else "governor"

    def effective_params(self, time: float) -> ContractParams:
        """The parameters with the weights that hold at a time; for prices, never for addresses.

        Args:
            time: Unix seconds.
        """
        step = None if self.tariff is None else self.tariff.tariff_at(int(time))
        if step is None:
            return self.params
        return replace(
            self.params,
            prompt_multiplier=step.multipliers.prompt,
            cached_multiplier=step.multipliers.cached,
            completion_multiplier=step.multipliers.completion,
            reasoning_multiplier=step.multipliers.reasoning,
        )

    def next_price_change(self, time: float) -> int | None:
        """When the next announced weights begin to hold, Unix seconds; None if none are."""
        step = None if self.tariff is None else self.tariff.change_after(int(time))
        return None if step is None else step.effective_at

    def supersedes(self, known: "RootConfig") -> bool:
        """Whether this one, read from the chain, is newer than what is known.

        The root's version decides; the governor keeps rules and tariff under versions of their own.
        """
        if self.version != known.version:
            return self.version > known.version
        return self._governance > known._governance

    @property
    def _governance(self) -> tuple[int, int]:
        rules = -1 if self.rules is None else self.rules.version
        return (rules, -1 if self.tariff is None else self.tariff.version)

    def allows_proxy(self, image_hash: bytes) -> bool:
        """Whether a proxy with this image may be trusted; an empty list allows none."""
        return image_hash in self.proxy_hashes

    def allows_worker(self, image_hash: bytes) -> bool:
        """Whether a worker with this image may be trusted; an empty list allows none."""
        return image_hash in self.worker_hashes

    def allows_model(self, model: str) -> bool:
        """Whether this full model string, ``name@commit:hash``, may be served."""
        return model_hash(model) in self.model_hashes

    def check_is_test(self, is_test: bool) -> None:
        """Refuse to run on a network of the other kind.

        Raises:
            ConfigError: the root configuration and the node's own setting differ.
        """
        if self.params.is_test != is_test:
            raise ConfigError(
                f"root configuration has is_test={self.params.is_test}, "
                f"this node has is_test={is_test}: "
                "use the root configuration of the network that the node is meant for"
            )

    def proxy_address(self, owner: Address, public_key: bytes) -> Address:
        """The contract of a proxy, remembered.

        Args:
            owner: its operator.
            public_key: 32 bytes, its machine key.

        Raises:
            DecodeError: the key does not have 32 bytes.
        """
        return self._proxy_address(owner, public_key)

    def client_address(self, owner: Address, proxy: Address, proxy_key: bytes) -> Address:
        """The contract of a client at a proxy, remembered.

        Args:
            owner: the client's cocoon wallet.
            proxy: the proxy's contract.
            proxy_key: 32 bytes, the proxy's machine key.

        Raises:
            DecodeError: the key does not have 32 bytes.
        """
        return self._client_address(owner, proxy, proxy_key)

    def worker_address(self, owner: Address, proxy: Address, proxy_key: bytes) -> Address:
        """The contract of a worker at a proxy, remembered.

        Args:
            owner: the worker operator's configured wallet.
            proxy: the proxy's contract.
            proxy_key: 32 bytes, the proxy's machine key.

        Raises:
            DecodeError: the key does not have 32 bytes.
        """
        return self._worker_address(owner, proxy, proxy_key)

    @cached_property
    def _proxy_address(self) -> Callable[[Address, bytes], Address]:
        params, root, code = self.params, self.address, self.params.proxy_code
        if code is None:
            raise ConfigError("root configuration lacks the proxy contract's code")

        def derive(owner: Address, public_key: bytes) -> Address:
            return contract_address(code, proxy_data(params, owner, public_key, root))

        return lru_cache(_ADDRESS_CACHE)(derive)

    @cached_property
    def _client_address(self) -> _Derive:
        params, code = self.params, self.params.client_code
        if code is None:
            raise ConfigError("root configuration lacks the client contract's code")

        def derive(owner: Address, proxy: Address, proxy_key: bytes) -> Address:
            return contract_address(code, client_data(params, owner, proxy, proxy_key))

        return lru_cache(_ADDRESS_CACHE)(derive)

    @cached_property
    def _worker_address(self) -> _Derive:
        params, code = self.params, self.params.worker_code
        if code is None:
            raise ConfigError("root configuration lacks the worker contract's code")

        def derive(owner: Address, proxy: Address, proxy_key: bytes) -> Address:
            return contract_address(code, worker_data(params, owner, proxy, proxy_key))

        return lru_cache(_ADDRESS_CACHE)(derive)


def model_hash(model: str) -> bytes:
    """SHA-256 of a model string as the root contract lists it (``onchain.md`` §4)."""
    # Names from the wire may hold any bytes; they are kept as escaped surrogates there.
    return hashlib.sha256(model.encode(errors="surrogateescape")).digest()
