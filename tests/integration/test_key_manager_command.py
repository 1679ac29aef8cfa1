"""``cocoon key-manager`` as a process, ordered by the command line; a proxy that gets its key."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cocoon.chain.keys import SecretKey
from cocoon.cli.app import run
from cocoon.cli.config.load import load_proxy
from cocoon.cli.config.proxy_settings import machine_key, proxy_settings
from cocoon.cli.config.trust import Trust
from cocoon.devnet.root_file import write_root_file
from cocoon.devnet.root_plan import RootPlan
from cocoon.devnet.tee import SimulatedTdx, SimulatedTee
from cocoon.errors import BadRequestError, ConfigError

OWNER = "0QAsHeIeW5Ds7989DDsnR8Im1o76268aeZehFk-2EtKmsw9B"
STARTUP = 25.0


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [item.getsockname()[1] for item in sockets]
    for item in sockets:
        item.close()
    return ports


class Place:
    """A folder with a simulated machine, a root configuration and a key manager's file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.tee = SimulatedTee(folder / "tee", int(time.time()))
        self.http, self.peers, self.handover = free_ports(3)
        self.at = f"http://127.0.0.1:{self.http}"
        self.owner = SecretKey.generate()
        self.owner.save(folder / "owner.key")
        proxy = SimulatedTdx(self.tee, "proxy").image_hash
        none = frozenset[bytes]()
        plan = RootPlan(frozenset({proxy}), none, none, (), 20, 10, 600, 300, 1, 1)
        write_root_file(folder / "root.json", plan)
        self.config = folder / "key-manager.toml"
        self.policy = 'kind = "tdx-simulated"\ndirectory = "tee"\n'
        self.config.write_text(
            f"""
directory = "keys"
create = true
root_config = "root.json"
[identity]
kind = "tdx-simulated"
directory = "tee"
image = "key-manager"
[seal]
kind = "simulated"
directory = "tee"
[peers]
host = "127.0.0.1"
port = {self.peers}
pow_difficulty = 2
[peers.policy]
{self.policy}
[handover]
host = "127.0.0.1"
port = {self.handover}
owners = ["{self.owner.public_key.hex()}"]
threshold = 1
[handover.policy]
{self.policy}
[http]
port = {self.http}
"""
        )

    def proxy_file(self, keys: str, image: str = "proxy") -> Path:
        file = self.folder / "proxy.toml"
        file.write_text(
            f"""
owner = "{OWNER}"
database = "books.sqlite"
root_config = "root.json"
[identity]
kind = "tdx-simulated"
directory = "tee"
image = "{image}"
[workers.policy]
{self.policy}
[clients.policy]
kind = "unsafe-accept-anything"
{keys}
"""
        )
        return file


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    made = Place(tmp_path_factory.mktemp("key-manager"))
    with (made.folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "cocoon", "key-manager", "--config", str(made.config)],
            env={**os.environ, "NO_COLOR": "1"},
            stderr=log,
        )
    try:
        give_up = time.monotonic() + STARTUP
        while True:
            try:
                socket.create_connection(("127.0.0.1", made.http), 1).close()
                break
            except OSError:
                assert process.poll() is None, (made.folder / "log").read_text()
                assert time.monotonic() < give_up
                time.sleep(0.1)
        yield made
    finally:
        process.terminate()
        process.wait(20)


def ask(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    found = run(["key-manager", *words])
    said = capsys.readouterr()
    assert found == code, said
    return (said.err if code else said.out).strip()


def test_keys_and_a_proxy(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    key = ask(capsys, "generate", "proxy", "--days", "30", "--at", place.at)
    other = ask(capsys, "generate", "proxyworker", "--at", place.at)
    assert key in ask(capsys, "list", "--at", place.at)
    found = json.loads(ask(capsys, "list", "--json", "--at", place.at))
    kinds = {
        item["public_key"]: (item["for_proxies"], item["for_workers"]) for item in found["keys"]
    }
    assert kinds == {key: (True, False), other: (True, True)}

    keys = (
        f'[keys]\nsource = "manager"\nmanager = "127.0.0.1:{place.peers}"\n'
        f'public_key = "{key}"\n[keys.policy]\n{place.policy}'
    )
    file = load_proxy(place.proxy_file(keys))
    settings = proxy_settings(file, Trust(file.identity))
    assert settings.machine_key.public_key.hex() == key
    with pytest.raises(ConfigError, match="only the running proxy"):
        machine_key(file)
    stranger = load_proxy(place.proxy_file(keys, image="stranger"))
    with pytest.raises(BadRequestError, match="unknown proxy hash"):
        proxy_settings(stranger, Trust(stranger.identity))

    assert ask(capsys, "remove", key, "--at", place.at) == "removed"
    assert "no such key" in ask(capsys, "remove", key, "--at", place.at, code=1)
    with pytest.raises(ConfigError, match="does not give"):
        proxy_settings(file, Trust(file.identity))
    assert "one of worker" in ask(capsys, "generate", "wolf", "--at", place.at, code=1)


def test_an_approval_is_signed_handed_in_and_withdrawn(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    found = json.loads(ask(capsys, "list", "--json", "--at", place.at))
    manager, image = found["status"]["manager_id"], "ab" * 32
    file, key = str(place.folder / "approval.json"), str(place.folder / "owner.key")
    sign = ("approve", file, "--key", key)
    assert "--manager" in ask(capsys, *sign, code=2)
    new = ("--manager", manager, "--image", image, "--serial", "1")
    assert "serial 1, terms unchanged, 1 signatures" in ask(capsys, *sign, *new)
    assert "something else" in ask(capsys, *sign, "--image", "cd" * 32, code=2)
    assert ask(capsys, "approve", file, "--at", place.at) == "noted"
    assert image in ask(capsys, "list", "--at", place.at)
    assert ask(capsys, "withdraw", "1", "--at", place.at) == "withdrawn"
    assert "used up" in ask(capsys, "approve", file, "--at", place.at, code=1)
    terms = ask(capsys, "terms", str(place.config))
    assert terms == found["status"]["terms"]
    other = str(place.folder / "other.json")
    new = ("--manager", manager, "--image", image, "--serial", "2", "--terms", terms)
    assert f"terms {terms}" in ask(capsys, "approve", other, "--key", key, *new)
    marker = ask(capsys, "marker", image)
    assert len(bytes.fromhex(marker)) == 32
    assert marker != image


def test_a_sealed_machine_key_stays_the_same(place: Place) -> None:
    keys = '[keys]\nsource = "seal"\nkeyring = "machine.keyring"\n'
    keys += '[keys.seal]\nkind = "simulated"\ndirectory = "tee"\n'
    file = load_proxy(place.proxy_file(keys))
    first = proxy_settings(file, Trust(file.identity)).machine_key.public_key
    trust = Trust(file.identity)
    assert proxy_settings(file, trust).machine_key.public_key == first
    assert any("SIMULATED enclave" in note for note in trust.notes)
    other = load_proxy(place.proxy_file(keys, image="another"))
    with pytest.raises(ConfigError, match="does not open"):
        proxy_settings(other, Trust(other.identity))
    (place.folder / "machine.keyring").unlink()


def test_how_it_is_called(capsys: pytest.CaptureFixture[str]) -> None:
    assert "--config FILE" in ask(capsys, code=2)
    assert "cannot read" in ask(capsys, "--config", "/none/x.toml", code=2)
    assert "no command with it" in ask(capsys, "--config", "/none/x.toml", "list", code=2)
    assert "does not answer" in ask(capsys, "list", "--at", "http://127.0.0.1:1", code=1)
