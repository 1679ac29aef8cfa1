"""A client against a scripted proxy: handshake, answers in every form, payments, bad behaviour."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from cocoon.chain.address import Address
from cocoon.chain.keys import SecretKey
from cocoon.chain.net_address import Endpoint, RegisteredProxy
from cocoon.client import Client, ClientRequest, ClientSettings, charges
from cocoon.client.api import Outcome
from cocoon.client.request import Response
from cocoon.errors import (
    BadRequestError,
    CancelledRequestError,
    CocoonError,
    DeadlineError,
    OverloadedError,
    PaymentError,
    RequestError,
    UnavailableError,
    UnknownModelError,
    UpstreamError,
)
from cocoon.net.dialing import SocksDial
from cocoon.testing.network import someone, test_root
from cocoon.testing.scripted_proxy import ScriptedClientProxy
from cocoon.tl import TLObject
from cocoon.tl import types as t
from cocoon.wire.events import (
    AnswerFailed,
    AnswerPart,
    AnswerStarted,
    FinalInfo,
    RunQuery,
    WorkerOffer,
)
from cocoon.wire.negotiation import PROXY_VERSIONS, VersionRange

pytestmark = pytest.mark.anyio

PROXIES = (RegisteredProxy(1, Endpoint("a", 1), Endpoint("a", 1)),)
ROOT = test_root(proxies=PROXIES)
USED = t.TokensUsed(3, 0, 4, 0, 7)
FINAL = FinalInfo(USED, worker_start=1.0, worker_end=2.0, proxy_start=1.0, proxy_end=2.0)
REQUEST = ClientRequest("m", "/v1/chat/completions", b"{}", max_tokens=10, timeout=5.0)


def head(payload: bytes = b"", status: int = 200) -> bytes:
    headers = (t.HttpHeader("Content-Type", "text/plain"), t.HttpHeader("X-Cocoon-Test", "1"))
    return t.HttpResponse("HTTP/1.1", status, "OK", headers, payload).to_bytes()


class Setup:
    """A client and its proxy."""

    def __init__(self, client: Client, proxy: ScriptedClientProxy) -> None:
        self.client = client
        self.proxy = proxy

    async def begin(self, request: ClientRequest = REQUEST) -> asyncio.Task[Response]:
        before = len(self.proxy.queries)
        task = asyncio.create_task(self.client.run(request))
        await until(lambda: len(self.proxy.queries) > before or task.done())
        return task

    @property
    def query(self) -> RunQuery:
        return self.proxy.queries[-1]


async def until(condition: Callable[[], bool], timeout: float = 5.0) -> None:
    async with asyncio.timeout(timeout):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0)


def make_settings(**changes: Any) -> ClientSettings:
    defaults: dict[str, Any] = {"wallet": someone(1), "root": ROOT, "dial": SocksDial()}
    return ClientSettings(**{**defaults, **changes})


@asynccontextmanager
async def running(
    *,
    wait: bool = True,
    versions: VersionRange = PROXY_VERSIONS,
    prepare: Callable[[ScriptedClientProxy], None] = lambda _proxy: None,
    **changes: Any,
) -> AsyncIterator[Setup]:
    proxy = ScriptedClientProxy(ROOT, owner=someone(2), versions=versions)
    prepare(proxy)
    client = Client(make_settings(**changes), dial=proxy.dial)
    await client.start()
    try:
        if wait:
            await client.wait_ready(5)
        yield Setup(client, proxy)
    finally:
        await client.close()


# --- answers ---


async def test_whole_answer_in_one_message() -> None:
    async with running() as setup:
        task = await setup.begin()
        assert (setup.query.model, setup.query.max_tokens) == ("m", 10)
        assert setup.query.timeout == pytest.approx(0.95 * 5.0, rel=0.01)
        setup.proxy.started(AnswerStarted(setup.query.request_id, head(b"body"), FINAL))
        response = await task
        assert await response.read() == b"body"
        assert response.summary is not None
        assert (response.summary.total, response.summary.cost) == (7, 140)
        assert dict(response.headers)["X-Cocoon-Test"] == "1"


async def test_streamed_answer() -> None:
    async with running() as setup:
        task = await setup.begin()
        request_id = setup.query.request_id
        setup.proxy.started(AnswerStarted(request_id, head()))
        response = await task
        setup.proxy.part(AnswerPart(request_id, b"one"))
        pieces = response.__aiter__()
        assert await pieces.__anext__() == b"one"
        assert response.summary is None
        setup.proxy.part(AnswerPart(request_id, b"two"))
        setup.proxy.part(AnswerPart(request_id, b"three", FINAL))
        assert await response.read() == b"twothree"
        assert response.summary is not None


@pytest.mark.parametrize("version", [1, 2])
async def test_old_errors_reach_a_new_client(version: int) -> None:
    async with running(versions=VersionRange(0, version)) as setup:
        task = await setup.begin()
        used = t.TokensUsed(0, 0, 0, 0, 0)
        setup.proxy.link.send(
            t.ClientQueryAnswerError(651, "no workers", setup.query.request_id, used)
        )
        with pytest.raises(UnavailableError, match="no workers"):
            await task
        task = await setup.begin()
        setup.proxy.started(AnswerStarted(setup.query.request_id, head()))
        response = await task
        setup.proxy.link.send(
            t.ClientQueryAnswerPartError(652, "too late", setup.query.request_id, used)
        )
        with pytest.raises(DeadlineError, match="too late"):
            await response.read()


@pytest.mark.parametrize(
    ("code", "final", "expected"),
    [
        (602, None, BadRequestError),
        (621, None, UnknownModelError),
        (621, FINAL, BadRequestError),
        (651, None, UnavailableError),
        (652, FINAL, DeadlineError),
        (653, None, CancelledRequestError),
        (0, None, UpstreamError),
        (-5, None, UpstreamError),
    ],
)
async def test_error_classes(code: int, final: FinalInfo | None, expected: type[Exception]) -> None:
    async with running() as setup:
        task = await setup.begin()
        setup.proxy.failed(AnswerFailed(setup.query.request_id, code, "because", final))
        with pytest.raises(expected, match="because"):
            await task


async def test_texts_of_peers_are_made_readable() -> None:
    async with running() as setup:
        task = await setup.begin()
        text = "bad \udcff\x1b[31m" + "x" * 5000
        setup.proxy.failed(AnswerFailed(setup.query.request_id, 601, text, None))
        with pytest.raises(UpstreamError) as failed:
            await task
        assert str(failed.value).encode().startswith(b"bad \xef\xbf\xbd\xef\xbf\xbd[31mx")
        assert len(str(failed.value)) <= 1000
        task = await setup.begin(structs.replace(REQUEST, debug=True))
        final = FinalInfo(USED, worker_debug="\udcff", proxy_debug='{"worker":{"owner":7}}')
        setup.proxy.started(AnswerStarted(setup.query.request_id, head(b"x"), final))
        response = await task
        await response.read()
        assert response.summary is not None
        assert response.summary.worker_debug == "\ufffd"
        assert response.summary.worker is not None
        assert response.summary.worker.address == ""


async def test_error_after_the_start_keeps_what_came() -> None:
    async with running() as setup:
        task = await setup.begin()
        request_id = setup.query.request_id
        setup.proxy.started(AnswerStarted(request_id, head(b"some")))
        setup.proxy.failed(AnswerFailed(request_id, 601, "engine broke off", FINAL), started=True)
        response = await task
        pieces = response.__aiter__()
        assert await pieces.__anext__() == b"some"
        with pytest.raises(UpstreamError):
            await pieces.__anext__()


async def test_late_and_unknown_answers_are_ignored() -> None:
    async with running() as setup:
        setup.proxy.part(AnswerPart(bytes(32), b"whose?"))
        task = await setup.begin()
        request_id = setup.query.request_id
        setup.proxy.started(AnswerStarted(request_id, head(b"x"), FINAL))
        setup.proxy.part(AnswerPart(request_id, b"late"))
        setup.proxy.failed(AnswerFailed(request_id, 601, "late"), started=True)
        assert await (await task).read() == b"x"
        assert setup.client.ready


@pytest.mark.parametrize(
    "wrong",
    [
        lambda i: [AnswerStarted(i, head()), AnswerStarted(i, head())],
        lambda i: [AnswerPart(i, b"before the head")],
    ],
)
async def test_answers_out_of_order_close_the_link(wrong: Callable[[bytes], list[Any]]) -> None:
    async with running(max_retries=0) as setup:
        task = await setup.begin()
        for event in wrong(setup.query.request_id):
            send = setup.proxy.started if isinstance(event, AnswerStarted) else setup.proxy.part
            send(event)
        with pytest.raises(UnavailableError):
            await (await task).read()
        await until(lambda: len(setup.proxy.links) == 2)
        await setup.client.wait_ready(5)


async def test_huge_and_negative_usage_closes_the_link() -> None:
    async with running(max_retries=0) as setup:
        task = await setup.begin()
        wrong = FinalInfo(t.TokensUsed(-1, 0, 0, 0, -1))
        setup.proxy.started(AnswerStarted(setup.query.request_id, head(b"x"), wrong))
        with pytest.raises(UnavailableError):
            await task
    async with running(max_retries=0) as setup:
        task = await setup.begin()
        much = FinalInfo(t.TokensUsed(2**62, 0, 0, 0, 2**62))
        setup.proxy.started(AnswerStarted(setup.query.request_id, head(b"x"), much))
        await task
        await until(lambda: bool(setup.proxy.closed))


@pytest.mark.parametrize("garbage", [b"", b"garbage", head()[:-4], head(status=99)])
async def test_a_malformed_answer_fails_one_request_only(garbage: bytes) -> None:
    async with running() as setup:
        first = await setup.begin()
        bad = setup.query.request_id
        second = await setup.begin()
        setup.proxy.started(AnswerStarted(bad, garbage))
        with pytest.raises(UpstreamError):
            await first
        setup.proxy.started(AnswerStarted(setup.query.request_id, head(b"fine"), FINAL))
        assert await (await second).read() == b"fine"


async def test_deadline() -> None:
    async with running() as setup:
        with pytest.raises(DeadlineError):
            await setup.client.run(structs.replace(REQUEST, timeout=0.05))
        setup.proxy.started(AnswerStarted(setup.query.request_id, head(b"late"), FINAL))
        task = await setup.begin(structs.replace(REQUEST, timeout=0.05))
        setup.proxy.started(AnswerStarted(setup.query.request_id, head(b"part")))
        response = await task
        with pytest.raises(DeadlineError):
            await response.read()
        assert setup.client.ready


async def test_abandoned_answers_leave_nothing_behind() -> None:
    async with running() as setup:
        task = await setup.begin()
        setup.proxy.started(AnswerStarted(setup.query.request_id, head(b"part")))
        async with await task:
            pass
        task = await setup.begin()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        (connection,) = setup.client._pool.ready
        assert connection.outstanding == 0


@pytest.mark.parametrize("how", ["cancelled", "closed", "late"])
async def test_what_an_abandoned_request_costs_is_told_in_the_end(
    how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(charges, "PATIENCE", 0.05)
    outcomes: list[Outcome] = []
    limit = 0.05 if how == "late" else 0.2
    request = structs.replace(REQUEST, timeout=limit, on_settled=outcomes.append)
    async with running() as setup:
        task = await setup.begin(request)
        if how == "closed":
            setup.proxy.started(AnswerStarted(setup.query.request_id, head(b"part")))
            await (await task).aclose()
        elif how == "cancelled":
            task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert outcomes == []
        await asyncio.sleep(limit + 0.15)
        assert outcomes == [Outcome(setup.client.bound(request), told=False)]


async def test_requests_that_cannot_be_sent() -> None:
    async with running() as setup:
        wrong = [
            structs.replace(REQUEST, timeout=0.0),
            structs.replace(REQUEST, timeout=float("nan")),
            structs.replace(REQUEST, timeout=1e300),
            structs.replace(REQUEST, max_tokens=-1),
            structs.replace(REQUEST, max_tokens=2**40),
            structs.replace(REQUEST, max_coefficient=-1),
            structs.replace(REQUEST, body=bytes(2**24)),
            structs.replace(REQUEST, headers=(("a", "b" * 2**24),)),
        ]
        for request in wrong:
            with pytest.raises(BadRequestError):
                await setup.client.run(request)
        assert setup.proxy.queries == []


# --- losing the proxy ---


async def test_a_proxy_that_is_cut_off_by_the_very_request() -> None:
    """It reads nothing: the request that overflows its link closes it and fails at once."""
    async with running() as setup:
        (connection,) = setup.client._pool.ready
        link = connection._link
        assert link is not None
        link._paused = True
        link._max_unsent = 10
        with pytest.raises(UnavailableError, match="does not read"):
            await setup.client.run(REQUEST)
        assert connection.outstanding == 0


async def test_link_death_fails_all_at_once_and_reconnects() -> None:
    async with running(max_retries=0) as setup:
        waiting = await setup.begin()
        streaming = await setup.begin()
        setup.proxy.started(AnswerStarted(setup.query.request_id, head(b"part")))
        response = await streaming
        setup.proxy.link.close()
        with pytest.raises(UnavailableError):
            await waiting
        with pytest.raises(UnavailableError):
            await response.read()
        await setup.client.wait_ready(5)
        task = await setup.begin()
        setup.proxy.started(AnswerStarted(setup.query.request_id, head(b"again"), FINAL))
        assert await (await task).read() == b"again"


async def test_not_ready() -> None:
    async with running(wait=False) as setup:
        assert not setup.client.ready
        with pytest.raises(UnavailableError):
            await setup.client.run(REQUEST)
        with pytest.raises(UnavailableError):
            await setup.client.models()


# --- handshake ---


async def stays_away(**changes: Any) -> Setup:
    async with running(wait=False, **changes) as setup:
        await until(lambda: len(setup.proxy.links) >= 1)
        await until(lambda: all(link.is_closed for link in setup.proxy.links))
        assert not setup.client.ready
        return setup


async def test_image_is_checked_before_anything_is_sent() -> None:
    setup = await stays_away(check_proxy_hashes=True)
    assert all(not isinstance(reason, RequestError) or reason for reason in setup.proxy.closed)
    assert setup.proxy.contract == Address(bytes(32))  # it was never told who we are


async def test_wrong_contract_addresses() -> None:
    def lie_about_proxy(proxy: ScriptedClientProxy) -> None:
        proxy.identity = replace(proxy.identity, contract_address=someone(77))

    def lie_about_key(proxy: ScriptedClientProxy) -> None:
        proxy.identity = replace(proxy.identity, public_key=bytes(31) + b"\1")

    def lie_about_form(proxy: ScriptedClientProxy) -> None:
        proxy.identity = replace(proxy.identity, contract_address=proxy.proxy.raw())

    def lie_about_network(proxy: ScriptedClientProxy) -> None:
        text = proxy.proxy.friendly(testnet=False)
        proxy.identity = replace(proxy.identity, contract_address=text)

    for lie in (lie_about_proxy, lie_about_key, lie_about_form, lie_about_network):
        setup = await stays_away(prepare=lie)
        assert setup.proxy.queries == []


async def test_refusals_in_the_handshake() -> None:
    def refuse(proxy: ScriptedClientProxy) -> None:
        proxy.replace[t.ClientConnectToProxy] = OverloadedError("proxy is disabled")

    def wrong_answer(proxy: ScriptedClientProxy) -> None:
        proxy.replace[t.ClientConnectToProxy] = t.ClientWorkerTypes(())

    def no_authorization(proxy: ScriptedClientProxy) -> None:
        proxy.replace[t.ClientAuthorizeWithProxyShort] = t.ClientAuthorizationWithProxyFailed(
            602, "no"
        )

    for script in (refuse, wrong_answer, no_authorization):
        await stays_away(prepare=script)


async def test_long_authorization_without_ton() -> None:
    def unknown(proxy: ScriptedClientProxy) -> None:
        proxy.secret_hash = None

    async with running(prepare=unknown) as setup:
        assert setup.client.ready


async def test_a_secret_is_not_sent_to_a_proxy_that_does_not_know_it() -> None:
    secret = b"a secret that must not travel"
    async with running(secret=secret) as setup:
        assert setup.client.ready
        assert repr(setup.client._settings).find("must not travel") < 0


# --- payments ---


async def paid_once(setup: Setup, tokens: int = 7) -> bytes:
    task = await setup.begin()
    request_id = setup.query.request_id
    setup.proxy.started(AnswerStarted(request_id, head(b"x"), FINAL))
    await task
    setup.proxy.state(tokens)
    setup.proxy.paid(request_id, 7)
    return request_id


async def test_payments_are_verified_and_remembered(tmp_path: Path) -> None:
    path = tmp_path / "payments.json"
    async with running(state_path=path) as setup:
        await paid_once(setup)
        (account,) = await setup.client.payment_status()
        assert (account.signed, account.db, account.max) == (7, 7, 7)
        assert account.signed_cost == 140
        assert account.ready
        assert account.unexplained == 0
        assert account.contract == setup.proxy.contract.friendly(testnet=True)
    assert path.stat().st_mode & 0o077 == 0

    def same(proxy: ScriptedClientProxy) -> None:
        proxy.contract = ROOT.client_address(
            Address.parse(someone(1)), proxy.proxy, proxy.key.public_key
        )
        proxy.state(7)

    async with running(state_path=path, prepare=same) as setup:
        assert (await setup.client.payment_status())[0].signed == 7

    def forgot(proxy: ScriptedClientProxy) -> None:
        proxy.state(0)

    await stays_away(state_path=path, prepare=forgot)


async def test_bad_payments_close_the_link() -> None:
    async def breaks(lie: Callable[[ScriptedClientProxy], None]) -> None:
        async with running() as setup:
            request_id = await paid_once(setup)
            await asyncio.sleep(0)
            lie(setup.proxy)
            setup.proxy.paid(request_id, 7)
            await until(lambda: bool(setup.proxy.closed))

    def wrong_key(proxy: ScriptedClientProxy) -> None:
        proxy.db = proxy.max = 8
        proxy.payment = proxy.envelope(8, key=SecretKey(bytes([1]) * 32))

    def other_contract(proxy: ScriptedClientProxy) -> None:
        proxy.db = proxy.max = 8
        proxy.contract = Address(bytes([5]) * 32)
        proxy.payment = proxy.envelope(8)

    def backwards(proxy: ScriptedClientProxy) -> None:
        proxy.state(6)

    def forgets_payment(proxy: ScriptedClientProxy) -> None:
        proxy.payment = None

    def signs_more_than_stored(proxy: ScriptedClientProxy) -> None:
        proxy.payment = proxy.envelope(9)

    def garbage(proxy: ScriptedClientProxy) -> None:
        proxy.payment = b"garbage"

    for lie in (
        wrong_key,
        other_contract,
        backwards,
        forgets_payment,
        signs_more_than_stored,
        garbage,
    ):
        await breaks(lie)


async def test_a_proxy_that_counts_too_much() -> None:
    async with running() as setup:
        await paid_once(setup, tokens=1000)
        (account,) = await setup.client.payment_status()
        assert account.unexplained == 993
        assert setup.client.ready
    async with running(only_spender=True) as setup:
        await paid_once(setup, tokens=1000)
        await until(lambda: bool(setup.proxy.closed))


async def test_a_bad_payment_status_closes_the_link() -> None:
    async with running() as setup:
        setup.proxy.db = -1
        await setup.client.payment_status()
        await until(lambda: bool(setup.proxy.closed))
        (connection_error,) = setup.proxy.closed
        assert connection_error is not None


async def test_payment_errors_are_payment_errors() -> None:
    async with running() as setup:
        (connection,) = setup.client._pool.ready
        setup.proxy.db, setup.proxy.max = 5, 4
        with pytest.raises(PaymentError):
            await connection.update_payments()


async def test_a_payment_overtakes_the_status_that_was_asked_for() -> None:
    """Both arrive in one piece: the answer's turn comes last, and it states less than is known."""
    async with running() as setup:
        (connection,) = setup.client._pool.ready
        setup.proxy.state(3)
        asked = asyncio.create_task(connection.update_payments())
        answer, paid = setup.proxy.answer, setup.proxy.paid

        def answer_and_pay(obj: TLObject) -> TLObject | None:
            result = answer(obj)
            asyncio.get_running_loop().call_soon(lambda: (setup.proxy.state(5), paid(bytes(32), 2)))
            return result

        setup.proxy.answer = answer_and_pay  # type: ignore[method-assign]
        await asked
        (account,) = await setup.client.payment_status()
        assert (account.signed, account.db, account.max) == (5, 5, 5)
        assert len(setup.proxy.links) == 1
        assert setup.proxy.closed == []


