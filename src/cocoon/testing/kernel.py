"""A kernel for confidential guests below the same files: configfs-tsm, tdx_guest and registers.

For hardware that cannot exist on a test machine. The files are real files under a directory; what
real kernel files do by themselves (attributes that appear, answers, counts, extended registers)
happens here on the calls that reach the kernel.
"""

import errno
import os
from collections.abc import Callable
from pathlib import Path

from cocoon.attestation.event_log import extend
from cocoon.tee.files import KernelFiles
from cocoon.tee.platform import TDX_DEVICE, TDX_MEASUREMENTS
from cocoon.tee.tsm import REPORT_ROOT

Answer = Callable[[bytes], bytes]


class StandInKernel(KernelFiles):
    """Plays the kernel of one guest.

    Args:
        root: an empty directory.
        answer: makes the quote or report for 64 bytes.
        provider: name of the driver.
        auxblob: what the host hands along.

    Attributes:
        failures: by attribute name, errors to raise on its next uses, one each.
        intruders: how many of the next reads of ``outblob`` somebody else's write precedes.
        entries: how many entries there are now.
        made: how many entries were ever made.
        report: makes the TDREPORT for the device.
        written: attributes that were written, in order.
    """

    def __init__(
        self, root: Path, answer: Answer, *, provider: str = "tdx_guest", auxblob: bytes = b""
    ) -> None:
        self.root = root
        self.answer = answer
        self.provider = provider
        self.auxblob = auxblob
        self.report: Answer | None = None
        self.failures: dict[str, list[int]] = {}
        self.intruders = 0
        self.made = 0
        self.written: list[tuple[str, bytes]] = []
        self._folder = root / REPORT_ROOT
        self._folder.mkdir(parents=True)

    @property
    def entries(self) -> int:
        """How many entries of the report interface there are now."""
        return len(list(self._folder.iterdir()))

    def add_tdx(self) -> None:
        """Give the guest the device and registers of TDX, all zero."""
        device = self.root / TDX_DEVICE
        device.parent.mkdir(parents=True, exist_ok=True)
        device.touch()
        registers = self.root / TDX_MEASUREMENTS
        registers.mkdir(parents=True)
        for index in range(4):
            (registers / f"rtmr{index}:sha384").write_bytes(bytes(48))

    def mkdir(self, path: Path) -> None:
        """Make an entry: its attributes appear."""
        self._fail("mkdir", path)
        if path.parent != self._folder:
            raise OSError(errno.EPERM, os.strerror(errno.EPERM))
        super().mkdir(path)
        self.made += 1
        (path / "provider").write_text(f"{self.provider}\n")
        (path / "generation").write_text("0\n")
        for name in ("inblob", "outblob", "auxblob"):
            (path / name).touch()

    def rmdir(self, path: Path) -> None:
        """Remove an entry with its attributes."""
        self._fail("rmdir", path)
        for attribute in path.iterdir():
            attribute.unlink()
        super().rmdir(path)

    def read(self, path: Path, limit: int) -> bytes:
        """Read; ``outblob`` is made now, from what ``inblob`` holds."""
        self._fail(path.name, path)
        if path.name == "outblob":
            if self.intruders:
                self.intruders -= 1
                self._count(path.parent)
                (path.parent / "inblob").write_bytes(b"\xee" * 64)
            request = (path.parent / "inblob").read_bytes()
            if len(request) != 64:
                raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
            path.write_bytes(self.answer(request))
            (path.parent / "auxblob").write_bytes(self.auxblob)
        return super().read(path, limit)

    def write(self, path: Path, content: bytes) -> None:
        """Write an option or ``inblob``, or extend a register."""
        self._fail(path.name, path)
        self.written.append((path.name, content))
        if path.parent.name == "measurements":
            path.write_bytes(extend(path.read_bytes(), content))
            return
        path.write_bytes(content)
        self._count(path.parent)

    def ioctl(self, path: Path, request: int, argument: bytes) -> bytes:
        """The device's report."""
        self._fail("ioctl", path)
        if not path.exists():
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        if self.report is None:
            raise OSError(errno.ENOTTY, os.strerror(errno.ENOTTY))
        return argument[:64] + self.report(argument[:64])

    def _count(self, entry: Path) -> None:
        generation = entry / "generation"
        generation.write_text(f"{int(generation.read_text()) + 1}\n")

    def _fail(self, name: str, path: Path) -> None:
        pending = self.failures.get(name)
        if pending:
            number = pending.pop(0)
            raise OSError(number, os.strerror(number), str(path))
