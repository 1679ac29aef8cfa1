"""Files that are written completely or not at all."""

import errno
import os
from pathlib import Path

import msgspec
import pytest

from cocoon.errors import StoreError
from cocoon.net.state_file import FileLock, read_state, write_state


class Thing(msgspec.Struct):
    number: int


def test_what_was_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a" / "thing.json"
    assert read_state(path, Thing) is None
    write_state(path, Thing(7))
    write_state(path, Thing(8))
    assert read_state(path, Thing) == Thing(8)
    assert path.stat().st_mode & 0o777 == 0o600
    assert os.listdir(path.parent) == ["thing.json"]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"number":"x"}', b"\xff", b"[" * 5000])
def test_a_damaged_file_is_not_guessed_at(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "thing.json"
    path.write_bytes(content)
    with pytest.raises(StoreError, match="restore a copy"):
        read_state(path, Thing)


def test_a_file_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    blocker = tmp_path / "file"
    blocker.write_text("")
    with pytest.raises(StoreError, match="cannot write"):
        write_state(blocker / "thing.json", Thing(1))
    with pytest.raises(StoreError, match="cannot write"):
        FileLock(blocker / "lock").take()


def test_a_full_disk_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "thing.json"
    write_state(path, Thing(7))

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match="No space"):
        write_state(path, Thing(8))
    assert read_state(path, Thing) == Thing(7)
    assert os.listdir(tmp_path) == ["thing.json"]


def test_a_lock_is_held_by_one_at_a_time(tmp_path: Path) -> None:
    first, second = FileLock(tmp_path / "lock"), FileLock(tmp_path / "lock")
    with first.held(), pytest.raises(StoreError, match="in use by another process"):
        second.take()
    with second.held():
        pass
    second.release()