# --- models ---


@pytest.mark.parametrize("version", [0, 2])
async def test_models(version: int) -> None:
    def offer(proxy: ScriptedClientProxy) -> None:
        proxy.offers = {"b": [WorkerOffer(2000, 1, 8), WorkerOffer(1000, 0, 8)], "a": []}

    async with running(versions=VersionRange(0, version), min_proto=0, prepare=offer) as setup:
        models = await setup.client.models()
        assert [model.name for model in models] == ["a", "b"]
        assert models[0].workers == ()
        assert len(models[1].workers) == (1 if version == 0 else 2) or version == 0
        assert models[1].workers[0].coefficient == 1000


async def test_a_wrong_list_of_models() -> None:
    async with running() as setup:
        setup.proxy.replace[t.ClientGetWorkerTypesV3] = t.ClientWorkerTypesV2(
            (t.ClientWorkerTypeV2("m", (t.ClientWorkerInstanceV2(0, -1, 0, 0),)),)
        )
        with pytest.raises(UnavailableError):
            await setup.client.models()
        await until(lambda: bool(setup.proxy.closed))


async def test_unexpected_queries_and_messages() -> None:
    async with running() as setup:
        setup.proxy.link.send(t.WorkerNewCoefficient(5))
        with pytest.raises(CocoonError):
            await setup.proxy.link.query(t.ClientUpdatePaymentStatus(), 1.0)
        assert setup.client.ready
