"""The cache of compiled machine code: used only where it is safe, rebuilt where it is damaged."""

import hashlib
from pathlib import Path

import pytest
import wasmtime

from cocoon.chain.embedded.artifacts import cache_folder
from cocoon.chain.embedded.machine import new_engine
from cocoon.chain.embedded.module_cache import load_module

WASM = bytes(wasmtime.wat2wasm('(module (func (export "answer") (result i32) (i32.const 42)))'))
HASH = hashlib.sha256(WASM).hexdigest()


class Loader:
    """Loads the module and notes what it was told."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.engine = new_engine()
        self.told: list[str] = []

    def answer(self) -> int:
        module = load_module(self.engine, WASM, HASH, self.folder, self.told.append)
        store = wasmtime.Store(self.engine)
        function = wasmtime.Instance(store, module, []).exports(store)["answer"]
        assert isinstance(function, wasmtime.Func)
        return int(function(store))


@pytest.fixture
def loader(tmp_path: Path) -> Loader:
    return Loader(tmp_path / "cache")


def test_compiles_once(loader: Loader) -> None:
    assert loader.answer() == 42
    assert loader.told == ["Compiling TON's virtual machine (once)"]
    assert loader.answer() == 42
    assert len(loader.told) == 1
    assert sorted(path.suffix for path in loader.folder.iterdir()) == [".cwasm", ".sha256"]
    assert loader.folder.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("suffix", [".cwasm", ".sha256"])
@pytest.mark.parametrize("content", [b"", b"\0" * 100, b"\xff"])
def test_damaged_cache_is_rebuilt(loader: Loader, suffix: str, content: bytes) -> None:
    loader.answer()
    (file,) = loader.folder.glob(f"*{suffix}")
    file.write_bytes(content)
    assert loader.answer() == 42
    assert len(loader.told) == 2
    assert loader.answer() == 42
    assert len(loader.told) == 2


def test_what_wasmtime_does_not_know_is_rebuilt(loader: Loader) -> None:
    loader.answer()
    (code,), (checksum,) = loader.folder.glob("*.cwasm"), loader.folder.glob("*.sha256")
    code.write_bytes(b"another version's")
    checksum.write_text(hashlib.sha256(b"another version's").hexdigest())
    assert loader.answer() == 42
    assert len(loader.told) == 2


def test_folder_that_others_may_write_to_is_left_alone(loader: Loader) -> None:
    loader.folder.mkdir()
    loader.folder.chmod(0o777)
    assert loader.answer() == 42
    assert "others may write" in loader.told[0]
    assert list(loader.folder.iterdir()) == []


def test_folder_that_cannot_be_made_costs_only_time(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert Loader(tmp_path / "file" / "cache").answer() == 42


def test_full_disk_costs_only_time(loader: Loader, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", full)
        assert loader.answer() == 42
    assert list(loader.folder.iterdir()) == []


def test_folder_is_the_users_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("COCOON_CACHE_DIR", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("COCOON_CACHE_DIR")
    assert cache_folder().name == "cocoon"
