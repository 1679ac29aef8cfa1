"""Whole configuration files, ours and the official ones."""

import base64
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cocoon.chain.address import Address
from cocoon.chain.contracts.code import load_code
from cocoon.chain.keys import SecretKey
from cocoon.chain.wallets.cocoon import CocoonWallet
from cocoon.cli.config import tables
from cocoon.cli.config.chain import chain_settings, node_wallet
from cocoon.cli.config.client_settings import client_settings, gateway_settings
from cocoon.cli.config.common import root_config
from cocoon.cli.config.load import Overrides, load_any, load_client, load_proxy, load_worker
from cocoon.cli.config.proxy_settings import proxy_settings
from cocoon.cli.config.tables import ClientFile, NodeWalletTable, ProxyFile, WorkerFile
from cocoon.cli.config.trust import Trust
from cocoon.cli.config.worker_settings import worker_settings
from cocoon.devnet.tee import SimulatedTdx, SimulatedTee
from cocoon.errors import ConfigError
from cocoon.net.dialing import RatlsDial, SocksDial

EXAMPLES = Path(__file__).parents[3] / "examples" / "config"
OFFICIAL = EXAMPLES / "official"
ADDRESS = "0QAsHeIeW5Ds7989DDsnR8Im1o76268aeZehFk-2EtKmsw9B"
KEY = bytes(range(1, 33))


def official(tmp_path: Path, **fields: Any) -> Path:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(fields))
    return path


def toml(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(text)
    return path


# --- examples ------------------------------------------------------------------------------------


def test_example_client() -> None:
    file = load_client(EXAMPLES / "client.toml")
    assert file.dial.transport == "socks"
    assert file.http.port == 10000
    assert file.root_config == EXAMPLES / "root.json"


def test_example_proxy() -> None:
    file = load_proxy(EXAMPLES / "proxy.toml")
    assert (file.workers.port, file.clients.port) == (11001, 11002)
    assert file.workers.policy.kind == "tdx"
    assert file.clients.policy.kind == "unsafe-accept-anything"
    assert file.database == EXAMPLES / "proxy.sqlite"


def test_example_worker_gives_settings() -> None:
    file = load_worker(EXAMPLES / "worker.toml")
    settings = worker_settings(file, Trust(file.identity))
    assert settings.root.allows_model(settings.model)
    assert settings.dial == SocksDial("127.0.0.1", 8116)
    assert settings.max_active_requests == 60
    assert settings.http_port == 12000


def test_official_client_gives_settings() -> None:
    overrides = Overrides(root_config=EXAMPLES / "root.json")
    file = load_client(OFFICIAL / "client-config.json", overrides)
    settings = client_settings(file, Trust(file.identity))
    assert settings.wallet.startswith("0Q")
    assert settings.secret == b""
    assert settings.dial == SocksDial("127.0.0.1", 8116)
    assert not settings.check_proxy_hashes


def test_official_proxy_gives_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    overrides = Overrides(root_config=EXAMPLES / "root.json", check_hashes=True)
    file = load_proxy(OFFICIAL / "proxy-config.json", overrides)
    settings = proxy_settings(file, Trust(file.identity))
    assert settings.machine_key.public_key == SecretKey(KEY).public_key
    assert (settings.workers.host, settings.workers.port) == ("127.0.0.1", 11101)
    assert (settings.clients.transport, settings.clients.port) == ("router", 11102)
    assert settings.check_worker_hashes
    assert settings.database_url == f"sqlite:///{tmp_path}/proxy-db/cocoon-proxy.sqlite"


def test_official_worker_gives_settings() -> None:
    overrides = Overrides(root_config=EXAMPLES / "root.json", http_host="0.0.0.0", http_port=5)
    file = load_worker(OFFICIAL / "worker-config.json", overrides)
    settings = worker_settings(file, Trust(file.identity))
    assert settings.model == "Qwen/Qwen3-8B"
    assert (settings.http_host, settings.http_port) == ("0.0.0.0", 5)
    assert repr(settings.engine) == "OpenAIHttpEngine(127.0.0.1:8000)"


# --- odd official forms --------------------------------------------------------------------------


def test_official_defaults_of_a_worker(tmp_path: Path) -> None:
    path = official(
        tmp_path,
        is_test="1",
        owner_address=ADDRESS,
        model_name="m",
        connect_to_proxy_via="127.0.0.1:8116",
        max_active_requests="-5",
        coefficient="1500",
        unknown={"ignored": True},
        http_access_hash=None,
    )
    file = load_worker(path)
    assert file.max_active_requests == 200
    assert file.coefficient == 1500
    assert file.http.port is None
    assert file.engine.url == tables.DEFAULT_ENGINE_URL
    assert file.proxy_connections == 1


def test_official_hash_check_is_forced_off_test(tmp_path: Path) -> None:
    path = official(
        tmp_path,
        is_test=False,
        owner_address=ADDRESS,
        model_name="m",
        connect_to_proxy_via="127.0.0.1:8116",
    )
    assert load_worker(path).check_proxy_hashes


def test_official_client_without_a_router_dials_itself(tmp_path: Path) -> None:
    path = official(
        tmp_path,
        is_test=1,
        is_testnet=True,
        owner_address=ADDRESS,
        node_wallet_key=base64.b64encode(KEY).decode(),
    )
    file = load_client(path, Overrides(root_config=EXAMPLES / "root.json"))
    assert file.dial.transport == "ratls"
    with pytest.raises(ConfigError, match="collateral"):
        client_settings(file, Trust(file.identity))


@pytest.mark.parametrize(
    ("load", "fields", "message"),
    [
        (load_worker, {"owner_address": "x"}, "owner_address: is not a TON address"),
        (load_worker, {"owner_address": ADDRESS}, "model_name: must be a non-empty string"),
        (
            load_worker,
            {"owner_address": ADDRESS, "model_name": "m"},
            "connect_to_proxy_via is missing: a worker needs a router",
        ),
        (
            load_worker,
            {"owner_address": ADDRESS, "model_name": "m", "connect_to_proxy_via": "x"},
            "connect_to_proxy_via: must be host:port",
        ),
        (load_worker, {"coefficient": 2**31}, "coefficient: does not fit in 32 bits"),
        (load_client, {"owner_address": ADDRESS}, "node_wallet_key is missing"),
        (load_client, {"node_wallet_key": "AAAA"}, "node_wallet_key: must be base64 of 32 bytes"),
        (load_client, {"is_test": "maybe"}, "is_test"),
        (load_proxy, {"is_testnet": True}, "is_testnet must be false where is_test is false"),
        (load_proxy, {"is_test": True}, "machine_specific_private_key is missing"),
        (load_proxy, {"workers_rpc_port": []}, "workers_rpc_port: must be an integer"),
    ],
)
def test_official_errors(tmp_path: Path, load: Any, fields: dict[str, Any], message: str) -> None:
    path = official(tmp_path, **fields)
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)


