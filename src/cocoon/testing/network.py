"""A whole network in one process: proxies, workers and clients over real loopback RA-TLS.

::

    async with InMemoryNetwork(tmp_path) as network:
        proxy = await network.add_proxy()
        worker = await network.add_worker()
        client = await network.add_client()
        response = await client.run(ClientRequest(...))

Evidence is simulated TDX; engines are stand-ins (:mod:`cocoon.testing.engine_standin`) unless a
test brings its own. Nothing here is for production.
"""

import asyncio
import time
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from cocoon.attestation import policy
from cocoon.chain.address import Address
from cocoon.chain.cells import Builder
from cocoon.chain.contracts.params import ContractParams
from cocoon.chain.keys import SecretKey
from cocoon.chain.net_address import Endpoint, RegisteredProxy
from cocoon.chain.root_config import RootConfig, model_hash
from cocoon.client import Client, ClientSettings
from cocoon.devnet.tee import SimulatedTdx, SimulatedTee
from cocoon.engine.base import Engine
from cocoon.engine.openai_http import OpenAIHttpEngine
from cocoon.net.dialing import RatlsDial
from cocoon.net.identity import Identity
from cocoon.proxy.proxy import Proxy
from cocoon.proxy.settings import ListenSettings, ProxySettings
from cocoon.testing.engine_standin import (
    MODEL,
    STANDIN_ENGINE,
    StandinOptions,
    serve_standin,
)
from cocoon.worker import Worker, WorkerSettings

HOST = "127.0.0.1"
POW_DIFFICULTY = 4
READY_TIMEOUT = 20.0


def test_root(**changes: Any) -> RootConfig:
    """A root configuration for tests: price 20, fee 10, small cells as contract codes."""
    params = ContractParams(
        struct_version=3,
        params_version=1,
        unique_id=13,
        is_test=True,
        price_per_token=20,
        worker_fee_per_token=10,
        proxy_code=Builder().uint(1, 32).cell(),
        worker_code=Builder().uint(2, 32).cell(),
        client_code=Builder().uint(3, 32).cell(),
    )
    root = RootConfig(address=Address(bytes([7]) * 32), version=1, params=params)
    return replace(root, **changes)


test_root.__test__ = False  # type: ignore[attr-defined]  # not a test, whatever its name


def someone(number: int, kind: int = 0) -> str:
    """The address of an invented owner, as it goes on the wire."""
    return Address(bytes([kind + 1]) * 31 + bytes([number])).friendly(testnet=True)


@dataclass(slots=True)
class _Standin:
    options: StandinOptions
    server: asyncio.Server

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.server.sockets[0].getsockname()[1]}"


