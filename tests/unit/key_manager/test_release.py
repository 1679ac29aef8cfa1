"""Who gets keys: every reason to give none, with peers of every kind."""

import pytest

from cocoon.attestation.claims import Claims
from cocoon.attestation.evidence import EvidenceKind
from cocoon.attestation.measurements import Attestation, TdxMeasurements
from cocoon.attestation.peer import VerifiedPeer, _peer_from_verification, peer_told_by_router
from cocoon.key_manager.records import KeyRecord
from cocoon.key_manager.release import Circumstances, decide
from cocoon.key_manager.state import ManagerState
from cocoon.testing.network import test_root as make_root
from cocoon.wire.key_manager import KeyKind, KeyRequest
from cocoon.wire.negotiation import RefusedError

NOW = 1000
MEASURED = Attestation(TdxMeasurements.zero(bytes(64)))
ROOT = make_root(version=5, proxy_hashes=frozenset({MEASURED.image_hash}))
ASK = KeyRequest(KeyKind.PROXY, 5)


def key(letter: bytes, **changes: object) -> KeyRecord:
    values: dict[str, object] = {
        "for_proxies": True,
        "for_workers": True,
        "since_version": 1,
        "valid_since": 1,
        "valid_until": 2000,
        **changes,
    }
    return KeyRecord(private_key=letter * 32, **values)  # type: ignore[arg-type]


STATE = ManagerState(
    root_version=5,
    keys=tuple(
        item.to_bytes()
        for item in (
            key(b"a"),
            key(b"b", for_proxies=False),
            key(b"c", valid_until=1000),
            key(b"d", since_version=6),
            key(b"e", valid_since=1001),
        )
    ),
)


def peer(kind: EvidenceKind, expires_at: int = 2000) -> VerifiedPeer:
    return _peer_from_verification(
        public_key=bytes(32),
        kind=kind,
        attestation=MEASURED,
        claims=Claims(),
        policy_name="test",
        verified_at=1,
        expires_at=expires_at,
        model_hash=None,
        platform_id=None,
    )


def at(production: bool = False, fresh: bool = True, root=ROOT) -> Circumstances:  # type: ignore[no-untyped-def]
    return Circumstances(root=root, root_is_fresh=fresh, now=NOW, production=production)


@pytest.mark.parametrize("kind", [EvidenceKind.TDX, EvidenceKind.SNP])
def test_only_live_keys_of_the_kind(kind: EvidenceKind) -> None:
    answer, given = decide(ASK, peer(kind), STATE, at(production=True))
    assert [item.private_key for item in answer.keys] == [b"a" * 32]
    assert given == (key(b"a"),)
    assert answer.to_bytes().hex() == "e56cd60e" + "01000000" + "d0070000" + "61" * 32


@pytest.mark.parametrize(
    ("who", "where", "words"),
    [
        (peer(EvidenceKind.TDX_SIMULATED), at(production=True), "proves nothing"),
        (peer(EvidenceKind.SNP_SIMULATED), at(production=True), "proves nothing"),
        (peer(EvidenceKind.FAKE_TDX), at(production=True), "proves nothing"),
        (peer(EvidenceKind.NONE), at(), "no evidence"),
        (peer(EvidenceKind.TDX, expires_at=999), at(), "too old"),
        (peer(EvidenceKind.TDX), at(fresh=False), "too old"),
        (peer(EvidenceKind.TDX), at(root=make_root(version=4)), "too old"),
        (peer(EvidenceKind.TDX), at(root=make_root(version=6)), "unknown proxy hash"),
        (
            peer_told_by_router(attestation=MEASURED, public_key=bytes(32), now=NOW),
            at(),
            "this process",
        ),
    ],
)
def test_reasons_to_give_nothing(who: VerifiedPeer, where: Circumstances, words: str) -> None:
    with pytest.raises(RefusedError, match=words):
        decide(ASK, who, STATE, where)


def test_a_version_that_is_not_known_yet_and_a_manager_that_retired() -> None:
    good = peer(EvidenceKind.TDX)
    with pytest.raises(RefusedError, match="older"):
        decide(KeyRequest(KeyKind.PROXY, 6), good, STATE, at())
    with pytest.raises(RefusedError, match="worker hash"):
        decide(KeyRequest(KeyKind.WORKER, 5), good, STATE, at())
    with pytest.raises(RefusedError, match="handed over"):
        decide(ASK, good, STATE.next(successor=bytes(32)), at())
