"""A software enclave, key managers of an old and a new image, and peers that ask them."""

import asyncio
import dataclasses
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cocoon.attestation.evidence.fake_tdx import FakeTdx
from cocoon.attestation.policy import fake_tdx, unsafe_accept_anything
from cocoon.chain.address import Address
from cocoon.devnet.tee import SimulatedTdx, simulated_measurements
from cocoon.devnet.tee_quote import build_quote
from cocoon.errors import (
    BadRequestError,
    CocoonError,
    ConfigError,
    PolicyError,
    RemoteProtocolError,
    RequestError,
    StoreError,
    UnavailableError,
)
from cocoon.key_manager import ports
from cocoon.key_manager.approval import ApprovalRules
from cocoon.key_manager.fetch import _Asker
from cocoon.key_manager.grants import root_marker
from cocoon.key_manager.handover import Ask, Done, Give, done_proof
from cocoon.key_manager.manager import AUDIT_FILE, STATE_FILE
from cocoon.key_manager.records import Rotation
from cocoon.key_manager.takeover import _dial
from cocoon.key_manager.terms import terms_hash
from cocoon.net.dialing import RatlsDial, dial
from cocoon.net.identity import Identity
from cocoon.net.link import Link
from cocoon.sealing.client import SgxEnclave
from cocoon.sealing.endpoint import SealEndpoint
from cocoon.sealing.server import SealServer
from cocoon.testing.key_manager import IMAGE, TIME_LOCK, KeyManagerLab
from cocoon.tl import types as t
from cocoon.wire.connection import Role
from cocoon.wire.key_manager import KeyKind

pytestmark = pytest.mark.anyio
DAY = 86_400


@pytest.fixture
async def lab(tmp_path: Path) -> AsyncIterator[KeyManagerLab]:
    async with KeyManagerLab(tmp_path) as made:
        yield made


async def test_keys_reach_listed_images_only_and_survive_a_restart(lab: KeyManagerLab) -> None:
    old = await lab.start("a", create=True)
    proxy_key = old.manager.generate((KeyKind.PROXY,), DAY)
    worker_key = old.manager.generate((KeyKind.WORKER,), DAY)
    (given,) = await lab.ask(old, KeyKind.PROXY, "proxy")
    assert (given.private_key, given.valid_until) == (proxy_key.private_key, proxy_key.valid_until)
    (given,) = await lab.ask(old, KeyKind.WORKER, "worker")
    assert given.private_key == worker_key.private_key
    for kind, image in [
        (KeyKind.PROXY, "worker"),
        (KeyKind.WORKER, "proxy"),
        (KeyKind.PROXY, "stranger"),
        (KeyKind.PROXY, IMAGE),
    ]:
        with pytest.raises(BadRequestError, match=f"unknown {kind.value} hash"):
            await lab.ask(old, kind, image)
    with pytest.raises(BadRequestError, match="older than asked for"):
        await lab.ask(old, KeyKind.PROXY, "proxy", min_version=2)
    lab.list_images(proxy_hashes=frozenset())
    with pytest.raises(BadRequestError, match="unknown proxy hash"):
        await lab.ask(old, KeyKind.PROXY, "proxy", min_version=2)
    await old.close()

    again = await lab.start("a")
    (given,) = await lab.ask(again, KeyKind.WORKER, "worker")
    assert given.private_key == worker_key.private_key
    log = (lab.directory / "a" / AUDIT_FILE).read_text()
    events = [json.loads(line)["record"]["event"] for line in log.splitlines()]
    assert events.count("released") == 3
    assert events.count("refused") == 6
    assert lab.image_hash("stranger").hex() in log
    for path in (lab.directory / "a").iterdir():
        content = path.read_bytes()
        assert proxy_key.private_key not in content
        assert proxy_key.private_key.hex().encode() not in content


