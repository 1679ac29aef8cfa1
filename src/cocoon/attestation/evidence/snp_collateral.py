"""AMD's signed data that an SEV-SNP report is judged with, held in memory.

Source: AMD 57230 "VCEK Certificate and KDS Interface". Fetching it is somebody else's job: a
handshake never waits for the network. Where it comes from is not trusted: its signatures are
checked when it is read, its root and its dates with each report.
"""

import base64
import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from cocoon.attestation.evidence.missing import Missing
from cocoon.attestation.evidence.snp_report import SigningKey
from cocoon.attestation.evidence.snp_tcb import SnpProduct
from cocoon.attestation.evidence.snp_x509 import (
    MAX_CERTIFICATE_BYTES,
    common_name_of,
    load_certificate,
    load_crl,
    require_authority,
    require_crl,
    require_current,
    require_valid_at,
)
from cocoon.errors import ConfigError, EvidenceError

AMD_ROOT_HASHES = {
    SnpProduct.MILAN: bytes.fromhex(
        "1249f67f15cf229a4069195e1a9ce537d1765ef706a1f4a123c36be951878651"
        "5d25ecc007f366b564d2b3f31c48082e"
    ),
    SnpProduct.GENOA: bytes.fromhex(
        "32ab53a6ce5ec14926207396e5c475ae768a6a9831b7e860b5acf2e1c1dff222"
        "bc5a8bfc43eb5e06393189c1f246d880"
    ),
    SnpProduct.TURIN: bytes.fromhex(
        "3475f08a9727f8ac9a1deaea5f2a2097aa59d64d05c2a678c229c873e6359d3a"
        "6926287a2a22cd5f88a385e333a2fcc5"
    ),
}
"""SHA-384 of the root key (ARK) of each product, as a DER SubjectPublicKeyInfo."""
MAX_COLLATERAL_CHARS = 1 << 18

_SIGNERS = {SigningKey.VCEK: ("vcek", "SEV-"), SigningKey.VLEK: ("vlek", "SEV-VLEK-")}
_BY_NAME = {name: key for key, (name, _) in _SIGNERS.items()}
_PEM_END = b"-----END CERTIFICATE-----"


def snp_root_hash(root_der: bytes) -> bytes:
    """SHA-384 of a root's public key as DER SubjectPublicKeyInfo, 48 bytes.

    Raises:
        ConfigError: not a certificate.
    """
    try:
        certificate = x509.load_der_x509_certificate(root_der)
        return _key_hash(certificate)
    except ValueError as error:
        raise ConfigError("a pinned SEV-SNP root is not a DER certificate") from error


def collateral_key(product: SnpProduct, signer: SigningKey) -> str:
    """How collateral is found: product and leaf, such as ``Milan/vcek``."""
    return f"{product.value}/{_SIGNERS[signer][0]}"


@dataclass(frozen=True, slots=True)
class SnpChain:
    """The two certificates above a leaf; the signatures of both are checked.

    Attributes:
        product: the line of processors.
        signer: the kind of leaf below.
        ark: DER of the root key's certificate.
        ask: DER of the signing key's certificate: ASK above a VCEK, ASVK above a VLEK.

    Raises:
        EvidenceError: a certificate is malformed, of another product, or not signed by the root.
    """

    product: SnpProduct
    signer: SigningKey
    ark: bytes = field(repr=False)
    ask: bytes = field(repr=False)
    root: x509.Certificate = field(init=False, repr=False, compare=False)
    authority: x509.Certificate = field(init=False, repr=False, compare=False)
    root_hash: bytes = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if self.signer not in _SIGNERS:
            raise EvidenceError("SEV-SNP collateral: for no kind of leaf that signs reports")
        root_name, authority_name = self.names
        root = load_certificate(self.ark, root_name)
        authority = load_certificate(self.ask, authority_name)
        require_authority(root, root, root_name)
        require_authority(authority, root, authority_name)
        object.__setattr__(self, "root", root)
        object.__setattr__(self, "authority", authority)
        object.__setattr__(self, "root_hash", _key_hash(root))

    @property
    def names(self) -> tuple[str, str]:
        """The ends of the common names of root and signing key, as AMD names them."""
        return f"ARK-{self.product.value}", _SIGNERS[self.signer][1] + self.product.value

    def require_valid_at(self, now: int) -> None:
        """Check the dates of both certificates.

        Raises:
            EvidenceError: one has expired or is not valid yet.
        """
        require_valid_at(self.root, now, self.names[0])
        require_valid_at(self.authority, now, self.names[1])

    @classmethod
    def from_pem(cls, product: SnpProduct, signer: SigningKey, pem: bytes) -> "SnpChain":
        """Read what AMD's service answers to ``cert_chain``: signing key, then root.

        Raises:
            EvidenceError: it is not two certificates, or they do not check out.
        """
        if len(pem) > 4 * MAX_CERTIFICATE_BYTES or pem.count(_PEM_END) != 2:
            raise EvidenceError("SEV-SNP certificate chain: it is not two certificates")
        try:
            ask, ark = x509.load_pem_x509_certificates(pem)
        except ValueError as error:
            raise EvidenceError("SEV-SNP certificate chain: malformed") from error
        return cls(product, signer, ark.public_bytes(Encoding.DER), ask.public_bytes(Encoding.DER))


