"""What a verifier accepts, as data.

Every allow-list has the same meaning: ``None`` does not restrict, an empty set allows nothing.
There is no default policy: a caller names one of the factories here. A policy speaks about one
kind of evidence; :func:`any_of` and :func:`all_of` compose several.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from cocoon.attestation.evidence import EvidenceKind
from cocoon.attestation.evidence.collateral import CollateralBook
from cocoon.attestation.evidence.nvidia import GpuRequirement
from cocoon.attestation.evidence.snp import SnpRequirement
from cocoon.attestation.evidence.snp_collateral import (
    AMD_ROOT_HASHES,
    SnpCollateralBook,
    snp_root_hash,
)
from cocoon.attestation.evidence.tdx import INTEL_ROOT_HASH, UP_TO_DATE, root_hash_of
from cocoon.attestation.measurements import (
    COLLATERAL_ROOT_HASH_BYTES,
    IMAGE_HASH_BYTES,
    REGISTER_BYTES,
    RTMR_COUNT,
)
from cocoon.errors import ConfigError

Rtmrs = tuple[bytes, bytes, bytes, bytes]

TCB_STATUSES = frozenset(
    {UP_TO_DATE, "SWHardeningNeeded", "ConfigurationNeeded", "ConfigurationAndSWHardeningNeeded"}
)
"""What a policy may list. Outdated and revoked platforms are never acceptable."""
VENDOR_ROOTS = frozenset({INTEL_ROOT_HASH, *AMD_ROOT_HASHES.values()})
MAX_PARTS = 16
MAX_DEPTH = 4

_TDX_KINDS = (EvidenceKind.TDX, EvidenceKind.TDX_SIMULATED)
_SNP_KINDS = (EvidenceKind.SNP, EvidenceKind.SNP_SIMULATED)


@dataclass(frozen=True, eq=False, slots=True)
class Policy:
    """What one verifier accepts of one kind of evidence; everything in it must hold.

    Compared by identity: a changed policy is a new object.

    Attributes:
        name: for logs and for :attr:`VerifiedPeer.policy_name`.
        kind: the one evidence kind that is accepted; ``NONE`` looks at no evidence at all.
        image_hashes: allowed image hashes, 32 bytes each.
        mr_tds: allowed MRTD values, 48 bytes each (TDX).
        rtmr_sets: allowed tuples of the four RTMRs, 48 bytes each (TDX).
        collateral_root_hashes: allowed platform roots, 48 bytes each.
        simulated_root: DER of the pinned devnet root; None pins the vendor's.
        collateral: where the verifier finds collateral (TDX).
        tcb_statuses: accepted TCB statuses (TDX).
        refused_advisories: vendor advisories that must not apply to the platform, such as
            ``INTEL-SA-00837`` (TDX).
        snp_collateral: where the verifier finds collateral (SEV-SNP).
        snp: what the report of a SEV-SNP guest must show.
        gpu: what GPUs must show; None asks for none.
        platforms: allowed machines, by :attr:`VerifiedEvidence.platform_id`, 32 bytes each.
        operators: raw Ed25519 keys, 32 bytes each, of operators one of whom must have endorsed
            the machine.
        models: allowed model hashes, 32 bytes each, as the image states them.
        max_age: seconds after a certificate's notBefore from which it is refused. Whoever holds
            the key chooses that time; ``max_evidence_age`` is what hardware signed.
        max_evidence_age: seconds after the evidence was made from which it is refused; asks for
            dated evidence.
    """

    name: str
    kind: EvidenceKind
    image_hashes: frozenset[bytes] | None = None
    mr_tds: frozenset[bytes] | None = None
    rtmr_sets: frozenset[Rtmrs] | None = None
    collateral_root_hashes: frozenset[bytes] | None = None
    simulated_root: bytes | None = None
    collateral: CollateralBook | None = None
    tcb_statuses: frozenset[str] = frozenset({UP_TO_DATE})
    refused_advisories: frozenset[str] = frozenset()
    snp_collateral: SnpCollateralBook | None = None
    snp: SnpRequirement | None = None
    gpu: GpuRequirement | None = None
    platforms: frozenset[bytes] | None = None
    operators: frozenset[bytes] | None = None
    models: frozenset[bytes] | None = None
    max_age: int | None = None
    max_evidence_age: int | None = None

    def __post_init__(self) -> None:
        _require_lengths("image hash", self.image_hashes, IMAGE_HASH_BYTES)
        _require_lengths("MRTD", self.mr_tds, REGISTER_BYTES)
        _require_lengths("root hash", self.collateral_root_hashes, COLLATERAL_ROOT_HASH_BYTES)
        _require_lengths("platform", self.platforms, 32)
        _require_lengths("operator", self.operators, 32)
        _require_lengths("model hash", self.models, 32)
        for rtmrs in self.rtmr_sets or ():
            if len(rtmrs) != RTMR_COUNT:
                raise ConfigError(f"policy {self.name}: an RTMR set has {RTMR_COUNT} values")
            _require_lengths("RTMR", rtmrs, REGISTER_BYTES)
        if not self.tcb_statuses <= TCB_STATUSES:
            raise ConfigError(f"policy {self.name}: no such TCB status may be accepted")
        for age in (self.max_age, self.max_evidence_age):
            if age is not None and age <= 0:
                raise ConfigError(f"policy {self.name}: a maximum age is more than 0 seconds")
        self._require_consistent_kind()

    def _require_consistent_kind(self) -> None:
        is_tdx, is_snp = self.kind in _TDX_KINDS, self.kind in _SNP_KINDS
        if self.kind not in (*_TDX_KINDS, *_SNP_KINDS, EvidenceKind.FAKE_TDX, EvidenceKind.NONE):
            raise ConfigError(f"policy {self.name}: no TLS peer shows {self.kind.value} evidence")
        if is_tdx != (self.collateral is not None):
            raise ConfigError(f"policy {self.name}: TDX quotes, and only they, need collateral")
        if is_snp != (self.snp_collateral is not None):
            raise ConfigError(f"policy {self.name}: SNP reports, and only they, need collateral")
        if (self.simulated_root is not None) != self.kind.is_simulated:
            raise ConfigError(f"policy {self.name}: only simulated evidence has a root of its own")
        if self.simulated_root is not None:
            hash_root = snp_root_hash if is_snp else root_hash_of
            if hash_root(self.simulated_root) in VENDOR_ROOTS:
                raise ConfigError(f"policy {self.name}: a vendor's root is not a simulated one")
        if self.gpu is not None and self.kind.is_real and self.gpu.simulated_root is not None:
            raise ConfigError(f"policy {self.name}: simulated GPUs beside a real CPU prove nothing")
        self._require_applicable(is_tdx=is_tdx, is_snp=is_snp)

    def _require_applicable(self, *, is_tdx: bool, is_snp: bool) -> None:
        """Whatever is demanded must be something that this kind of evidence can show."""
        if not is_tdx and (self.refused_advisories or self.tcb_statuses != {UP_TO_DATE}):
            raise ConfigError(f"policy {self.name}: only TDX has TCB statuses and advisories")
        if is_snp != (self.snp is not None):
            raise ConfigError(
                f"policy {self.name}: SEV-SNP reports, and only they, have a TCB "
                "that the policy itself must judge"
            )
        if is_tdx or is_snp:
            if is_snp and (self.mr_tds is not None or self.rtmr_sets is not None):
                raise ConfigError(f"policy {self.name}: a SEV-SNP guest has no MRTD or RTMRs")
            return
        demands = (self.collateral_root_hashes, self.gpu, self.platforms, self.operators,
                   self.models, self.max_evidence_age)  # fmt: skip
        if any(item is not None for item in demands):
            raise ConfigError(f"policy {self.name}: {self.kind.value} evidence cannot prove that")
        measured = (self.image_hashes, self.mr_tds, self.rtmr_sets)
        if self.kind is EvidenceKind.NONE and any(item is not None for item in measured):
            raise ConfigError(f"policy {self.name}: without evidence no image can be allowed")


@dataclass(frozen=True, eq=False, slots=True)
class AnyOf:
    """Accepts what at least one of its parts accepts; the parts are tried in order."""

    name: str
    parts: "tuple[PeerPolicy, ...]"

    def __post_init__(self) -> None:
        _require_parts(self.name, self.parts)


@dataclass(frozen=True, eq=False, slots=True)
class AllOf:
    """Accepts what every one of its parts accepts; the first part names the evidence."""

    name: str
    parts: "tuple[PeerPolicy, ...]"

    def __post_init__(self) -> None:
        _require_parts(self.name, self.parts)


PeerPolicy = Policy | AnyOf | AllOf
"""Everything that :func:`~cocoon.attestation.verify.verify_peer` can judge by."""


def any_of(name: str, *parts: PeerPolicy) -> AnyOf:
    """At least one of these must accept.

    Raises:
        ConfigError: there are no parts, too many, or they are nested too deep.
    """
    return AnyOf(name, parts)


def all_of(name: str, *parts: PeerPolicy) -> AllOf:
    """All of these must accept.

    Raises:
        ConfigError: there are no parts, too many, or they are nested too deep.
    """
    return AllOf(name, parts)


def leaves(policy: PeerPolicy) -> Iterator[Policy]:
    """Every single policy inside, in order."""
    if isinstance(policy, Policy):
        yield policy
    else:
        for part in policy.parts:
            yield from leaves(part)


def trusts_simulation(policy: PeerPolicy) -> bool:
    """Whether simulated hardware or fake evidence can pass any part of it."""
    return any(
        leaf.kind.is_simulated
        or leaf.kind is EvidenceKind.FAKE_TDX
        or (leaf.gpu is not None and leaf.gpu.simulated_root is not None)
        for leaf in leaves(policy)
    )


def accepts_without_evidence(policy: PeerPolicy) -> bool:
    """Whether a peer can pass that shows no evidence at all."""
    if isinstance(policy, Policy):
        return policy.kind is EvidenceKind.NONE
    accepted = (accepts_without_evidence(part) for part in policy.parts)
    return any(accepted) if isinstance(policy, AnyOf) else all(accepted)


def tdx(
    *,
    collateral: CollateralBook,
    simulated_root: bytes | None = None,
    image_hashes: Iterable[bytes] | None = None,
    mr_tds: Iterable[bytes] | None = None,
    rtmr_sets: Iterable[Rtmrs] | None = None,
    collateral_root_hashes: Iterable[bytes] | None = None,
    tcb_statuses: Iterable[str] = (UP_TO_DATE,),
    refused_advisories: Iterable[str] = (),
    gpu: GpuRequirement | None = None,
    platforms: Iterable[bytes] | None = None,
    operators: Iterable[bytes] | None = None,
    models: Iterable[bytes] | None = None,
    max_age: int | None = None,
    max_evidence_age: int | None = None,
    name: str | None = None,
) -> Policy:
    """TDX quotes under Intel's root, or under ``simulated_root`` (DER) on a devnet.

    Raises:
        ConfigError: a value has the wrong length, or the parts contradict one another.
    """
    kind = EvidenceKind.TDX if simulated_root is None else EvidenceKind.TDX_SIMULATED
    return Policy(
        name=name or kind.value,
        kind=kind,
        image_hashes=_frozen(image_hashes),
        mr_tds=_frozen(mr_tds),
        rtmr_sets=None if rtmr_sets is None else frozenset(rtmr_sets),
        collateral_root_hashes=_frozen(collateral_root_hashes),
        simulated_root=simulated_root,
        collateral=collateral,
        tcb_statuses=frozenset(tcb_statuses),
        refused_advisories=frozenset(refused_advisories),
        gpu=gpu,
        platforms=_frozen(platforms),
        operators=_frozen(operators),
        models=_frozen(models),
        max_age=max_age,
        max_evidence_age=max_evidence_age,
    )


def snp(
    *,
    collateral: SnpCollateralBook,
    requirement: SnpRequirement,
    simulated_root: bytes | None = None,
    image_hashes: Iterable[bytes] | None = None,
    collateral_root_hashes: Iterable[bytes] | None = None,
    gpu: GpuRequirement | None = None,
    platforms: Iterable[bytes] | None = None,
    operators: Iterable[bytes] | None = None,
    models: Iterable[bytes] | None = None,
    max_age: int | None = None,
    max_evidence_age: int | None = None,
    name: str | None = None,
) -> Policy:
    """SEV-SNP reports under AMD's roots, or under ``simulated_root`` (DER) on a devnet.

    Raises:
        ConfigError: a value has the wrong length, or the parts contradict one another.
    """
    kind = EvidenceKind.SNP if simulated_root is None else EvidenceKind.SNP_SIMULATED
    return Policy(
        name=name or kind.value,
        kind=kind,
        image_hashes=_frozen(image_hashes),
        collateral_root_hashes=_frozen(collateral_root_hashes),
        simulated_root=simulated_root,
        snp_collateral=collateral,
        snp=requirement,
        gpu=gpu,
        platforms=_frozen(platforms),
        operators=_frozen(operators),
        models=_frozen(models),
        max_age=max_age,
        max_evidence_age=max_evidence_age,
    )


def fake_tdx(*, image_hashes: Iterable[bytes] | None = None, name: str = "fake_tdx") -> Policy:
    """The official test evidence: proves nothing, for interoperability tests."""
    return Policy(name=name, kind=EvidenceKind.FAKE_TDX, image_hashes=_frozen(image_hashes))


def unsafe_accept_anything() -> Policy:
    """No evidence is looked at: anybody passes. Official name ``any``.

    A proxy uses it for *clients*, which are not attested; never use it for proxies or workers.
    """
    return Policy(name="unsafe_accept_anything", kind=EvidenceKind.NONE)


def _require_parts(name: str, parts: tuple[PeerPolicy, ...], depth: int = 1) -> None:
    if not parts:
        raise ConfigError(f"policy {name}: a composition of nothing decides nothing")
    if len(parts) > MAX_PARTS or depth > MAX_DEPTH:
        raise ConfigError(f"policy {name}: at most {MAX_PARTS} parts, nested {MAX_DEPTH} deep")
    for part in parts:
        if not isinstance(part, Policy):
            _require_parts(name, part.parts, depth + 1)


def _frozen(values: Iterable[bytes] | None) -> frozenset[bytes] | None:
    return None if values is None else frozenset(bytes(value) for value in values)


def _require_lengths(what: str, values: Iterable[bytes] | None, length: int) -> None:
    for value in values or ():
        if len(value) != length:
            raise ConfigError(f"a policy's {what} has {length} bytes, not {len(value)}")
