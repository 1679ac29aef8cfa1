"""A devnet on paper: its processes, their configuration files, keys and the root configuration."""

import base64
import hashlib
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cocoon.chain.address import Address
from cocoon.chain.boc import to_boc
from cocoon.chain.cells import Builder
from cocoon.chain.contracts.wallet import wallet_address
from cocoon.chain.keys import SecretKey
from cocoon.chain.root_config import model_hash
from cocoon.devnet.options import DEMONSTRATION_MODEL, DevnetOptions
from cocoon.devnet.ports import LOOPBACK, Ports
from cocoon.devnet.state import StateDirectory, write_atomically
from cocoon.devnet.tee import SimulatedTdx, SimulatedTee
from cocoon.devnet.toml import to_toml

ROOT_CONTRACT = Address(hashlib.sha256(b"cocoon devnet root contract").digest())
"""There is no such contract: TON is simulated. The address only goes into other addresses."""
ROOT_CONFIG_FILE = "root.json"
CONFIG_FILE = "config.toml"
LOG_FILE = "log"
IMAGES = ("client", "proxy", "worker")
_NOBODY = Address(bytes(32))

_GATEWAY_READY = 60.0
_PROXY_READY = 30.0
_WORKER_READY = 180.0  # an engine loads its model first


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """One process of the network.

    Attributes:
        name: such as ``worker-1``.
        role: ``client``, ``proxy`` or ``worker``.
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
        proxies, workers, client: the processes.
        model: base name of the model.
        image_hashes: image hash of each role, 32 bytes.
        root_config: the root configuration file.
    """

    proxies: tuple[ProcessSpec, ...]
    workers: tuple[ProcessSpec, ...]
    client: ProcessSpec
    model: str
    image_hashes: dict[str, bytes]
    root_config: Path

    def processes(self) -> tuple[ProcessSpec, ...]:
        """Every process, in the order of starting."""
        return (*self.proxies, *self.workers, self.client)


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

    def plan(self) -> Plan:
        root = self._state.path / ROOT_CONFIG_FILE
        _write_root_config(root, self._root_config())
        return Plan(
            proxies=tuple(self._proxy(index) for index in range(self._options.proxies)),
            workers=tuple(self._worker(index) for index in range(self._options.workers)),
            client=self._client(),
            model=self._model.partition("@")[0],
            image_hashes=self._hashes,
            root_config=root,
        )

    def _root_config(self) -> dict[str, Any]:
        """``rootConfig.pseudo`` (``onchain.md`` §15), without its version."""
        return {
            "proxy_hashes": [_base64(self._hashes["proxy"])],
            "worker_hashes": [_base64(self._hashes["worker"])],
            "model_hashes": [_base64(model_hash(self._model))],
            "model_types": [],
            "registered_proxies": [
                {
                    "seqno": index + 1,
                    "address": f"{LOOPBACK}:{ports.workers} {LOOPBACK}:{ports.clients}",
                }
                for index, ports in enumerate(self._ports.proxies)
            ],
            "price_per_token": self._options.price_per_token,
            "worker_fee_per_token": self._options.worker_fee_per_token,
            "last_proxy_seqno": len(self._ports.proxies),
            "params_version": 1,
            "proxy_sc_code": _code(1),
            "worker_sc_code": _code(2),
            "client_sc_code": _code(3),
            "root_owner_address": _NOBODY.friendly(testnet=True),
        }

    def _proxy(self, index: int) -> ProcessSpec:
        name, ports = f"proxy-{index + 1}", self._ports.proxies[index]
        folder = self._state.folder(name)
        SecretKey.load_or_create(folder / "machine.key")
        document = {
            **self._common("proxy"),
            "owner": _operator(folder),
            "machine_key_file": "machine.key",
            "database": "proxy.sqlite",
            "check_worker_hashes": True,
            "http": {"host": LOOPBACK, "port": ports.http},
            "workers": self._listen(ports.workers, "worker"),
            "clients": self._listen(ports.clients, "client"),
        }
        # A proxy is ready for requests only with workers: for others to connect, health is enough.
        return self._process(name, "proxy", document, ports.http, "/health", _PROXY_READY)

    def _worker(self, index: int) -> ProcessSpec:
        name, port = f"worker-{index + 1}", self._ports.workers[index]
        url = self._options.engine_url
        document = {
            **self._common("worker"),
            "owner": _operator(self._state.folder(name)),
            "model": self._model,
            "max_active_requests": self._options.max_active_requests,
            "proxy_connections": self._options.proxies,
            "check_proxy_hashes": True,
            "state": "earnings.json",
            "http": {"host": LOOPBACK, "port": port},
            "dial": self._dial(),
            "engine": {"kind": "llama"} if url is None else {"kind": "openai", "url": url},
        }
        return self._process(name, "worker", document, port, "/ready", _WORKER_READY)

    def _client(self) -> ProcessSpec:
        folder, port = self._state.folder("client"), self._ports.gateway
        SecretKey.load_or_create(folder / "wallet.key")
        document = {
            **self._common("client"),
            "owner": _operator(folder),
            "wallet_key_file": "wallet.key",
            "proxy_connections": self._options.proxies,
            "check_proxy_hashes": True,
            "state": "payments.json",
            "http": {"host": LOOPBACK, "port": port},
            "dial": self._dial(),
        }
        return self._process("client", "client", document, port, "/ready", _GATEWAY_READY)

    def _common(self, image: str) -> dict[str, Any]:
        return {
            "is_test": True,
            "is_testnet": True,
            "root_config": str(self._state.path / ROOT_CONFIG_FILE),
            "root_contract": ROOT_CONTRACT.friendly(testnet=True),
            "identity": {"kind": "tdx-simulated", "directory": str(self._tee), "image": image},
            "log": {"level": self._options.log_level},
        }

    def _policy(self, image: str) -> dict[str, Any]:
        return {
            "kind": "tdx-simulated",
            "directory": str(self._tee),
            "image_hashes": [self._hashes[image].hex()],
        }

    def _listen(self, port: int, image: str) -> dict[str, Any]:
        return {
            "host": LOOPBACK,
            "port": port,
            "transport": "ratls",
            "pow_difficulty": self._options.pow_difficulty,
            "policy": self._policy(image),
        }

    def _dial(self) -> dict[str, Any]:
        return {"transport": "ratls", "policy": self._policy("proxy")}

    def _process(
        self,
        name: str,
        role: str,
        document: dict[str, Any],
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


def _operator(folder: Path) -> str:
    """Address of the operator of one member; its key is made once and never used for TON."""
    key = SecretKey.load_or_create(folder / "owner.key")
    return wallet_address(_NOBODY, key.public_key).friendly(testnet=True)


def _write_root_config(path: Path, content: dict[str, Any]) -> None:
    """Write it with a version that grows whenever the content changes: nodes adopt only newer."""
    version = 1
    try:
        old = json.loads(path.read_text())
        old_version = int(old.pop("version"))
        version = old_version if old == content else old_version + 1
    except FileNotFoundError:
        pass
    except (ValueError, KeyError, TypeError, AttributeError):
        pass  # not ours: written anew
    write_atomically(path, json.dumps({**content, "version": version}, indent=2) + "\n")


def _code(number: int) -> str:
    """A small cell in place of a contract's code: it only goes into addresses (§15)."""
    return to_boc(Builder().uint(number, 32).cell()).hex()


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
