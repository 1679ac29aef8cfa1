"""A node that moves real money is not told to trust what proves nothing."""

from pathlib import Path

import pytest

from cocoon.cli.config.key_manager_tables import load_key_manager
from cocoon.cli.config.load import load_client, load_proxy, load_worker
from cocoon.cli.config.tables import EngineTable
from cocoon.cli.config.worker_settings import engine_notes
from cocoon.errors import ConfigError

OWNER = "0:" + "11" * 32
CHAIN = '\n[chain]\nkind = "toncenter"\nurl = "https://ton.example"\n'
BASES = {
    "client": f'owner = "{OWNER}"\nwallet_key_file = "k"\n',
    "worker": f'owner = "{OWNER}"\nmodel = "m"\n',
    "proxy": f'owner = "{OWNER}"\nmachine_key_file = "k"\ndatabase = "d"\n',
}
LOADERS = {"client": load_client, "worker": load_worker, "proxy": load_proxy}
SIMULATED = [
    ("client", '[dial.policy]\nkind = "tdx-simulated"\ndirectory = "t"\n'),
    ("client", '[dial.policy]\nkind = "unsafe-accept-anything"\n'),
    ("client", '[identity]\nkind = "tdx-simulated"\ndirectory = "t"\n'),
    ("worker", '[dial.policy]\nkind = "fake-tdx"\n'),
    ("worker", '[identity]\nkind = "fake-tdx"\n'),
    ("proxy", '[workers.policy]\nkind = "unsafe-accept-anything"\n'),
    ("proxy", '[clients.policy]\nkind = "fake-tdx"\n'),
]


def load(folder: Path, role: str, keys: str, tables: str) -> object:
    path = folder / "node.toml"
    path.write_text(keys + BASES[role] + tables)
    return LOADERS[role](path)  # type: ignore[operator]


@pytest.mark.parametrize(("role", "table"), SIMULATED)
def test_simulated_trust_is_refused_where_money_is_real(
    tmp_path: Path, role: str, table: str
) -> None:
    with pytest.raises(ConfigError, match="proves nothing"):
        load(tmp_path, role, "is_test = false\nis_testnet = false\n", CHAIN + table)


@pytest.mark.parametrize(("role", "table"), SIMULATED)
@pytest.mark.parametrize("chain", ["", CHAIN])
def test_a_test_network_may_simulate(tmp_path: Path, role: str, table: str, chain: str) -> None:
    load(tmp_path, role, "is_test = true\n", chain + table)


def test_a_fixed_root_is_refused_where_money_is_real(tmp_path: Path) -> None:
    keys = 'is_test = false\nroot_config = "root.json"\n'
    with pytest.raises(ConfigError, match="root_config"):
        load(tmp_path, "client", keys, CHAIN)


FULL = "m@c:" + "0" * 64
LLAMA = '[engine]\nkind = "llama"\n'


def worker(folder: Path, tables: str, model: str) -> object:
    path = folder / "node.toml"
    keys = f'is_test = false\nowner = "{OWNER}"\nmodel = "{model}"\n'
    path.write_text(f'{keys}{CHAIN}[dial]\ntransport = "socks"\n{tables}')
    return load_worker(path)


@pytest.mark.parametrize(
    ("tables", "model"),
    [("", "m"), ("", FULL), (LLAMA, "m"), ("[model_proof]\nallow_unproven = false\n", "m")],
)
def test_an_unproven_model_is_refused_where_money_is_real(
    tmp_path: Path, tables: str, model: str
) -> None:
    with pytest.raises(ConfigError, match="nothing proves that the engine's files"):
        worker(tmp_path, tables, model)


@pytest.mark.parametrize(
    ("tables", "model"),
    [
        ('[model_proof]\ndirectory = "."\n', FULL),
        ('[model_proof]\narchive = "x.tar"\n', FULL),
        (LLAMA, FULL),
        ("[model_proof]\nallow_unproven = true\n", "m"),
    ],
)
def test_a_proven_model_is_accepted_and_so_is_a_decision(
    tmp_path: Path, tables: str, model: str
) -> None:
    worker(tmp_path, tables, model)


def test_a_proxy_may_take_clients_without_evidence(tmp_path: Path) -> None:
    table = '[clients.policy]\nkind = "unsafe-accept-anything"\n'
    load(tmp_path, "proxy", "is_test = false\n", CHAIN + table)


@pytest.mark.parametrize("role", BASES)
def test_a_ton_api_that_anybody_can_replace_is_refused_where_money_is_real(
    tmp_path: Path, role: str
) -> None:
    keys = "is_test = false\nis_testnet = false\n"
    chain = '\n[chain]\nkind = "toncenter"\nurl = "http://ton.example"\n'
    with pytest.raises(ConfigError, match="use https"):
        load(tmp_path, role, keys, chain)
    load(tmp_path, role, "is_test = true\n", chain)


def test_a_ton_api_of_this_machine_needs_no_https(tmp_path: Path) -> None:
    keys = "is_test = false\nis_testnet = false\n"
    load(tmp_path, "client", keys, CHAIN.replace("https://ton.example", "http://127.0.0.1:8081"))


def test_a_key_manager_too(tmp_path: Path) -> None:
    path = tmp_path / "keys.toml"
    path.write_text(
        'is_test = false\ndirectory = "d"\n[identity]\nkind = "tdx"\n[seal]\n'
        f'mr_enclaves = ["{"0" * 64}"]\ncollateral = ["c"]\n[chain]\nkind = "toncenter"\n'
        'url = "http://ton.example"\n'
    )
    with pytest.raises(ConfigError, match="use https"):
        load_key_manager(path)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://127.0.0.1:8000", False),
        ("http://localhost:8000", False),
        ("unix:/run/engine.sock", False),
        ("http://10.0.0.7:8000", True),
        ("https://engine.example", True),
    ],
)
def test_an_engine_that_no_evidence_covers_is_named(url: str, said: bool) -> None:
    assert bool(engine_notes(EngineTable(url=url))) is said
