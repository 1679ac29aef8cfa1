"""TDREPORTs from the kernel's device, with a stand-in for it."""

import errno
from pathlib import Path

import pytest

from cocoon.errors import EvidenceError
from cocoon.tee.files import KernelFiles
from cocoon.tee.td_report import GET_REPORT, TdxDevice


class Device(KernelFiles):
    """The driver: answers, or fails."""

    def __init__(self, error: int | None = None, size: int = 1088) -> None:
        self.error, self.size = error, size

    def ioctl(self, path: Path, request: int, argument: bytes) -> bytes:
        assert (path, request, len(argument)) == (Path("/dev/tdx_guest"), GET_REPORT, 1088)
        if self.error is not None:
            raise OSError(self.error, "x")
        return (argument[:64] + b"\x81".ljust(1024, b"\0"))[: self.size]


def test_a_report() -> None:
    report = TdxDevice(files=Device()).report(b"d" * 64)
    assert len(report) == 1024
    assert report[0] == 0x81


@pytest.mark.parametrize(
    ("device", "words"),
    [
        (Device(errno.ENOENT), "load tdx_guest"),
        (Device(errno.EACCES), "no permission"),
        (Device(errno.EIO), "made no report"),
        (Device(size=1000), "another size"),
    ],
)
def test_failures_say_what_to_do(device: Device, words: str) -> None:
    with pytest.raises(EvidenceError, match=words):
        TdxDevice(files=device).report(bytes(64))
    with pytest.raises(EvidenceError, match="64 bytes"):
        TdxDevice(files=device).report(bytes(32))


def test_this_machine_or_none(tmp_path: Path) -> None:
    with pytest.raises(EvidenceError):
        TdxDevice(tmp_path).report(bytes(64))
