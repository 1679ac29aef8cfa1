"""The few file operations that the kernel's interfaces to a TEE need.

Everything in this package goes through :class:`Files`, so that a stand-in below the same interface
can play the kernel on machines without the hardware: kernel files change by themselves, which a
plain directory cannot do.
"""

import fcntl
import os
from pathlib import Path
from typing import Protocol


class Files(Protocol):
    """What the kernel offers; each method raises OSError as the system call does."""

    def exists(self, path: Path) -> bool:
        """Whether there is such a file or directory."""
        ...

    def mkdir(self, path: Path) -> None:
        """Make a directory."""
        ...

    def rmdir(self, path: Path) -> None:
        """Remove a directory; in configfs the attributes in it go with it."""
        ...

    def read(self, path: Path, limit: int) -> bytes:
        """The content, of which at most ``limit`` + 1 bytes are read."""
        ...

    def write(self, path: Path, content: bytes) -> None:
        """Write the content in one system call to a file that exists."""
        ...

    def ioctl(self, path: Path, request: int, argument: bytes) -> bytes:
        """Open a device, make one ioctl with a buffer, return the buffer after it."""
        ...


class KernelFiles:
    """The real thing."""

    def exists(self, path: Path) -> bool:
        """Whether there is such a file or directory."""
        return path.exists()

    def mkdir(self, path: Path) -> None:
        """Make a directory, readable by its owner only."""
        path.mkdir(mode=0o700)

    def rmdir(self, path: Path) -> None:
        """Remove a directory."""
        path.rmdir()

    def read(self, path: Path, limit: int) -> bytes:
        """The content, of which at most ``limit`` + 1 bytes are read."""
        with path.open("rb", buffering=0) as file:
            content = bytearray()
            while len(content) <= limit:
                part = file.read(limit + 1 - len(content))
                if not part:
                    break
                content += part
        return bytes(content)

    def write(self, path: Path, content: bytes) -> None:
        """Write the content in one system call to a file that exists."""
        handle = os.open(path, os.O_WRONLY)
        try:
            written = os.write(handle, content)
        finally:
            os.close(handle)
        if written != len(content):
            raise OSError(f"{path.name} took {written} of {len(content)} bytes")

    def ioctl(self, path: Path, request: int, argument: bytes) -> bytes:
        """Open a device, make one ioctl with a buffer, return the buffer after it."""
        buffer = bytearray(argument)
        handle = os.open(path, os.O_RDWR)
        try:
            fcntl.ioctl(handle, request, buffer)
        finally:
            os.close(handle)
        return bytes(buffer)
