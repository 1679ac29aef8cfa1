"""Keys, approvals and grants of a key manager, without anything running."""

import dataclasses
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cocoon.errors import ConfigError, DecodeError, PolicyError
from cocoon.key_manager.approval import Approval, ApprovalRules, check_signatures
from cocoon.key_manager.grants import (
    add_approval,
    find_grant,
    inheritance,
    note_root,
    root_marker,
    use_grant,
    withdraw_approval,
)
from cocoon.key_manager.records import KeyRecord, Rotation, kinds_due, without_expired
from cocoon.key_manager.state import MAX_APPROVALS, ManagerState
from cocoon.testing.network import test_root as make_root
from cocoon.tl import types as t
from cocoon.wire.key_manager import KeyKind

OWNERS = tuple(Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in (1, 2, 3))
PUBLIC = [owner.public_key().public_bytes_raw() for owner in OWNERS]
RULES = ApprovalRules(frozenset(PUBLIC), 2, time_lock=100)
ID, IMAGE = b"m" * 32, b"i" * 32
NOW = 1_000_000
NONCE = b"n" * 32
ROOT = make_root(version=5)


def record(**changes: Any) -> KeyRecord:
    plain = KeyRecord(
        private_key=b"k" * 32,
        for_proxies=True,
        for_workers=False,
        since_version=3,
        valid_since=100,
        valid_until=200,
    )
    return dataclasses.replace(plain, **changes)


def approval(signers: int = 2, **changes: Any) -> Approval:
    plain = Approval(ID, IMAGE, serial=1, not_before=0, not_after=NOW + 10_000)
    made = dataclasses.replace(plain, **changes)
    for owner in OWNERS[:signers]:
        made = made.signed(owner)
    return made


# --- keys ----------------------------------------------------------------------------------------


def test_a_stored_key_is_for_whom_it_was_made() -> None:
    """The official key manager swaps the two when it stores a key."""
    stored = t.KeyManagerDbKey.from_bytes(record().to_bytes())
    assert (stored.for_proxies, stored.for_workers) == (True, False)
    assert KeyRecord.from_bytes(record().to_bytes()) == record()
    assert record().serves(KeyKind.PROXY)
    assert not record().serves(KeyKind.WORKER)
    assert "kkk" not in repr(record())


@pytest.mark.parametrize(
    ("now", "version", "live"),
    [(99, 3, False), (100, 3, True), (199, 3, True), (200, 3, False), (150, 2, False)],
)
def test_when_a_key_is_given_out(now: int, version: int, live: bool) -> None:
    assert record().is_live(now, version) is live


@pytest.mark.parametrize(
    "changes",
    [
        {"private_key": b"short"},
        {"for_proxies": False},
        {"valid_until": 100},
        {"valid_until": 2**31},
        {"valid_since": -1},
        {"since_version": 2**31},
    ],
)
def test_keys_that_make_no_sense(changes: Any) -> None:
    with pytest.raises(ConfigError):
        record(**changes)


def test_stored_nonsense() -> None:
    nobody = t.KeyManagerDbKey(b"k" * 32, False, False, 1, 1, 2).to_bytes()
    for data in (b"", nobody, record().to_bytes() + b"\0\0\0\0", t.TcpPing(1).to_bytes()):
        with pytest.raises(DecodeError):
            KeyRecord.from_bytes(data)


def test_when_a_new_key_is_due() -> None:
    rotation = Rotation((KeyKind.PROXY, KeyKind.WORKER), lifetime=100, overlap=20)
    assert kinds_due([], 0, rotation) == rotation.kinds
    assert kinds_due([record()], 150, rotation) == (KeyKind.WORKER,)
    assert kinds_due([record(for_workers=True)], 179, rotation) == ()
    assert kinds_due([record(for_workers=True)], 180, rotation) == rotation.kinds
    assert without_expired([record(), record(valid_until=150)], 150) == (record(),)
    for lifetime, overlap in ((100, 100), (100, 0), (2**31, 1)):
        with pytest.raises(ConfigError):
            Rotation((), lifetime, overlap)


