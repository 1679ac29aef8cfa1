"""The certificate authority behind simulated TDX hardware: Intel's structure, our names.

Everything here is for machines without a TEE. The *hardware* is simulated; the checks are not:
what these keys sign goes through the same verifier as Intel's, with this root pinned explicitly.
"""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID, ObjectIdentifier

from cocoon.devnet import der

NAME = "Cocoon devnet simulated TEE"
PKI_LIFETIME = timedelta(days=365 * 20)
COLLATERAL_LIFETIME = timedelta(days=30)
TDX = "TDX"
SGX = "SGX"

SGX_EXTENSION = "1.2.840.113741.1.13.1"
FMSPC = bytes.fromhex("c0c00a000000")
CPU_SVN = bytes([3] * 8 + [0] * 8)
PCE_SVN = 13
PCE_ID = b"\0\0"
QE_MRSIGNER = bytes.fromhex("c0" * 32)
_TDX_SVN = bytes([5, 0, 2] + [0] * 13)
_TCB_DATE = "2026-01-01T00:00:00Z"


@dataclass(frozen=True, slots=True)
class Authority:
    """One certificate with its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey = field(repr=False)

    @property
    def pem(self) -> str:
        """The certificate."""
        return self.certificate.public_bytes(Encoding.PEM).decode()


@dataclass(frozen=True, slots=True)
class SimulatedPki:
    """The four authorities that DCAP knows.

    Attributes:
        root: signs everything below; what a policy pins.
        platform_ca: issues the platform's certificate.
        pck: the simulated platform; signs the simulated quoting enclave.
        tcb_signer: signs collateral.
    """

    root: Authority
    platform_ca: Authority
    pck: Authority
    tcb_signer: Authority

    @classmethod
    def create(cls, now: int, platform_id: bytes) -> "SimulatedPki":
        """Make new keys and certificates.

        Args:
            now: unix seconds.
            platform_id: 32 random bytes; name the simulated machine.
        """
        not_before = datetime.fromtimestamp(now, UTC) - timedelta(days=1)
        root = _issue("Root CA", not_before, issuer=None, path_length=1)
        platform_ca = _issue("PCK Platform CA", not_before, issuer=root, path_length=0)
        platform = x509.UnrecognizedExtension(
            ObjectIdentifier(SGX_EXTENSION), _sgx_extension(platform_id[:16], platform_id[16:])
        )
        pck = _issue("PCK Certificate", not_before, issuer=platform_ca, extension=platform)
        tcb_signer = _issue("TCB Signing", not_before, issuer=root)
        return cls(root, platform_ca, pck, tcb_signer)

    @property
    def root_der(self) -> bytes:
        """The root certificate, for policies."""
        return self.root.certificate.public_bytes(Encoding.DER)

    def collateral_json(
        self,
        now: int,
        *,
        tee: str = TDX,
        tcb_status: str = "UpToDate",
        advisories: tuple[str, ...] = (),
        revoke_platform: bool = False,
    ) -> str:
        """Signed collateral, valid for :data:`COLLATERAL_LIFETIME` from ``now``.

        Args:
            now: unix seconds.
            tee: :data:`TDX` or :data:`SGX`; a quote of one is not judged by data for the other.
            tcb_status: what the vendor says of this platform; tests use other values.
            advisories: names of security advisories that apply to this platform.
            revoke_platform: put the platform on its issuer's revocation list.
        """
        issued = datetime.fromtimestamp(now, UTC) - timedelta(minutes=5)
        dates = {"issueDate": _iso(issued), "nextUpdate": _iso(issued + COLLATERAL_LIFETIME)}
        tcb_info = json.dumps(_tcb_info(dates, tee, tcb_status, advisories), separators=(",", ":"))
        qe_identity = json.dumps(_qe_identity(dates, tee), separators=(",", ":"))
        revoked = [self.pck.certificate.serial_number] if revoke_platform else []
        signer_chain = self.tcb_signer.pem + self.root.pem
        return json.dumps(
            {
                "pck_crl_issuer_chain": self.platform_ca.pem + self.root.pem,
                "root_ca_crl": _revocation_list(self.root, issued, []).hex(),
                "pck_crl": _revocation_list(self.platform_ca, issued, revoked).hex(),
                "tcb_info_issuer_chain": signer_chain,
                "tcb_info": tcb_info,
                "tcb_info_signature": sign_raw(self.tcb_signer.key, tcb_info.encode()).hex(),
                "qe_identity_issuer_chain": signer_chain,
                "qe_identity": qe_identity,
                "qe_identity_signature": sign_raw(self.tcb_signer.key, qe_identity.encode()).hex(),
            }
        )


def sign_raw(key: ec.EllipticCurvePrivateKey, message: bytes) -> bytes:
    """ECDSA over SHA-256 in the raw form of quotes: r || s, big-endian, 64 bytes."""
    r, s = decode_dss_signature(key.sign(message, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def raw_point(key: ec.EllipticCurvePrivateKey) -> bytes:
    """The public key as X || Y, 64 bytes."""
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)[1:]


def _subject(role: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, f"{NAME} {role}"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, NAME),
        ]
    )


def _issue(
    role: str,
    not_before: datetime,
    *,
    issuer: Authority | None,
    path_length: int | None = None,
    extension: x509.UnrecognizedExtension | None = None,
) -> Authority:
    key = ec.generate_private_key(ec.SECP256R1())
    signing_key = issuer.key if issuer else key
    is_ca = path_length is not None
    usage = x509.KeyUsage(
        digital_signature=not is_ca,
        content_commitment=not is_ca,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=is_ca,
        crl_sign=is_ca,
        encipher_only=False,
        decipher_only=False,
    )
    authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(signing_key.public_key())
    subject_id = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    builder = (
        x509.CertificateBuilder()
        .subject_name(_subject(role))
        .issuer_name(issuer.certificate.subject if issuer else _subject(role))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(not_before)
        .not_valid_after(not_before + PKI_LIFETIME)
        .add_extension(x509.BasicConstraints(is_ca, path_length), critical=True)
        .add_extension(subject_id, critical=False)
        .add_extension(authority, critical=False)
        .add_extension(usage, critical=True)
        .add_extension(_revocation_address(), critical=False)
    )
    if extension is not None:
        builder = builder.add_extension(extension, critical=False)
    return Authority(builder.sign(signing_key, hashes.SHA256()), key)


def _revocation_address() -> x509.CRLDistributionPoints:
    # The verifier wants the field; nothing ever fetches the address.
    address = x509.UniformResourceIdentifier("https://devnet.invalid/crl.der")
    return x509.CRLDistributionPoints([x509.DistributionPoint([address], None, None, None)])


def _revocation_list(issuer: Authority, issued: datetime, serials: list[int]) -> bytes:
    authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key())
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.certificate.subject)
        .last_update(issued)
        .next_update(issued + COLLATERAL_LIFETIME)
        .add_extension(x509.CRLNumber(int(issued.timestamp())), critical=False)
        .add_extension(authority, critical=False)
    )
    for serial in serials:
        revoked = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(issued)
        builder = builder.add_revoked_certificate(revoked.build())
    return builder.sign(issuer.key, hashes.SHA256()).public_bytes(Encoding.DER)


def _sgx_extension(ppid: bytes, platform_instance: bytes) -> bytes:
    """The platform's description inside its certificate (``attestation.md`` §13)."""

    def entry(suffix: str, value: bytes) -> bytes:
        return der.sequence(der.oid(f"{SGX_EXTENSION}.{suffix}"), value)

    components = [entry(f"2.{i + 1}", der.integer(svn)) for i, svn in enumerate(CPU_SVN)]
    components += [entry("2.17", der.integer(PCE_SVN)), entry("2.18", der.octets(CPU_SVN))]
    configuration = (
        entry("7.1", der.boolean(False)),
        entry("7.2", der.boolean(True)),
        entry("7.3", der.boolean(True)),
    )
    return der.sequence(
        entry("1", der.octets(ppid)),
        entry("2", der.sequence(*components)),
        entry("3", der.octets(PCE_ID)),
        entry("4", der.octets(FMSPC)),
        entry("5", der.enumerated(1)),
        entry("6", der.octets(platform_instance)),
        entry("7", der.sequence(*configuration)),
    )


