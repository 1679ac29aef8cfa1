"""Whom we speak to: URLs that protect, certificates that are pinned, and what servers ask for."""

import hashlib
import os
from ipaddress import ip_address
from urllib.parse import urlsplit

import aiohttp
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from cocoon.errors import ConfigError

PINNED_CERTIFICATE_BYTES = 64 * 1024


def words_of(error: Exception) -> str:
    """Why a host cannot be asked, in words."""
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "its name cannot be resolved"
    if isinstance(error, aiohttp.ClientConnectorError) and error.os_error.errno:
        return os.strerror(error.os_error.errno).lower()
    return type(error).__name__


def check_url(url: str) -> str:
    """The base URL without a slash at the end.

    Raises:
        ConfigError: it is malformed, or not https and not on this machine.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ConfigError("the URL of a collateral service is malformed") from None
    if parts.scheme not in ("http", "https") or not host or parts.username or parts.query:
        raise ConfigError(
            'the URL of a collateral service is "https://host" without user, password or query'
        )
    if parts.scheme == "http" and not _is_loopback(host):
        raise ConfigError(f"collateral of {host}: use https; http only reaches this machine")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


def fingerprint(certificate: bytes) -> aiohttp.Fingerprint:
    """The SHA-256 of a pinned certificate, which stands in for every other check of a server.

    Raises:
        ConfigError: the bytes are no certificate in PEM or DER.
    """
    try:
        if len(certificate) > PINNED_CERTIFICATE_BYTES:
            raise ValueError("too long")
        pem = b"-----BEGIN CERTIFICATE-----" in certificate
        load = x509.load_pem_x509_certificate if pem else x509.load_der_x509_certificate
        der = load(certificate).public_bytes(Encoding.DER)
    except (ValueError, TypeError, x509.InvalidVersion):
        raise ConfigError("the pinned certificate is not one in PEM or DER") from None
    return aiohttp.Fingerprint(hashlib.sha256(der).digest())


def retry_after(text: str) -> float:
    """Seconds that a ``Retry-After`` header asks for; 0 for a date or nonsense."""
    return float(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0.0


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