# --- approvals -----------------------------------------------------------------------------------


def test_an_approval_as_a_file() -> None:
    made = approval()
    assert Approval.from_json(made.to_json()) == made
    document = json.loads(made.to_json())
    for name, value in (
        ("serial", 0),
        ("serial", 2**53),
        ("manager_id", "00"),
        ("image_hash", "G" * 64),
        ("not_after", 0),
        ("version", 2),
        ("more", 1),
        ("signatures", [{"public_key": "00", "signature": "00"}]),
        ("signatures", document["signatures"] * 9),
    ):
        with pytest.raises(ConfigError):
            Approval.from_json(json.dumps({**document, name: value}).encode())
    for data in (b"", b"[" * 5000, b" " * 9000, b"\xff"):
        with pytest.raises(ConfigError):
            Approval.from_json(data)


def test_enough_different_owners() -> None:
    check_signatures(approval(2), RULES)
    check_signatures(approval(3), RULES)
    with pytest.raises(PolicyError, match="1 of 2"):
        check_signatures(approval(1), RULES)
    twice = dataclasses.replace(approval(1), signatures=approval(1).signatures * 2)
    with pytest.raises(PolicyError, match="1 of 2"):
        check_signatures(twice, RULES)
    stranger = Ed25519PrivateKey.from_private_bytes(b"x" * 32)
    with pytest.raises(PolicyError, match="no owner"):
        check_signatures(approval(2).signed(stranger), RULES)
    moved = dataclasses.replace(approval(2), image_hash=b"j" * 32)
    with pytest.raises(PolicyError, match="wrong"):
        check_signatures(moved, RULES)
    with pytest.raises(PolicyError, match="not accepted"):
        check_signatures(approval(2), ApprovalRules(root_list=True))


@pytest.mark.parametrize(
    ("owners", "threshold", "lock"),
    [(PUBLIC, 0, 1), (PUBLIC, 4, 1), ([], 1, 1), ([b"x"], 1, 1), (PUBLIC, 1, -1)],
)
def test_rules_that_make_no_sense(owners: list[bytes], threshold: int, lock: int) -> None:
    with pytest.raises(ConfigError):
        ApprovalRules(frozenset(owners), threshold, lock)


# --- grants --------------------------------------------------------------------------------------


def seen(state: ManagerState | None = None, at: int = NOW, **changes: Any) -> ManagerState:
    return add_approval(state or ManagerState(), approval(**changes), RULES, ID, at)


def test_the_time_lock_begins_when_it_is_seen() -> None:
    state = seen()
    assert seen(state, at=NOW + 50) == state  # once more changes nothing, the lock included
    with pytest.raises(PolicyError, match="only in 1 s"):
        find_grant(state, IMAGE, RULES, ROOT, NOW + 99)
    assert find_grant(state, IMAGE, RULES, ROOT, NOW + 100).serial == 1
    with pytest.raises(PolicyError, match="nobody approved"):
        find_grant(state, b"j" * 32, RULES, ROOT, NOW + 100)
    with pytest.raises(PolicyError, match="nobody approved"):
        find_grant(state, IMAGE, RULES, ROOT, NOW + 10_000)
    later = seen(serial=2, not_before=NOW + 500)
    with pytest.raises(PolicyError, match="only in 400 s"):
        find_grant(later, IMAGE, RULES, ROOT, NOW + 100)


def test_what_is_not_noted() -> None:
    for wrong in (
        {"manager_id": b"o" * 32},
        {"signers": 1},
        {"not_after": NOW},
    ):
        with pytest.raises(PolicyError):
            seen(**wrong)
    with pytest.raises(PolicyError, match="serial 1 is waiting"):
        seen(seen(), image_hash=b"j" * 32)
    state = ManagerState()
    for serial in range(1, MAX_APPROVALS + 1):
        state = seen(state, serial=serial)
    with pytest.raises(PolicyError, match="too many"):
        seen(state, serial=MAX_APPROVALS + 1)
    ManagerState.from_bytes(state.to_bytes())


