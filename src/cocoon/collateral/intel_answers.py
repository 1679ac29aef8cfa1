"""What Intel's service (PCS v4) and a caching service (PCCS) answer, as parts of collateral.

Pure functions. The signed texts are cut out of the answers byte by byte: the signature is over the
exact bytes, so nothing is parsed and written again.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from cocoon.errors import CollateralError

MAX_CHAIN_CHARS = 24 * 1024
MAX_CHAIN_CERTIFICATES = 4
SIGNATURE_BYTES = 64

TCB_CHAIN_HEADERS = ("tcb-info-issuer-chain", "sgx-tcb-info-issuer-chain")
IDENTITY_CHAIN_HEADERS = ("sgx-enclave-identity-issuer-chain",)
CRL_CHAIN_HEADERS = ("sgx-pck-crl-issuer-chain",)

_HEX = re.compile(rb"[0-9A-Fa-f\s]+")
_PEM_CRL = b"-----BEGIN X509 CRL-----"


class _TcbAnswer(msgspec.Struct):
    tcbInfo: msgspec.Raw  # noqa: N815 - Intel's name
    signature: str


class _IdentityAnswer(msgspec.Struct):
    enclaveIdentity: msgspec.Raw  # noqa: N815 - Intel's name
    signature: str


def tcb_info(body: bytes) -> tuple[str, bytes]:
    """The signed text and the signature (64 bytes) of an answer to ``/tcb``.

    Raises:
        CollateralError: it is not such an answer.
    """
    answer = _decode(body, _TcbAnswer, "TCB info")
    return _text(answer.tcbInfo), _signature(answer.signature)


def enclave_identity(body: bytes) -> tuple[str, bytes]:
    """The signed text and the signature (64 bytes) of an answer to ``/qe/identity``.

    Raises:
        CollateralError: it is not such an answer.
    """
    answer = _decode(body, _IdentityAnswer, "QE identity")
    return _text(answer.enclaveIdentity), _signature(answer.signature)


def issuer_chain(headers: Mapping[str, str], names: Sequence[str]) -> str:
    """The chain of certificates that an answer's header carries, URL-encoded, as PEM.

    Args:
        headers: by lower-case name.
        names: of the header, newest first.

    Raises:
        CollateralError: there is none, or it is no chain.
    """
    encoded = next((headers[name] for name in names if name in headers), None)
    if encoded is None:
        raise CollateralError(f"Intel's service sends no {names[0]}")
    pem = unquote(encoded)
    if len(pem) > MAX_CHAIN_CHARS:
        raise CollateralError(f"Intel's service sends a {names[0]} that is too long")
    try:
        chain = x509.load_pem_x509_certificates(pem.encode())
    except (ValueError, x509.InvalidVersion):
        raise CollateralError(f"Intel's service sends a malformed {names[0]}") from None
    if not 2 <= len(chain) <= MAX_CHAIN_CERTIFICATES:
        raise CollateralError(f"Intel's service sends {len(chain)} certificates as {names[0]}")
    return "".join(item.public_bytes(Encoding.PEM).decode() for item in chain)


def revocation_list(body: bytes) -> bytes:
    """The DER of a revocation list, which services send as DER, as hex digits of it, or as PEM.

    Raises:
        CollateralError: it is none of them.
    """
    try:
        if _PEM_CRL in body:
            return x509.load_pem_x509_crl(body).public_bytes(Encoding.DER)
        der = bytes.fromhex(body.decode("ascii")) if _HEX.fullmatch(body) else body
        x509.load_der_x509_crl(der)
    except (ValueError, TypeError, x509.InvalidVersion):
        raise CollateralError("Intel's service sends a malformed revocation list") from None
    return der


def _decode(body: bytes, shape: Any, what: str) -> Any:
    try:
        return msgspec.json.decode(body, type=shape)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise CollateralError(f"Intel's service sends malformed {what}") from None


def _text(raw: msgspec.Raw) -> str:
    try:
        return bytes(raw).decode()
    except UnicodeError:
        raise CollateralError("Intel's service sends text that is not UTF-8") from None


def _signature(text: str) -> bytes:
    try:
        signature = bytes.fromhex(text)
    except ValueError:
        signature = b""
    if len(signature) != SIGNATURE_BYTES:
        raise CollateralError("Intel's service sends a malformed signature")
    return signature
