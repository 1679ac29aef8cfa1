"""A worker against a scripted proxy: handshake, requests, payments, bad behaviour."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cocoon.chain.address import Address
from cocoon.chain.keys import SecretKey
from cocoon.chain.net_address import Endpoint, RegisteredProxy
from cocoon.engine.base import (
    EngineCapabilities,
    EngineHealth,
    EngineRequest,
    Fields,
    Headers,
    Prepared,
)
from cocoon.errors import ConfigError, DeadlineError, EngineError, OverloadedError, StoreError
from cocoon.net.dialing import SocksDial
from cocoon.testing.network import someone, test_root
from cocoon.testing.scripted_proxy import ScriptedWorkerProxy
from cocoon.tl import TLObject
from cocoon.tl import types as t
from cocoon.wire.events import (
    AnswerFailed,
    AnswerPart,
    AnswerStarted,
    AvailabilityChanged,
    Capabilities,
    CoefficientChanged,
    WorkerQuery,
)
from cocoon.wire.negotiation import PROXY_VERSIONS, VersionRange
from cocoon.worker import Worker, WorkerSettings
from cocoon.worker.request import MAX_PART

pytestmark = pytest.mark.anyio

ROOT = test_root(proxies=(RegisteredProxy(1, Endpoint("a", 1), Endpoint("a", 1)),))
BODY = b'{"model":"m","messages":[],"max_tokens":5}'
USAGE = b'{"choices":[],"usage":{"prompt_tokens":8,"completion_tokens":3}}'
JSON: Headers = (("Content-Type", "application/json"),)
EVENTS: Headers = (("Content-Type", "text/event-stream"),)


class FakeResponse:
    """An answer from a script: byte pieces, waits and errors."""

    def __init__(
        self, script: list[bytes | float | Exception], headers: Headers, status: int
    ) -> None:
        self.status = status
        self.reason = "OK"
        self.headers = headers
        self.content_length: int | None = None
        self.content_type = headers[0][1]
        self._script = list(script)
        self.closed = False

    @property
    def complete(self) -> bool:
        return all(isinstance(step, bytes) for step in self._script)

    async def next_chunk(self) -> bytes | None:
        while self._script:
            step = self._script.pop(0)
            if isinstance(step, bytes):
                return step
            if isinstance(step, Exception):
                raise step
            await asyncio.sleep(step)
        return None

    async def aclose(self) -> None:
        self.closed = True


class FakeEngine:
    """Answers every request from the same script."""

    def __init__(self) -> None:
        self.script: list[bytes | float | Exception] = [USAGE]
        self.headers = JSON
        self.status = 200
        self.health = EngineHealth(True, ("m",))
        self.requests: list[EngineRequest] = []
        self.responses: list[FakeResponse] = []
        self.refusal: Exception | None = None
        self.scopes: list[bytes] = []

    async def start(self) -> None: ...
    async def close(self) -> None: ...

    async def check(self) -> EngineHealth:
        return self.health

    async def capabilities(self, model: str = "") -> EngineCapabilities:
        return EngineCapabilities("vllm", "1", 4096, ("chat", "tools"))

    def prepare(self, path: str, fields: Fields, scope: bytes) -> Prepared:
        self.scopes.append(scope)
        return Prepared(path, fields)

    async def send(self, request: EngineRequest, deadline: float) -> FakeResponse:
        self.requests.append(request)
        if self.refusal is not None:
            raise self.refusal
        self.responses.append(FakeResponse(self.script, self.headers, self.status))
        return self.responses[-1]


class Setup:
    def __init__(self, worker: Worker, proxy: ScriptedWorkerProxy, engine: FakeEngine) -> None:
        self.worker = worker
        self.proxy = proxy
        self.engine = engine
        self._next = 0

    def send(self, query: bytes | None = None, **changes: Any) -> bytes:
        self._next += 1
        request_id = self._next.to_bytes(32, "big")
        message = WorkerQuery(request_id, query or http(), None, 1000, 5.0, max_tokens=10_000)
        message = msgspec.structs.replace(message, **changes)
        self.proxy.link.send(self.proxy.session.run_query(message))
        return request_id

    async def answers(self, request_id: bytes) -> list[Any]:
        await until(lambda: any(e.final for e in self.of(request_id)))
        return self.of(request_id)

    def of(self, request_id: bytes) -> list[Any]:
        kinds = (AnswerStarted, AnswerPart, AnswerFailed)
        found = [e for e in self.proxy.received if isinstance(e, kinds)]
        return [e for e in found if e.request_id == request_id]


def http(body: bytes = BODY, url: str = "/v1/chat/completions", method: str = "POST") -> bytes:
    headers = (t.HttpHeader("X-Test", "1"),)
    return t.HttpRequest(method, url, "HTTP/1.1", headers, body).to_bytes()


async def until(condition: Callable[[], bool], timeout: float = 5.0) -> None:
    async with asyncio.timeout(timeout):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0)


@asynccontextmanager
async def running(
    *,
    wait: bool = True,
    versions: VersionRange = PROXY_VERSIONS,
    prepare: Callable[[ScriptedWorkerProxy], None] = lambda _proxy: None,
    **changes: Any,
) -> AsyncIterator[Setup]:
    proxy = ScriptedWorkerProxy(ROOT, owner=someone(2), versions=versions)
    proxy.contract = ROOT.worker_address(
        Address.parse(someone(1)), proxy.proxy, proxy.key.public_key
    )
    prepare(proxy)
    engine = FakeEngine()
    defaults: dict[str, Any] = {
        "owner": someone(1),
        "model": "m@1:2",
        "root": ROOT,
        "engine": engine,
        "dial": SocksDial(),
        "http_port": None,
    }
    worker = Worker(WorkerSettings(**{**defaults, **changes}), dial=proxy.dial)
    await worker.start()
    try:
        if wait:
            await worker.wait_ready(5)
        yield Setup(worker, proxy, engine)
    finally:
        await worker.close()


# --- answers ---


async def test_whole_answer_is_one_message() -> None:
    async with running() as setup:
        (answer,) = await setup.answers(setup.send(debug=True))
        assert isinstance(answer, AnswerStarted)
        response = t.HttpResponse.from_bytes(answer.response)
        headers = {header.name: header.value for header in response.headers}
        assert headers["Content-Type"] == "application/json"
        assert headers["Content-Length"] == str(len(response.payload))
        assert "Transfer-Encoding" not in headers
        assert float(headers["X-Cocoon-Worker-Start"]) <= float(headers["X-Cocoon-Worker-End"])
        value = msgspec.json.decode(response.payload)
        assert value["usage"]["total_cost"] == 11 * 20
        assert answer.final.usage == t.TokensUsed(8, 0, 3, 0, 11)
        assert answer.final.worker_start > 0
        assert msgspec.json.decode(answer.final.worker_debug)["engine_status"] == 200
        (request,) = setup.engine.requests
        assert (request.method, request.path) == ("POST", "/v1/chat/completions")
        assert request.headers == (("X-Test", "1"),)
        assert setup.engine.responses[0].closed


async def test_streams_go_on_at_once() -> None:
    async with running() as setup:
        setup.engine.headers = EVENTS
        last = b"data: " + USAGE + b"\n\n"
        setup.engine.script = [0.01, b"data: {}\n\n", 0.01, b"data: {}\n\n", last]
        head, first, rest = await setup.answers(setup.send())
        response = t.HttpResponse.from_bytes(head.response)
        assert t.HttpHeader("Transfer-Encoding", "chunked") in response.headers
        assert response.payload == b""
        assert first.data == b"data: {}\n\n"
        assert rest.data.startswith(b"data: {}\n\ndata: ")
        assert rest.final.usage.total_tokens_used == 11
        assert setup.engine.requests[0].body == BODY


async def test_coefficient_of_the_query_and_rounding() -> None:
    async with running() as setup:
        (answer,) = await setup.answers(setup.send(coefficient=1464))
        assert answer.final.usage == t.TokensUsed(11, 0, 4, 0, 15)


async def test_usage_is_capped_by_the_body() -> None:
    async with running() as setup:
        setup.engine.script = [b'{"usage":{"prompt_tokens":1,"completion_tokens":900}}']
        (answer,) = await setup.answers(setup.send())
        assert answer.final.usage.completion_tokens_used == 5


async def test_missing_usage_is_estimated_and_marked() -> None:
    async with running() as setup:
        setup.engine.script = [b'{"choices":[{"message":{"content":"' + b"x" * 400 + b'"}}]}']
        (answer,) = await setup.answers(setup.send(debug=True))
        assert answer.final.usage.completion_tokens_used == 5
        assert b'"estimated":true' in answer.final.worker_debug.encode()
        assert setup.worker.statistics.estimated == 1


async def test_long_answers_are_cut() -> None:
    async with running(annotate_costs=False) as setup:
        setup.engine.headers = EVENTS
        setup.engine.script = [bytes(3 * MAX_PART + 5), 0.0, bytes(MAX_PART)]
        parts = (await setup.answers(setup.send()))[1:]
        assert [len(part.data) for part in parts] == [MAX_PART] * 3 + [5, MAX_PART]
        setup.engine.script = [bytes(2 * MAX_PART + 1)]
        head, *parts = await setup.answers(setup.send())
        assert t.HttpResponse.from_bytes(head.response).payload == b""
        assert [len(part.data) for part in parts] == [2 * MAX_PART, 1] or [
            len(part.data) for part in parts
        ] == [MAX_PART, MAX_PART, 1]


@pytest.mark.parametrize("version", [1, 2])
async def test_every_version_ends_with_final_info(version: int) -> None:
    async with running(versions=VersionRange(0, version)) as setup:
        (answer,) = await setup.answers(setup.send())
        assert answer.final.usage.total_tokens_used == 11
        assert (answer.final.worker_start is not None) == (version == 2)
        (answer,) = await setup.answers(setup.send(http(b"{")))
        assert isinstance(answer, AnswerFailed)


async def test_an_error_status_is_an_answer() -> None:
    async with running() as setup:
        setup.engine.status = 503
        setup.engine.script = [b"busy"]
        (answer,) = await setup.answers(setup.send())
        response = t.HttpResponse.from_bytes(answer.response)
        assert (response.status_code, response.payload) == (503, b"busy")
        assert answer.final.usage.total_tokens_used == 0


# --- failures ---


@pytest.mark.parametrize(
    ("query", "text"),
    [
        (http(b"{"), "not a JSON object"),
        (http(b'{"model":"other","messages":[]}'), "another model"),
        (http(b'{"model":"m"}'), "'messages' is missing"),
        (http(b'{"model":"m","messages":[],"tool_box":1}'), "unknown option 'tool_box'"),
        (http(url="/v1/files"), "unsupported method"),
        (http(url="/v1/chat/completions?x=1"), "unsupported method"),
        (http(method="GET"), "unsupported method"),
        (http(b"[" * 100_000), "nested deeper"),
        (b"garbage!", "unknown constructor"),
        (http()[:-4], "runs past the end"),
    ],
)
async def test_refused_requests(query: bytes, text: str) -> None:
    async with running() as setup:
        (answer,) = await setup.answers(setup.send(query))
        assert isinstance(answer, AnswerFailed)
        assert answer.code == 701
        assert text in answer.message
        assert answer.final is not None
        assert setup.engine.requests == []
        assert setup.worker.connections == 1


@pytest.mark.parametrize(
    ("script", "refusal", "code", "started"),
    [
        ([], EngineError("cannot be reached"), 651, False),
        ([], DeadlineError("no head"), 652, False),
        ([0.0, EngineError("broke off")], None, 601, True),
        ([0.0, b"part", EngineError("broke off")], None, 601, True),
        ([0.0, DeadlineError("late")], None, 652, True),
        ([0.0, ValueError("a bug with SECRET inside")], None, 601, True),
    ],
)
async def test_engine_failures(
    script: list[Any], refusal: Exception | None, code: int, started: bool
) -> None:
    async with running() as setup:
        setup.engine.headers = EVENTS
        setup.engine.script, setup.engine.refusal = script, refusal
        answers = await setup.answers(setup.send())
        assert isinstance(answers[-1], AnswerFailed)
        assert answers[-1].code == code
        assert isinstance(answers[0], AnswerStarted) == started
        assert "SECRET" not in answers[-1].message
        assert answers[-1].final is not None
        assert all(response.closed for response in setup.engine.responses)
        assert setup.worker.statistics.active == 0


async def test_the_alarm_rings() -> None:
    async with running() as setup:
        setup.engine.headers = EVENTS
        setup.engine.script = [b"data: {}\n\n", b"data: {}\n\n", 60.0]
        answers = await setup.answers(setup.send(timeout=0.05))
        assert answers[-1].code == 652
        assert answers[-1].final.usage.completion_tokens_used == 2  # what came is paid for
        assert setup.engine.responses[0].closed
        answers = await setup.answers(setup.send(timeout=0.0))
        assert answers[-1].code == 652
        setup.engine.headers, setup.engine.script = JSON, [USAGE]
        answers = await setup.answers(setup.send(timeout=1e300))
        assert answers[-1].final.usage.total_tokens_used == 11


async def test_negative_numbers_are_refused() -> None:
    async with running() as setup:
        for changes in ({"coefficient": -1}, {"timeout": -1.0}, {"timeout": float("nan")}):
            (answer,) = await setup.answers(setup.send(**changes))
            assert (type(answer), answer.code) == (AnswerFailed, 602)
        assert setup.worker.connections == 1


async def test_too_many_active_queries() -> None:
    async with running(max_active_requests=2) as setup:
        setup.engine.headers = EVENTS
        setup.engine.script = [0.1, USAGE]
        ids = [setup.send() for _ in range(3)]
        refused = (await setup.answers(ids[2]))[0]
        assert (refused.code, refused.message) == (602, "too many active queries")
        for request_id in ids[:2]:
            assert (await setup.answers(request_id))[-1].final is not None
        assert setup.worker.statistics.rejected == 1


async def test_the_engine_is_stopped_when_the_proxy_is_gone() -> None:
    async with running() as setup:
        setup.engine.headers = EVENTS
        setup.engine.script = [60.0]
        setup.send()
        await until(lambda: bool(setup.engine.responses))
        setup.proxy.link.close()
        await until(lambda: setup.engine.responses[0].closed)
        assert setup.worker.statistics.active == 0
        await setup.worker.wait_ready(5)


async def test_a_proxy_that_does_not_read_does_not_fill_memory() -> None:
    async with running(annotate_costs=False) as setup:
        setup.engine.headers = EVENTS
        setup.engine.script = [0.0] + [bytes(MAX_PART)] * 1000 + [0.0]
        setup.proxy.link.pause_reading()
        request = setup.proxy.session.run_query(
            WorkerQuery(bytes(32), http(), None, 1000, 5.0, max_tokens=5)
        )
        setup.proxy.link.send(request)
        await asyncio.sleep(0.05)
        (response,) = setup.engine.responses
        assert len(response._script) > 900
        assert setup.worker.uplinks[0]._link.unsent < 16 * MAX_PART
        setup.proxy.link.resume_reading()
        await setup.answers(bytes(32))


# --- offers ---


async def test_offer_changes_reach_the_proxy() -> None:
    async with running() as setup:
        assert setup.proxy.ready is not None
        assert not setup.proxy.ready.disabled
        setup.worker.set_enabled(False)
        setup.worker.change_coefficient(2500)
        setup.worker.set_enabled(True)
        await until(lambda: len(setup.proxy.received) == 4)
        assert setup.proxy.received == [
            Capabilities("vllm", 4096, ("chat", "tools")),
            AvailabilityChanged(True),
            CoefficientChanged(2500),
            AvailabilityChanged(False),
        ]
        with pytest.raises(ConfigError):
            setup.worker.change_coefficient(-1)


async def test_changes_during_the_handshake_are_not_lost() -> None:
    async with running(wait=False, disabled=True) as setup:
        await until(lambda: bool(setup.proxy.claimed))
        setup.worker.change_coefficient(1234)
        await until(lambda: CoefficientChanged(1234) in setup.proxy.received)
        assert setup.proxy.ready is not None
        assert setup.proxy.ready.disabled


async def test_work_right_behind_the_handshake() -> None:
    """A proxy may send a request in the same piece of bytes as its last answer."""

    class Eager(ScriptedWorkerProxy):
        def on_query(self, link: Any, query_id: int, obj: Any) -> None:
            super().on_query(link, query_id, obj)
            if isinstance(obj, t.WorkerProxyHandshakeComplete):
                query = WorkerQuery(bytes(32), http(), None, 1000, 5.0, max_tokens=5)
                link.send(self.session.run_query(query))

    proxy = Eager(ROOT, owner=someone(2))
    engine = FakeEngine()
    settings = WorkerSettings(
        owner=someone(1), model="m", root=ROOT, engine=engine, dial=SocksDial(), http_port=None
    )
    worker = Worker(settings, dial=proxy.dial)
    await worker.start()
    await until(lambda: any(isinstance(event, AnswerStarted) for event in proxy.received))
    answers = [event for event in proxy.received if isinstance(event, AnswerStarted)]
    assert answers[0].final.usage.total_tokens_used == 11
    await worker.close()


async def test_the_engine_decides_availability() -> None:
    async with running() as setup:
        setup.engine.health = EngineHealth(False, reason="down")
        await setup.worker.monitor.check()
        await until(lambda: AvailabilityChanged(True) in setup.proxy.received)
        assert not setup.worker.ready
        setup.engine.health = EngineHealth(True, ("another",))
        assert not (await setup.worker.monitor.check()).ready
        setup.engine.health = EngineHealth(True, ("another", "m"))
        await setup.worker.monitor.check()
        await until(lambda: AvailabilityChanged(False) in setup.proxy.received)


async def test_a_failed_request_hurries_the_check() -> None:
    async with running() as setup:
        setup.engine.refusal = EngineError("gone")
        setup.engine.health = EngineHealth(False, reason="gone")
        await setup.answers(setup.send())
        await until(lambda: not setup.worker.ready, timeout=0.9)


# --- payments ---


async def paid(setup: Setup, tokens: int) -> None:
    request_id = setup.send()
    await setup.answers(request_id)
    setup.proxy.state(tokens)
    setup.proxy.paid(request_id, 11)


async def test_earnings_survive_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "earnings.json"
    async with running(state_path=path) as setup:
        await paid(setup, 11)
        await until(lambda: setup.worker.payouts.report()[0].signed == 11)
        assert setup.worker.payouts.report()[0].signed_fee == 110
    async with running(state_path=path, prepare=lambda proxy: proxy.state(11)) as setup:
        (claimed,) = setup.proxy.claimed
        assert (claimed.signed, claimed.db, claimed.max) == (11, 11, 11)
        assert setup.worker.payouts.report()[0].signed == 11

    def rolled_back(proxy: ScriptedWorkerProxy) -> None:
        proxy.state(10)

    async with running(wait=False, state_path=path, prepare=rolled_back) as setup:
        await until(lambda: bool(setup.proxy.links) and setup.proxy.links[0].is_closed)
        assert not setup.worker.ready

    def crashed(proxy: ScriptedWorkerProxy) -> None:
        proxy.state(11)
        proxy.max = 11

    path.write_text(path.read_text().replace('"max": 11', '"max": 99'))
    async with running(state_path=path, prepare=crashed) as setup:
        assert setup.proxy.claimed[0].max == 99
        await paid(setup, 22)
        await until(lambda: setup.worker.payouts.report()[0].signed == 22)


async def test_a_payment_overtakes_the_status_that_was_asked_for() -> None:
    """Both arrive in one piece: the answer's turn comes last, and it states less than is known."""
    async with running() as setup:
        setup.proxy.state(3)
        answer = setup.proxy.answer

        def answer_and_pay(obj: TLObject) -> TLObject | None:
            result = answer(obj)
            loop = asyncio.get_running_loop()
            loop.call_soon(lambda: (setup.proxy.state(5), setup.proxy.paid(bytes(32), 2)))
            return result

        setup.proxy.answer = answer_and_pay  # type: ignore[method-assign]
        await setup.worker.update_payments()
        (earned,) = setup.worker.payouts.report()
        assert (earned.signed, earned.db, earned.max) == (5, 5, 5)
        assert setup.proxy.closed == []