def test_a_serial_is_used_once() -> None:
    grant = find_grant(seen(), IMAGE, RULES, ROOT, NOW + 100)
    used = use_grant(seen(), grant, NONCE, NOW + 100)
    assert (used.successor, used.last_serial, used.approvals) == (IMAGE, 1, ())
    for serial in (1,):
        with pytest.raises(PolicyError, match="used up"):
            seen(used, serial=serial)
    heir = inheritance(seen(), grant, NONCE, NOW + 100)
    assert (heir.successor, heir.last_serial, heir.confirmed) == (None, 1, False)
    assert heir.generation == used.generation
    with pytest.raises(PolicyError, match="used up"):
        seen(heir)
    withdrawn = withdraw_approval(seen(seen(), serial=7), 5)
    assert (len(withdrawn.approvals), withdrawn.last_serial) == (1, 5)
    with pytest.raises(PolicyError, match="at least 6"):
        seen(withdrawn, serial=4)


def test_rules_that_became_stricter_hold_for_what_waits() -> None:
    strict = dataclasses.replace(RULES, threshold=3)
    with pytest.raises(PolicyError, match="2 of 3"):
        find_grant(seen(), IMAGE, strict, ROOT, NOW + 100)


def test_the_root_contracts_list() -> None:
    rules = ApprovalRules(time_lock=100, root_list=True)
    marker = root_marker(IMAGE)
    listed = make_root(version=6, proxy_hashes=frozenset({marker, IMAGE}))
    state = note_root(ManagerState(), listed, NOW)
    assert note_root(state, listed, NOW + 50) is state
    with pytest.raises(PolicyError, match="only in 1 s"):
        find_grant(state, IMAGE, rules, listed, NOW + 99)
    grant = find_grant(state, IMAGE, rules, listed, NOW + 100)
    assert grant.serial == 0
    with pytest.raises(PolicyError):  # not configured
        find_grant(state, IMAGE, RULES, listed, NOW + 100)
    unmarked = make_root(version=7, proxy_hashes=frozenset({IMAGE}))
    with pytest.raises(PolicyError):  # listed as a proxy: nothing
        find_grant(state, IMAGE, rules, unmarked, NOW + 100)
    heir = inheritance(state, grant, NONCE, NOW + 100)
    with pytest.raises(PolicyError, match="nobody approved"):
        find_grant(heir, IMAGE, rules, listed, NOW + 1000)
    gone = note_root(heir, make_root(version=7), NOW + 1000)
    again = note_root(gone, make_root(version=8, proxy_hashes=frozenset({marker})), NOW + 2000)
    with pytest.raises(PolicyError, match="only in 100 s"):
        find_grant(again, IMAGE, rules, make_root(proxy_hashes=frozenset({marker})), NOW + 2000)
    assert note_root(again, make_root(version=1), NOW + 3000) is again


# --- the state -----------------------------------------------------------------------------------


def test_state_round_trip_and_silence() -> None:
    state = seen().next(keys=(record().to_bytes(),), listed={IMAGE: 5})
    assert ManagerState.from_bytes(state.to_bytes()) == state
    assert "kkkk" not in repr(state)
    retired = state.next(successor=IMAGE)
    assert retired.next().generation == retired.generation == state.generation + 1


@pytest.mark.parametrize(
    "changes",
    [
        {"keys": ["AAAA"]},
        {"generation": -1},
        {"last_serial": 2**53},
        {"listed": {"AAAA": 1}},
        {"successor": "AAAA"},
        {"successor": ""},
        {"audit_mac": "AAAA"},
        {"handover_nonce": "AAAA"},
        {"approvals": [{"document": "e30=", "seen_at": 1}]},
        {"used_listings": ["AAAA"] * 5000},
        {"more": 1},
    ],
)
def test_states_that_make_no_sense(changes: Any) -> None:
    document = json.loads(ManagerState().to_bytes())
    with pytest.raises(DecodeError):
        ManagerState.from_bytes(json.dumps({**document, **changes}).encode())
