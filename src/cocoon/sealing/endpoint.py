"""Where a seal service listens: a virtual socket, a Unix socket, or TCP on loopback."""

import ipaddress
import re
import socket
from dataclasses import dataclass
from typing import Any, Final, Literal

from cocoon.errors import ConfigError

MAX_U32: Final = 2**32 - 1
_NUMBER = re.compile("[0-9]{1,10}")


@dataclass(frozen=True, slots=True)
class SealEndpoint:
    """An address; see :meth:`parse`.

    Attributes:
        kind: of socket.
        address: CID and port, path, or host and port.
    """

    kind: Literal["vsock", "unix", "tcp"]
    address: tuple[int, int] | tuple[str, int] | str

    @classmethod
    def parse(cls, text: str) -> "SealEndpoint":
        """``vsock:CID:PORT``, ``unix:/path`` or ``tcp:127.0.0.1:PORT``.

        Raises:
            ConfigError: none of these, or a TCP address that other machines can reach.
        """
        kind, _, rest = text.partition(":")
        if kind == "unix" and rest.startswith("/"):
            return cls("unix", rest)
        host, _, port = rest.rpartition(":")
        if _NUMBER.fullmatch(port):
            if kind == "vsock" and _NUMBER.fullmatch(host):
                return cls("vsock", (_limited(host), _limited(port)))
            if kind == "tcp" and _is_loopback(host) and int(port) < 2**16:
                return cls("tcp", (host, int(port)))
        raise ConfigError(
            "a seal service is at vsock:CID:PORT, unix:/path or tcp:127.0.0.1:PORT (loopback only)"
        )

    def socket(self) -> tuple[socket.socket, Any]:
        """A new socket of the kind, and the address to connect or bind it to.

        Raises:
            ConfigError: this system has no such sockets.
        """
        try:
            if self.kind == "vsock":
                return socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM), self.address
            if self.kind == "unix":
                return socket.socket(socket.AF_UNIX, socket.SOCK_STREAM), self.address
            if self.kind == "tcp":
                return socket.socket(socket.AF_INET, socket.SOCK_STREAM), self.address
        except (OSError, AttributeError):
            raise ConfigError(f"this system has no {self.kind} sockets") from None
        raise ConfigError(f"no such seal endpoint: {self.kind}")

    def __str__(self) -> str:
        if isinstance(self.address, str):
            return f"unix:{self.address}"
        return f"{self.kind}:{self.address[0]}:{self.address[1]}"


def _limited(text: str) -> int:
    number = int(text)
    if number > MAX_U32:
        raise ConfigError(f"{text} is no number of a virtual socket")
    return number


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.IPv4Address(host).is_loopback
    except ValueError:
        return False
