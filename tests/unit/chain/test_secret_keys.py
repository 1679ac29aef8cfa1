import base64
import pickle
from pathlib import Path

import pytest

from cocoon.chain.keys import PublicKey, SecretKey
from cocoon.errors import ConfigError, PaymentError

SEED = bytes(range(32))


def test_repr_shows_the_public_key_only() -> None:
    key = SecretKey(SEED)
    assert SEED.hex() not in repr(key)
    assert key.public_key.hex() in repr(key)


def test_secret_key_is_not_pickled() -> None:
    with pytest.raises(TypeError):
        pickle.dumps(SecretKey(SEED))


def test_saved_key_is_private_and_loads_again(tmp_path: Path) -> None:
    path = tmp_path / "machine.key"
    SecretKey(SEED).save(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert SecretKey.load(path).public_key == SecretKey(SEED).public_key
    assert [file.name for file in tmp_path.iterdir()] == ["machine.key"]


def test_saving_never_overwrites(tmp_path: Path) -> None:
    path = tmp_path / "machine.key"
    SecretKey(SEED).save(path)
    with pytest.raises(FileExistsError):
        SecretKey.generate().save(path)
    assert SecretKey.load(path).public_key == SecretKey(SEED).public_key


def test_load_or_create_creates_once(tmp_path: Path) -> None:
    path = tmp_path / "machine.key"
    first = SecretKey.load_or_create(path)
    assert SecretKey.load_or_create(path).public_key == first.public_key


def test_key_file_open_to_others_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "machine.key"
    SecretKey(SEED).save(path)
    path.chmod(0o640)
    with pytest.raises(ConfigError, match="chmod 600"):
        SecretKey.load(path)


@pytest.mark.parametrize("content", [b"", b"zz" * 32, SEED, b"00" * 31, b"\xff" * 64])
def test_malformed_key_file_is_refused_without_showing_it(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "machine.key"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(ConfigError, match="64 hex digits") as caught:
        SecretKey.load(path)
    assert caught.value.__cause__ is None


def test_missing_key_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read key file"):
        SecretKey.load(tmp_path / "none")


def test_unwritable_folder(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot write key file"):
        SecretKey(SEED).save(tmp_path / "missing" / "machine.key")


def test_official_base64_form() -> None:
    key = SecretKey.from_base64(base64.b64encode(SEED).decode())
    assert key.public_key == SecretKey(SEED).public_key


@pytest.mark.parametrize("text", ["", "AAAA", "not base64!", base64.b64encode(bytes(33)).decode()])
def test_malformed_base64_is_refused_without_showing_it(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        SecretKey.from_base64(text)
    assert not text or text not in str(caught.value)


def test_signatures() -> None:
    key = SecretKey(SEED)
    public = PublicKey(key.public_key)
    public.verify(key.sign(b"message"), b"message")
    with pytest.raises(PaymentError):
        public.verify(key.sign(b"message"), b"other")
    with pytest.raises(PaymentError):
        public.verify(b"short", b"message")
