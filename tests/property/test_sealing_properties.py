"""Seal messages, sealed files and key-manager state: any value survives, any change is refused."""

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from cocoon.errors import CocoonError, ConfigError, DecodeError, PolicyError, StoreError
from cocoon.key_manager.approval import Approval, ApprovalRules
from cocoon.key_manager.grants import add_approval, find_grant, inheritance, use_grant
from cocoon.key_manager.handover import (
    Ask,
    Done,
    FrameBuffer,
    Give,
    Refused,
    Retired,
    encode,
)
from cocoon.key_manager.master import MasterSecret
from cocoon.key_manager.records import MAX_TIME, KeyRecord
from cocoon.key_manager.state import ManagerState
from cocoon.key_manager.store import open_state, seal_state
from cocoon.sealing import derivation as seal
from cocoon.sealing.derivation import PersistentKey
from cocoon.sealing.keyring import Keyring, open_keyring, seal_keyring
from cocoon.sealing.messages import GetPersistentKey, PersistentKeyAnswer
from cocoon.testing.network import test_root as make_root

bytes32 = st.binary(min_size=32, max_size=32)
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
scalars = st.integers(1, ORDER - 1).map(lambda n: ec.derive_private_key(n, ec.SECP256R1()))
OWNER = Ed25519PrivateKey.from_private_bytes(b"o" * 32)
RULES = ApprovalRules(frozenset({OWNER.public_key().public_bytes_raw()}), 1, time_lock=100)
ID = b"m" * 32
ROOT = make_root()


@given(
    st.binary(min_size=1024, max_size=1024),
    st.binary(min_size=64, max_size=64),
    st.binary(min_size=1, max_size=256),
)
def test_requests(report: bytes, public: bytes, name: bytes) -> None:
    request = GetPersistentKey(report, public, name)
    assert GetPersistentKey.from_bytes(request.to_bytes()) == request
    with pytest.raises(DecodeError):
        PersistentKeyAnswer.from_bytes(request.to_bytes())


@given(st.binary(max_size=8000), st.binary(min_size=96, max_size=96))
def test_answers(quote: bytes, secret: bytes) -> None:
    answer = PersistentKeyAnswer(quote, secret)
    assert PersistentKeyAnswer.from_bytes(answer.to_bytes()) == answer


@settings(deadline=None)
@given(scalars, scalars, scalars, bytes32)
def test_secrets_reach_their_recipient_only(
    guest: Any, enclave: Any, other: Any, secret: bytes
) -> None:
    public = seal.public_bytes(guest.public_key())
    encrypted = seal.encrypt_secret(secret, public, enclave)
    assert seal.decrypt_secret(encrypted, guest) == secret
    if other.private_numbers() != guest.private_numbers():
        assert seal.decrypt_secret(encrypted, other) != secret


@given(
    st.dictionaries(st.from_regex(r"[a-z0-9][a-z0-9_]{0,20}", fullmatch=True),
                    st.binary(min_size=1, max_size=256), max_size=8),
    st.integers(0, 2**53 - 1),
)  # fmt: skip
def test_keyrings(secrets: dict[str, bytes], generation: int) -> None:
    key, ring = PersistentKey(b"k" * 32, "app"), Keyring(secrets, generation)
    assert open_keyring(seal_keyring(ring, key), key) == ring


@given(st.data())
def test_a_changed_file_does_not_open(data: st.DataObject) -> None:
    key, master = PersistentKey(b"k" * 32, "app"), MasterSecret(b"m" * 32)
    ring, state = Keyring({"a": b"s"}, 1), ManagerState(last_serial=3)
    for content, read in (
        (seal_keyring(ring, key), lambda text: open_keyring(text, key)),
        (seal_state(state, master), lambda text: open_state(text, master)),
    ):
        at = data.draw(st.integers(0, len(content) - 1))
        bit = data.draw(st.integers(0, 7))
        changed = content[:at] + bytes([content[at] ^ 1 << bit]) + content[at + 1 :]
        try:
            found = read(changed)  # type: ignore[no-untyped-call]
        except (ConfigError, StoreError):
            continue
        assert found in (ring, state)  # white space, nothing else


records = st.builds(
    lambda seed, kinds, since, length, version: KeyRecord(
        private_key=seed,
        for_proxies=kinds in (1, 3),
        for_workers=kinds in (2, 3),
        since_version=version,
        valid_since=since,
        valid_until=min(since + length, MAX_TIME),
    ),
    bytes32,
    st.integers(1, 3),
    st.integers(0, MAX_TIME - 1),
    st.integers(1, MAX_TIME),
    st.integers(-(2**31), 2**31 - 1),
)


@given(st.lists(records, max_size=5))
def test_states(keys: list[KeyRecord]) -> None:
    state = ManagerState(keys=tuple(item.to_bytes() for item in keys))
    again = ManagerState.from_bytes(state.to_bytes())
    assert (again, again.records()) == (state, tuple(keys))


messages = st.one_of(
    st.builds(Ask, bytes32, st.sampled_from([b"", b"i" * 32])),
    st.builds(Give, bytes32, bytes32, st.binary(max_size=100)),
    st.builds(Done, bytes32, st.integers(0, 2**53), bytes32),
    st.builds(Retired, bytes32, bytes32),
    st.builds(Refused, st.text(max_size=50)),
)


@given(st.lists(messages, max_size=4), st.data())
def test_handover_messages_in_any_pieces(sent: list[Any], data: st.DataObject) -> None:
    stream, frames, got = b"".join(map(encode, sent)), FrameBuffer(4096), []
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        got += frames.feed(stream[:size])
        stream = stream[size:]
    assert got == sent


steps = st.lists(
    st.tuples(
        st.sampled_from(["approve", "hand over", "wait"]), st.integers(1, 4), st.integers(0, 3)
    ),
    max_size=20,
)


@given(steps)
def test_no_permission_is_early_or_used_twice(plan: list[tuple[str, int, int]]) -> None:
    """Whatever is approved, in any order: each handover has its own serial, seen long enough."""
    state, now = ManagerState(), 1000
    seen: dict[tuple[int, int], int] = {}
    used: list[int] = []
    for step, serial, image in plan:
        name = bytes([image]) * 32
        if step == "wait":
            now += 40 * serial
        elif step == "approve":
            approval = Approval(ID, name, serial, 0, 10**6).signed(OWNER)
            try:
                state = add_approval(state, approval, RULES, ID, now)
                seen.setdefault((serial, image), now)
            except PolicyError:
                pass
        else:
            try:
                grant = find_grant(state, name, RULES, ROOT, now)
            except PolicyError:
                continue
            assert now >= seen[grant.serial, image] + RULES.time_lock
            assert grant.serial > max(used, default=0)
            used.append(grant.serial)
            assert use_grant(state, grant, bytes(32), now).successor == name
            state = inheritance(state, grant, bytes(32), now)


@given(st.binary(max_size=300))
def test_any_bytes_as_an_approval(data: bytes) -> None:
    with pytest.raises(CocoonError):
        Approval.from_json(data)
