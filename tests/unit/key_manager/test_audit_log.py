"""The audit log after writes that failed: the next record is good, and so is the next start."""

import os
from pathlib import Path

import pytest

from cocoon.errors import StoreError
from cocoon.key_manager.audit import AuditLog

KEY = bytes(32)


def opened(path: Path, count: int = 0, mac: bytes = b"") -> AuditLog:
    log = AuditLog(path, KEY)
    log.open(count, mac)
    return log


def refuse(_descriptor: int) -> None:
    raise OSError(5, "Input/output error")


def test_a_record_that_did_not_reach_the_disk_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = opened(tmp_path / "log")
    log.append("one", 1)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", refuse)
        with pytest.raises(StoreError, match="cannot write"):
            log.append("never", 2)
    log.append("two", 3)
    again = opened(tmp_path / "log", log.count, log.mac)
    assert (again.count, again.mac) == (2, log.mac)
    assert b"never" not in (tmp_path / "log").read_bytes()


def test_half_a_record_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "log"
    log = opened(path)
    log.append("one", 1)
    with path.open("ab") as file:
        file.write(b'{"record":{"num')  # as far as a full disk let it
    log.append("two", 2)
    assert opened(path, log.count, log.mac).append("three", 3).number == 3


def test_a_log_that_is_cut_while_it_is_in_use(tmp_path: Path) -> None:
    path = tmp_path / "log"
    log = opened(path)
    log.append("one", 1)
    os.truncate(path, 10)
    with pytest.raises(StoreError, match="cut"):
        log.append("two", 2)


def test_its_owner_alone_reads_it(tmp_path: Path) -> None:
    opened(tmp_path / "log").append("one", 1)
    assert (tmp_path / "log").stat().st_mode & 0o777 == 0o600
