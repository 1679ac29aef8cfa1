"""Simulated SEV-SNP hardware kept in a directory: keys, collateral, and reports for named images.

For laptops and CI. The directory's private keys can forge any simulated measurement, so a policy
that pins its root trusts everybody who can read it; production policies pin AMD's roots and refuse
all of this.
"""

import hashlib
import os
import secrets
import shutil
import tempfile
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from cocoon.attestation.evidence import EvidenceKind
from cocoon.attestation.evidence.snp_collateral import SnpCollateral, SnpCollateralBook
from cocoon.attestation.evidence.snp_leaf import SnpLeaf
from cocoon.attestation.evidence.snp_report import SigningKey
from cocoon.attestation.evidence.snp_tcb import SnpProduct, SnpTcb
from cocoon.attestation.measurements import REPORT_DATA_BYTES, SnpMeasurements
from cocoon.devnet.snp_pki import (
    NAME,
    PRODUCT,
    SimulatedSnpPki,
    SnpAuthority,
    SnpLeafKey,
)
from cocoon.devnet.snp_quote import GUEST_POLICY, SimulatedReport
from cocoon.errors import ConfigError, EvidenceError

RENEW_COLLATERAL_BEFORE = 10 * 86_400
"""Seconds before expiry from which collateral is signed anew."""

_COLLATERAL_FILE = "collateral.json"
_PARTS = ("root", "authority", "leaf")
_NOTICE = (
    f"{NAME} SEV-SNP: whoever has these keys can forge simulated evidence. Not for production.\n"
)


class SimulatedSnpMachine:
    """One simulated machine; made once, then loaded by every process of a devnet.

    Args:
        directory: where it is kept, mode 0700; created when missing, which takes up to a second.
        now: unix seconds.
        product: the line of processors, when it is made.

    Raises:
        ConfigError: the directory holds something else, or cannot be read.
    """

    def __init__(self, directory: Path, now: int, *, product: SnpProduct = PRODUCT) -> None:
        self.directory = directory
        if not directory.exists():
            _create(directory, now, product)
        self.pki, self.leaf = _load(directory)

    @property
    def root_certificate(self) -> bytes:
        """DER of the root that policies pin."""
        return self.pki.root_der

    @property
    def product(self) -> SnpProduct:
        """The line of processors."""
        return self.leaf.product

    @property
    def tcb(self) -> SnpTcb:
        """The machine's patch levels."""
        return self.leaf.tcb

    @property
    def chip_id(self) -> bytes:
        """The chip: 64 bytes, on Turin 8."""
        return self.leaf.hwid or b""

    def collateral(self, now: int) -> SnpCollateral:
        """Current collateral; signed anew when it is about to expire at ``now``."""
        path = self.directory / _COLLATERAL_FILE
        if path.exists():
            current = SnpCollateral.from_json(path.read_text())
            if now + RENEW_COLLATERAL_BEFORE < current.expires_at:
                return current
        made = self.pki.collateral(now, self.product, SigningKey.VCEK)
        _write_atomically(path, made.to_json().encode())
        return made

    def refresh(self, book: SnpCollateralBook, now: int) -> None:
        """Put current collateral into ``book``; call it every few hours in a long-lived process."""
        current = self.collateral(now)
        if book.find(current.key) != current:
            book.put(current)


