"""Encrypted key files."""

import json
import stat
from pathlib import Path

import pytest

from cocoon.chain import SecretKey
from cocoon.chain.keystore import (
    MAX_COST,
    MIN_COST,
    Keystore,
    load_keystore,
    parse_keystore,
    save_keystore,
)
from cocoon.errors import ConfigError

KEY = SecretKey(bytes([7]) * 32)
PASSWORD = "correct horse"
SEALED = Keystore.seal(KEY, PASSWORD, cost=MIN_COST)


def test_a_key_comes_back_with_its_password(tmp_path: Path) -> None:
    path = tmp_path / "wallet.json"
    save_keystore(path, SEALED)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["wallet.json"]
    loaded = load_keystore(path)
    assert loaded == SEALED
    assert loaded.public_key == KEY.public_key
    assert loaded.open(PASSWORD).sign(b"x") == KEY.sign(b"x")


def test_nothing_secret_is_in_the_file_or_in_repr() -> None:
    seed = bytes([7]) * 32
    assert seed not in SEALED.to_bytes()
    assert seed.hex().encode() not in SEALED.to_bytes()
    assert PASSWORD.encode() not in SEALED.to_bytes()
    assert seed.hex() not in repr(SEALED)


def test_each_sealing_is_different() -> None:
    again = Keystore.seal(KEY, PASSWORD, cost=MIN_COST)
    assert len({again.salt, SEALED.salt, again.nonce, SEALED.nonce}) == 4
    assert again.ciphertext != SEALED.ciphertext


@pytest.mark.parametrize("password", ["Correct horse", "", "correct horse ", "x" * 2000, "\ud800"])
def test_another_password_is_one_clear_error(password: str) -> None:
    with pytest.raises(ConfigError) as caught:
        SEALED.open(password)
    assert "password" in str(caught.value)
    assert PASSWORD not in str(caught.value)


def test_the_same_characters_are_the_same_password() -> None:
    composed, decomposed = "Zürich", "Zu\u0308rich"
    assert composed != decomposed
    sealed = Keystore.seal(KEY, composed, cost=MIN_COST)
    assert sealed.open(decomposed).public_key == KEY.public_key


@pytest.mark.parametrize("cost", [0, -1, 2**14, MIN_COST + 1, MAX_COST * 2, 2**60])
def test_absurd_costs_are_refused_before_any_work(cost: int) -> None:
    with pytest.raises(ConfigError):
        Keystore.seal(KEY, PASSWORD, cost=cost)
    document = json.loads(SEALED.to_bytes())
    document["kdf"]["n"] = cost
    with pytest.raises(ConfigError):
        parse_keystore(json.dumps(document).encode())


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["version"], 2),
        (["format"], "other"),
        (["cipher"], "none"),
        (["kdf", "name"], "pbkdf2"),
        (["kdf", "r"], 2**20),
        (["kdf", "p"], 1000),
        (["kdf", "salt"], ""),
        (["nonce"], "00" * 11),
        (["ciphertext"], "zz" * 48),
        (["public_key"], 5),
        (["public_key"], "0 0 " * 16),
        (["public_key"], "AB" * 32),
        (["extra"], 1),
    ],
)
def test_other_fields_are_refused(path: list[str], value: object) -> None:
    document = json.loads(SEALED.to_bytes())
    place = document
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    with pytest.raises(ConfigError):
        parse_keystore(json.dumps(document).encode())


def test_the_header_is_bound_to_the_key() -> None:
    other = SecretKey(bytes(32)).public_key
    swapped = Keystore(other, SEALED.cost, SEALED.salt, SEALED.nonce, SEALED.ciphertext)
    with pytest.raises(ConfigError, match="changed"):
        swapped.open(PASSWORD)


def test_files_are_not_overwritten_unless_asked(tmp_path: Path) -> None:
    path = tmp_path / "wallet.json"
    save_keystore(path, SEALED)
    other = Keystore.seal(KEY, "new", cost=MIN_COST)
    with pytest.raises(FileExistsError):
        save_keystore(path, other)
    assert load_keystore(path) == SEALED
    save_keystore(path, other, replace=True)
    assert load_keystore(path) == other
    assert len(list(tmp_path.iterdir())) == 1


def test_what_cannot_be_read_or_written(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read"):
        load_keystore(tmp_path / "missing")
    with pytest.raises(ConfigError, match="cannot write"):
        save_keystore(tmp_path / "missing" / "file", SEALED)
    path = tmp_path / "wallet.json"
    save_keystore(path, SEALED)
    path.chmod(0o640)
    with pytest.raises(ConfigError, match="chmod 600"):
        load_keystore(path)
    path.chmod(0o600)
    path.write_bytes(b" " * 10_000)
    with pytest.raises(ConfigError, match="at most"):
        load_keystore(path)
