"""Evidence of NVIDIA GPUs in confidential mode, verified against NVIDIA's roots.

Our own verifier (``attestation.md`` §11.2); no NVIDIA software and no network. The order of the
checks, their sources and what they cannot show is in ``docs/reference/evidence-nvidia.md``.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from cocoon.attestation.claims import Claim, ClaimName, proven, refuted
from cocoon.attestation.evidence.nvidia_chain import (
    NVIDIA_DEVICE_ROOT,
    NVIDIA_RIM_ROOT,
    name_of,
)
from cocoon.attestation.evidence.nvidia_collateral import GpuCollateralBook, OcspNeed, RimNeed
from cocoon.attestation.evidence.nvidia_golden import compare, device_id, require_version
from cocoon.attestation.evidence.nvidia_rim import RimDocument
from cocoon.attestation.evidence.nvidia_status import Revocation, chain_needs
from cocoon.attestation.evidence.nvidia_subject import (
    ARCHITECTURES,
    LAYER,
    GpuSubject,
    architecture_of,
    require_mode,
    rim_ids,
    rim_needs,
)
from cocoon.errors import ConfigError, EvidenceError, PolicyError

__all__ = ["MAX_GPUS", "GpuRequirement", "VerifiedGpu", "needed", "rim_ids", "verify_gpu"]

MAX_GPUS = 16

_MIN_DRIVER = re.compile(r"[0-9]{1,5}(\.[0-9]{1,5}){0,3}")
_REMAKE = "restart the worker: its GPUs must answer for the key that it has now"


@dataclass(frozen=True, slots=True)
class VerifiedGpu:
    """What the evidence of one GPU proves.

    Attributes:
        simulated: it chains to a devnet's root.
        architecture: ``hopper`` or ``blackwell``.
        driver_version: such as ``550.90.07``.
        vbios_version: such as ``96.00.9F.00.01``.
        device_id: names the one GPU: 32 bytes, SHA-256 over a label and its identity key.
        claims: what the evidence decides.
        expires_at: unix seconds after which newer collateral must judge it again.
    """

    simulated: bool
    architecture: str
    driver_version: str
    vbios_version: str
    device_id: bytes
    claims: tuple[Claim, ...]
    expires_at: int


@dataclass(frozen=True, eq=False, slots=True)
class GpuRequirement:
    """What a policy asks of the GPUs of one machine.

    Attributes:
        count: exactly so many, all different, 1 to 16.
        collateral: where the verifier finds collateral.
        simulated_root: DER of the pinned devnet root; None pins NVIDIA's.
        architectures: allowed, such as ``{"hopper"}``; None does not restrict.
        min_driver: lowest driver version, such as ``550.90``; None does not restrict.
    """

    count: int
    collateral: GpuCollateralBook
    simulated_root: bytes | None = None
    architectures: frozenset[str] | None = None
    min_driver: str | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.count <= MAX_GPUS:
            raise ConfigError(f"a policy asks for 1 to {MAX_GPUS} GPUs, not {self.count}")
        if self.simulated_root in (NVIDIA_DEVICE_ROOT, NVIDIA_RIM_ROOT):
            raise ConfigError("NVIDIA's root is not a simulated one")
        unknown = (self.architectures or frozenset()) - ARCHITECTURES
        if unknown:
            raise ConfigError(f"no GPU architecture {min(unknown)!r}; known: hopper, blackwell")
        if self.min_driver is not None and not _MIN_DRIVER.fullmatch(self.min_driver):
            raise ConfigError(f"{self.min_driver!r} is no driver version such as 550.90.07")

    def check(self, items: Sequence[bytes], nonce: bytes, now: int) -> tuple[VerifiedGpu, ...]:
        """Verify all GPUs of a machine and judge them.

        Args:
            items: evidence, one item a GPU.
            nonce: that they must answer, 32 bytes.
            now: unix seconds.

        Raises:
            EvidenceError: an item does not verify (MissingCollateralError: for want of data).
            PolicyError: too few, too many, the same twice, or not what is asked for.
        """
        if len(items) != self.count:
            raise PolicyError(f"{len(items)} GPUs show evidence, the policy asks for {self.count}")
        found = tuple(
            verify_gpu(item, nonce, self.collateral, now, simulated_root=self.simulated_root)
            for item in items
        )
        if len({gpu.device_id for gpu in found}) != len(found):
            raise PolicyError("one GPU shows evidence twice")
        for gpu in found:
            self._judge(gpu)
        return found

    def _judge(self, gpu: VerifiedGpu) -> None:
        if self.architectures is not None and gpu.architecture not in self.architectures:
            raise PolicyError(f"a GPU of architecture {gpu.architecture} is not allowed")
        if self.min_driver is not None and _numbers(gpu.driver_version) < _numbers(self.min_driver):
            raise PolicyError(
                f"GPU driver {gpu.driver_version} is older than {self.min_driver}",
                fix="build the image with a newer driver",
            )


def verify_gpu(
    evidence: bytes,
    nonce: bytes,
    collateral: GpuCollateralBook,
    now: int,
    *,
    simulated_root: bytes | None = None,
) -> VerifiedGpu:
    """Verify the evidence of one GPU.

    Args:
        evidence: the item (:mod:`cocoon.attestation.evidence.nvidia_item`).
        nonce: that it must answer, 32 bytes.
        collateral: NVIDIA's signed data.
        now: unix seconds.
        simulated_root: DER of the devnet's root; None pins NVIDIA's two.

    Raises:
        EvidenceError: it does not verify; the message names the layer.
        MissingCollateralError: it is NVIDIA's, but there is nothing to judge it with.
    """
    subject = GpuSubject.read(evidence, now, simulated_root)
    if subject.report.nonce != nonce:
        raise EvidenceError(
            "GPU report: it answers another nonce, so it was made for another key", fix=_REMAKE
        )
    require_mode(subject.report)
    revocation = Revocation(collateral, subject.item.ocsp, now)
    _require_collateral(subject, revocation, collateral, now)
    expires = revocation.check(subject.chain, 1, LAYER)
    driver, vbios = (_find_rim(collateral, need) for need in rim_needs(subject.report))
    for rim, version in ((driver, subject.driver_version), (vbios, subject.vbios_version)):
        rim.require(subject.rim_root, now)
        require_version(rim, version)
        if architecture_of(rim.product) != subject.architecture:
            raise EvidenceError(f"GPU RIM {rim.version}: it is for {rim.product}")
        expires = min(expires, revocation.check(rim.chain, 0, f"GPU RIM {rim.version}"))
        expires = min(expires, rim.not_after)
    compare(subject.report.measurements, driver, vbios)
    return VerifiedGpu(
        simulated=simulated_root is not None,
        architecture=subject.architecture,
        driver_version=subject.driver_version,
        vbios_version=subject.vbios_version,
        device_id=device_id(subject.chain),
        claims=(_claim(subject, simulated_root is not None),),
        expires_at=min(expires, subject.chain.not_after),
    )


def needed(
    evidence: bytes, collateral: GpuCollateralBook, now: int, *, simulated_root: bytes | None = None
) -> tuple[RimNeed | OcspNeed, ...]:
    """What must be fetched before this evidence can be judged; call it again after fetching.

    The signers' certificates of a RIM are only known with the RIM, so it takes two rounds.

    Raises:
        EvidenceError: the evidence is not NVIDIA's: nothing is fetched for it.
    """
    subject = GpuSubject.read(evidence, now, simulated_root)
    revocation = Revocation(collateral, subject.item.ocsp, now)
    return _unanswered(subject, revocation, collateral, now)


def _unanswered(
    subject: GpuSubject, revocation: Revocation, collateral: GpuCollateralBook, now: int
) -> tuple[RimNeed | OcspNeed, ...]:
    needs: list[RimNeed | OcspNeed] = list(revocation.missing(subject.chain, 1))
    for need in rim_needs(subject.report):
        found = collateral.find(need.key)
        if found is None or found.rim is None or found.expires_at < now:
            needs.append(need)
        elif found.rim.chain.root_der == subject.rim_root:
            needs += revocation.missing(found.rim.chain, 0)
    return tuple({need.key: need for need in needs}.values())


def _require_collateral(
    subject: GpuSubject, revocation: Revocation, collateral: GpuCollateralBook, now: int
) -> None:
    """Tell the fetcher all that is missing; the first of it is the reason to refuse."""
    names = dict(chain_needs(subject.chain, 1))
    errors = []
    for need in _unanswered(subject, revocation, collateral, now):
        if isinstance(need, RimNeed):
            text = f"GPU RIM: {need.rim_id} is missing or expired"
        else:
            signer = "of a signer of reference measurements"
            name = repr(name_of(names[need])) if need in names else signer
            text = f"GPU OCSP: no current answer about certificate {name}"
        errors.append(collateral.require(need.key, text))
    if errors:
        raise errors[0]


def _find_rim(collateral: GpuCollateralBook, need: RimNeed) -> RimDocument:
    found = collateral.find(need.key)
    if found is None or found.rim is None:
        raise collateral.require(need.key, f"GPU RIM: {need.rim_id} is missing")
    return found.rim


def _claim(subject: GpuSubject, simulated: bool) -> Claim:
    if simulated:
        return refuted(ClaimName.GPU_GENUINE, "simulated: the GPU's certificate chains to a devnet")
    return proven(
        ClaimName.GPU_GENUINE,
        f"an NVIDIA {subject.architecture} GPU signed the nonce; driver {subject.driver_version} "
        f"and VBIOS {subject.vbios_version} have the measurements that NVIDIA published",
    )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