async def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "earnings.json"
    async with running(state_path=path) as setup:
        await paid(setup, 11)
        await until(lambda: setup.worker.payouts.report()[0].signed == 11)
    path.write_text(path.read_text().replace('"signed": 11', '"signed": 12'))
    async with running(wait=False, state_path=path) as setup:
        await until(lambda: bool(setup.proxy.links) and setup.proxy.links[0].is_closed)
        assert not setup.worker.ready
    for content in ("", "{}", "[]", '{"version":2,"channels":{}}', "\x00", "[" * 10_000):
        path.write_text(content)
        with pytest.raises(StoreError):
            async with running(wait=False, state_path=path):
                pass


async def test_bad_payments_close_the_link() -> None:
    async def breaks(lie: Callable[[ScriptedWorkerProxy], None]) -> None:
        async with running() as setup:
            await paid(setup, 11)
            await until(lambda: setup.worker.payouts.report()[0].signed == 11)
            lie(setup.proxy)
            setup.proxy.paid(bytes(32), 1)
            await until(lambda: bool(setup.proxy.closed))
            assert setup.worker.payouts.report()[0].signed == 11

    def wrong_key(proxy: ScriptedWorkerProxy) -> None:
        proxy.db = proxy.max = 12
        proxy.payment = proxy.envelope(12, key=SecretKey(bytes([1]) * 32))

    def other_contract(proxy: ScriptedWorkerProxy) -> None:
        proxy.db = proxy.max = 12
        proxy.contract = Address(bytes([5]) * 32)
        proxy.payment = proxy.envelope(12)

    def lower_signed(proxy: ScriptedWorkerProxy) -> None:
        proxy.payment = proxy.envelope(10)

    def lower_max(proxy: ScriptedWorkerProxy) -> None:
        proxy.state(11, signed=10)
        proxy.max = 10

    def empty(proxy: ScriptedWorkerProxy) -> None:
        proxy.payment = None

    def negative(proxy: ScriptedWorkerProxy) -> None:
        proxy.db = -1

    for lie in (wrong_key, other_contract, lower_signed, lower_max, empty, negative):
        await breaks(lie)


