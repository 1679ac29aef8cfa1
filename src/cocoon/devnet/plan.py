"""A devnet on paper: its processes, their configuration files and keys."""

import sys
import time
from dataclasses import dataclass
from pathlib import Path

from cocoon.chain.address import Address
from cocoon.chain.root_config import model_hash
from cocoon.devnet.configs import POLL_SECONDS, ROOT_SECONDS, Configs, Document
from cocoon.devnet.members import Member, load_member
from cocoon.devnet.options import DEMONSTRATION_MODEL, DevnetOptions
from cocoon.devnet.ports import LOOPBACK, Ports
from cocoon.devnet.root_data import RootContract, load_root
from cocoon.devnet.root_file import ROOT_CONFIG_FILE, SIMULATED_ROOT, write_root_file
from cocoon.devnet.root_plan import RootPlan
from cocoon.devnet.state import StateDirectory, write_atomically
from cocoon.devnet.tee import SimulatedTdx, SimulatedTee
from cocoon.devnet.toml import to_toml

CONFIG_FILE = "config.toml"
LOG_FILE = "log"
CHAIN_FILE = "chain.sqlite"
IMAGES = ("client", "proxy", "worker")

_CHAIN_READY = 60.0  # the emulator is compiled once on each machine
_GATEWAY_READY = 60.0
_PROXY_READY = 30.0
_WORKER_READY = 180.0  # an engine loads its model first


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """One process of the network.

    Attributes:
        name: such as ``worker-1``.
        role: ``client``, ``proxy``, ``worker`` or ``chain``.
        command: program and arguments.
        log: file that its output goes to.
        http: base URL of its HTTP interface.
        ready_path: answers 200 once others can use it.
        start_timeout: seconds until it must be ready.
    """

    name: str
    role: str
    command: tuple[str, ...]
    log: Path
    http: str
    ready_path: str
    start_timeout: float


@dataclass(frozen=True, slots=True)
class Plan:
    """A devnet whose files are written.

    Attributes:
        chain: the embedded chain; None when TON is simulated.
        proxies, workers, client: the processes.
        model: base name of the model.
        image_hashes: image hash of each role, 32 bytes.
        root: what the root configuration says.
        root_contract: as the state directory knows it; None when TON is simulated.
        root_config: the root configuration file; None when it is on the chain.
        deployer: who owns the root contract.
        members: who has wallets, by process name.
    """

    chain: ProcessSpec | None
    proxies: tuple[ProcessSpec, ...]
    workers: tuple[ProcessSpec, ...]
    client: ProcessSpec
    model: str
    image_hashes: dict[str, bytes]
    root: RootPlan
    root_contract: RootContract | None
    root_config: Path | None
    deployer: Member
    members: dict[str, Member]

    def roles(self) -> tuple[ProcessSpec, ...]:
        """Every process but the chain, in the order of starting."""
        return (*self.proxies, *self.workers, self.client)

    def processes(self) -> tuple[ProcessSpec, ...]:
        """Every process, in the order of starting."""
        return self.roles() if self.chain is None else (self.chain, *self.roles())


def make_plan(state: StateDirectory, options: DevnetOptions, ports: Ports) -> Plan:
    """Write configuration files and whatever keys are missing; existing keys are kept.

    Raises:
        ConfigError: a file of the state directory cannot be read or written.
    """
    return _Planner(state, options, ports).plan()