async def test_evidence_that_proves_nothing_gets_nothing(lab: KeyManagerLab) -> None:
    """A debug domain, fake evidence and no evidence; and a policy that would let them in."""

    class DebugTdx(SimulatedTdx):
        def quote(self, report_data: bytes) -> bytes:
            measured = simulated_measurements("proxy", "1", report_data)
            return build_quote(lab.tee.pki, measured, attributes=b"\1" + bytes(7))

    role = await lab.start("a", create=True)
    role.manager.generate((KeyKind.PROXY,), DAY)
    for identity in (
        Identity.generate(DebugTdx(lab.tee, "proxy")),
        Identity.generate(FakeTdx()),
        Identity.generate(None),
    ):
        with pytest.raises(CocoonError):
            await lab.ask(role, KeyKind.PROXY, "proxy", identity=identity)
    assert role.manager.audit.count == 1  # generated; nothing was released

    open_door = await lab.start("b", create=True, peers=lab.port(unsafe_accept_anything()))
    open_door.manager.generate((KeyKind.PROXY,), DAY)
    with pytest.raises(BadRequestError, match="no evidence, no keys"):
        await lab.ask(open_door, KeyKind.PROXY, "proxy", identity=Identity.generate(None))


async def test_production_takes_no_simulated_evidence(lab: KeyManagerLab) -> None:
    for policy in (lab.policy(), fake_tdx(), unsafe_accept_anything()):
        with pytest.raises(ConfigError, match="real evidence"):
            lab.settings("a", is_test=False, peers=lab.port(policy), handovers=None)


async def test_rotation_overlaps(lab: KeyManagerLab) -> None:
    rotation = Rotation((KeyKind.WORKER,), lifetime=1000, overlap=200)
    role = await lab.start("a", create=True, rotation=rotation)
    (first,) = await lab.ask(role, KeyKind.WORKER, "worker")
    lab.ahead = 700
    role.manager.tick()
    assert len(await lab.ask(role, KeyKind.WORKER, "worker")) == 1
    lab.ahead = 850
    role.manager.tick()
    both = await lab.ask(role, KeyKind.WORKER, "worker")
    assert first in both
    assert len(both) == 2
    lab.ahead = 1001
    role.manager.tick()
    (left,) = await lab.ask(role, KeyKind.WORKER, "worker")
    assert left != first
    role.manager.remove(role.manager.state.records()[0].public_key)
    assert await lab.ask(role, KeyKind.WORKER, "worker") == ()


@pytest.mark.parametrize(("version", "tcb"), [("2", "1"), ("1", "2")], ids=["image", "TCB"])
async def test_an_update_loses_nothing(lab: KeyManagerLab, version: str, tcb: str) -> None:
    old = await lab.start("a", create=True)
    key = old.manager.generate((KeyKind.PROXY,), 30 * DAY)
    with pytest.raises(ConfigError, match="does not open"):
        await _start_updated_in_place(lab, old, version, tcb)
    old = await lab.start("a")
    with pytest.raises(PolicyError, match="nobody approved"):
        await lab.start("b", version, tcb, predecessor=lab.predecessor(old))
    old.manager.approve(lab.approval(old, version))
    with pytest.raises(PolicyError, match="holds only in"):
        await lab.start("b", version, tcb, predecessor=lab.predecessor(old))
    lab.ahead = TIME_LOCK + 1
    new = await lab.start("b", version, tcb, predecessor=lab.predecessor(old))
    assert new.manager.master.manager_id == old.manager.master.manager_id
    (given,) = await lab.ask(new, KeyKind.PROXY, "proxy")
    assert given.private_key == key.private_key
    with pytest.raises(UnavailableError, match="handed over"):
        await lab.ask(old, KeyKind.PROXY, "proxy")
    await new.close()
    new = await lab.start("b", version, tcb, predecessor=lab.predecessor(old))  # asks nobody again
    assert (await lab.ask(new, KeyKind.PROXY, "proxy"))[0].private_key == key.private_key
    with pytest.raises(PolicyError, match="taken over already"):
        await lab.start("c", version, tcb, predecessor=lab.predecessor(old))
    # Nor does the new one hand over by the permission that it came by.
    with pytest.raises(PolicyError, match="serial 1 is used up"):
        new.manager.approve(lab.approval(old, version))
    with pytest.raises(PolicyError, match="nobody approved"):
        await lab.start("c", version, tcb, predecessor=lab.predecessor(new))
    # Back to the first machine, after its own update: a new permission.
    new.manager.approve(lab.approval(new, "1", serial=2))
    lab.ahead += TIME_LOCK + 1
    await old.close()
    back = await lab.start("a", "1", "1", predecessor=lab.predecessor(new))
    assert (await lab.ask(back, KeyKind.PROXY, "proxy"))[0].private_key == key.private_key


