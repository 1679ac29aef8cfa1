"""The SDK over real proxies and workers: answers, costs, verification, balance, abandoning."""

import time

import openai
import pytest
import structlog

import cocoon
from cocoon.attestation.claims import ClaimName
from cocoon.client import ClientSettings
from cocoon.errors import UnavailableError
from cocoon.sdk.portal import Portal
from cocoon.testing.network import InMemoryNetwork, someone

ASK = [{"role": "user", "content": "Hello"}]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A network in a thread of its own, and settings of a client for it."""
    portal = Portal.open()
    folder = tmp_path_factory.mktemp("network")

    async def start():
        network = InMemoryNetwork(folder)
        await network.add_proxy()
        await network.add_worker()
        return network, ClientSettings(
            wallet=someone(9, 3), root=network.root, dial=network.dial("client")
        )

    network, settings = portal.call(start)
    yield network, settings
    portal.call(network.close)
    portal.stop()
    structlog.reset_defaults()  # the SDK sends logs to the standard library


@pytest.fixture(scope="module")
def ai(place):
    with cocoon.Client(settings=place[1]) as client:
        yield client


@pytest.fixture(scope="module")
def model(ai):
    return ai.models.list().data[0].id


def test_an_answer_tells_its_cost(ai, model):
    answer = ai.chat.completions.create(model=model, messages=ASK, max_tokens=20)
    cost = cocoon.cost_of(answer)
    assert cost.nano > 0
    assert cost.proxy.evidence == "tdx-simulated"
    stream = ai.chat.completions.create(
        model=model,
        messages=ASK,
        max_tokens=20,
        stream=True,
        stream_options={"include_usage": True},
    )
    costs = [cocoon.cost_of(chunk) for chunk in stream]
    assert [cost for cost in costs if cost is not None][-1].nano > 0


def test_a_quote_bounds_the_cost(ai, model):
    asked = {"model": model, "messages": ASK, "max_tokens": 20}
    quote = ai.quote(**asked)
    assert quote.available
    assert cocoon.cost_of(ai.chat.completions.create(**asked)).nano <= quote.max_cost
    with pytest.raises(openai.APIStatusError) as caught:
        ai.chat.completions.create(
            **asked, extra_body=cocoon.options(max_cost=quote.max_cost_nanoton - 1)
        )
    assert caught.value.status_code == 402


def test_verification_is_done_now_and_can_be_read(ai):
    found = ai.verify()
    assert found.verified
    assert found.simulated
    proxy = found.proxies[0]
    assert proxy.same_key
    assert proxy.claim(ClaimName.KEY_BOUND).verdict.value == "proven"
    assert all(line.startswith("SIMULATED") for line in proxy.lines())
    text = str(found)
    assert "VERIFIED" in text
    assert "step 1 " in text
    assert found.to_dict()["proxies"][0]["steps"]
    assert found.__rich__().renderables


def test_the_balance_counts_what_was_used(ai, model):
    before = ai.balance().used
    answer = ai.chat.completions.create(model=model, messages=ASK, max_tokens=20)
    balance = ai.balance()
    assert int(balance.used) - int(before) == cocoon.cost_of(answer).cost_nanoton
    assert balance.proxies[0].deposit is None  # TON is simulated


def test_a_closed_stream_frees_the_worker(ai, model):
    with ai.chat.completions.create(
        model=model, messages=ASK, max_tokens=5000, stream=True
    ) as stream:
        next(iter(stream))
    limit = time.monotonic() + 5
    while ai.quote(model=model, messages=ASK).workers.free < 1:
        assert time.monotonic() < limit
        time.sleep(0.02)


@pytest.mark.anyio
async def test_the_asynchronous_client_does_the_same(place, model):
    async with cocoon.AsyncClient(settings=place[1]) as ai:
        asked = {"model": model, "messages": ASK, "max_tokens": 20}
        quote = await ai.quote(**asked)
        answer = await ai.with_options(timeout=20).chat.completions.create(**asked)
        assert cocoon.cost_of(answer).nano <= quote.max_cost
        assert (await ai.verify()).verified
        assert len(await ai.balance()) == 1


def test_without_a_proxy_it_says_so(place):
    from dataclasses import replace

    network, settings = place
    nobody = replace(settings, root=replace(network.root, proxies=()))
    with cocoon.Client(settings=nobody, connect_timeout=0.1, max_retries=0) as ai:
        with pytest.raises(openai.APIConnectionError):
            ai.models.list()
        with pytest.raises(UnavailableError):
            ai.verify()
