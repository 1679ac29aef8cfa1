"""Certificates that OpenSSL reads and nobody else does, shown in a handshake by a stranger."""

import contextlib
import ssl
import time
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from OpenSSL import SSL

from cocoon.attestation import policy as policies
from cocoon.attestation.document import pem_of
from cocoon.attestation.verify import PeerRole
from cocoon.errors import CertificateError
from cocoon.net.credentials import GeneratedCredentials
from cocoon.net.ratls_context import TlsContexts, Verdict
from cocoon.testing.certificates import CertificateRecipe

KEY = Ed25519PrivateKey.generate()
ED25519 = bytes.fromhex("300506032b6570")
V3 = bytes.fromhex("a003020102")


def of_version(number: int) -> bytes:
    """A good certificate that says another X.509 version, signed again."""
    der = CertificateRecipe(int(time.time()) - 10, KEY).to_der()
    signed = der[4 : 8 + int.from_bytes(der[6:8], "big")]
    signed = signed.replace(V3, V3[:-1] + bytes([number - 1]), 1)
    content = signed + ED25519 + b"\x03\x41\0" + KEY.sign(signed)
    return b"\x30\x82" + len(content).to_bytes(2, "big") + content


def shown(der: bytes, folder: Path) -> Verdict:
    """What our listening side says to a stranger with this certificate."""
    (folder / "cert.pem").write_text(pem_of(der))
    pkcs8 = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "key.pem").write_bytes(pkcs8)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    to_stranger, to_us = ssl.MemoryBIO(), ssl.MemoryBIO()
    stranger = context.wrap_bio(to_stranger, to_us)
    own = GeneratedCredentials(None).newer(None, int(time.time()))
    assert own is not None
    contexts = TlsContexts(time.time)
    anybody = policies.unsafe_accept_anything()
    listener, verdict = contexts.connection(own, anybody, PeerRole.CLIENT)
    for _ in range(3):
        with contextlib.suppress(ssl.SSLWantReadError):
            stranger.do_handshake()
        listener.bio_write(to_us.read())
        try:
            listener.do_handshake()
        except SSL.WantReadError:
            to_stranger.write(listener.bio_read(1 << 16))
        except SSL.Error:
            return verdict
        else:
            return verdict
    raise AssertionError("the handshake does not end")


def test_version_3_passes(tmp_path: Path) -> None:
    assert shown(of_version(3), tmp_path).peer is not None


@pytest.mark.parametrize("number", [1, 2, 4, 5, 128])
def test_other_versions_are_refused_and_not_a_fault_of_ours(number: int, tmp_path: Path) -> None:
    verdict = shown(of_version(number), tmp_path)
    assert verdict.peer is None
    assert isinstance(verdict.refusal, CertificateError)
