"""A caller that goes away: the engine stops, and what was used until then is charged exactly."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from cocoon.client import Client, ClientRequest
from cocoon.client.api import Outcome
from cocoon.gateway import Gateway, GatewayServer
from cocoon.testing.engine_standin import MODEL
from cocoon.testing.network import InMemoryNetwork

pytestmark = pytest.mark.anyio

PATH = "/v1/chat/completions"
BODY = (
    b'{"model":"%s","messages":[{"role":"user","content":"hello"}],"max_tokens":5000,"stream":true}'
)
STREAM = ClientRequest(MODEL, PATH, BODY % MODEL.encode(), max_tokens=5000, timeout=30.0)
PRICE = 20


async def until(condition: Callable[[], bool], timeout: float = 5.0) -> None:
    async with asyncio.timeout(timeout):
        while not condition():  # noqa: ASYNC110  many small conditions, none with an event
            await asyncio.sleep(0.002)


async def slow_network(network: InMemoryNetwork, **client: object) -> Client:
    """One proxy, one worker whose engine takes a minute for an answer, one client."""
    await network.add_proxy()
    await network.add_worker()
    network.standins[0].chunks, network.standins[0].delay = 6000, 0.01
    return await network.add_client(**client)  # type: ignore[arg-type]


async def test_an_answer_that_is_left_stops_the_engine_and_is_charged(tmp_path: Path) -> None:
    outcomes: list[Outcome] = []
    async with InMemoryNetwork(tmp_path) as network:
        client = await slow_network(network)
        events = 0
        async with await client.run(replace(STREAM, on_settled=outcomes.append)) as response:
            async for piece in response:
                events += piece.count(b"data:")
                if events >= 10:
                    break
        await until(lambda: network.standins[0].cancelled == 1)
        await until(lambda: bool(outcomes))
        (outcome,) = outcomes
        assert outcome.told
        assert 10 <= outcome.completion_tokens < 200
        assert outcome.prompt_tokens > 0
        assert outcome.cost == (outcome.prompt_tokens + outcome.completion_tokens) * PRICE
        (record,) = network.proxies[0].books.clients
        assert record.account.counter.max * PRICE == outcome.cost
        assert record.account.reserved == 0
        (earner,) = network.proxies[0].books.workers
        assert earner.account.counter.max == record.account.counter.max
        (told,) = await client.payment_status()
        assert told.unexplained == 0
        assert network.workers[0].statistics.cancelled == 1
        assert network.workers[0].statistics.active == 0


async def test_a_caller_that_is_cancelled_before_the_answer(tmp_path: Path) -> None:
    outcomes: list[Outcome] = []
    async with InMemoryNetwork(tmp_path) as network:
        client = await slow_network(network)
        silent = replace(
            STREAM,
            headers=(*STREAM.headers, ("x-standin-mode", "silent")),
            on_settled=outcomes.append,
        )
        task = asyncio.create_task(client.run(silent))
        await until(lambda: network.workers[0].statistics.active == 1)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await until(lambda: network.workers[0].statistics.active == 0)
        await until(lambda: bool(outcomes))
        # The engine was given the prompt, and nobody knows what it has made of it.
        assert outcomes[0].completion_tokens == 0
        assert 0 < outcomes[0].prompt_tokens < len(STREAM.body)


async def test_a_client_that_dies_stops_its_requests(tmp_path: Path) -> None:
    async with InMemoryNetwork(tmp_path) as network:
        client = await slow_network(network)
        response = await client.run(STREAM)
        await anext(aiter(response))
        await client.close()
        await until(lambda: network.standins[0].cancelled == 1)
        await until(lambda: network.proxies[0].dispatcher.running == 0)


@pytest.mark.parametrize("version", [1, 2])
async def test_older_versions_run_to_their_end_and_the_cost_is_told_later(
    tmp_path: Path, version: int
) -> None:
    outcomes: list[Outcome] = []
    async with InMemoryNetwork(tmp_path) as network:
        client = await slow_network(network, max_proto=version)
        network.standins[0].chunks = 30
        response = await client.run(replace(STREAM, on_settled=outcomes.append))
        await response.aclose()
        assert outcomes == []
        await until(lambda: bool(outcomes))
        assert (outcomes[0].told, outcomes[0].completion_tokens) == (True, 30)
        assert network.standins[0].cancelled == 0


async def test_a_proxy_that_dies_leaves_the_most_it_can_cost(tmp_path: Path) -> None:
    outcomes: list[Outcome] = []
    async with InMemoryNetwork(tmp_path) as network:
        client = await slow_network(network)
        response = await client.run(replace(STREAM, on_settled=outcomes.append))
        await network.proxies.pop().close()
        await until(lambda: bool(outcomes))
        assert not outcomes[0].told
        assert outcomes[0].cost == client.bound(STREAM)
        await response.aclose()


async def test_a_disconnect_at_the_gateway_reaches_the_engine(tmp_path: Path) -> None:
    async with InMemoryNetwork(tmp_path) as network:
        client = await slow_network(network)
        server = GatewayServer(Gateway(client), port=0)
        await server.start()
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            body = STREAM.body
            head = f"POST {PATH} HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n\r\n"
            writer.write(head.encode() + body)
            await reader.readuntil(b" word")
            writer.transport.abort()
            await until(lambda: network.standins[0].cancelled == 1)
            await until(lambda: network.proxies[0].dispatcher.running == 0)
        finally:
            await server.stop()
