"""The sealed file of a node's keys."""

import json
from pathlib import Path

import pytest

from cocoon.errors import ConfigError
from cocoon.sealing.derivation import PersistentKey
from cocoon.sealing.keyring import (
    MAX_FILE_BYTES,
    Keyring,
    load_keyring,
    open_keyring,
    seal_keyring,
)

KEY, OTHER = PersistentKey(b"k" * 32, "app"), PersistentKey(b"o" * 32, "app")
RING = Keyring().with_secret("machine_key", b"s" * 32).with_secret("wallet_key", b"w" * 32)


def test_round_trip_and_silence() -> None:
    data = seal_keyring(RING, KEY)
    assert open_keyring(data, KEY) == RING
    assert RING.generation == 2
    assert seal_keyring(RING, KEY) != data  # a nonce of its own each time
    for shown in (repr(RING), repr(KEY), data.decode()):
        assert "ssss" not in shown
        assert "kkkk" not in shown
    with pytest.raises(TypeError):
        KEY.__reduce__()
    assert KEY.derive(b"a") != KEY.derive(b"b") != KEY.reveal()


def test_only_the_same_key_and_name_open_it() -> None:
    data = seal_keyring(RING, KEY)
    with pytest.raises(ConfigError, match="sealed by another image, TDX module"):
        open_keyring(data, OTHER)
    with pytest.raises(ConfigError, match="sealed as 'app'"):
        open_keyring(data, PersistentKey(b"k" * 32, "disk_encryption"))


def test_every_change_is_noticed() -> None:
    document = json.loads(seal_keyring(RING, KEY))
    changes = {
        "generation": 3,
        "nonce": "AAAAAAAAAAAAAAAA",
        "ciphertext": document["ciphertext"][:-8] + "AAAAAAA=",
        "version": 2,
        "format": "x",
        "key_name": "",
    }
    for name, value in changes.items():
        with pytest.raises(ConfigError):
            open_keyring(json.dumps({**document, name: value}).encode(), KEY)
    for text in ("", "{}", "[" * 100_000, json.dumps({**document, "more": 1})):
        with pytest.raises(ConfigError):
            open_keyring(text.encode(), KEY)
    with pytest.raises(ConfigError, match="at most"):
        open_keyring(b" " * (MAX_FILE_BYTES + 1), KEY)


def test_an_old_copy_is_refused_by_whoever_remembers() -> None:
    data = seal_keyring(RING, KEY)
    assert open_keyring(data, KEY, least_generation=2) == RING
    with pytest.raises(ConfigError, match="old copy"):
        open_keyring(data, KEY, least_generation=3)


def test_files(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    assert load_keyring(path, KEY) is None
    path.write_bytes(seal_keyring(RING, KEY))
    assert load_keyring(path, KEY) == RING
    with pytest.raises(ConfigError, match=str(path)):
        load_keyring(path, OTHER)
    with pytest.raises(ConfigError, match="cannot read"):
        load_keyring(tmp_path, KEY)


@pytest.mark.parametrize(
    ("name", "secret"),
    [("", b"s"), ("Upper", b"s"), ("a" * 65, b"s"), ("a b", b"s"), ("a", b""), ("a", b"s" * 257)],
)
def test_names_and_sizes(name: str, secret: bytes) -> None:
    with pytest.raises(ConfigError):
        Keyring().with_secret(name, secret)


def test_no_more_than_it_may_hold() -> None:
    with pytest.raises(ConfigError, match="at most 64"):
        Keyring({f"k{index}": b"s" for index in range(65)})
    with pytest.raises(ConfigError, match="generation"):
        Keyring({}, -1)
