"""Files that programs with the SDK leave in a devnet."""

import tomllib
from pathlib import Path

from cocoon.devnet.members import load_member
from cocoon.devnet.toml import to_toml
from cocoon.devnet.visitor import refresh_visitors


def _write(state: Path, name: str, url: str, owner: str) -> Path:
    path = state / name / "config.toml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(to_toml({"owner": owner, "chain": {"kind": "embedded", "url": url}}))
    return path


def test_what_a_visitor_left_follows_the_networks_chain(tmp_path: Path):
    visitor = _write(tmp_path, "client-sdk-1", "http://127.0.0.1:1111", "old")
    own = load_member(visitor.parent, visitor.parent.name)
    _write(tmp_path, "client", "http://127.0.0.1:2222", "client's owner")
    refresh_visitors(tmp_path)
    document = tomllib.loads(visitor.read_text())
    assert document["chain"]["url"] == "http://127.0.0.1:2222"
    assert document["owner"] == own.owner.address.friendly(testnet=True)


def test_nothing_happens_where_nobody_was(tmp_path: Path):
    refresh_visitors(tmp_path)
    assert not list(tmp_path.iterdir())
