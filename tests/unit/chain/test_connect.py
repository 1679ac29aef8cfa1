import base64
import json
from pathlib import Path
from typing import Any

import pytest

from cocoon.chain.connect import BackendSettings, backend_from, read_api_key
from cocoon.chain.liteserver import LiteserverBackend, read_servers
from cocoon.chain.toncenter import ToncenterBackend
from cocoon.errors import ConfigError

KEY = base64.b64encode(bytes(range(32))).decode()
ZERO = base64.b64encode(bytes(32)).decode()
LISTED = {"ip": -2018135749, "port": 53312, "id": {"@type": "pub.ed25519", "key": KEY}}
CONFIG: dict[str, Any] = {
    "@type": "config.global",
    "liteservers": [LISTED, {"host": "ls.example", "port": 1, "id": {"key": ZERO}}],
    "validator": {"zero_state": {"root_hash": ZERO, "file_hash": ZERO, "seqno": 0}},
}


def test_each_kind(tmp_path: Path) -> None:
    config = tmp_path / "global.json"
    config.write_text(json.dumps(CONFIG))
    key = tmp_path / "key"
    key.write_text("the-secret\n")
    indexer = backend_from(
        BackendSettings(kind="toncenter", url="https://host", is_testnet=False, api_key_file=key)
    )
    assert isinstance(indexer, ToncenterBackend)
    assert (indexer.name, indexer.is_testnet) == ("toncenter", False)
    embedded = backend_from(
        BackendSettings(kind="embedded", url="http://127.0.0.1:1", is_testnet=True)
    )
    assert (type(embedded), embedded.name) == (ToncenterBackend, "embedded")
    liteserver = backend_from(
        BackendSettings(kind="liteserver", is_testnet=True, network_config=config)
    )
    assert isinstance(liteserver, LiteserverBackend)
    assert (liteserver.name, liteserver.is_testnet) == ("liteserver", True)


def test_what_is_missing_or_wrong(tmp_path: Path) -> None:
    for options, reason in (
        ({"kind": "toncenter"}, "not the URL"),
        ({"kind": "carrier-pigeon"}, "no such kind"),
        ({"kind": "liteserver"}, "global configuration"),
        ({"kind": "liteserver", "network_config": tmp_path / "none"}, "cannot read"),
        ({"kind": "toncenter", "api_key_file": tmp_path / "none"}, "cannot read the API key"),
    ):
        with pytest.raises(ConfigError, match=reason):
            backend_from(BackendSettings(is_testnet=True, **options))  # type: ignore[arg-type]


@pytest.mark.parametrize("content", [b"", b"\n", b"two words", b"\xff", b"a\nb", b"x" * 600])
def test_files_without_a_key(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "key"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        read_api_key(path)
    assert "two words" not in str(caught.value)


def test_settings_do_not_show_where_the_key_is(tmp_path: Path) -> None:
    settings = BackendSettings(kind="toncenter", is_testnet=True, api_key_file=tmp_path / "key")
    assert "key" not in repr(settings).replace("kind", "")


def test_the_global_configuration() -> None:
    found = read_servers(json.dumps(CONFIG).encode())
    assert [str(server) for server in found.servers] == ["135.181.177.59:53312", "ls.example:1"]
    assert found.servers[0].key == bytes(range(32))
    assert found.zero_state == bytes(32)
    del (bare := dict(CONFIG))["validator"]
    assert read_servers(json.dumps(bare).encode()).zero_state is None


@pytest.mark.parametrize(
    "change",
    [
        {"liteservers": []},
        {"liteservers": [LISTED] * 257},
        {"liteservers": [LISTED | {"port": 0}]},
        {"liteservers": [LISTED | {"id": {"key": "short"}}]},
        {"liteservers": [LISTED | {"id": {"key": "AAAA"}}]},
        {"liteservers": 5},
        {"validator": {"zero_state": {"root_hash": "x"}}},
    ],
)
def test_global_configurations_that_are_none(change: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="global configuration"):
        read_servers(json.dumps(CONFIG | change).encode())
    with pytest.raises(ConfigError, match="malformed"):
        read_servers(b"{")
