"""A node that moves real money is not told to trust what proves nothing."""

from pathlib import Path

import pytest

from cocoon.cli.config.load import load_client, load_proxy, load_worker
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


def test_a_proxy_may_take_clients_without_evidence(tmp_path: Path) -> None:
    table = '[clients.policy]\nkind = "unsafe-accept-anything"\n'
    load(tmp_path, "proxy", "is_test = false\n", CHAIN + table)
