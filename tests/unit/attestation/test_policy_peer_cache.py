"""Policies refuse contradictions, peers cannot be made up, cached results expire."""

import dataclasses

import pytest

from cocoon.attestation import policy
from cocoon.attestation.cache import VerificationCache
from cocoon.attestation.claims import ClaimName, Claims, Verdict, proven
from cocoon.attestation.evidence import EvidenceKind, VerifiedEvidence
from cocoon.attestation.evidence.collateral import Collateral, CollateralBook
from cocoon.attestation.evidence.tdx import INTEL_ROOT_HASH
from cocoon.attestation.measurements import Attestation, SgxMeasurements, TdxMeasurements
from cocoon.attestation.peer import PeerSource, VerifiedPeer, peer_told_by_router
from cocoon.errors import ConfigError, DecodeError, EvidenceError

BOOK = CollateralBook()
KEY = bytes(32)


def told(attestation: Attestation) -> VerifiedPeer:
    return peer_told_by_router(attestation=attestation, public_key=KEY, now=7)


def evidence(expires_at: int | None = None) -> VerifiedEvidence:
    return VerifiedEvidence(EvidenceKind.TDX, Attestation(), (), "UpToDate", expires_at)


@pytest.mark.parametrize(
    "values",
    [
        {"kind": EvidenceKind.TDX},
        {"kind": EvidenceKind.TDX_SIMULATED, "collateral": BOOK},
        {"kind": EvidenceKind.TDX, "collateral": BOOK, "simulated_root": b"x"},
        {"kind": EvidenceKind.NONE, "image_hashes": frozenset([bytes(32)])},
        {"kind": EvidenceKind.FAKE_TDX, "collateral_root_hashes": frozenset()},
        {"kind": EvidenceKind.FAKE_TDX, "image_hashes": frozenset([bytes(31)])},
        {"kind": EvidenceKind.FAKE_TDX, "mr_tds": frozenset([bytes(47)])},
        {"kind": EvidenceKind.FAKE_TDX, "rtmr_sets": frozenset([(bytes(48),) * 3])},
        {"kind": EvidenceKind.FAKE_TDX, "rtmr_sets": frozenset([(bytes(1),) * 4])},
        {"kind": EvidenceKind.FAKE_TDX, "max_age": 0},
        {"kind": EvidenceKind.TDX, "collateral": BOOK, "tcb_statuses": frozenset(["OutOfDate"])},
        {"kind": EvidenceKind.TDX, "collateral": BOOK, "tcb_statuses": frozenset(["Revoked"])},
    ],
)
def test_a_policy_that_contradicts_itself_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        policy.Policy(name="p", **values)  # type: ignore[arg-type]


def test_a_simulated_root_must_be_a_certificate() -> None:
    with pytest.raises(ConfigError):
        policy.tdx(collateral=BOOK, simulated_root=b"not DER")


def test_the_kind_follows_from_the_root() -> None:
    assert policy.tdx(collateral=BOOK).kind is EvidenceKind.TDX
    assert policy.unsafe_accept_anything().name == "unsafe_accept_anything"


def test_a_peer_cannot_be_made_up() -> None:
    peer = told(Attestation())
    fields = {item.name: getattr(peer, item.name) for item in dataclasses.fields(peer)}
    with pytest.raises(TypeError):
        VerifiedPeer(**fields)
    with pytest.raises((TypeError, ValueError)):
        dataclasses.replace(peer, image_hash=bytes(32))


@pytest.mark.parametrize(
    ("attestation", "kind"),
    [
        (Attestation(), EvidenceKind.NONE),
        (Attestation(TdxMeasurements.zero(bytes(64))), EvidenceKind.FAKE_TDX),
        (Attestation(TdxMeasurements.zero(bytes(64)), INTEL_ROOT_HASH), EvidenceKind.TDX),
        (Attestation(TdxMeasurements.zero(bytes(64)), b"r" * 48), EvidenceKind.TDX_SIMULATED),
    ],
)
def test_a_router_tells_a_peer_and_proves_nothing(
    attestation: Attestation, kind: EvidenceKind
) -> None:
    peer = told(attestation)
    assert peer.source is PeerSource.ROUTER
    assert peer.kind is kind
    assert peer.image_hash == attestation.image_hash
    assert not any(peer.claims.is_proven(name) for name in ClaimName)


def test_a_router_record_that_no_router_writes_is_refused() -> None:
    with pytest.raises(DecodeError):
        told(Attestation(SgxMeasurements(bytes(32), bytes(64))))
    with pytest.raises(DecodeError):
        peer_told_by_router(attestation=Attestation(), public_key=b"short", now=0)


def test_a_claim_that_nobody_made_is_unknown() -> None:
    claims = Claims((proven(ClaimName.KEY_BOUND, "r"),))
    assert claims.is_proven(ClaimName.KEY_BOUND)
    assert claims.get(ClaimName.GPU_GENUINE).verdict is Verdict.UNKNOWN


def test_cached_evidence_expires_with_time_and_with_its_collateral() -> None:
    cache = VerificationCache(ttl=100)
    cache.put(b"k", evidence(), 1000)
    assert cache.get(b"k", 1099) is not None
    assert cache.get(b"k", 1100) is None
    cache.put(b"k", evidence(expires_at=1010), 1000)
    assert cache.get(b"k", 1009) is not None
    assert cache.get(b"k", 1010) is None
    assert len(cache) == 0


def test_a_clock_that_went_back_empties_the_cache() -> None:
    cache = VerificationCache()
    cache.put(b"k", evidence(), 1000)
    assert cache.get(b"k", 999) is None


def test_the_cache_forgets_the_least_recently_used() -> None:
    cache = VerificationCache(capacity=2)
    cache.put(b"a", evidence(), 0)
    cache.put(b"b", evidence(), 0)
    assert cache.get(b"a", 1) is not None
    cache.put(b"c", evidence(), 1)
    assert cache.get(b"b", 1) is None
    assert cache.get(b"a", 1) is not None


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", '{"tcb_info": 1}', "[" * 5000])
def test_malformed_collateral_is_evidence_error(text: str) -> None:
    with pytest.raises(EvidenceError):
        Collateral.from_json(text)
