"""What a verifier accepts, as data.

Every allow-list has the same meaning: ``None`` does not restrict, an empty set allows nothing.
There is no default policy: a caller names one of the factories here.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from cocoon.attestation.evidence import EvidenceKind
from cocoon.attestation.evidence.collateral import CollateralBook
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


@dataclass(frozen=True, eq=False, slots=True)
class Policy:
    """What one verifier accepts. Compared by identity: a changed policy is a new object.

    Attributes:
        name: for logs and for :attr:`VerifiedPeer.policy_name`.
        kind: the one evidence kind that is accepted; ``NONE`` looks at no evidence at all.
        image_hashes: allowed image hashes, 32 bytes each.
        mr_tds: allowed MRTD values, 48 bytes each.
        rtmr_sets: allowed tuples of the four RTMRs, 48 bytes each.
        collateral_root_hashes: allowed platform roots, 48 bytes each.
        simulated_root: DER of the pinned devnet root; None pins Intel's.
        collateral: where the verifier finds collateral (TDX kinds only).
        tcb_statuses: accepted TCB statuses.
        max_age: seconds after a certificate's notBefore from which it is refused.
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
    max_age: int | None = None

    def __post_init__(self) -> None:
        _require_lengths("image hash", self.image_hashes, IMAGE_HASH_BYTES)
        _require_lengths("MRTD", self.mr_tds, REGISTER_BYTES)
        _require_lengths("root hash", self.collateral_root_hashes, COLLATERAL_ROOT_HASH_BYTES)
        for rtmrs in self.rtmr_sets or ():
            if len(rtmrs) != RTMR_COUNT:
                raise ConfigError(f"policy {self.name}: an RTMR set has {RTMR_COUNT} values")
            _require_lengths("RTMR", rtmrs, REGISTER_BYTES)
        if not self.tcb_statuses <= TCB_STATUSES:
            raise ConfigError(f"policy {self.name}: no such TCB status may be accepted")
        if self.max_age is not None and self.max_age <= 0:
            raise ConfigError(f"policy {self.name}: a maximum age is more than 0 seconds")
        self._require_consistent_kind()

    def _require_consistent_kind(self) -> None:
        real = self.kind in (EvidenceKind.TDX, EvidenceKind.TDX_SIMULATED)
        if real and self.collateral is None:
            raise ConfigError(f"policy {self.name}: TDX quotes cannot be judged without collateral")
        if (self.simulated_root is not None) != (self.kind is EvidenceKind.TDX_SIMULATED):
            raise ConfigError(f"policy {self.name}: only simulated evidence has a root of its own")
        if not real and self.collateral_root_hashes is not None:
            raise ConfigError(f"policy {self.name}: {self.kind.value} evidence has no root")
        measured = (self.image_hashes, self.mr_tds, self.rtmr_sets)
        if self.kind is EvidenceKind.NONE and any(item is not None for item in measured):
            raise ConfigError(f"policy {self.name}: without evidence no image can be allowed")
        if self.simulated_root is not None and root_hash_of(self.simulated_root) == INTEL_ROOT_HASH:
            raise ConfigError(f"policy {self.name}: Intel's root is not a simulated one")


def tdx(
    *,
    collateral: CollateralBook,
    simulated_root: bytes | None = None,
    image_hashes: Iterable[bytes] | None = None,
    mr_tds: Iterable[bytes] | None = None,
    rtmr_sets: Iterable[Rtmrs] | None = None,
    collateral_root_hashes: Iterable[bytes] | None = None,
    tcb_statuses: Iterable[str] = (UP_TO_DATE,),
    max_age: int | None = None,
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
        max_age=max_age,
    )


def fake_tdx(*, image_hashes: Iterable[bytes] | None = None, name: str = "fake_tdx") -> Policy:
    """The official test evidence: proves nothing, for interoperability tests."""
    return Policy(name=name, kind=EvidenceKind.FAKE_TDX, image_hashes=_frozen(image_hashes))


def unsafe_accept_anything() -> Policy:
    """No evidence is looked at: anybody passes. Official name ``any``.

    A proxy uses it for *clients*, which are not attested; never use it for proxies or workers.
    """
    return Policy(name="unsafe_accept_anything", kind=EvidenceKind.NONE)


def _frozen(values: Iterable[bytes] | None) -> frozenset[bytes] | None:
    return None if values is None else frozenset(bytes(value) for value in values)


def _require_lengths(what: str, values: Iterable[bytes] | None, length: int) -> None:
    for value in values or ():
        if len(value) != length:
            raise ConfigError(f"a policy's {what} has {length} bytes, not {len(value)}")