async def _start_updated_in_place(lab: KeyManagerLab, old, version: str, tcb: str) -> None:  # type: ignore[no-untyped-def]
    await old.close()
    await lab.start("a", version, tcb)


async def test_the_root_contract_can_permit_a_handover(lab: KeyManagerLab) -> None:
    rules = ApprovalRules(time_lock=TIME_LOCK, root_list=True)
    old = await lab.start("a", create=True, rules=rules)
    image = lab.image_hash(IMAGE, "2")
    lab.list_images(proxy_hashes=frozenset({image}))  # listed as a proxy: that is not enough
    lab.ahead = TIME_LOCK + 1
    with pytest.raises(PolicyError, match="nobody approved"):
        await lab.start("b", "2", predecessor=lab.predecessor(old))
    lab.list_images(proxy_hashes=frozenset({root_marker(image)}))
    with pytest.raises(PolicyError, match="holds only in"):
        await lab.start("b", "2", predecessor=lab.predecessor(old))
    lab.ahead += TIME_LOCK + 1
    new = await lab.start("b", "2", predecessor=lab.predecessor(old), rules=rules)
    with pytest.raises(PolicyError, match="nobody approved"):
        await lab.start("c", "2", predecessor=lab.predecessor(new), rules=rules)


async def test_a_host_cannot_change_the_terms(lab: KeyManagerLab) -> None:
    """Another root contract, other owners or a shorter lock, given to the right image."""
    old = await lab.start("a", create=True)
    await old.close()
    mallory = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    other_root = dataclasses.replace(lab.root.current, address=Address(b"x" * 32))
    weaker = ApprovalRules(frozenset({mallory}), 1, 0)
    for changes in ({"rules": weaker}, {"root": other_root}, {"rules": ApprovalRules()}):
        with pytest.raises(ConfigError, match="differ from what"):
            await lab.start("a", **changes)
    old = await lab.start("a")
    old.manager.approve(lab.approval(old, "2"))
    lab.ahead = TIME_LOCK + 1
    with pytest.raises(ConfigError, match="differ from what"):
        await lab.start("b", "2", predecessor=lab.predecessor(old), rules=weaker)
    assert old.ready
    assert not (lab.directory / "b" / STATE_FILE).exists()


async def test_owners_can_change_the_terms(lab: KeyManagerLab) -> None:
    old = await lab.start("a", create=True)
    rules = dataclasses.replace(old.settings.rules, time_lock=TIME_LOCK * 2)
    terms = terms_hash(lab.root.current.address, True, rules)
    old.manager.approve(lab.approval(old, "2", terms=terms))
    lab.ahead = TIME_LOCK + 1
    with pytest.raises(ConfigError, match="differ from what"):
        await lab.start("b", "2", predecessor=lab.predecessor(old))
    new = await lab.start("b", "2", predecessor=lab.predecessor(old), rules=rules)
    assert new.ready


async def test_a_handover_that_was_cut_off_is_finished_once(lab: KeyManagerLab) -> None:
    old = await lab.start("a", create=True)
    old.manager.approve(lab.approval(old, "2"))
    lab.ahead = TIME_LOCK + 1
    predecessor = lab.predecessor(old)
    gifts = []
    for name in ("first", "second"):
        pipe = await _dial(predecessor, lab.identity(IMAGE, "2"))
        nonce = name.encode().ljust(32, b"-")
        pipe.send(Ask(nonce))
        gift = await pipe.receive(5)
        assert isinstance(gift, Give)
        assert "Give(" in repr(gift)
        assert gift.master.hex() not in repr(gift)
        gifts.append((pipe, nonce))
    assert old.ready
    generation = old.manager.state.generation + 2
    master = old.manager.master

    async def done(index: int, generation: int) -> object:
        pipe, nonce = gifts[index]
        pipe.send(Done(nonce, generation, done_proof(master, nonce, generation)))
        return await pipe.receive(5)

    await done(0, generation)
    assert not old.ready
    await done(0, generation)  # the answer was lost: told again
    with pytest.raises(PolicyError, match="already"):
        await done(1, generation)
    pipe = await _dial(predecessor, lab.identity(IMAGE, "2"))
    pipe.send(Done(gifts[0][1], generation, bytes(32)))
    with pytest.raises(PolicyError, match="does not hold the master secret"):
        await pipe.receive(5)


