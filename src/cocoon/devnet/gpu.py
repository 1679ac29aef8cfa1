"""Simulated GPUs in confidential mode: for laptops and CI.

Reports, certificates, reference measurements and OCSP answers have NVIDIA's formats and real
signatures, under a root of our own that a policy must pin; no production policy accepts them.
"""

import os
import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec

from cocoon.attestation.evidence.nvidia import MAX_GPUS, GpuRequirement
from cocoon.attestation.evidence.nvidia_chain import fingerprint
from cocoon.attestation.evidence.nvidia_collateral import (
    GpuCollateral,
    GpuCollateralBook,
    OcspNeed,
    RimNeed,
)
from cocoon.attestation.evidence.nvidia_item import GpuItem
from cocoon.attestation.evidence.nvidia_ocsp import ocsp_request
from cocoon.attestation.evidence.nvidia_report import NONCE_BYTES
from cocoon.devnet.gpu_pki import NAME, Authority, GpuPki, ders
from cocoon.devnet.gpu_report import GpuSoftware, build_report, driver_rim, vbios_rim
from cocoon.errors import ConfigError, EvidenceError

SEED_FILE = "gpus.json"
RENEW_COLLATERAL_BEFORE = 2 * 86_400
"""Seconds before expiry from which OCSP answers are signed anew."""


class _Wire(msgspec.Struct, forbid_unknown_fields=True):
    notice: str
    seed: str
    created: int


class SimulatedGpus:
    """The GPUs of one simulated machine: a source of evidence, and the vendor behind it.

    Args:
        pki: the authorities; :meth:`load` keeps them in a directory.
        count: GPUs, 1 to 16.
        software: what runs on them.

    Raises:
        ConfigError: no such number of GPUs.
    """

    def __init__(self, pki: GpuPki, count: int, software: GpuSoftware | None = None) -> None:
        if not 1 <= count <= MAX_GPUS:
            raise ConfigError(f"a machine has 1 to {MAX_GPUS} GPUs, not {count}")
        self.pki = pki
        self.count = count
        self.software = software or GpuSoftware()
        self._gpus = [pki.gpu(index, self.software.fwid) for index in range(count)]

    @classmethod
    def load(cls, directory: Path, count: int, now: int) -> "SimulatedGpus":
        """The machine that is kept in a directory; made when it is missing.

        Whoever reads the directory can forge this machine's evidence.

        Args:
            directory: created when missing; the file has mode 0600.
            count: GPUs, 1 to 16; other processes may use fewer or more of the same machine.
            now: unix seconds.

        Raises:
            ConfigError: the directory holds something else, or cannot be written or read.
        """
        return cls(_load_pki(directory / SEED_FILE, now), count)

    @property
    def root_certificate(self) -> bytes:
        """DER of the root that policies pin."""
        return self.pki.root.der

    def evidence(self, nonce: bytes) -> tuple[bytes, ...]:
        """One item for every GPU; takes about a millisecond.

        Raises:
            EvidenceError: the nonce is not 32 bytes.
        """
        if len(nonce) != NONCE_BYTES:
            raise EvidenceError(f"a GPU's nonce has {NONCE_BYTES} bytes")
        return tuple(
            GpuItem(build_report(leaf.key, self.software, nonce), ders(leaf.chain)).to_bytes()
            for _, leaf in self._gpus
        )

    def collateral(self, now: int) -> tuple[GpuCollateral, ...]:
        """Everything that a verifier needs for these GPUs, signed now."""
        signer = self.pki.rim_signer
        driver, vbios = self.rim_needs()
        items = [
            GpuCollateral.from_answer(driver.key, driver_rim(signer, self.software)),
            GpuCollateral.from_answer(vbios.key, vbios_rim(signer, self.software)),
        ]
        for subject in self._subjects():
            answer = self.pki.ocsp_answer(subject, now)
            items.append(GpuCollateral.from_answer(ocsp_need(subject).key, answer))
        return tuple(items)

    def book(self, now: int) -> GpuCollateralBook:
        """The same as a book."""
        return GpuCollateralBook(*self.collateral(now))

    def refresh(self, book: GpuCollateralBook, now: int) -> None:
        """Renew what is about to expire; call it every few hours in a long-lived process."""
        keys = [ocsp_need(subject).key for subject in self._subjects()]
        kept = [book.find(key) for key in keys]
        if all(item and item.expires_at > now + RENEW_COLLATERAL_BEFORE for item in kept):
            return
        for item in self.collateral(now):
            book.put(item)

    def requirement(self, now: int) -> GpuRequirement:
        """What a policy of the devnet asks for: exactly these GPUs' number, under this root."""
        return GpuRequirement(self.count, self.book(now), simulated_root=self.root_certificate)

    def rim_needs(self) -> tuple[RimNeed, RimNeed]:
        """Names of the driver's and of the VBIOS's manifest."""
        board = "_".join(self.software.board)
        vbios = self.software.vbios.replace(".", "")
        driver = RimNeed(f"NV_GPU_DRIVER_GH100_{self.software.driver}")
        return driver, RimNeed(f"NV_GPU_VBIOS_{board}_{vbios}")

    def _subjects(self) -> Iterator[Authority]:
        """Whose state a verifier asks for: all but roots and what GPUs issue themselves."""
        yield from (self.pki.device_ca, self.pki.rim_ca, self.pki.rim_signer)
        yield from (identity for identity, _ in self._gpus)


def ocsp_need(subject: Authority) -> OcspNeed:
    """Names the state of a certificate."""
    assert subject.issuer is not None
    return OcspNeed(fingerprint(subject.certificate), ocsp_request(subject.der, subject.issuer.der))


def _load_pki(path: Path, now: int) -> GpuPki:
    try:
        if not path.exists():
            _create(path, now)
        wire = msgspec.json.decode(path.read_bytes(), type=_Wire)
        seed = bytes.fromhex(wire.seed)
    except (OSError, ValueError, msgspec.MsgspecError) as error:
        raise ConfigError(f"{path} does not hold simulated GPUs: {error}") from error
    if len(seed) != 32 or not 0 < wire.created < 1 << 32:
        raise ConfigError(f"{path} does not hold simulated GPUs")
    return GpuPki.from_seed(seed, wire.created)


def _create(path: Path, now: int) -> None:
    """Write the seed beside its place and link it there: the first of several processes wins."""
    path.parent.mkdir(parents=True, exist_ok=True)
    notice = f"{NAME}: whoever has this seed can forge its evidence. Not for production."
    content = msgspec.json.encode(_Wire(notice, secrets.token_hex(32), now))
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".new-") as file:  # mode 0600
        file.write(content)
        file.flush()
        try:
            os.link(file.name, path)
        except FileExistsError:
            return
