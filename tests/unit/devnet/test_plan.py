"""A devnet on paper: ports, keys, files, what is kept over a restart."""

import base64
import json
from pathlib import Path

import pytest

from cocoon.chain.pseudo_config import load_pseudo_config
from cocoon.cli.config.load import load_client, load_proxy, load_worker
from cocoon.cli.config.proxy_settings import proxy_settings
from cocoon.cli.config.trust import Trust
from cocoon.devnet.options import DEMONSTRATION_MODEL, DevnetOptions, default_state
from cocoon.devnet.plan import Plan, make_plan
from cocoon.devnet.ports import Ports, busy_ports, free_ports, official_ports
from cocoon.devnet.state import RunningNetwork, StateDirectory, find_running
from cocoon.engine.llama import MODEL_ALIAS, MODEL_SHA256, find_model
from cocoon.errors import ConfigError
from cocoon.model.name import ModelName
from cocoon.model.verify import verify


def plan(state: Path, ports: Ports | None = None, **options: int) -> Plan:
    asked = DevnetOptions(state=state, simulated_ton=True, **options)  # type: ignore[arg-type]
    directory = StateDirectory(state)
    try:
        return make_plan(directory, asked, ports or official_ports(asked.proxies, asked.workers))
    finally:
        directory.release()


def test_the_model_is_the_one_the_engine_ships() -> None:
    model = ModelName.parse(DEMONSTRATION_MODEL)
    assert model.name == MODEL_ALIAS
    proven = verify(model, find_model())
    assert proven.sha256 == MODEL_SHA256


def test_official_ports() -> None:
    ports = official_ports(2, 2)
    assert ports.gateway == 10000
    assert [(p.http, p.workers, p.clients) for p in ports.proxies] == [
        (11000, 11001, 11002),
        (11010, 11011, 11012),
    ]
    assert ports.workers == (12000, 12010)


def test_free_ports_are_distinct_and_free() -> None:
    ports = free_ports(3, 4)
    assert len(set(ports.all())) == 1 + 9 + 4 + 1
    assert busy_ports(ports) == []
    assert free_ports(1, 1, 4321).gateway == 4321


def test_every_file_loads(tmp_path: Path) -> None:
    made = plan(tmp_path / "net", workers=2, proxies=2)
    assert [item.name for item in made.processes()] == [
        "proxy-1", "proxy-2", "worker-1", "worker-2", "client",
    ]  # fmt: skip
    loaders = {"client": load_client, "proxy": load_proxy, "worker": load_worker}
    for item in made.processes():
        config = Path(item.command[-1])
        loaders[item.role](config)
        assert config.stat().st_mode & 0o077 == 0
    assert load_worker(Path(made.workers[0].command[-1])).proxy_connections == 2


def test_everybody_must_prove_what_they_run(tmp_path: Path) -> None:
    made = plan(tmp_path / "net")
    file = load_proxy(Path(made.proxies[0].command[-1]))
    assert file.check_worker_hashes
    assert file.workers.policy.image_hashes == (made.image_hashes["worker"],)
    assert file.clients.policy.image_hashes == (made.image_hashes["client"],)
    trust = Trust(file.identity)
    settings = proxy_settings(file, trust)
    assert trust.image_hash == made.image_hashes["proxy"]
    assert settings.root.allows_proxy(made.image_hashes["proxy"])
    assert settings.root.allows_worker(made.image_hashes["worker"])
    assert not settings.root.allows_worker(made.image_hashes["client"])
    assert settings.root.allows_model(DEMONSTRATION_MODEL)
    assert all("SIMULATED" in note for note in trust.notes)


def test_root_config_is_of_the_official_form(tmp_path: Path) -> None:
    made = plan(tmp_path / "net", proxies=2)
    root = load_pseudo_config(made.root_config.read_bytes())
    assert [proxy.for_clients.port for proxy in root.proxies] == [11002, 11012]
    assert [proxy.for_workers.port for proxy in root.proxies] == [11001, 11011]
    document = json.loads(made.root_config.read_text())
    assert base64.b64decode(document["proxy_hashes"][0]) == made.image_hashes["proxy"]


def test_a_restart_keeps_keys_and_addresses(tmp_path: Path) -> None:
    state = tmp_path / "net"
    first = plan(state)
    keys = {path: path.read_bytes() for path in state.rglob("*.key")}
    assert len(keys) == 9  # owner and wallet of four, one machine key
    owner = load_proxy(Path(first.proxies[0].command[-1])).owner
    second = plan(state)
    assert {path: path.read_bytes() for path in state.rglob("*.key")} == keys
    assert load_proxy(Path(second.proxies[0].command[-1])).owner == owner
    assert second.image_hashes == first.image_hashes


def test_the_root_config_version_grows_with_changes_only(tmp_path: Path) -> None:
    state = tmp_path / "net"

    def version(proxies: int) -> int:
        return int(json.loads(plan(state, proxies=proxies).root_config.read_text())["version"])

    assert [version(1), version(1), version(2), version(2), version(1)] == [1, 1, 2, 2, 3]
    (state / "root.json").write_text("garbage")
    assert version(1) == 1


def test_secrets_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    state = tmp_path / "net"
    plan(state)
    assert state.stat().st_mode & 0o777 == 0o700
    for path in state.rglob("*.key"):
        assert path.stat().st_mode & 0o777 == 0o600


def test_one_network_a_state_directory(tmp_path: Path) -> None:
    directory = StateDirectory(tmp_path)
    assert find_running(tmp_path) is None
    network = RunningNetwork(7, "http://127.0.0.1:1/v1", "m", ("http://p",), ("http://w",))
    directory.publish(network)
    assert find_running(tmp_path) == network
    with pytest.raises(ConfigError, match=r"already runs in .*process 7, http://127.0.0.1:1/v1"):
        StateDirectory(tmp_path)
    directory.release()
    assert find_running(tmp_path) is None
    StateDirectory(tmp_path).release()


def test_a_state_directory_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot use state directory"):
        StateDirectory(tmp_path / "file" / "x")


@pytest.mark.parametrize(
    "options",
    [{"workers": 0}, {"proxies": 65}, {"price_per_token": 1, "worker_fee_per_token": 2}],
)
def test_impossible_options(tmp_path: Path, options: dict[str, int]) -> None:
    with pytest.raises(ConfigError):
        DevnetOptions(state=tmp_path, **options)  # type: ignore[arg-type]


def test_default_state(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/a")
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    assert default_state() == Path("/home/a/.local/state/cocoon/devnet")
    monkeypatch.setenv("XDG_STATE_HOME", "/x")
    assert default_state() == Path("/x/cocoon/devnet")


@pytest.mark.parametrize("store", ["/somewhere/keys.sqlite", "postgresql://cocoon@db/cocoon"])
def test_a_client_with_api_keys(tmp_path: Path, store: str) -> None:
    options = DevnetOptions(state=tmp_path / "net", simulated_ton=True, api_keys=store)
    directory = StateDirectory(options.state)
    try:
        make_plan(directory, options, official_ports(1, 1))
    finally:
        directory.release()
    written = load_client(tmp_path / "net" / "client" / "config.toml").api_keys.store
    assert written == (store if "://" in store else f"sqlite:///{store}")
