"""A whole network on this machine: planned, started in order, stopped in order."""

import asyncio
import os
import time
from dataclasses import replace

from cocoon.chain.backend import ChainBackend
from cocoon.chain.connect import BackendSettings, backend_from
from cocoon.chain.root_config import RootConfig
from cocoon.devnet.balances import contracts
from cocoon.devnet.chain_control import ChainControl
from cocoon.devnet.deployment import deploy
from cocoon.devnet.http import get_json, get_status
from cocoon.devnet.options import DEFAULT_PORT, DevnetOptions
from cocoon.devnet.plan import Plan, ProcessSpec, make_plan
from cocoon.devnet.ports import Ports, busy_ports, free_ports, official_ports
from cocoon.devnet.processes import POLL_INTERVAL, PROBE_TIMEOUT, Report, Supervisor
from cocoon.devnet.root_data import RootContract, save_root
from cocoon.devnet.settled import Settlement
from cocoon.devnet.state import RunningNetwork, StateDirectory
from cocoon.devnet.visitor import refresh_visitors
from cocoon.devnet.winding_down import check_open, proxy_contracts, still_open, wait_closed
from cocoon.errors import ChainError, ConfigError, RemoteProtocolError, UnavailableError

ENGINE_TIMEOUT = 15.0
WORKER_TIMEOUT = 30.0


class Network:
    """A devnet; use it as an asynchronous context manager.

    Args:
        options: what it shall be.
        report: told what happens to each process.

    Attributes:
        plan: its processes and files, after the start.
        running: how to reach it, after the start.
        start_seconds: how long the start took.
        backend, chain: the chain, and its controls; None when TON is simulated.
        root: the root contract's content at the start; None likewise.
    """

    plan: Plan
    running: RunningNetwork

    def __init__(self, options: DevnetOptions, report: Report) -> None:
        self._options = options
        self._state: StateDirectory | None = None
        self._supervisor: Supervisor | None = None
        self._report = report
        self.start_seconds = 0.0
        self.backend: ChainBackend | None = None
        self.chain: ChainControl | None = None
        self.root: RootConfig | None = None

    async def start(self) -> None:
        """Start everything and wait until a request can be answered.

        Raises:
            ConfigError: the state directory or the ports are in use, or an option is wrong.
            UnavailableError: a process did not start; says which and why.
        """
        began = time.monotonic()
        options = await _with_model(self._options)
        state = self._state = StateDirectory(options.state.absolute())
        self.plan = make_plan(state, options, _choose_ports(options))
        supervisor = self._supervisor = Supervisor(self._report)
        if self.plan.chain is not None and self.plan.root_contract is not None:
            await supervisor.start([self.plan.chain])
            await self._deploy(self.plan.chain, self.plan.root_contract)
            known = replace(self.plan.root_contract, applied=self.plan.root)
            save_root(state.path, known)
            await self._settle_old(state, supervisor, known)
        # All at once: who comes before its proxies tries again a moment later.
        await supervisor.start(self.plan.roles())
        for proxy in self.plan.proxies:
            await _wait_for_worker(proxy)
        refresh_visitors(state.path)
        self.running = _describe(self.plan)
        state.publish(self.running)
        self.start_seconds = time.monotonic() - began

    async def _deploy(self, chain: ProcessSpec, root: RootContract) -> None:
        settings = BackendSettings(kind="embedded", is_testnet=True, url=chain.http)
        self.backend = backend_from(settings)
        self.chain = ChainControl(chain.http)
        try:
            self.root = await deploy(self.plan, root, self.backend, self.chain.faucet)
        except ChainError as error:
            raise UnavailableError(f"the contracts cannot be deployed: {error}") from None

    async def _settle_old(
        self, state: StateDirectory, supervisor: Supervisor, known: RootContract
    ) -> None:
        """Let proxies that have contracts of former parameters close them, and start anew."""
        if self.backend is None or self.chain is None or self.root is None:
            return
        now = proxy_contracts(self.plan.members, self.root)
        try:
            old = await still_open(self.backend, known.proxies, now)
            if old:
                winding = [spec for spec in self.plan.proxies if spec.name in old]
                for spec in winding:
                    self._report(spec.name, "winding down")
                await supervisor.start(winding)
                await wait_closed(self.backend, self.chain, old)
                await supervisor.stop("proxy")
            await check_open(self.backend, now)
        except ChainError as error:
            raise UnavailableError(f"old contracts cannot be wound down: {error}") from None
        # Contracts of proxies that are not started this time are remembered for when they are.
        save_root(state.path, replace(known, proxies={**known.proxies, **now}))

    def settlement(self) -> Settlement | None:
        """What settles on chain and shows it; None when TON is simulated."""
        if self.backend is None or self.chain is None or self.root is None:
            return None
        where = contracts(self.plan.members, self.root)
        return Settlement(self.backend, self.chain, where, self.running.proxies)

    async def next_death(self) -> str:
        """Wait until a process ends by itself; returns the sentence that says how."""
        if self._supervisor is None:
            raise UnavailableError("the network has not been started")
        return await self._supervisor.next_death()

    def missing_role(self) -> str | None:
        """A role of which no process is left; without it no request can be answered."""
        if self._supervisor is None:
            return None
        chain = () if self.plan.chain is None else ("chain",)
        roles = (*chain, "client", "proxy", "worker")
        return next((role for role in roles if not self._supervisor.living(role)), None)

    async def stop(self) -> None:
        """Stop every process; the state stays."""
        if self.backend is not None:
            await self.backend.close()
            self.backend = None
        if self._supervisor is not None:
            await self._supervisor.stop()
            self._supervisor.close()
            self._supervisor = None
        if self._state is not None:
            self._state.release()
            self._state = None

    async def __aenter__(self) -> "Network":
        try:
            await self.start()
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def pids(self) -> dict[str, int]:
        """Process id of each process by its name."""
        if self._supervisor is None:
            return {}
        return {child.spec.name: child.pid for child in self._supervisor.children}