# --- handshake ---


async def test_bad_handshakes() -> None:
    def address(proxy: ScriptedWorkerProxy) -> None:
        proxy.identity = replace(proxy.identity, contract_address=someone(77))

    def other_network(proxy: ScriptedWorkerProxy) -> None:
        proxy.identity = replace(proxy.identity, is_test=False)

    def refused(proxy: ScriptedWorkerProxy) -> None:
        proxy.replace[t.WorkerConnectToProxy] = OverloadedError("disabled")

    def wrong_answer(proxy: ScriptedWorkerProxy) -> None:
        proxy.replace[t.WorkerProxyHandshakeComplete] = t.WorkerPaymentStatus(
            t.ProxySignedPaymentEmpty(), 0, 0
        )

    def bad_payment(proxy: ScriptedWorkerProxy) -> None:
        proxy.state(5)
        proxy.payment = b"garbage"

    for lie in (address, other_network, refused, wrong_answer, bad_payment):
        async with running(wait=False, prepare=lie) as setup:
            await until(lambda s=setup: bool(s.proxy.links) and s.proxy.links[0].is_closed)
            assert not setup.worker.ready
            assert setup.proxy.received == []


async def test_settings_are_checked() -> None:
    for wrong in (
        {"model": ""},
        {"coefficient": -1},
        {"coefficient": 10**9},
        {"max_active_requests": 0},
        {"proxy_connections": 0},
        {"owner": "nobody"},
        {"is_test": False},
    ):
        with pytest.raises(ConfigError):
            async with running(wait=False, **wrong):
                pass