class InMemoryNetwork:
    """Members of one network; closed together, newest first.

    Args:
        directory: for the simulated TEE, stores and payment files.
        root: changed prices or hashes; proxies are filled in as they start.
        models: full names that the root configuration lists.
        check_hashes: all sides check image and model hashes against the root configuration.

    Attributes:
        standins: options of the engine stand-ins, in the order of their workers.
    """

    def __init__(
        self,
        directory: Path,
        root: RootConfig | None = None,
        *,
        models: tuple[str, ...] = (MODEL,),
        check_hashes: bool = True,
    ) -> None:
        self._directory = directory
        self._check = check_hashes
        self._tee = SimulatedTee(directory / "tee", int(time.time()))
        hashes = {image: frozenset({self._tdx(image).image_hash}) for image in ("proxy", "worker")}
        self.root = replace(
            root or test_root(),
            proxy_hashes=hashes["proxy"],
            worker_hashes=hashes["worker"],
            model_hashes=frozenset(model_hash(model) for model in models),
        )
        self.proxies: list[Proxy] = []
        self.workers: list[Worker] = []
        self.clients: list[Client] = []
        self.standins: list[StandinOptions] = []
        self._servers: list[_Standin] = []

    def _tdx(self, image: str) -> SimulatedTdx:
        return SimulatedTdx(self._tee, image)

    def _identity(self, image: str) -> Identity:
        return Identity.generate(self._tdx(image))

    def _policy(self, image: str) -> policy.Policy:
        return self._tee.policy(int(time.time()), image_hashes={self._tdx(image).image_hash})

    def dial(self, image: str) -> RatlsDial:
        """How a member with this image reaches proxies."""
        return RatlsDial(self._identity(image), self._policy("proxy"))

    # --- members ---

    async def add_proxy(self, **changes: Any) -> Proxy:
        """Start a proxy and register it; ``changes`` are other settings."""
        proxy = await self._start_proxy(len(self.proxies), (0, 0), changes)
        self.proxies.append(proxy)
        return proxy

    async def restart_proxy(self, number: int, **changes: Any) -> Proxy:
        """Close a proxy and start it again on the same ports, with its key and store."""
        old = self.proxies[number]
        ports = (old.client_port, old.worker_port)
        await old.close()
        self.proxies[number] = await self._start_proxy(number, ports, changes)
        return self.proxies[number]

    async def _start_proxy(
        self, number: int, ports: tuple[int, int], changes: dict[str, Any]
    ) -> Proxy:
        key = SecretKey.load_or_create(self._directory / f"proxy-{number}.key")
        settings: dict[str, Any] = {
            "owner": someone(number, 1),
            "machine_key": key,
            "root": self.root,
            "database_url": f"sqlite:///{self._directory}/proxy-{number}.sqlite",
            "clients": self._listen(ports[0], policy.unsafe_accept_anything()),
            "workers": self._listen(ports[1], self._policy("worker")),
            "identity": self._identity("proxy"),
            "check_worker_hashes": self._check,
            "http_port": None,
            **changes,
        }
        proxy = Proxy(ProxySettings(**settings))
        await proxy.start()
        self._register(number, proxy)
        return proxy

    def _listen(self, port: int, accepts: policy.Policy) -> ListenSettings:
        return ListenSettings(
            host=HOST, port=port, transport="ratls", policy=accepts, pow_difficulty=POW_DIFFICULTY
        )

    def _register(self, number: int, proxy: Proxy) -> None:
        entry = RegisteredProxy(
            number + 1, Endpoint(HOST, proxy.worker_port), Endpoint(HOST, proxy.client_port)
        )
        others = tuple(known for known in self.root.proxies if known.seqno != entry.seqno)
        self.root = replace(self.root, proxies=(*others, entry))

    async def add_standin(self, model: str = MODEL, **options: Any) -> str:
        """Start an engine stand-in and return its base URL."""
        standin = StandinOptions(model=model, **options)
        server = await serve_standin(standin, host=HOST)
        self.standins.append(standin)
        self._servers.append(_Standin(standin, server))
        return self._servers[-1].url

    async def add_worker(
        self,
        *,
        model: str = MODEL,
        engine: Engine | None = None,
        wait: bool = True,
        **changes: Any,
    ) -> Worker:
        """Start a worker, with a stand-in unless it brings its engine; wait until it is ready."""
        if engine is None:
            engine = OpenAIHttpEngine(
                await self.add_standin(model.partition("@")[0]), options=STANDIN_ENGINE
            )
        number = len(self.workers)
        settings: dict[str, Any] = {
            "owner": someone(number, 2),
            "model": model,
            "root": self.root,
            "engine": engine,
            "dial": self.dial("worker"),
            "proxy_connections": len(self.root.proxies),
            "check_proxy_hashes": self._check,
            "state_path": self._directory / f"worker-{number}.json",
            "http_port": None,
            **changes,
        }
        worker = Worker(WorkerSettings(**settings))
        self.workers.append(worker)
        await worker.start()
        if wait:
            await worker.wait_ready(READY_TIMEOUT, worker.settings.proxy_connections)
        return worker

    async def add_client(self, *, wait: bool = True, **changes: Any) -> Client:
        """Start a client; wait until all its proxy connections are ready."""
        number = len(self.clients)
        settings: dict[str, Any] = {
            "wallet": someone(number, 3),
            "root": self.root,
            "dial": self.dial("client"),
            "proxy_connections": len(self.root.proxies),
            "check_proxy_hashes": self._check,
            "state_path": self._directory / f"client-{number}.json",
            **changes,
        }
        client = Client(ClientSettings(**settings))
        self.clients.append(client)
        await client.start()
        if wait:
            await client.wait_ready(READY_TIMEOUT, settings["proxy_connections"])
        return client

    # --- life ---

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Stop everybody."""
        for client in reversed(self.clients):
            await client.close()
        for worker in reversed(self.workers):
            await worker.close()
        for proxy in reversed(self.proxies):
            await proxy.close()
        for standin in self._servers:
            standin.server.close()
        await asyncio.sleep(0)