async def _wait_for_worker(proxy: ProcessSpec) -> None:
    """Wait until a proxy has a worker: the client may ask any proxy.

    Raises:
        UnavailableError: none has connected in time.
    """
    try:
        async with asyncio.timeout(WORKER_TIMEOUT):
            while await get_status(f"{proxy.http}/ready", PROBE_TIMEOUT) != 200:  # noqa: ASYNC110
                await asyncio.sleep(POLL_INTERVAL)
    except TimeoutError:
        raise UnavailableError(f"no worker has connected to {proxy.name}") from None


def _choose_ports(options: DevnetOptions) -> Ports:
    if options.port not in (None, DEFAULT_PORT):
        ports = free_ports(options.proxies, options.workers, options.port or 0)
    else:
        ports = official_ports(options.proxies, options.workers)
    busy = busy_ports(ports)
    if busy:
        raise ConfigError(
            f"port {busy[0]} is in use on this machine: stop what listens there, or use --port 0 "
            "to take free ports"
        )
    return ports


async def _with_model(options: DevnetOptions) -> DevnetOptions:
    """Find out what a given engine serves, unless that was said."""
    if options.engine_url is None or options.model is not None:
        return options
    base = options.engine_url.rstrip("/").removesuffix("/v1")
    try:
        models = (await get_json(f"{base}/v1/models", ENGINE_TIMEOUT))["data"]
        name = models[0]["id"]
    except (UnavailableError, RemoteProtocolError) as error:
        raise ConfigError(f"--engine-url: {error}; or name its model with --model") from None
    except (LookupError, TypeError):
        raise ConfigError(f"{base}/v1/models lists no model; name one with --model") from None
    return replace(options, model=str(name))


def _describe(plan: Plan) -> RunningNetwork:
    return RunningNetwork(
        pid=os.getpid(),
        gateway_url=f"{plan.client.http}/v1",
        model=plan.model,
        proxies=tuple(item.http for item in plan.proxies),
        chain=None if plan.chain is None else plan.chain.http,
        workers=tuple(item.http for item in plan.workers),
    )
