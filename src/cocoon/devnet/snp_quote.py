"""Reports of simulated SEV-SNP hardware, in the form of AMD 56860 ``ATTESTATION_REPORT``."""

from dataclasses import dataclass, replace

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from cocoon.attestation.evidence.snp_report import (
    CHIP_ID_BYTES,
    COORDINATE_BYTES,
    NO_MIGRATION_AGENT,
    REPORT_BYTES,
    SIGNED_BYTES,
    GuestPolicy,
    PlatformInfo,
    SigningKey,
)
from cocoon.attestation.evidence.snp_tcb import SnpProduct, SnpTcb

GUEST_POLICY = 1 << 17 | GuestPolicy.SMT
"""The least that a host needs: threads may share a core, nothing else is allowed."""
PLATFORM_INFO = PlatformInfo.SMT_EN | PlatformInfo.ECC_EN | PlatformInfo.ALIAS_CHECK_COMPLETE
CPUS = {
    SnpProduct.MILAN: (0x19, 0x01, 1),
    SnpProduct.GENOA: (0x19, 0x11, 1),
    SnpProduct.TURIN: (0x1A, 0x02, 1),
}
_SIGNATURE_FIELD = 72
_FIRMWARE = bytes((10, 55, 1))
"""Build, minor, major."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedReport:
    """Everything that a report says; the defaults are a guest that policies accept.

    Attributes are those of :class:`~cocoon.attestation.evidence.snp_report.SnpReport`, with one
    TCB for all four places where a report has one.
    """

    product: SnpProduct
    tcb: SnpTcb
    chip_id: bytes
    measurement: bytes
    report_data: bytes
    version: int = 3
    guest_svn: int = 0
    policy: int = GUEST_POLICY
    family_id: bytes = bytes(16)
    image_id: bytes = bytes(16)
    vmpl: int = 0
    platform_info: int = PLATFORM_INFO
    signing_key: int = SigningKey.VCEK
    mask_chip_key: bool = False
    author_key_en: bool = False
    host_data: bytes = bytes(32)
    id_key_digest: bytes = bytes(48)
    author_key_digest: bytes = bytes(48)
    report_id: bytes = bytes(32)
    report_id_ma: bytes = NO_MIGRATION_AGENT
    committed_tcb: SnpTcb | None = None
    current_tcb: SnpTcb | None = None
    launch_tcb: SnpTcb | None = None

    def body(self) -> bytes:
        """The 672 bytes that are signed."""
        out = bytearray(SIGNED_BYTES)
        signer = self.author_key_en | self.mask_chip_key << 1 | self.signing_key << 2
        numbers = (
            (0x00, 4, self.version),
            (0x04, 4, self.guest_svn),
            (0x08, 8, self.policy),
            (0x30, 4, self.vmpl),
            (0x34, 4, 1),
            (0x40, 8, self.platform_info),
            (0x48, 4, signer),
        )
        for at, size, value in numbers:
            out[at : at + size] = value.to_bytes(size, "little")
        levels = ((0x38, self.current_tcb), (0x1E0, self.committed_tcb), (0x1F0, self.launch_tcb))
        for at, tcb in ((0x180, self.tcb), *levels):
            out[at : at + 8] = (tcb or self.tcb).to_bytes(self.product)
        if self.version >= 3:
            out[0x188:0x18B] = bytes(CPUS[self.product])
        parts = (
            (0x10, self.family_id),
            (0x20, self.image_id),
            (0x50, self.report_data),
            (0x90, self.measurement),
            (0xC0, self.host_data),
            (0xE0, self.id_key_digest),
            (0x110, self.author_key_digest),
            (0x140, self.report_id),
            (0x160, self.report_id_ma),
            (0x1A0, self.chip_id.ljust(CHIP_ID_BYTES, b"\0")),
            (0x1E8, _FIRMWARE),
            (0x1EC, _FIRMWARE),
        )
        for at, content in parts:
            out[at : at + len(content)] = content
        return bytes(out)

    def sign(self, key: ec.EllipticCurvePrivateKey) -> bytes:
        """The whole report, 1184 bytes."""
        return sign_body(self.body(), key)

    def but(self, **changes: object) -> "SimulatedReport":
        """The same report with other values."""
        return replace(self, **changes)  # type: ignore[arg-type]


def sign_body(body: bytes, key: ec.EllipticCurvePrivateKey) -> bytes:
    """A report of 1184 bytes from the 672 that are signed; any bytes, for tests."""
    r, s = decode_dss_signature(key.sign(body, ec.ECDSA(hashes.SHA384())))
    padding = bytes(_SIGNATURE_FIELD - COORDINATE_BYTES)
    fields = b"".join(number.to_bytes(COORDINATE_BYTES, "little") + padding for number in (r, s))
    return (body + fields).ljust(REPORT_BYTES, b"\0")
