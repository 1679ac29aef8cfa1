"""Proof of work and TLS, both sides (wire-protocol.md §2.2, §2.3).

The connecting side is the standard library's ``ssl``; the listening side is pyOpenSSL with the
official settings, because ``ssl`` cannot take an unknown client certificate.
"""

import asyncio
import hashlib
import os
import ssl
import struct
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from official import certs
from official.attested import PeerInfo
from official.certs import Certificate, UntrustedError
from OpenSSL import SSL

CHALLENGE, RESPONSE = 0x418E1291, 0x01827319
MAX_POW = 28
SUITES = b"TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384"


def pow_ok(salt: bytes, nonce: int, difficulty: int) -> bool:
    """Whether the first eight bytes of the hash, little-endian, begin with enough zero bits."""
    digest = hashlib.sha256(salt + struct.pack("<q", nonce)).digest()
    value = int.from_bytes(digest[:8], "little")
    return difficulty <= 0 or value >> (64 - difficulty) == 0


def pow_solve(salt: bytes, difficulty: int) -> int:
    """Count up from 0, as the official solver does."""
    start = hashlib.sha256(salt)
    limit = 1 << (64 - difficulty)
    nonce = 0
    while True:
        state = start.copy()
        state.update(nonce.to_bytes(8, "little"))
        if int.from_bytes(state.digest()[:8], "little") < limit:
            return nonce
        nonce += 1


async def pow_serve(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, difficulty: int
) -> None:
    """Ask for work; raises ConnectionError when it is not done."""
    salt = os.urandom(16)
    writer.write(struct.pack("<Ii", CHALLENGE, difficulty) + salt)
    magic, nonce = struct.unpack("<Iq", await reader.readexactly(12))
    if magic != RESPONSE or not pow_ok(salt, nonce, difficulty):
        raise ConnectionError("proof of work is wrong")


async def pow_dial(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Do the work that is asked for."""
    magic, difficulty = struct.unpack("<Ii", await reader.readexactly(8))
    salt = await reader.readexactly(16)
    if magic != CHALLENGE or not 0 <= difficulty <= MAX_POW:
        raise ConnectionError("no challenge, or too hard a one")
    nonce = await asyncio.to_thread(pow_solve, salt, difficulty)
    writer.write(struct.pack("<Iq", RESPONSE, nonce))


async def dial(
    host: str, port: int, certificate: Certificate, policy: str
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, PeerInfo]:
    """Connect to a router's reverse port: TCP, proof of work, TLS, official checks."""
    reader, writer = await asyncio.open_connection(host, port)
    try:
        await pow_dial(reader, writer)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.options |= ssl.OP_NO_TICKET
        with tempfile.TemporaryDirectory() as folder:
            context.load_cert_chain(*certificate.write(Path(folder) / "runner"))
        await writer.start_tls(context)
        peer = writer.get_extra_info("ssl_object").getpeercert(True)
        info = certs.check(peer, policy, of_server=True)
    except BaseException:
        writer.transport.abort()
        with suppress(Exception):
            await writer.wait_closed()
        raise
    return reader, writer, info


class ServerTls:
    """The listening side of TLS over a stream whose proof of work is done."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        certificate: Certificate,
        policy: str,
    ) -> None:
        self._reader, self._writer = reader, writer
        self._policy = policy
        self.refusal: Exception | None = None
        self.peer: PeerInfo | None = None
        context = SSL.Context(SSL.TLS_SERVER_METHOD)
        context.set_min_proto_version(SSL.TLS1_3_VERSION)
        context.set_tls13_ciphersuites(SUITES)
        context.set_options(SSL.OP_NO_TICKET)
        context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
        context.use_certificate(x509.load_der_x509_certificate(certificate.certificate))
        context.use_privatekey(certificate.key)
        context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, self._verify)
        context.set_verify_depth(1)
        self._tls = SSL.Connection(context, None)
        self._tls.set_accept_state()

    def _verify(self, _: Any, certificate: Any, error: int, depth: int, ok: int) -> bool:
        if not ok:
            return error in (18, 34)  # self-signed leaf, unhandled critical extension
        if depth:
            return False
        try:
            encoded = certificate.to_cryptography().public_bytes(Encoding.DER)
            self.peer = certs.check(encoded, self._policy, of_server=False)
        except UntrustedError as refusal:
            self.refusal = refusal
            return False
        return True

    def _flush(self) -> None:
        with suppress(SSL.WantReadError):
            while True:
                self._writer.write(self._tls.bio_read(1 << 16))

    async def _more(self) -> None:
        data = await self._reader.read(1 << 16)
        if not data:
            raise ConnectionError("closed")
        self._tls.bio_write(data)

    async def handshake(self) -> PeerInfo:
        """Complete the handshake; a failure sends nothing more, so that the peer sees a close."""
        while True:
            try:
                self._tls.do_handshake()
            except SSL.WantReadError:
                self._flush()
                await self._more()
                continue
            except SSL.Error as error:
                raise ConnectionError(str(self.refusal or error)) from None
            self._flush()
            assert self.peer is not None
            return self.peer

    async def read(self) -> bytes:
        """Some bytes, none at the end."""
        while True:
            try:
                return self._tls.recv(1 << 16)
            except SSL.WantReadError:
                self._flush()
                try:
                    await self._more()
                except ConnectionError:
                    return b""
            except (SSL.ZeroReturnError, SSL.Error):
                return b""

    def write(self, data: bytes) -> None:
        """Send bytes."""
        self._tls.sendall(data)
        self._flush()
