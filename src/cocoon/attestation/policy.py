"""What a verifier accepts, as data.

Every allow-list has the same meaning: ``None`` does not restrict, an empty set allows nothing.
There is no default policy: a caller names one of the factories here.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from cocoon.attestation.evidence import EvidenceKind
from cocoon.attestation.evidence.collateral import CollateralBook

type_rtmrs = tuple[bytes, bytes, bytes, bytes]


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
        root_certificate: DER of the pinned platform root; None is Intel's.
        collateral: where the verifier finds collateral (TDX kinds only).
        tcb_statuses: accepted TCB statuses.
        max_age: seconds since the certificate's notBefore after which it is refused.
    """

    name: str
    kind: EvidenceKind
    image_hashes: frozenset[bytes] | None = None
    mr_tds: frozenset[bytes] | None = None
    rtmr_sets: frozenset[type_rtmrs] | None = None
    collateral_root_hashes: frozenset[bytes] | None = None
    root_certificate: bytes | None = None
    collateral: CollateralBook | None = None
    tcb_statuses: frozenset[str] = frozenset({"UpToDate"})
    max_age: int | None = None


def tdx(
    *,
    collateral: CollateralBook,
    simulated_root: bytes | None = None,
    image_hashes: Iterable[bytes] | None = None,
    mr_tds: Iterable[bytes] | None = None,
    rtmr_sets: Iterable[type_rtmrs] | None = None,
    collateral_root_hashes: Iterable[bytes] | None = None,
    max_age: int | None = None,
    name: str | None = None,
) -> Policy:
    """TDX quotes under Intel's root, or under ``simulated_root`` (DER) on a devnet."""
    raise NotImplementedError


def fake_tdx(*, image_hashes: Iterable[bytes] | None = None, name: str = "fake_tdx") -> Policy:
    """The official test evidence: proves nothing, for interoperability tests."""
    raise NotImplementedError


def unsafe_accept_anything() -> Policy:
    """No evidence is looked at: anybody passes. Official name ``any``.

    A proxy uses it for *clients*, which are not attested; never use it for proxies or workers.
    """
    raise NotImplementedError