class _Planner:
    def __init__(self, state: StateDirectory, options: DevnetOptions, ports: Ports) -> None:
        self._state = state
        self._options = options
        self._ports = ports
        self._model = options.model or DEMONSTRATION_MODEL
        self._tee = state.path / "tee"
        machine = SimulatedTee(self._tee, int(time.time()))
        self._hashes = {image: SimulatedTdx(machine, image).image_hash for image in IMAGES}
        self._members: dict[str, Member] = {}
        self._deployer = load_member(state.folder("deployer"), "deployer")
        self._root = self._root_plan()

    def plan(self) -> Plan:
        if self._options.simulated_ton:
            published, contract = None, SIMULATED_ROOT
            file: Path | None = self._state.path / ROOT_CONFIG_FILE
            write_root_file(self._state.path / ROOT_CONFIG_FILE, self._root)
        else:
            owner = self._deployer.owner.address
            published = load_root(self._state.path, self._root, owner)
            contract, file = published.address, None
        configs = Configs(
            self._options, self._model, self._tee, self._hashes, self._ton(contract, file)
        )
        return Plan(
            chain=self._chain(),
            proxies=tuple(self._proxy(configs, index) for index in range(self._options.proxies)),
            workers=tuple(self._worker(configs, index) for index in range(self._options.workers)),
            client=self._client(configs),
            model=self._model.partition("@")[0],
            image_hashes=self._hashes,
            root=self._root,
            root_contract=published,
            root_config=file,
            deployer=self._deployer,
            members=self._members,
        )

    def _root_plan(self) -> RootPlan:
        options = self._options
        return RootPlan(
            proxy_hashes=frozenset({self._hashes["proxy"]}),
            worker_hashes=frozenset({self._hashes["worker"]}),
            model_hashes=frozenset({model_hash(self._model)}),
            proxies=tuple(
                f"{LOOPBACK}:{ports.workers} {LOOPBACK}:{ports.clients}"
                for ports in self._ports.proxies
            ),
            price_per_token=options.price_per_token,
            worker_fee_per_token=options.worker_fee_per_token,
            proxy_delay=options.proxy_delay,
            client_delay=options.client_delay,
            min_proxy_stake=options.min_proxy_stake,
            min_client_stake=options.min_client_stake,
        )

    def _ton(self, contract: Address, file: Path | None) -> Document:
        keys: Document = {"root_contract": contract.friendly(testnet=True)}
        if file is not None:
            return {**keys, "root_config": str(file)}
        return {
            **keys,
            "chain": {
                "kind": "embedded",
                "url": f"http://{LOOPBACK}:{self._ports.chain}",
                "poll_seconds": POLL_SECONDS,
                "root_seconds": ROOT_SECONDS,
            },
            "node_wallet": {"kind": "cocoon", "key_file": "wallet.key"},
        }

    def _chain(self) -> ProcessSpec | None:
        if self._options.simulated_ton:
            return None
        folder, port = self._state.folder("chain"), self._ports.chain
        return ProcessSpec(
            name="chain",
            role="chain",
            command=(
                *(sys.executable, "-m", "cocoon", "chain", "up"),
                *("--database", str(folder / CHAIN_FILE), "--port", str(port)),
            ),
            log=folder / LOG_FILE,
            http=f"http://{LOOPBACK}:{port}",
            ready_path="/health",
            start_timeout=_CHAIN_READY,
        )

    def _proxy(self, configs: Configs, index: int) -> ProcessSpec:
        name, ports = f"proxy-{index + 1}", self._ports.proxies[index]
        document = configs.proxy(self._member(name, machine_key=True), ports)
        # A proxy is ready for requests only with workers: for others to connect, health is enough.
        return self._process(name, "proxy", document, ports.http, "/health", _PROXY_READY)

    def _worker(self, configs: Configs, index: int) -> ProcessSpec:
        name, port = f"worker-{index + 1}", self._ports.workers[index]
        document = configs.worker(self._member(name), port)
        return self._process(name, "worker", document, port, "/ready", _WORKER_READY)

    def _client(self, configs: Configs) -> ProcessSpec:
        port = self._ports.gateway
        document = configs.client(self._member("client"), port)
        return self._process("client", "client", document, port, "/ready", _GATEWAY_READY)

    def _member(self, name: str, *, machine_key: bool = False) -> Member:
        folder = self._state.folder(name)
        self._members[name] = load_member(folder, name, machine_key=machine_key)
        return self._members[name]

    def _process(
        self,
        name: str,
        role: str,
        document: Document,
        port: int,
        ready_path: str,
        start_timeout: float,
    ) -> ProcessSpec:
        folder = self._state.folder(name)
        config = folder / CONFIG_FILE
        write_atomically(config, to_toml(document))
        return ProcessSpec(
            name=name,
            role=role,
            command=(sys.executable, "-m", "cocoon", role, "--config", str(config)),
            log=folder / LOG_FILE,
            http=f"http://{LOOPBACK}:{port}",
            ready_path=ready_path,
            start_timeout=start_timeout,
        )
