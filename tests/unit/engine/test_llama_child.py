"""The embedded engine's child loads only the content that it was told to."""

import hashlib
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from cocoon.engine import llama_child
from cocoon.engine.llama_child import ChildSettings

CONTENT = b"GGUF" * 400_000


def settings(path: Path, sha256: str = hashlib.sha256(CONTENT).hexdigest()) -> ChildSettings:
    return ChildSettings(
        socket_path="x.sock",
        model_path=str(path),
        model_sha256=sha256,
        alias="m",
        slots=1,
        context=1,
        threads=1,
        parent_pid=os.getppid(),
    )


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.gguf"
    path.write_bytes(CONTENT)
    return path


@pytest.fixture(autouse=True)
def reports(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    told: list[Any] = []
    monkeypatch.setattr(llama_child, "_report", lambda _fd, **fields: told.append(fields))
    return told


@pytest.mark.skipif(sys.platform != "linux", reason="sealed memory is Linux's")
def test_what_is_loaded_is_a_copy_that_nobody_can_change(model: Path, reports: list[Any]) -> None:
    path = llama_child._checked_model(settings(model), 1)
    assert reports == [{"stage": "verifying"}]
    assert path.startswith("/proc/self/fd/")
    descriptor = int(path.rpartition("/")[2])
    try:
        model.write_bytes(b"altered")
        assert Path(path).read_bytes() == CONTENT
        for change in (
            lambda: os.pwrite(descriptor, b"x", 0),
            lambda: os.ftruncate(descriptor, 5),
            lambda: os.ftruncate(descriptor, len(CONTENT) + 1),
        ):
            with pytest.raises(OSError, match="not permitted"):
                change()
    finally:
        os.close(descriptor)


@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_other_content_is_refused(
    model: Path, platform: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if platform == "linux" and sys.platform != "linux":
        pytest.skip("sealed memory is Linux's")
    monkeypatch.setattr(sys, "platform", platform)
    model.write_bytes(CONTENT[:-1] + b"f")
    with pytest.raises(ValueError, match="SHA-256"):
        llama_child._checked_model(settings(model), 1)


def test_elsewhere_the_file_is_checked_before_and_after(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert llama_child._checked_model(settings(model), 1) == str(model)
    llama_child._check_file(settings(model))
    model.write_bytes(b"altered")
    with pytest.raises(ValueError, match="SHA-256"):
        llama_child._check_file(settings(model))


def test_without_a_hash_nothing_is_checked(model: Path, reports: list[Any]) -> None:
    assert llama_child._checked_model(settings(model, ""), 1) == str(model)
    llama_child._check_file(settings(model, ""))
    assert reports == []
