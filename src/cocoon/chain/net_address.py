"""Where a registered proxy listens: the text form in the root configuration (``onchain.md`` §4)."""

import re
from dataclasses import dataclass
from typing import NamedTuple

from cocoon.errors import DecodeError

MAX_TEXT_LENGTH = 256
"""On chain at most 114 bytes fit; a configuration file may use long host names."""
MAX_PORT = 65535

_ENDPOINT = re.compile(
    r"(?:\[(?P<bracketed>[0-9A-Za-z.:_-]{1,128})\]|(?P<host>[0-9A-Za-z._-]{1,128}))"
    r":(?P<port>[0-9]{1,5})",
    re.ASCII,
)


class Endpoint(NamedTuple):
    """A host name or address, and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class RegisteredProxy:
    """A proxy that nodes may connect to.

    Args:
        seqno: number of its registration.
        for_workers: where workers connect.
        for_clients: where clients connect; often the same.
    """

    seqno: int
    for_workers: Endpoint
    for_clients: Endpoint


def parse_endpoint(text: str) -> Endpoint:
    """Read ``host:port``; square brackets around the host are needed for IPv6 only.

    Raises:
        DecodeError: malformed, or the port is not 1…65535.
    """
    match = _ENDPOINT.fullmatch(text) if len(text) <= MAX_TEXT_LENGTH else None
    if match is None:
        raise DecodeError("network address is not host:port")
    port = int(match["port"])
    if not 1 <= port <= MAX_PORT:
        raise DecodeError(f"port out of range: {port}")
    return Endpoint(match["bracketed"] or match["host"], port)


def parse_registered_proxy(seqno: int, text: str) -> RegisteredProxy:
    """Read a registration: one endpoint for all, or one for workers, a space, one for clients.

    Raises:
        DecodeError: malformed.
    """
    if len(text) > MAX_TEXT_LENGTH:
        raise DecodeError("network address is too long")
    endpoints = [parse_endpoint(part) for part in text.split(" ")]
    if len(endpoints) > 2:
        raise DecodeError("network address has more than two parts")
    return RegisteredProxy(seqno, endpoints[0], endpoints[-1])
