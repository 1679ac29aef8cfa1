"""Ask a node for its certificate without trusting it: for people who want to look at it.

The handshake is completed, so the certificate is that of whoever holds its key; everything else
about it is for the caller to judge. We come as a client without evidence.
"""

import asyncio
import contextlib

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import SSL, crypto

from cocoon.errors import (
    AttestationError,
    CertificateError,
    CocoonError,
    DeadlineError,
    RemoteProtocolError,
    UnavailableError,
)
from cocoon.net import pow_solver
from cocoon.net.identity import Identity
from cocoon.net.ratls import MAX_HANDSHAKE_BYTES, RatlsTimeouts
from cocoon.net.ratls_context import CIPHER_SUITES
from cocoon.net.ratls_stream import describe
from cocoon.wire import pow as proof

_READ_BYTES = 16_384


async def fetch_certificate(
    host: str,
    port: int,
    *,
    max_pow_difficulty: int = proof.DEFAULT_MAX_DIFFICULTY,
    timeouts: RatlsTimeouts | None = None,
) -> bytes:
    """DER of the certificate with which a node completed the handshake; nothing is verified.

    Args:
        host: its name or address.
        port: its RA-TLS port.
        max_pow_difficulty: harder proofs of work are refused.
        timeouts: limits of the stages, seconds.

    Raises:
        UnavailableError: no connection, or it was closed during the handshake.
        DeadlineError: a stage took too long.
        RemoteProtocolError: the other side does not speak the protocol.
        CertificateError: it shows no certificate, or not in a form that can be kept.
    """
    limits = timeouts or RatlsTimeouts()
    try:
        async with asyncio.timeout(limits.connect):
            reader, writer = await asyncio.open_connection(host, port)
    except TimeoutError:
        raise DeadlineError(f"no TCP connection to {host}:{port} in {limits.connect} s") from None
    except OSError as error:
        raise UnavailableError(f"cannot connect to {host}:{port}: {error.strerror}") from error
    try:
        async with asyncio.timeout(limits.pow):
            challenge = proof.Challenge.from_bytes(await reader.readexactly(proof.Challenge.SIZE))
            response = await pow_solver.solve(challenge, max_pow_difficulty)
            writer.write(response.to_bytes())
        async with asyncio.timeout(limits.tls):
            return await _handshake(reader, writer)
    except TimeoutError:
        raise DeadlineError(f"{host}:{port} did not complete the handshake in time") from None
    except (asyncio.IncompleteReadError, ConnectionError) as error:
        raise UnavailableError(f"{host}:{port} closed the connection") from error
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def _handshake(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    tls, kept, received = _connection(), _Kept(), 0
    tls.set_app_data(kept)
    while True:
        try:
            tls.do_handshake()
            break
        except SSL.WantReadError:
            _flush(tls, writer)
        except SSL.Error as error:
            raise kept.refusal or RemoteProtocolError(f"TLS failed: {describe(error)}") from error
        data = await reader.read(_READ_BYTES)
        if not data:
            raise UnavailableError("the peer closed the connection during TLS")
        received += len(data)
        if received > MAX_HANDSHAKE_BYTES:
            raise RemoteProtocolError("the TLS handshake is too long")
        tls.bio_write(data)
    if kept.certificate is None:
        raise CertificateError("the peer shows no certificate")
    return kept.certificate


class _Kept:
    """What the handshake showed."""

    certificate: bytes | None = None
    refusal: CocoonError | None = None


def _connection() -> SSL.Connection:
    credentials = Identity.generate(None).current()
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_min_proto_version(SSL.TLS1_3_VERSION)
    context.set_tls13_ciphersuites(CIPHER_SUITES)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.use_certificate(x509.load_der_x509_certificate(credentials.certificate_der))
    context.use_privatekey(credentials.private_key)
    context.set_verify(SSL.VERIFY_PEER, _keep)
    tls = SSL.Connection(context, None)
    tls.set_connect_state()
    return tls


def _keep(tls: SSL.Connection, certificate: crypto.X509, _error: int, depth: int, _ok: int) -> bool:
    """Takes any certificate: the caller only looks at it."""
    kept = tls.get_app_data()
    if not isinstance(kept, _Kept):
        return False
    try:
        if depth == 0:
            kept.certificate = certificate.to_cryptography().public_bytes(Encoding.DER)
    except (ValueError, x509.InvalidVersion, AttestationError) as error:
        kept.refusal = CertificateError(f"malformed certificate: {type(error).__name__}")
        return False
    return True


def _flush(tls: SSL.Connection, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(SSL.WantReadError):
        while True:
            writer.write(tls.bio_read(_READ_BYTES))
