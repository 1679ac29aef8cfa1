import os
import subprocess
import sys

import pytest

from cocoon.collateral.store import MAX_FILE_BYTES, CollateralStore, Stored, parse_stored
from cocoon.errors import StoreError


def stored(key: str = "k", content: str = "{}", at: int = 5) -> Stored:
    return Stored(kind="tdx", key=key, fetched_at=at, source="test", content=content)


def test_what_is_written_is_read(tmp_path):
    store = CollateralStore(tmp_path / "new" / "folder")
    assert store.all() == []
    assert store.read("tdx", "k") is None
    store.write(stored())
    store.write(stored("../../etc/passwd"))
    store.write(stored(content="newer", at=6))
    assert store.read("tdx", "k") == stored(content="newer", at=6)
    assert store.read("sgx", "k") is None
    assert [item.key for item in store.all()] == ["../../etc/passwd", "k"]
    names = sorted(os.listdir(store.directory))
    assert len(names) == 2
    assert all(name.startswith("tdx-") and name.endswith(".json") for name in names)


def test_damaged_files_are_as_good_as_none(tmp_path):
    store = CollateralStore(tmp_path)
    store.write(stored())
    (path,) = tmp_path.glob("*.json")
    whole = path.read_bytes()
    for damage in (b"", whole[:-1], b"{}", b"[]", b"\xff" * 9, bytes(MAX_FILE_BYTES + 1),
                   whole.replace(b'"format":1', b'"format":2')):  # fmt: skip
        path.write_bytes(damage)
        assert store.read("tdx", "k") is None
        assert store.all() == []
    path.write_bytes(whole.replace(b'"key":"k"', b'"key":"other"'))
    assert store.read("tdx", "k") is None
    path.unlink()
    path.mkdir()
    assert store.read("tdx", "k") is None


def test_a_directory_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("in the way")
    store = CollateralStore(tmp_path / "file")
    with pytest.raises(StoreError, match="cannot write"):
        store.write(stored())
    assert store.all() == []


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    store = CollateralStore(tmp_path)
    store.write(stored())

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(StoreError, match="No space"):
        store.write(stored(content="newer"))
    assert store.read("tdx", "k") == stored()
    assert len(os.listdir(tmp_path)) == 1


WRITER = """
import sys
from pathlib import Path
from cocoon.collateral.store import CollateralStore, Stored
store = CollateralStore(Path(sys.argv[1]))
for number in range(100):
    content = sys.argv[2] * 20_000
    store.write(Stored(kind="tdx", key="k", fetched_at=number, content=content))
"""


def test_several_processes_never_see_half_a_file(tmp_path):
    store = CollateralStore(tmp_path)
    store.write(stored(content="a" * 20_000))
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path), item]) for item in "bc"
    ]
    seen = set()
    while any(writer.poll() is None for writer in writers):
        found = store.read("tdx", "k")
        assert found is not None
        assert len(found.content) == 20_000
        seen |= set(found.content)
    assert [writer.returncode for writer in writers] == [0, 0]
    assert seen <= set("abc")
    assert [path.name for path in tmp_path.glob(".new-*")] == []


def test_one_process_fetches_at_a_time(tmp_path):
    store = CollateralStore(tmp_path)
    with store.lock("intel") as first, store.lock("intel") as second, store.lock("amd") as other:
        assert (first, second, other) == (True, False, True)
    with store.lock("intel") as again:
        assert again


def test_a_stored_document_has_a_bounded_key():
    import msgspec

    assert parse_stored(msgspec.json.encode(stored("x" * 1024))) is not None
    assert parse_stored(msgspec.json.encode(stored("x" * 1025))) is None
