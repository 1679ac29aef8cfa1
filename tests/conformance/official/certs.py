"""Certificates as the official generator makes them, and its checks (attestation.md §1, §2).

The generator leaves the version field out: X.509 v1 that still carries extensions. It is written
here in DER by hand; ``cryptography`` only signs and parses.
"""

import hashlib
import os
import ssl
import time
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID
from official.attested import PeerInfo, fake_tdx

QUOTE, CLAIMS = "1.3.6.1.4.1.12345.1", "1.3.6.1.4.1.12345.2"
LIFETIME = 86_400


def der(tag: int, *parts: bytes) -> bytes:
    """One DER element."""
    content = b"".join(parts)
    n = len(content)
    if n < 128:
        return bytes([tag, n]) + content
    length = n.to_bytes((n.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def oid(text: str) -> bytes:
    """An object identifier."""
    first, second, *rest = (int(part) for part in text.split("."))
    out = bytes([first * 40 + second])
    for number in rest:
        groups = [number & 127]
        while number := number >> 7:
            groups.append(0x80 | number & 127)
        out += bytes(reversed(groups))
    return der(0x06, out)


def _name() -> bytes:
    parts = [
        ("2.5.4.6", 0x13, b"AE"),
        ("2.5.4.8", 0x0C, b"DUBAI"),
        ("2.5.4.10", 0x0C, b"TDLib Development"),
        ("2.5.4.11", 0x0C, b"Security"),
        ("2.5.4.3", 0x0C, b"localhost"),
    ]
    return der(0x30, *(der(0x31, der(0x30, oid(o), der(tag, v))) for o, tag, v in parts))


def _extension(name: str, critical: bool, content: bytes) -> bytes:
    flag = der(0x01, b"\xff") if critical else b""
    return der(0x30, oid(name), flag, der(0x04, content))


def _utc(when: int) -> bytes:
    return der(0x17, time.strftime("%y%m%d%H%M%SZ", time.gmtime(when)).encode())


@dataclass(frozen=True)
class Certificate:
    """A certificate and its key."""

    certificate: bytes
    key: Ed25519PrivateKey

    @property
    def public_key(self) -> bytes:
        """32 bytes."""
        return self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    def write(self, base: Path) -> tuple[str, str]:
        """Files ``<base>_cert.pem`` and ``<base>_key.pem``."""
        cert, key = Path(f"{base}_cert.pem"), Path(f"{base}_key.pem")
        cert.write_text(ssl.DER_cert_to_PEM_cert(self.certificate))
        key.write_bytes(self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return str(cert), str(key)


def generate(*, attested: bool, v1: bool = True, names: bool = True) -> Certificate:
    """A new key and certificate, with fake TDX evidence or none."""
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    ed25519 = der(0x30, oid("1.3.101.112"))
    extensions = []
    if attested:
        extensions.append(_extension(QUOTE, True, hashlib.sha512(public).digest()))
        extensions.append(_extension(CLAIMS, True, public))
    usages = der(0x30, oid("1.3.6.1.5.5.7.3.1"), oid("1.3.6.1.5.5.7.3.2"))
    extensions.append(_extension("2.5.29.19", True, der(0x30)))
    extensions.append(_extension("2.5.29.15", True, der(0x03, b"\x07\x80")))
    extensions.append(_extension("2.5.29.37", True, usages))
    extensions.append(_extension("2.5.29.14", False, der(0x04, hashlib.sha1(public).digest())))
    if names:
        v6 = bytes(15) + b"\x01"
        alternatives = der(0x30, der(0x82, b"localhost"), der(0x82, b"127.0.0.1"), der(0x87, v6))
        extensions.append(_extension("2.5.29.17", False, alternatives))
    now = int(time.time())
    serial = b"\x00" + bytes([os.urandom(1)[0] | 0x80]) + os.urandom(15)
    version = b"" if v1 else der(0xA0, der(0x02, b"\x02"))
    body = der(
        0x30,
        version,
        der(0x02, serial),
        ed25519,
        _name(),
        der(0x30, _utc(now), _utc(now + LIFETIME)),
        _name(),
        der(0x30, ed25519, der(0x03, b"\x00" + public)),
        der(0xA3, der(0x30, *extensions)),
    )
    signature = der(0x03, b"\x00" + key.sign(body))
    return Certificate(der(0x30, body, ed25519, signature), key)


class UntrustedError(Exception):
    """The official checks refuse a certificate."""


def check(certificate: bytes, policy: str, *, of_server: bool) -> PeerInfo:
    """The official checks that are not OpenSSL's own (attestation.md §2.2), and the policy's.

    Args:
        certificate: DER of the peer's.
        policy: ``any`` or ``fake_tdx``.
        of_server: the peer listens: its host name must be right too.
    """
    parsed = x509.load_der_x509_certificate(certificate)
    now = time.time()
    if not parsed.not_valid_before_utc.timestamp() <= now < parsed.not_valid_after_utc.timestamp():
        raise UntrustedError("not valid now")
    if parsed.subject != parsed.issuer:
        raise UntrustedError("not self-signed")
    key = parsed.public_key()
    if not isinstance(key, Ed25519PublicKey):
        raise UntrustedError("not an Ed25519 key")
    known = {QUOTE, CLAIMS}
    values: dict[str, bytes] = {}
    for extension in parsed.extensions:
        if isinstance(extension.value, x509.UnrecognizedExtension):
            dotted = extension.oid.dotted_string
            values.setdefault(dotted, extension.value.value)
            if extension.critical and dotted not in known:
                raise UntrustedError(f"critical extension {dotted}")
    _check_usage(parsed, of_server)
    public = key.public_bytes(Encoding.Raw, PublicFormat.Raw)
    if policy == "any":
        return PeerInfo(public)
    if policy != "fake_tdx":
        raise UntrustedError(f"this stand-in knows no policy {policy!r}")
    quote = values.get(QUOTE)
    if quote is None:
        raise UntrustedError("TDX attestation quote is required by policy")
    if len(quote) != 64 or quote != hashlib.sha512(public).digest():
        raise UntrustedError("report data does not match")
    return PeerInfo(public, fake_tdx(public))


def _check_usage(parsed: x509.Certificate, of_server: bool) -> None:
    extensions = {extension.oid: extension.value for extension in parsed.extensions}
    usage = extensions.get(ExtensionOID.EXTENDED_KEY_USAGE)
    wanted = ExtendedKeyUsageOID.SERVER_AUTH if of_server else ExtendedKeyUsageOID.CLIENT_AUTH
    if isinstance(usage, x509.ExtendedKeyUsage) and wanted not in usage:
        raise UntrustedError("wrong purpose")
    if of_server:
        names = extensions.get(ExtensionOID.SUBJECT_ALTERNATIVE_NAME)
        if not isinstance(names, x509.SubjectAlternativeName):
            raise UntrustedError("hostname mismatch")
        # OpenSSL is asked for a host *name*: an address entry does not count.
        if "127.0.0.1" not in names.get_values_for_type(x509.DNSName):
            raise UntrustedError("hostname mismatch")