def test_protected_control_pages_are_not_opened(tmp_path: Path) -> None:
    text = (OFFICIAL / "worker-config.json").read_text()
    fields = json.loads(text) | {"http_access_hash": "abc"}
    path = official(tmp_path, **fields)
    assert load_worker(path).http.host == "127.0.0.1"
    assert load_worker(path, Overrides(http_host="127.0.0.2")).http.host == "127.0.0.2"
    with pytest.raises(ConfigError, match="http_access_hash is not supported"):
        load_worker(path, Overrides(http_host="0.0.0.0"))


# --- TOML ----------------------------------------------------------------------------------------

WORKER = f'owner = "{ADDRESS}"\nmodel = "m"\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("owner =", "not valid TOML"),
        ("coefficent = 1\n" + WORKER, "coefficent: no such key; did you mean 'coefficient'?"),
        (WORKER + "coefficient = -1", "coefficient: must be from 0 to 999999999"),
        (WORKER + "[engine]\nurl = 'x'", "engine.url: must begin with http://"),
        (WORKER + "[dial]\ntransport = 'tls'", "dial.transport: must be one of ratls, socks"),
        (WORKER + "[dial.policy]\nkind = 'any'", "dial.policy.kind: must be one of tdx,"),
        (
            WORKER + "[dial.policy]\nkind = 'tdx-simulated'",
            "dial.policy: kind `tdx-simulated` needs the key `directory`",
        ),
        (WORKER + "[identity]\nkind = 'certificate'", "identity: kind `certificate` needs"),
        (WORKER + "[log]\nlevel = 'loud'", "log.level: must be one of debug"),
        ("model = 'm'", "owner: is missing"),
        (WORKER + "[dial.policy]\nimage_hashes = ['00']", "image_hashes[0]: must be 32 bytes"),
    ],
)
def test_toml_errors(tmp_path: Path, text: str, message: str) -> None:
    path = toml(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load_worker(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)


HASH = "00" * 32


@pytest.mark.parametrize(
    ("policy", "ignored"),
    [
        (f"kind = 'unsafe-accept-anything'\nimage_hashes = ['{HASH}']", "image_hashes"),
        ("kind = 'unsafe-accept-anything'\nimage_hashes = []", "image_hashes"),
        ("kind = 'unsafe-accept-anything'\nmax_age = 60", "max_age"),
        ("kind = 'fake-tdx'\nmr_tds = []", "mr_tds"),
        ("kind = 'fake-tdx'\nmax_age = 60", "max_age"),
        ("kind = 'tdx-simulated'\ndirectory = 'x'\ncollateral = ['y']", "collateral"),
        ("kind = 'tdx'\ndirectory = 'x'", "directory"),
    ],
)
def test_a_rule_that_a_policy_would_not_apply_is_refused(
    tmp_path: Path, policy: str, ignored: str
) -> None:
    with pytest.raises(ConfigError, match=f"does not look at `{ignored}`"):
        load_worker(toml(tmp_path, f"{WORKER}[dial.policy]\n{policy}\n"))


def test_a_policy_beside_a_router_is_refused(tmp_path: Path) -> None:
    policy = f"policy = {{ image_hashes = ['{HASH}'] }}\n"
    with pytest.raises(ConfigError, match="the router's policy decides"):
        load_worker(toml(tmp_path, f"{WORKER}[dial]\ntransport = 'socks'\n{policy}"))
    head = f'owner = "{ADDRESS}"\ndatabase = "x.sqlite"\nmachine_key = "{KEY.hex()}"\n'
    with pytest.raises(ConfigError, match="the router's policy decides"):
        load_proxy(toml(tmp_path, f"{head}[workers]\ntransport = 'router'\n{policy}"))


def test_a_proxy_needs_exactly_one_machine_key(tmp_path: Path) -> None:
    head = f'owner = "{ADDRESS}"\ndatabase = "x.sqlite"\n'
    key = f'machine_key = "{KEY.hex()}"\n'
    with pytest.raises(ConfigError, match="one of `machine_key_file` and `machine_key`"):
        load_proxy(toml(tmp_path, head))
    with pytest.raises(ConfigError, match="one of"):
        load_proxy(toml(tmp_path, head + key + 'machine_key_file = "k"'))
    file = load_proxy(toml(tmp_path, head + key))
    assert KEY.hex() not in repr(file)
    assert repr(KEY) not in repr(file)


def test_a_client_needs_a_wallet(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="give `wallet`"):
        load_client(toml(tmp_path, ""))


def test_wallet_from_a_key_file(tmp_path: Path) -> None:
    SecretKey(KEY).save(tmp_path / "wallet.key")
    path = toml(
        tmp_path,
        f'owner = "{ADDRESS}"\nwallet_key_file = "wallet.key"\n[dial]\ntransport = "socks"\n',
    )
    file = load_client(path, Overrides(root_config=EXAMPLES / "root.json"))
    by_key = client_settings(file, Trust(file.identity)).wallet
    same = official(
        tmp_path,
        is_test=True,
        is_testnet=True,
        owner_address=ADDRESS,
        node_wallet_key=base64.b64encode(KEY).decode(),
        connect_to_proxy_via="127.0.0.1:8116",
    )
    file = load_client(same, Overrides(root_config=EXAMPLES / "root.json"))
    assert client_settings(file, Trust(file.identity)).wallet == by_key


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        load_worker(tmp_path / "none.toml")
    (tmp_path / "x.yaml").write_text("")
    with pytest.raises(ConfigError, match=r"must end with \.toml"):
        load_worker(tmp_path / "x.yaml")
    (tmp_path / "x.toml").write_bytes(b"\xff")
    with pytest.raises(ConfigError, match="UTF-8"):
        load_worker(tmp_path / "x.toml")
    (tmp_path / "x.json").write_text("[" * 100_000)
    with pytest.raises(ConfigError, match="not valid JSON"):
        load_worker(tmp_path / "x.json")
    (tmp_path / "big.toml").write_bytes(b" " * (2**20 + 1))
    with pytest.raises(ConfigError, match="larger"):
        load_worker(tmp_path / "big.toml")


# --- root configuration, trust, gateway ----------------------------------------------------------


def test_a_root_configuration_is_needed() -> None:
    file = load_client(EXAMPLES / "client.toml")
    with pytest.raises(ConfigError, match="--root-config"):
        root_config(replace(file, root_config=None))
    with pytest.raises(ConfigError, match="is_test"):
        root_config(replace(file, is_test=False))


def test_root_configuration_errors_name_the_file(tmp_path: Path) -> None:
    path = tmp_path / "root.json"
    path.write_text('{"version": -1}')
    with pytest.raises(ConfigError, match=r"root\.json: .*version"):
        root_config(replace(load_client(EXAMPLES / "client.toml"), root_config=path))


def test_simulated_trust_says_so(tmp_path: Path) -> None:
    tee = tmp_path / "tee"
    image_hash = SimulatedTdx(SimulatedTee(tee, 1_800_000_000), "worker").image_hash
    path = toml(
        tmp_path,
        WORKER
        + f'root_config = "{EXAMPLES}/root.json"\n'
        + '[identity]\nkind = "tdx-simulated"\ndirectory = "tee"\nimage = "worker"\n'
        + '[dial.policy]\nkind = "tdx-simulated"\ndirectory = "tee"\n',
    )
    file = load_worker(path)
    trust = Trust(file.identity)
    settings = worker_settings(file, trust)
    assert isinstance(settings.dial, RatlsDial)
    assert settings.dial.policy.name == "devnet-tdx-simulated"
    assert trust.image_hash == image_hash
    assert len(trust.notes) == 2
    assert all("SIMULATED" in note for note in trust.notes)


def test_no_evidence_says_so(tmp_path: Path) -> None:
    trust = Trust(tables.IdentityTable())
    policy = trust.policy(tables.PolicyTable(kind="unsafe-accept-anything"), "clients")
    assert policy.name == "unsafe_accept_anything"
    assert trust.notes == ["clients are accepted WITHOUT any evidence"]


def test_gateway_keys_are_kept_as_hashes(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("one\ntwo\n")
    settings = gateway_settings(tables.GatewayTable(api_keys_file=tmp_path / "keys"))
    assert len(settings.api_key_hashes) == 2
    assert b"one" not in settings.api_key_hashes
    (tmp_path / "keys").write_text("\n")
    with pytest.raises(ConfigError, match="holds no key"):
        gateway_settings(tables.GatewayTable(api_keys_file=tmp_path / "keys"))


# --- TON ------------------------------------------------------------------------------------------

CHAIN = """
root_contract = "0QCzG6B9lOBM_Gv3zJ0171dOgM644iAKDK7DBsFqoU1NNAuD"
owner = "0QCPFYXpK6t-UCmptR28_gfm6LCk6-FuBgNXJiPeizFOfmnS"
state = "payments.json"
[chain]
kind = "toncenter"
url = "http://127.0.0.1:8081/"
poll_seconds = 2
[node_wallet]
key_file = "wallet.key"
[deposits]
deposit = "0.5"
max_per_day = 7
"""


def test_a_node_on_ton(tmp_path: Path) -> None:
    file = load_client(toml(tmp_path, CHAIN))
    assert file.deposits.deposit == 500_000_000
    assert file.deposits.max_per_day == 7_000_000_000
    with pytest.raises(ConfigError, match="cannot read key file"):
        chain_settings(file, tmp_path)
    key = SecretKey.load_or_create(tmp_path / "wallet.key")
    settings = chain_settings(file, tmp_path)
    assert settings is not None
    assert settings.poll_interval == (2.0, 4.0)
    owner = Address.parse(file.owner or "")
    assert settings.wallet.address == CocoonWallet(key, owner, load_code("wallet")).address
    for kind in ("v4r2", "v5r1"):
        table = replace(file.node_wallet, kind=kind)
        assert node_wallet(replace(file, node_wallet=table)).address != settings.wallet.address


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"state": None}, "key `state`"),
        ({"root_contract": None}, "key `root_contract`"),
        ({"owner": None, "wallet": "0QCPFYXpK6t-UCmptR28_gfm6LCk6-FuBgNXJiPeizFOfmnS"}, "owner"),
        ({"node_wallet": NodeWalletTable(), "wallet_key_file": Path("x")}, "key_file"),
    ],
)
def test_what_ton_needs(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    SecretKey.load_or_create(tmp_path / "wallet.key")
    file = replace(load_client(toml(tmp_path, CHAIN)), **change)
    with pytest.raises(ConfigError, match=words):
        chain_settings(file, None if file.state is None else file.state.parent)


def test_a_root_file_on_the_command_line_means_simulated_ton(tmp_path: Path) -> None:
    overrides = Overrides(root_config=EXAMPLES / "root.json")
    file = load_client(toml(tmp_path, CHAIN), overrides)
    assert chain_settings(file, tmp_path) is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[chain]\nkind = 'toncenter'", "needs the key `url`"),
        ("[chain]\nkind = 'liteserver'", "network_config"),
        ("[chain]\nurl = 'ftp://x'", "http://"),
        ("[deposits]\ndeposit = 0.5", "amount in TON"),
        ("[deposits]\ndeposit = '1.0000000001'", "amount in TON"),
        ("[deposits]\ndeposit = -1", "amount in TON"),
    ],
)
def test_wrong_tables_of_ton(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        load_client(toml(tmp_path, CHAIN.partition("[chain]")[0] + text))


def test_the_role_is_seen_in_the_file(tmp_path: Path) -> None:
    for name, cls in (("client", ClientFile), ("proxy", ProxyFile), ("worker", WorkerFile)):
        assert isinstance(load_any(EXAMPLES / f"{name}.toml"), cls)
    with pytest.raises(ConfigError, match=r"\.toml"):
        load_any(EXAMPLES / "official" / "client-config.json")
