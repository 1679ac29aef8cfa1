"""Several proxies: who gets a request, and when another one is tried."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from msgspec import structs

from cocoon.accounting import Nano
from cocoon.chain.net_address import Endpoint, RegisteredProxy
from cocoon.client import Client, ClientRequest, ClientSettings
from cocoon.client.api import Outcome
from cocoon.client.models import merge
from cocoon.errors import BadRequestError, DeadlineError, UnavailableError
from cocoon.net.dialing import SocksDial
from cocoon.net.link import Link
from cocoon.testing.network import someone, test_root
from cocoon.testing.scripted_proxy import ScriptedClientProxy
from cocoon.tl import types as t
from cocoon.wire.events import (
    AnswerFailed,
    AnswerStarted,
    FinalInfo,
    ModelOffer,
    RunQuery,
    WorkerOffer,
)

pytestmark = pytest.mark.anyio

ROOT = test_root(
    proxies=tuple(RegisteredProxy(n, Endpoint("p", n), Endpoint("p", n)) for n in (1, 2, 3))
)
REQUEST = ClientRequest("m", "/v1/chat/completions", b"{}", max_tokens=10, timeout=5.0)
HEAD = t.HttpResponse("HTTP/1.1", 200, "OK", (), b"body").to_bytes()


class Proxy(ScriptedClientProxy):
    """A scripted proxy that does the same with every request."""

    def __init__(self, number: int, act: str = "answer") -> None:
        super().__init__(ROOT, owner=someone(number))
        self.act = act
        self.on_run = self.run

    def run(self, query: RunQuery) -> None:
        match self.act:
            case "answer":
                self.started(AnswerStarted(query.request_id, HEAD, FinalInfo()))
            case "die":
                self.link.close()
            case "die after the head":
                self.started(AnswerStarted(query.request_id, HEAD))
                self.link.close()
            case "silence":
                pass
            case code:
                self.failed(AnswerFailed(query.request_id, int(code), "no"))


@asynccontextmanager
async def network(*acts: str, **changes: Any) -> AsyncIterator[tuple[Client, list[Proxy]]]:
    proxies = [Proxy(number + 2, act) for number, act in enumerate(acts)]

    async def dial(host: str, port: int, factory: Callable[[], Link]) -> Link:
        return await proxies[port - 1].dial(host, port, factory)

    root = replace(ROOT, proxies=ROOT.proxies[: len(acts)])
    settings = ClientSettings(
        wallet=someone(1),
        root=root,
        dial=SocksDial(),
        proxy_connections=len(acts),
        **changes,
    )
    client = Client(settings, dial=dial)
    await client.start()
    try:
        await client.wait_ready(5, len(acts))
        yield client, proxies
    finally:
        await client.close()


async def ask(client: Client, request: ClientRequest = REQUEST) -> bytes:
    async with await client.run(request) as response:
        return await response.read()


@pytest.mark.parametrize("failure", ["die", "651", "621"])
async def test_another_proxy_is_tried(failure: str) -> None:
    async with network(failure, "answer") as (client, proxies):
        for _ in range(3):
            assert await ask(client) == b"body"
        assert len(proxies[1].queries) == 3


@pytest.mark.parametrize(
    ("failure", "expected"),
    [("602", BadRequestError), ("652", DeadlineError), ("die after the head", UnavailableError)],
)
async def test_what_is_not_tried_again(failure: str, expected: type[Exception]) -> None:
    async with network(failure, failure) as (client, proxies):
        with pytest.raises(expected):
            await ask(client)
        assert sum(len(proxy.queries) for proxy in proxies) == 1


async def test_every_proxy_is_tried_once_and_no_more_than_allowed() -> None:
    async with network("651", "651", "651") as (client, proxies):
        with pytest.raises(UnavailableError, match="no"):
            await ask(client)
        assert [len(proxy.queries) for proxy in proxies] == [1, 1, 1]
    async with network("651", "651", "651", max_retries=1) as (client, proxies):
        with pytest.raises(UnavailableError):
            await ask(client)
        assert sum(len(proxy.queries) for proxy in proxies) == 2


async def test_every_try_has_its_own_id_and_less_time() -> None:
    async with network("651", "651") as (client, proxies):
        with pytest.raises(UnavailableError):
            await ask(client)
        first, second = (proxy.queries[0] for proxy in proxies)
        assert first.request_id != second.request_id
        assert max(first.timeout, second.timeout) <= 0.95 * REQUEST.timeout


async def test_requests_are_spread() -> None:
    async with network("silence", "silence") as (client, proxies):
        request = structs.replace(REQUEST, timeout=0.1)
        results = await asyncio.gather(
            *(ask(client, request) for _ in range(10)), return_exceptions=True
        )
        assert all(isinstance(result, DeadlineError) for result in results)
        assert [len(proxy.queries) for proxy in proxies] == [5, 5]


async def test_a_dead_proxy_does_not_hide_the_models_of_the_others() -> None:
    async with network("answer", "answer") as (client, proxies):
        proxies[0].offers = {"a": [WorkerOffer(1000, 0, 1)]}
        proxies[1].replace[t.ClientGetWorkerTypesV2] = UnavailableError("not now")
        assert [model.name for model in await client.models()] == ["a"]


def test_lists_of_models_are_joined() -> None:
    def offer(name: str, *coefficients: int) -> ModelOffer:
        workers = tuple(WorkerOffer(c, 0, 1) for c in coefficients)
        return ModelOffer(name, workers, len(workers), 0, 0, 0)

    old = ModelOffer("b", None, 2, 700, 800, 900)
    joined = merge([[offer("b", 2000), offer("a")], [offer("b", 1000), old]])
    assert [(m.name, [w.coefficient for w in m.workers]) for m in joined] == [
        ("a", []),
        ("b", [700, 700, 1000, 2000]),
    ]
    assert merge([]) == []


@pytest.mark.parametrize(("limit", "tried"), [(1, 1), (2, 2), (3, 3)])
async def test_attempts_together_cost_no_more_than_is_allowed(limit: int, tried: int) -> None:
    asked: list[int] = []
    outcomes: list[Outcome] = []
    async with network("die", "die", "die") as (client, proxies):
        bound = int(client.bound(REQUEST))

        def may_cost(most: Nano) -> bool:
            asked.append(int(most))
            return most <= limit * bound

        request = structs.replace(REQUEST, may_cost=may_cost, on_settled=outcomes.append)
        with pytest.raises(UnavailableError, match="lost the proxy"):
            await ask(client, request)
        assert asked == [n * bound for n in range(1, min(limit + 1, 3) + 1)]
        assert sum(len(proxy.queries) for proxy in proxies) == tried
    assert [(int(o.cost), o.told) for o in outcomes] == [(tried * bound, False)]


async def test_an_attempt_that_cost_nothing_takes_nothing_from_the_next() -> None:
    async with network("651", "answer") as (client, _):
        bound = client.bound(REQUEST)
        request = structs.replace(REQUEST, may_cost=lambda most: most <= bound)
        assert await ask(client, request) == b"body"


async def test_nothing_is_sent_that_may_not_cost_so_much() -> None:
    async with network("answer") as (client, proxies):
        with pytest.raises(UnavailableError, match="prices changed"):
            await ask(client, structs.replace(REQUEST, may_cost=lambda _: False))
        assert proxies[0].queries == []


async def test_limits_that_no_amount_of_money_holds_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    params = replace(ROOT.params, price_per_token=10**6)
    monkeypatch.setitem(globals(), "ROOT", replace(ROOT, params=params))
    most = 2**31 - 1
    request = structs.replace(REQUEST, max_tokens=most, max_coefficient=most)
    async with network("answer") as (client, _):
        with pytest.raises(BadRequestError, match="make no sense"):
            client.bound(request)