async def test_an_old_state_is_not_taken_over(lab: KeyManagerLab) -> None:
    """The host puts the disk of a predecessor back to before it had the newest keys."""
    old = await lab.start("a", create=True)
    old.manager.approve(lab.approval(old, "2"))
    old.manager.generate((KeyKind.PROXY,), 30 * DAY)
    lab.ahead = TIME_LOCK + 1
    before = {name: (lab.directory / "a" / name).read_bytes() for name in (STATE_FILE, AUDIT_FILE)}
    new = await lab.start("b", "2", predecessor=lab.predecessor(old))
    new.manager.approve(lab.approval(new, "1", serial=2))
    await old.close()
    for name, content in before.items():
        (lab.directory / "a" / name).write_bytes(content)
    rolled_back = await lab.start("a")
    assert rolled_back.ready  # nobody can see it from the disk alone
    await new.close()
    await _retire(new)
    with pytest.raises(RemoteProtocolError, match="older than ours"):
        await lab.start("b", "2", predecessor=lab.predecessor(rolled_back))


async def _retire(role) -> None:  # type: ignore[no-untyped-def]
    manager = role.manager
    manager.commit(manager.state.next(successor=bytes(32), retired_at=1))


async def test_what_the_host_does_to_the_files(lab: KeyManagerLab) -> None:
    role = await lab.start("a", create=True)
    role.manager.generate((KeyKind.PROXY,), DAY)
    with pytest.raises(StoreError, match="in use"):
        await lab.start("a")
    await role.close()
    folder = lab.directory / "a"
    log = (folder / AUDIT_FILE).read_bytes()
    (folder / AUDIT_FILE).write_bytes(b"")
    with pytest.raises(StoreError, match="cut or exchanged"):
        await lab.start("a")
    (folder / AUDIT_FILE).write_bytes(log.replace(b"generated", b"generates"))
    with pytest.raises(StoreError, match="was changed"):
        await lab.start("a")
    (folder / AUDIT_FILE).write_bytes(log + b'{"torn')
    store = (folder / STATE_FILE).read_bytes()
    (folder / STATE_FILE).unlink()
    with pytest.raises(ConfigError, match="missing"):
        await lab.start("a")
    other = await lab.start("other", create=True)
    (folder / STATE_FILE).write_bytes((lab.directory / "other" / STATE_FILE).read_bytes())
    with pytest.raises(StoreError, match="another key manager"):
        await lab.start("a")
    assert other.ready
    (folder / STATE_FILE).write_bytes(store)
    await lab.start("a")
    with pytest.raises(ConfigError, match="create = true"):
        await lab.start("nothing")


async def test_the_seal_service_over_a_socket(tmp_path: Path) -> None:
    lab = KeyManagerLab(tmp_path)
    server = SealServer(lab.software, SealEndpoint.parse(f"unix:{tmp_path}/seal.sock"))
    await server.start()
    lab.enclave = SgxEnclave(server.endpoint, timeout=5)
    async with lab:
        role = await lab.start("a", create=True)
        await role.close()
        role = await lab.start("a")
        assert role.ready
    await server.close()
    with pytest.raises(UnavailableError, match="seal service"):
        await asyncio.to_thread(lab.unseal, "1", "1")


async def test_too_many_questions_end_the_connection(lab: KeyManagerLab) -> None:
    role = await lab.start("a", create=True)
    link = await dial(
        RatlsDial(identity=lab.identity("proxy"), policy=lab.policy()),
        "127.0.0.1",
        role.port,
        lambda: Link(Role.CONNECTOR, _Asker()),
    )
    await link.wait_open()
    with pytest.raises(RequestError, match="unknown query magic"):
        await link.query(t.ClientUpdatePaymentStatus(), 5)
    for _ in range(ports.MAX_QUERIES - 1):
        await link.query(t.KeyManagerGetProxyPrivateKeys(0), 5)
    started = time.monotonic()
    with pytest.raises(RequestError):
        await link.query(t.KeyManagerGetProxyPrivateKeys(0), 5)
    assert time.monotonic() - started < 4
