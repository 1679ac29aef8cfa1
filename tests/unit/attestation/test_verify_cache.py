"""Evidence is verified once per quote, root and collateral; policies are applied every time."""

import base64
import json
from pathlib import Path

import pytest

from cocoon.attestation import judgement, policy
from cocoon.attestation.cache import VerificationCache
from cocoon.attestation.evidence import VerifiedEvidence
from cocoon.attestation.evidence.collateral import Collateral, CollateralBook
from cocoon.attestation.evidence.tdx import verify_tdx
from cocoon.attestation.verify import PeerRole, verify_peer
from cocoon.errors import PolicyError

FOLDER = Path(__file__).parents[3] / "vectors" / "attestation"
PLATFORM = json.loads((FOLDER / "simulated_platform.json").read_text())
DER = base64.b64decode(
    json.loads((FOLDER / "certificates.json").read_text())[0]["input"]["certificate"]
)
ROOT = base64.b64decode(PLATFORM["root"])
NOW: int = PLATFORM["now"]


def collateral(name: str) -> Collateral:
    return Collateral.from_json(json.dumps(PLATFORM[name]))


@pytest.fixture
def verifications(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The times of real verifications."""
    times: list[int] = []

    def counting(
        quote: bytes, book: CollateralBook, now: int, *, simulated_root: bytes | None = None
    ) -> VerifiedEvidence:
        times.append(now)
        return verify_tdx(quote, book, now, simulated_root=simulated_root)

    monkeypatch.setattr(judgement, "verify_tdx", counting)
    return times


def test_a_hit_skips_the_evidence_but_not_the_policy(verifications: list[int]) -> None:
    cache, book = VerificationCache(ttl=100), CollateralBook(collateral("collateral"))
    lenient = policy.tdx(collateral=book, simulated_root=ROOT)
    strict = policy.tdx(collateral=book, simulated_root=ROOT, image_hashes=[])
    for _ in range(3):
        verify_peer(DER, lenient, NOW, role=PeerRole.SERVER, cache=cache)
        with pytest.raises(PolicyError):
            verify_peer(DER, strict, NOW, role=PeerRole.SERVER, cache=cache)
    assert verifications == [NOW]
    verify_peer(DER, lenient, NOW + 100, role=PeerRole.SERVER, cache=cache)
    assert verifications == [NOW, NOW + 100]


def test_newer_collateral_is_noticed_at_once(verifications: list[int]) -> None:
    cache, book = VerificationCache(), CollateralBook(collateral("collateral"))
    accepted = policy.tdx(collateral=book, simulated_root=ROOT)
    verify_peer(DER, accepted, NOW, role=PeerRole.SERVER, cache=cache)
    book.put(collateral("collateral_out_of_date"))
    with pytest.raises(PolicyError, match="OutOfDate"):
        verify_peer(DER, accepted, NOW, role=PeerRole.SERVER, cache=cache)
    assert len(verifications) == 2


def test_a_peer_expires_with_what_expires_first() -> None:
    book = CollateralBook(collateral("collateral"))
    accepted = policy.tdx(collateral=book, simulated_root=ROOT, max_age=7200)
    peer = verify_peer(DER, accepted, NOW, role=PeerRole.SERVER)
    assert peer.expires_at == NOW - 3600 + 7200
