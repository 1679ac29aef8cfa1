"""``GET /attestation`` of a node."""

import asyncio
import threading
import time
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.responses import Response

from cocoon.attestation.challenge import verify_challenge
from cocoon.attestation.document import AttestationDocument
from cocoon.attestation.evidence import EvidenceKind, EvidenceSource
from cocoon.attestation.report import Outcome, Report
from cocoon.attestation.verify import PeerRole, verify_peer
from cocoon.devnet.tee import SimulatedTdx, SimulatedTee
from cocoon.errors import EvidenceError
from cocoon.net.attestation_page import (
    CHALLENGE_BURST,
    KEPT_SECONDS,
    MAX_WAITING,
    AttestationPage,
    PageFacts,
)
from cocoon.net.identity import Identity

pytestmark = pytest.mark.anyio

NONCE = bytes(range(32))


def now() -> int:
    """Asked for by each test: a long run begins minutes before it comes to this file."""
    return int(time.time())


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def tee(tmp_path_factory: pytest.TempPathFactory) -> SimulatedTee:
    return SimulatedTee(tmp_path_factory.mktemp("page") / "tee", now())


def page_of(
    tee: SimulatedTee,
    image: str = "worker",
    *,
    clock: Clock | None = None,
    answers: EvidenceSource | None = None,
) -> AttestationPage:
    source = SimulatedTdx(tee, image)
    return AttestationPage(
        Identity.generate(source),
        answers or source,
        PageFacts(role="worker", image_hash=source.image_hash, model="m@c:h"),
        clock=clock or Clock(),
    )


async def get(page: AttestationPage, query: str = "") -> Response:
    scope = {"type": "http", "method": "GET", "path": "/attestation", "headers": [],
             "query_string": query.encode()}  # fmt: skip
    return await page.answer(Request(scope))


async def test_a_page_shows_the_certificate_in_use(tee: SimulatedTee) -> None:
    page = page_of(tee)
    answer = await get(page)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    document = AttestationDocument.from_bytes(bytes(answer.body))
    again = AttestationDocument.from_bytes(bytes((await get(page)).body))
    assert document == again
    peer = verify_peer(document.certificate, tee.policy(now()), now(), role=PeerRole.SERVER)
    assert peer.kind is EvidenceKind.TDX_SIMULATED
    assert (document.role, document.model, document.challenge) == ("worker", "m@c:h", None)
    assert document.image_hash == peer.image_hash


async def test_a_challenge_is_answered_by_the_same_hardware(tee: SimulatedTee) -> None:
    answer = await get(page_of(tee), f"nonce={NONCE.hex()}")
    document = AttestationDocument.from_bytes(bytes(answer.body))
    policy = tee.policy(now())
    peer = verify_peer(document.certificate, policy, now(), role=PeerRole.SERVER)
    report = Report()
    verify_challenge(document.challenge, NONCE, peer, policy, now(), report=report)
    assert report.steps[0].outcome is Outcome.PASSED


@pytest.mark.parametrize("other", ["nonce", "key", "image", "none", "machine"])
async def test_an_answer_of_something_else_is_refused(
    tee: SimulatedTee, tmp_path: Path, other: str
) -> None:
    page = page_of(tee)
    document = await page.document(NONCE)
    policy = tee.policy(now())
    peer = verify_peer(document.certificate, policy, now(), role=PeerRole.SERVER)
    nonce, answer = NONCE, document.challenge
    if other == "nonce":
        nonce = bytes(32)
    elif other == "key":
        answer = (await page_of(tee).document(NONCE)).challenge
    elif other == "image":
        image = AttestationPage(page._identity, SimulatedTdx(tee, "other"), page._facts)
        answer = (await image.document(NONCE)).challenge
    elif other == "machine":
        stranger = SimulatedTdx(SimulatedTee(tmp_path / "other", now()), "worker")
        machine = AttestationPage(page._identity, stranger, page._facts)
        answer = (await machine.document(NONCE)).challenge
    else:
        answer = None
    report = Report()
    with pytest.raises(EvidenceError):
        verify_challenge(answer, nonce, peer, policy, now(), report=report)
    assert report.failure is not None


async def test_without_a_question_there_is_nothing_to_answer(tee: SimulatedTee) -> None:
    document = await page_of(tee).document()
    policy = tee.policy(now())
    peer = verify_peer(document.certificate, policy, now(), role=PeerRole.SERVER)
    report = Report()
    verify_challenge(None, None, peer, policy, now(), report=report)
    assert report.steps[0].outcome is Outcome.SKIPPED


@pytest.mark.parametrize(
    "nonce", ["", "00", "zz" * 32, "0x" + "00" * 31, "00 " * 21 + "0", "\u0660" * 64]
)
async def test_a_malformed_nonce_is_refused(tee: SimulatedTee, nonce: str) -> None:
    from urllib.parse import quote

    assert (await get(page_of(tee), f"nonce={quote(nonce)}")).status_code == 400