class SimulatedSnp:
    """An :class:`~cocoon.attestation.evidence.EvidenceSource`: one image on a simulated machine.

    Args:
        machine: the machine.
        image: name of the software image, such as ``proxy`` or ``worker``.
        version: version of the image; another version has another image hash.
    """

    kind = EvidenceKind.SNP_SIMULATED

    def __init__(self, machine: SimulatedSnpMachine, image: str, version: str = "1") -> None:
        self._machine = machine
        self.image = image
        self.version = version

    @property
    def image_hash(self) -> bytes:
        """The 32 bytes that a root contract or a policy lists."""
        return simulated_snp_measurements(self.image, self.version).image_hash()

    def quote(self, report_data: bytes) -> bytes:
        """A report of real form with its certificate; takes about a millisecond.

        Raises:
            EvidenceError: the report data is not 64 bytes.
        """
        if len(report_data) != REPORT_DATA_BYTES:
            raise EvidenceError(f"report data has {REPORT_DATA_BYTES} bytes")
        report = self.report(report_data)
        return report.sign(self._machine.pki.leaf.key) + self._machine.pki.leaf_der

    def report(self, report_data: bytes = bytes(REPORT_DATA_BYTES)) -> SimulatedReport:
        """The report before it is signed."""
        measured = simulated_snp_measurements(self.image, self.version, report_data)
        report_id = hashlib.sha256(self._machine.chip_id + measured.measurement).digest()
        return SimulatedReport(
            product=self._machine.product,
            tcb=self._machine.tcb,
            chip_id=self._machine.chip_id,
            measurement=measured.measurement,
            report_data=report_data,
            policy=measured.guest_policy,
            report_id=report_id,
        )


def simulated_snp_measurements(
    image: str, version: str = "1", report_data: bytes = bytes(REPORT_DATA_BYTES)
) -> SnpMeasurements:
    """The measurements of an image: a function of its name and version, same on every devnet."""
    label = "\0".join((NAME, "snp", image, version)).encode()
    return SnpMeasurements(
        measurement=hashlib.sha384(label).digest(),
        host_data=bytes(32),
        id_key_digest=bytes(48),
        author_key_digest=bytes(48),
        family_id=bytes(16),
        image_id=bytes(16),
        guest_policy=GUEST_POLICY,
        vmpl=0,
        report_data=report_data,
    )


def _create(directory: Path, now: int, product: SnpProduct) -> None:
    """Make the PKI beside its place and move it there: a second process sees all or nothing."""
    directory.parent.mkdir(parents=True, exist_ok=True)
    chip_id = secrets.token_bytes(product.chip_id_bytes)
    pki = SimulatedSnpPki.create(now, chip_id, product=product)
    staging = Path(tempfile.mkdtemp(prefix=f".{directory.name}-", dir=directory.parent))
    try:
        (staging / "README").write_text(_NOTICE)
        for name in _PARTS:
            part: SnpAuthority | SnpLeafKey = getattr(pki, name)
            key = part.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            _write_private(staging / f"{name}_key.pem", key)
            (staging / f"{name}_cert.der").write_bytes(part.certificate.public_bytes(Encoding.DER))
        try:
            staging.rename(directory)
        except OSError:
            if not directory.exists():
                raise
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _load(directory: Path) -> tuple[SimulatedSnpPki, SnpLeaf]:
    try:
        root, authority = (_load_authority(directory, name) for name in ("root", "authority"))
        certificate, key = _load_part(directory, "leaf")
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise ValueError("the leaf's key is not on an elliptic curve")
        pki = SimulatedSnpPki(root, authority, SnpLeafKey(certificate, key))
        return pki, SnpLeaf.from_der(pki.leaf_der)
    except (OSError, ValueError, EvidenceError) as error:
        raise ConfigError(
            f"{directory} does not hold a simulated SEV-SNP machine: {error}"
        ) from error


def _load_authority(directory: Path, name: str) -> SnpAuthority:
    certificate, key = _load_part(directory, name)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise ValueError(f"the key of {name} is not RSA")
    return SnpAuthority(certificate, key)


def _load_part(directory: Path, name: str) -> tuple[x509.Certificate, object]:
    certificate = x509.load_der_x509_certificate((directory / f"{name}_cert.der").read_bytes())
    key = load_pem_private_key((directory / f"{name}_key.pem").read_bytes(), password=None)
    if NAME not in str(certificate.subject):
        raise ValueError(f"{name} is not of a simulated machine")
    return certificate, key


def _write_private(path: Path, content: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)


def _write_atomically(path: Path, content: bytes) -> None:
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".new-", delete=False) as file:
        file.write(content)
    Path(file.name).replace(path)