@dataclass(frozen=True, slots=True)
class SnpCollateral:
    """Collateral for the leaves of one kind under one product's root.

    Attributes:
        chain: the certificates above the leaf.
        crl: DER of the root's revocation list.

    Raises:
        EvidenceError: the list is malformed or not signed by the chain's root.
    """

    chain: SnpChain
    crl: bytes = field(repr=False)
    revoked: frozenset[int] = field(init=False, repr=False, compare=False)
    expires_at: int = field(init=False)
    """Unix seconds: when the first of its parts ends."""
    _list: x509.CertificateRevocationList = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        parsed = load_crl(self.crl, self.crl_name)
        require_crl(parsed, self.chain.root, self.crl_name)
        ends = [
            certificate.not_valid_after_utc.timestamp()
            for certificate in (self.chain.root, self.chain.authority)
        ]
        if parsed.next_update_utc is not None:
            ends.append(parsed.next_update_utc.timestamp())
        object.__setattr__(self, "_list", parsed)
        object.__setattr__(self, "revoked", frozenset(entry.serial_number for entry in parsed))
        object.__setattr__(self, "expires_at", int(min(ends)))

    @property
    def key(self) -> str:
        """How a book finds it, such as ``Milan/vcek``."""
        return collateral_key(self.chain.product, self.chain.signer)

    @property
    def crl_name(self) -> str:
        """The revocation list, for messages."""
        return f"{common_name_of(self.chain.root)[-20:]} revocation list"

    def require_current(self, now: int) -> None:
        """Check every date, and that the list revokes none of its own certificates.

        Raises:
            EvidenceError: names the part that is expired, not valid yet or revoked.
        """
        self.chain.require_valid_at(now)
        require_current(self._list, now, self.crl_name)
        names = zip((self.chain.root, self.chain.authority), self.chain.names, strict=True)
        for certificate, name in names:
            if certificate.serial_number in self.revoked:
                raise EvidenceError(
                    f"{name}: AMD revoked the certificate",
                    fix="fetch newer SEV-SNP collateral, and a newer certificate on the machine",
                )

    def require_leaf_not_revoked(self, serial_number: int, name: str) -> None:
        """Check that the list does not name a leaf.

        Every VCEK has the serial number 0, so a list cannot say anything about one: AMD revokes
        the signing key, or raises the patch level that is asked for.

        Raises:
            EvidenceError: it does.
        """
        if serial_number > 0 and serial_number in self.revoked:
            raise EvidenceError(f"{name} certificate: AMD revoked it")

    def to_json(self) -> str:
        """The form that :meth:`from_json` reads."""
        fields = {
            "product": self.chain.product.value,
            "signer": _SIGNERS[self.chain.signer][0],
            "ark": base64.b64encode(self.chain.ark).decode(),
            "ask": base64.b64encode(self.chain.ask).decode(),
            "crl": base64.b64encode(self.crl).decode(),
        }
        return json.dumps(fields, indent=1)

    @classmethod
    def from_json(cls, text: str) -> "SnpCollateral":
        """Read collateral: an object with ``product``, ``signer`` and base64 DER.

        Raises:
            EvidenceError: the text is not collateral, or its signatures do not verify.
        """
        if len(text) > MAX_COLLATERAL_CHARS:
            raise EvidenceError(f"SEV-SNP collateral: {len(text)} characters")
        try:
            fields: dict[str, Any] = json.loads(text)
            product = SnpProduct(fields["product"])
            signer = _BY_NAME[fields["signer"]]
            ark, ask, crl = (
                base64.b64decode(fields[name], validate=True) for name in ("ark", "ask", "crl")
            )
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise EvidenceError(f"malformed SEV-SNP collateral: {type(error).__name__}") from error
        return cls(SnpChain(product, signer, ark, ask), crl)


class SnpCollateralBook(Missing):
    """The current collateral by product and kind of leaf; replaced in place when newer arrives."""

    def __init__(self, *collateral: SnpCollateral) -> None:
        self._by_key = {item.key: item for item in collateral}
        self._fingerprint = self._compute_fingerprint()

    @property
    def fingerprint(self) -> bytes:
        """32 bytes that change with the content: results cached under older collateral go."""
        return self._fingerprint

    def put(self, collateral: SnpCollateral) -> None:
        """Add or replace the collateral of one product and kind of leaf."""
        self._by_key[collateral.key] = collateral
        self._fingerprint = self._compute_fingerprint()

    def find(self, key: str) -> SnpCollateral | None:
        """The collateral for a key such as ``Milan/vcek``, or None."""
        return self._by_key.get(key)

    def _compute_fingerprint(self) -> bytes:
        digest = hashlib.sha256()
        for key, item in sorted(self._by_key.items()):
            for part in (key.encode(), item.chain.ark, item.chain.ask, item.crl):
                digest.update(hashlib.sha256(part).digest())
        return digest.digest()


def _key_hash(certificate: x509.Certificate) -> bytes:
    key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha384(key).digest()