def _tcb_info(
    dates: dict[str, str], tee: str, status: str, advisories: tuple[str, ...]
) -> dict[str, Any]:
    tcb: dict[str, Any] = {
        "sgxtcbcomponents": [{"svn": svn} for svn in CPU_SVN],
        "pcesvn": PCE_SVN,
    }
    level: dict[str, Any] = {"tcb": tcb, "tcbDate": _TCB_DATE, "tcbStatus": status}
    if advisories:
        level["advisoryIDs"] = list(advisories)
    info: dict[str, Any] = {
        "id": tee,
        "version": 3,
        **dates,
        "fmspc": FMSPC.hex().upper(),
        "pceId": PCE_ID.hex(),
        "tcbType": 0,
        "tcbEvaluationDataNumber": 20,
    }
    if tee == TDX:
        tcb["tdxtcbcomponents"] = [{"svn": svn} for svn in _TDX_SVN]
        module = {"mrsigner": "00" * 48, "attributes": "00" * 8, "attributesMask": "FF" * 8}
        info["tdxModule"] = module
        info["tdxModuleIdentities"] = [{"id": "TDX_01", **module, "tcbLevels": [_current_level()]}]
    return {**info, "tcbLevels": [level]}


def _qe_identity(dates: dict[str, str], tee: str) -> dict[str, Any]:
    return {
        "id": "TD_QE" if tee == TDX else "QE",
        "version": 2,
        **dates,
        "tcbEvaluationDataNumber": 20,
        "miscselect": "00000000",
        "miscselectMask": "FFFFFFFF",
        "attributes": "11" + "00" * 15,
        "attributesMask": "FBFFFFFFFFFFFFFF0000000000000000",
        "mrsigner": QE_MRSIGNER.hex().upper(),
        "isvprodid": 2 if tee == TDX else 1,
        "tcbLevels": [_current_level()],
    }


def _current_level() -> dict[str, Any]:
    return {"tcb": {"isvsvn": 4}, "tcbDate": _TCB_DATE, "tcbStatus": "UpToDate"}


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