# --- version 3 ---


async def test_a_body_may_not_ask_for_more_than_was_reserved() -> None:
    async with running() as setup:
        (answer,) = await setup.answers(setup.send(max_tokens=4))  # the body says 5
        assert isinstance(answer, AnswerFailed)
        assert answer.code == 701
        assert setup.engine.requests == []
        (answer,) = await setup.answers(setup.send(max_tokens=5))
        assert isinstance(answer, AnswerStarted)


async def test_a_body_without_a_limit_gets_the_reserved_one() -> None:
    async with running() as setup:
        body = b'{"model":"m","messages":[]}'
        await setup.answers(setup.send(http(body), max_tokens=7))
        assert b'"max_tokens":7' in setup.engine.requests[0].body


@pytest.mark.parametrize(("version", "scope"), [(2, b""), (3, b"s" * 32)])
async def test_whose_prompt_cache_it_is(version: int, scope: bytes) -> None:
    async with running(versions=VersionRange(0, version)) as setup:
        await setup.answers(setup.send(cache_scope=b"s" * 32))
        assert setup.engine.scopes == [scope]


async def test_a_scope_of_zeros_is_nobodys() -> None:
    async with running() as setup:
        await setup.answers(setup.send())
        assert setup.engine.scopes == [b""]


async def test_a_cancelled_request_stops_the_engine_and_tells_what_was_used() -> None:
    async with running() as setup:
        setup.engine.headers = EVENTS
        setup.engine.script = [b"data: {}\n\n", b"data: {}\n\n", 30.0]
        request_id = setup.send()
        await until(lambda: len(setup.of(request_id)) >= 3)
        message = setup.proxy.session.cancel_query(request_id)
        assert message is not None
        setup.proxy.link.send(message)
        setup.proxy.link.send(message)
        failed = (await setup.answers(request_id))[-1]
        assert isinstance(failed, AnswerFailed)
        assert failed.code == 653
        assert failed.final.usage.completion_tokens_used == 2
        assert failed.final.usage.prompt_tokens_used > 0
        assert setup.engine.responses[0].closed
        statistics = setup.worker.statistics
        assert (statistics.active, statistics.cancelled) == (0, 1)


async def test_what_is_cancelled_too_late_or_never_ran_is_ignored() -> None:
    async with running() as setup:
        request_id = setup.send()
        await setup.answers(request_id)
        for unknown in (request_id, b"?" * 32):
            message = setup.proxy.session.cancel_query(unknown)
            assert message is not None
            setup.proxy.link.send(message)
        await setup.answers(setup.send())
        assert len(setup.of(request_id)) == 1


async def test_the_proxy_is_told_what_the_engine_can_do() -> None:
    async with running() as setup:
        told = [event for event in setup.proxy.received if isinstance(event, Capabilities)]
        assert told == [Capabilities("vllm", 4096, ("chat", "tools"))]


async def test_what_is_cancelled_before_it_begins_is_answered_too() -> None:
    async with running() as setup:
        request_id = setup.send()
        message = setup.proxy.session.cancel_query(request_id)
        assert message is not None
        setup.proxy.link.send(message)  # both arrive at once
        (failed,) = await setup.answers(request_id)
        assert (failed.code, failed.final.usage.total_tokens_used) == (653, 0)
        assert setup.engine.requests == []
        assert setup.worker.statistics.active == 0
        await setup.answers(setup.send())
