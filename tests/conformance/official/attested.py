"""What a router tells its local side of the remote peer (wire-protocol.md §2.5)."""

import asyncio
import hashlib
import struct
from dataclasses import dataclass

from official.tl import ParseError, Reader, encode_bytes

MAX_RECORD = 16536
FAKE_TDX_IMAGE = hashlib.sha256(bytes(448)).digest()
"""The image hash of every fake TDX peer."""


@dataclass(frozen=True)
class PeerInfo:
    """One record; ``tdx`` is None or the 448 bytes of a TDX attestation."""

    public_key: bytes
    tdx: bytes | None = None
    source: tuple[str, int] = ("127.0.0.1", 1)
    destination: tuple[str, int] = ("127.0.0.1", 2)
    root_hash: bytes = bytes(48)

    @property
    def image_hash(self) -> bytes:
        """All that a runner uses of it."""
        if self.tdx is None:
            return bytes(32)
        return hashlib.sha256(self.tdx[:384] + bytes(64)).digest()

    def frame(self) -> bytes:
        """The record with its length."""
        body = struct.pack("<i", int(self.tdx is not None))
        if self.tdx is not None:
            body += struct.pack("<i", 0) + self.tdx
        body += self.root_hash + encode_bytes(self.public_key)
        for host, port in (self.source, self.destination):
            body += encode_bytes(host.encode()) + struct.pack("<i", port)
        return struct.pack("<I", len(body)) + body


def fake_tdx(public_key: bytes) -> bytes:
    """Measurements of a fake TDX peer: all zero, then the report data."""
    return bytes(384) + hashlib.sha512(public_key).digest()


def parse(body: bytes) -> PeerInfo:
    """A record without its length."""
    reader = Reader(body)
    tdx = None
    if reader.number("<i"):
        if reader.number("<i") != 0:
            raise ParseError("an SGX peer")
        tdx = reader.take(448)
    root_hash = reader.take(48)
    key = reader.text()
    source = (reader.text().decode(), reader.number("<i"))
    destination = (reader.text().decode(), reader.number("<i"))
    reader.end()
    return PeerInfo(key, tdx, source, destination, root_hash)


async def read(reader: asyncio.StreamReader) -> PeerInfo:
    """The record that comes first on a local connection."""
    length = struct.unpack("<I", await reader.readexactly(4))[0]
    if length > MAX_RECORD:
        raise ParseError("record is too long")
    return parse(await reader.readexactly(length))
