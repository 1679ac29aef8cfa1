"""What requests cost, also those that were given up."""

import openai
import pytest

import cocoon
from cocoon.accounting import Nano
from cocoon.client.api import Outcome
from cocoon.sdk.settlement import Costs
from cocoon.testing.scripted_client import EVENT_HEADERS, ScriptedClient, ScriptedResponse

pytestmark = pytest.mark.anyio
ASK = [{"role": "user", "content": "hello?"}]
EVENT = (
    b'data: {"id":"1","object":"chat.completion.chunk",'
    b'"choices":[{"index":0,"delta":{"content":"a"}}]}\n\n'
)


def client() -> ScriptedClient:
    return ScriptedClient(
        lambda _: ScriptedResponse([EVENT, 0.05, EVENT, b"data: [DONE]\n\n"], headers=EVENT_HEADERS)
    )


async def ask(ai: openai.AsyncOpenAI) -> openai.AsyncStream:
    return await ai.chat.completions.create(model="demo", messages=ASK, stream=True)


async def test_a_stream_that_was_given_up_tells_its_cost():
    async with cocoon.AsyncClient(client=client()) as ai:
        with cocoon.watch_costs() as costs:
            stream = await ask(ai)
            await anext(aiter(stream))
            assert costs.begun == 1
            assert await costs.total(0) is None
            await stream.close()
        outcome = await costs.total(5)
        assert outcome is not None
        assert outcome.cost > 0


async def test_a_sum_waits_for_every_request():
    costs = Costs()
    costs.begin()
    costs.begin()
    costs.end(Outcome(Nano(3), told=True, prompt_tokens=1, completion_tokens=2))
    assert await costs.total(0.01) is None
    costs.end(Outcome(Nano(4), told=False))
    assert await costs.total(0.01) == Outcome(Nano(7), False, 1, 2)
    costs.begin()
    assert await costs.total(0.01) is None
    assert costs.begun == 3


async def test_only_what_began_inside_counts_and_all_of_it():
    async with cocoon.AsyncClient(client=client()) as ai:
        await (await ask(ai)).close()
        with cocoon.watch_costs() as outer:
            for _ in range(2):
                async for _chunk in await ask(ai):
                    pass
            with cocoon.watch_costs() as inner:
                await (await ask(ai)).close()
        assert (outer.begun, inner.begun) == (2, 1)
        two, one = await outer.total(5), await inner.total(5)
        assert two is not None
        assert one is not None
        assert two.cost == 2 * one.cost > 0
        assert two.told


async def test_nothing_begun_costs_nothing():
    with cocoon.watch_costs() as costs:
        pass
    outcome = await costs.total(0.1)
    assert outcome is not None
    assert outcome.cost == 0
