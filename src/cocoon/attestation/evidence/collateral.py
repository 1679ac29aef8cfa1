"""The vendor's signed data that a quote is judged with (DCAP collateral), held in memory.

Fetching it is somebody else's job: a handshake never waits for the network. What is in here is
not trusted: every part is signed, and checked with each quote.
"""

import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime

import dcap_qvl
from cryptography import x509
from cryptography.x509.oid import NameOID

from cocoon.attestation.evidence.missing import Missing
from cocoon.errors import EvidenceError

MAX_COLLATERAL_CHARS = 1 << 20
FMSPC_BYTES = 6
MALFORMED = (ValueError, TypeError, KeyError, RecursionError, x509.InvalidVersion, UserWarning)
"""What readers raise; warnings about certificates are errors where a program asks for it."""

_SIGNER = "TCB Signing"
_PEM_MARK, _PEM_BEGIN = "-----BEGIN ", "-----BEGIN CERTIFICATE-----"


@dataclass(frozen=True, slots=True)
class Collateral:
    """Collateral for TDX on one platform model.

    Attributes:
        json: the form of ``dcap_qvl.QuoteCollateralV3.to_json``.
        fmspc: the platform model it is for, 6 bytes.
        expires_at: unix seconds; the earliest ``nextUpdate`` or ``notAfter`` in it.
        handle: the same, parsed for the verifier.
    """

    json: str = field(repr=False)
    fmspc: bytes
    expires_at: int
    handle: dcap_qvl.QuoteCollateralV3 = field(repr=False, compare=False)

    @classmethod
    def from_json(cls, text: str) -> "Collateral":
        """Parse collateral.

        A platform certificate that some sources put into it is dropped: collateral is for a
        model, and a quote is judged by the certificates that it carries itself.

        Raises:
            EvidenceError: the text is not collateral, or its certificates are not those that
                sign collateral.
        """
        if len(text) > MAX_COLLATERAL_CHARS:
            raise EvidenceError(f"collateral of {len(text)} characters")
        try:
            text = _without_platform(text)
            handle = dcap_qvl.QuoteCollateralV3.from_json(text)
            _require_signer("TCB info", handle.tcb_info_issuer_chain)
            _require_signer("QE identity", handle.qe_identity_issuer_chain)
            fmspc = bytes.fromhex(json.loads(handle.tcb_info)["fmspc"])
            expires_at = _expiry(handle)
        except MALFORMED as error:
            raise EvidenceError(f"malformed collateral: {type(error).__name__}") from error
        if len(fmspc) != FMSPC_BYTES:
            raise EvidenceError(f"collateral names a platform of {len(fmspc)} bytes")
        return cls(text, fmspc, expires_at, handle)


class CollateralBook(Missing):
    """The current collateral by platform model; replaced in place when newer arrives."""

    def __init__(self, *collateral: Collateral) -> None:
        self._by_fmspc = {item.fmspc: item for item in collateral}
        self._fingerprint = self._compute_fingerprint()

    @property
    def fingerprint(self) -> bytes:
        """32 bytes that change with the content: results cached under older collateral go."""
        return self._fingerprint

    def put(self, collateral: Collateral) -> None:
        """Add or replace the collateral of one platform model."""
        self._by_fmspc[collateral.fmspc] = collateral
        self._fingerprint = self._compute_fingerprint()

    def find(self, fmspc: bytes) -> Collateral | None:
        """The collateral for a platform model, or None."""
        return self._by_fmspc.get(fmspc)

    def _compute_fingerprint(self) -> bytes:
        digest = hashlib.sha256()
        for fmspc, collateral in sorted(self._by_fmspc.items()):
            digest.update(fmspc)
            digest.update(hashlib.sha256(collateral.json.encode()).digest())
        return digest.digest()


def _without_platform(text: str) -> str:
    """Raises ValueError when it is no JSON object."""
    content = json.loads(text)
    if not isinstance(content, dict):
        raise ValueError("not an object")
    if content.pop("pck_certificate_chain", None) is None:
        return text
    return json.dumps(content)


def _require_signer(what: str, chain: str) -> None:
    """Check that a chain is of the key that the vendor has for collateral, and of no other.

    The verifier underneath takes any certificate below the root. Every machine has the key of one,
    its PCK: taken out of one machine, it could sign that all of its model are up to date.
    """
    if chain.count(_PEM_MARK) != 2 or chain.count(_PEM_BEGIN) != 2:
        # The verifier takes blocks of any label for certificates; both must see the same two.
        raise EvidenceError(f"{what} signer: its chain is not two certificates in PEM")
    signer, _ = x509.load_pem_x509_certificates(chain.encode().rstrip(b"\0"))
    names = [str(item.value) for item in signer.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    if len(names) != 1 or not names[0].endswith(_SIGNER):
        raise EvidenceError(f"{what} signer: the certificate is not one for signing collateral")


def _expiry(handle: dcap_qvl.QuoteCollateralV3) -> int:
    times = [_json_next_update(handle.tcb_info), _json_next_update(handle.qe_identity)]
    for crl_der in (handle.root_ca_crl, handle.pck_crl):
        next_update = x509.load_der_x509_crl(crl_der).next_update_utc
        if next_update is None:
            raise ValueError("a revocation list without nextUpdate never expires")
        times.append(next_update)
    chains = {
        handle.pck_crl_issuer_chain,
        handle.tcb_info_issuer_chain,
        handle.qe_identity_issuer_chain,
    }
    for chain in chains:
        pem = chain.encode().rstrip(b"\0")
        times += [cert.not_valid_after_utc for cert in x509.load_pem_x509_certificates(pem)]
    return int(min(times).timestamp())


def _json_next_update(text: str) -> datetime:
    # The verifier underneath reads RFC 3339; the vendor writes whole seconds in UTC.
    return datetime.strptime(json.loads(text)["nextUpdate"], "%Y-%m-%dT%H:%M:%SZ").replace(
        tzinfo=UTC
    )
