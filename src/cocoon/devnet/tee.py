"""Simulated TDX hardware kept in a directory: keys, collateral, and quotes for named images.

For laptops and CI. The directory's private keys can forge any simulated measurement, so a policy
that pins its root trusts everybody who can read it; production policies pin Intel's root and
refuse all of this.
"""

import hashlib
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from cocoon.attestation import policy
from cocoon.attestation.evidence import EvidenceKind
from cocoon.attestation.evidence.collateral import Collateral, CollateralBook
from cocoon.attestation.measurements import (
    REPORT_DATA_BYTES,
    RTMR_COUNT,
    TdxMeasurements,
)
from cocoon.devnet.tee_pki import NAME, Authority, SimulatedPki
from cocoon.devnet.tee_quote import QuotingEnclave, build_quote
from cocoon.errors import ConfigError, EvidenceError

RENEW_COLLATERAL_BEFORE = 10 * 86_400
"""Seconds before expiry from which collateral is signed anew."""

_AUTHORITIES = ("root", "platform_ca", "pck", "tcb_signer")
_COLLATERAL_FILE = "collateral.json"
_NOTICE = f"{NAME}: whoever has these keys can forge simulated evidence. Not for production.\n"


class SimulatedTee:
    """One simulated machine; made once, then loaded by every process of a devnet.

    Args:
        directory: where it is kept, mode 0700; created when missing.
        now: unix seconds.

    Raises:
        ConfigError: the directory holds something else, or cannot be read.
    """

    def __init__(self, directory: Path, now: int) -> None:
        self.directory = directory
        if not directory.exists():
            _create(directory, now)
        self.pki = _load(directory)

    @property
    def root_certificate(self) -> bytes:
        """DER of the root that policies pin."""
        return self.pki.root_der

    def collateral(self, now: int) -> Collateral:
        """Current collateral; signed anew when it is about to expire at ``now``."""
        path = self.directory / _COLLATERAL_FILE
        if path.exists():
            current = Collateral.from_json(path.read_text())
            if now + RENEW_COLLATERAL_BEFORE < current.expires_at:
                return current
        text = self.pki.collateral_json(now)
        _write_atomically(path, text.encode())
        return Collateral.from_json(text)

    def refresh(self, book: CollateralBook, now: int) -> None:
        """Put current collateral into ``book``; call it every few hours in a long-lived process."""
        current = self.collateral(now)
        if book.find(current.fmspc) != current:
            book.put(current)

    def policy(
        self, now: int, *, image_hashes: Iterable[bytes] | None = None, max_age: int | None = None
    ) -> policy.Policy:
        """A policy that trusts this simulated machine, and says so in its name."""
        return policy.tdx(
            collateral=CollateralBook(self.collateral(now)),
            simulated_root=self.root_certificate,
            image_hashes=image_hashes,
            max_age=max_age,
            name="devnet-tdx-simulated",
        )


class SimulatedTdx:
    """An :class:`~cocoon.attestation.evidence.EvidenceSource`: one image on a simulated machine.

    Args:
        tee: the machine.
        image: name of the software image, such as ``proxy`` or ``worker``.
        version: version of the image; another version has another image hash.
    """

    kind = EvidenceKind.TDX_SIMULATED

    def __init__(self, tee: SimulatedTee, image: str, version: str = "1") -> None:
        self._pki = tee.pki
        self._enclave = QuotingEnclave(tee.pki)
        self.image = image
        self.version = version

    @property
    def image_hash(self) -> bytes:
        """The 32 bytes that a root contract or a policy lists."""
        return simulated_measurements(self.image, self.version).image_hash()

    def quote(self, report_data: bytes) -> bytes:
        """A quote of real form; takes well under a millisecond.

        Raises:
            EvidenceError: the report data is not 64 bytes.
        """
        if len(report_data) != REPORT_DATA_BYTES:
            raise EvidenceError(f"report data has {REPORT_DATA_BYTES} bytes")
        measurements = simulated_measurements(self.image, self.version, report_data)
        return build_quote(self._pki, measurements, enclave=self._enclave)


def simulated_measurements(
    image: str, version: str = "1", report_data: bytes = bytes(REPORT_DATA_BYTES)
) -> TdxMeasurements:
    """The registers of an image: a function of its name and version, the same on every devnet."""

    def register(name: str) -> bytes:
        return hashlib.sha384("\0".join((NAME, name, image, version)).encode()).digest()

    rtmr0, rtmr1, rtmr2, rtmr3 = (register(f"rtmr{index}") for index in range(RTMR_COUNT))
    return TdxMeasurements(
        mr_td=register("mr_td"),
        mr_config_id=bytes(48),
        mr_owner=bytes(48),
        mr_owner_config=bytes(48),
        rtmrs=(rtmr0, rtmr1, rtmr2, rtmr3),
        report_data=report_data,
    )


def _create(directory: Path, now: int) -> None:
    """Make the PKI beside its place and move it there: a second process sees all or nothing."""
    directory.parent.mkdir(parents=True, exist_ok=True)
    pki = SimulatedPki.create(now, secrets.token_bytes(32))
    staging = Path(tempfile.mkdtemp(prefix=f".{directory.name}-", dir=directory.parent))
    try:
        (staging / "README").write_text(_NOTICE)
        for name in _AUTHORITIES:
            authority: Authority = getattr(pki, name)
            key = authority.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            _write_private(staging / f"{name}_key.pem", key)
            (staging / f"{name}_cert.pem").write_text(authority.pem)
        try:
            staging.rename(directory)
        except OSError:
            if not directory.exists():
                raise
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _load(directory: Path) -> SimulatedPki:
    try:
        authorities = {name: _load_authority(directory, name) for name in _AUTHORITIES}
    except (OSError, ValueError) as error:
        raise ConfigError(f"{directory} does not hold a simulated TEE: {error}") from error
    return SimulatedPki(**authorities)


def _load_authority(directory: Path, name: str) -> Authority:
    certificate = x509.load_pem_x509_certificate((directory / f"{name}_cert.pem").read_bytes())
    key = load_pem_private_key((directory / f"{name}_key.pem").read_bytes(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey) or NAME not in str(certificate.subject):
        raise ValueError(f"{name} is not of a simulated TEE")
    return Authority(certificate, key)


def _write_private(path: Path, content: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)


def _write_atomically(path: Path, content: bytes) -> None:
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".new-", delete=False) as file:
        file.write(content)
    Path(file.name).replace(path)