async def test_challenges_are_rationed_and_pages_are_not(tee: SimulatedTee) -> None:
    clock = Clock()
    page = page_of(tee, clock=clock)
    asked = [await get(page, f"nonce={NONCE.hex()}") for _ in range(int(CHALLENGE_BURST) + 1)]
    assert [answer.status_code for answer in asked] == [200] * int(CHALLENGE_BURST) + [429]
    assert asked[-1].headers["retry-after"] == "1"
    assert (await get(page)).status_code == 200
    clock.now += 1
    assert (await get(page, f"nonce={NONCE.hex()}")).status_code == 200
    assert (await get(page, f"nonce={NONCE.hex()}")).status_code == 429


async def test_the_hardware_is_asked_one_question_at_a_time(tee: SimulatedTee) -> None:
    class Slow(SimulatedTdx):
        running = most = 0

        def quote(self, report_data: bytes) -> bytes:
            Slow.running += 1
            Slow.most = max(Slow.most, Slow.running)
            time.sleep(0.01)
            Slow.running -= 1
            return super().quote(report_data)

    page = page_of(tee, answers=Slow(tee, "worker"))
    await asyncio.gather(*(page.document(NONCE) for _ in range(4)))
    assert Slow.most == 1


async def test_a_node_without_hardware_answers_no_challenge(tee: SimulatedTee) -> None:
    page = AttestationPage(Identity.generate(None), None, PageFacts(role="proxy"))
    assert (await get(page)).status_code == 200
    assert (await get(page, f"nonce={NONCE.hex()}")).status_code == 404


async def test_hardware_that_fails_is_named_by_its_class_only(tee: SimulatedTee) -> None:
    class Broken:
        kind = EvidenceKind.TDX

        def quote(self, report_data: bytes) -> bytes:
            raise EvidenceError("/secret/path")

    answer = await get(page_of(tee, answers=Broken()), f"nonce={NONCE.hex()}")
    assert answer.status_code == 503
    assert b"secret" not in bytes(answer.body)


async def test_logs_are_shown_as_they_are(tee: SimulatedTee) -> None:
    source = SimulatedTdx(tee, "worker")
    lines = f"cocoon:spec.tree={'ab' * 32}\ncocoon:tdx_inited\n"
    facts = PageFacts(role="worker", logs=lambda: (b"binary", lines))
    page = AttestationPage(Identity.generate(source), source, facts)
    document = await page.document()
    assert (document.event_log, document.start_up_log) == (b"binary", lines)
    assert document.config_hash == bytes.fromhex("ab" * 32)


@pytest.mark.parametrize("line", ["cocoon:spec.tree=zz", "cocoon:spec.tree=abcd", "other"])
async def test_a_configuration_that_was_not_measured_is_not_named(
    tee: SimulatedTee, line: str
) -> None:
    facts = PageFacts(role="worker", logs=lambda: (None, line))
    page = AttestationPage(Identity.generate(None), None, facts)
    assert (await page.document()).config_hash is None


async def test_readers_in_a_hurry_get_the_same_page(
    tee: SimulatedTee, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    page = page_of(tee, clock=clock)
    made = []
    to_bytes = AttestationDocument.to_bytes

    def counted(document: AttestationDocument) -> bytes:
        made.append(document)
        return to_bytes(document)

    monkeypatch.setattr(AttestationDocument, "to_bytes", counted)
    answers = await asyncio.gather(*(get(page) for _ in range(20)))
    assert len({bytes(answer.body) for answer in answers}) == len(made) == 1
    clock.now += KEPT_SECONDS
    await get(page)
    assert len(made) == 2


async def test_no_more_challenges_wait_than_slow_hardware_answers(tee: SimulatedTee) -> None:
    class Slow:
        kind = EvidenceKind.TDX_SIMULATED
        go_on = threading.Event()

        def quote(self, report_data: bytes) -> bytes:
            assert self.go_on.wait(5)
            return source.quote(report_data)

    clock, source, slow = Clock(), SimulatedTdx(tee, "worker"), Slow()
    page = page_of(tee, clock=clock, answers=slow)
    calls = []
    for _ in range(3 * MAX_WAITING):
        clock.now += 1  # the budget lets one in a second
        calls.append(asyncio.create_task(get(page, f"nonce={NONCE.hex()}")))
        await asyncio.sleep(0)
    done, waiting = await asyncio.wait(calls, timeout=0.2)
    assert {task.result().status_code for task in done} == {429}
    assert len(waiting) == MAX_WAITING
    slow.go_on.set()
    assert {(await task).status_code for task in waiting} == {200}
