"""The transports with the real packages over a scripted client: streams, threads, ends."""

import asyncio
import gc
import os
import threading
import time

import anthropic
import httpx2
import openai
import pytest

import cocoon
from cocoon.errors import ConfigError, UnavailableError
from cocoon.sdk.call import MAX_WAITING
from cocoon.sdk.shared_transport import shared
from cocoon.testing.scripted_client import EVENT_HEADERS, ScriptedClient, ScriptedResponse, failing

ASK = [{"role": "user", "content": "Hello"}]
WHOLE = (
    b'{"id":"x","object":"chat.completion","created":1,"model":"demo","choices":[{"index":0,'
    b'"finish_reason":"stop","message":{"role":"assistant","content":"hello"}}],'
    b'"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}'
)


def _event(text: str) -> bytes:
    return (
        b'data: {"id":"x","object":"chat.completion.chunk","created":1,"model":"demo","choices":'
        b'[{"index":0,"finish_reason":null,"delta":{"content":"%s"}}]}\n\n' % text.encode()
    )


class Scripted:
    """A client whose streams say their words with pauses; remembers its answers."""

    def __init__(self, *steps) -> None:
        self.steps = steps or (_event("a"), 5.0, _event("b"), b"data: [DONE]\n\n")
        self.answers: list[ScriptedResponse] = []
        self.client = ScriptedClient(self._answer)

    def _answer(self, request) -> ScriptedResponse:
        streams = b'"stream":true' in request.body.replace(b" ", b"")
        made = ScriptedResponse([WHOLE])
        if streams:
            made = ScriptedResponse(self.steps, headers=EVENT_HEADERS)
        self.answers.append(made)
        return made

    def was_closed(self) -> bool:
        limit = time.monotonic() + 3
        while time.monotonic() < limit:
            if self.answers[-1].closed.is_set():
                return True
            time.sleep(0.005)
        return False


@pytest.fixture(autouse=True)
def nothing_is_left():
    before = set(threading.enumerate())
    yield
    gc.collect()
    left = [one for one in threading.enumerate() if one not in before and one.name == "cocoon"]
    for one in left:
        one.join(5)
    assert not [one for one in left if one.is_alive()]


def test_the_unmodified_package_runs_over_it():
    scripted = Scripted()
    with openai.OpenAI(
        http_client=cocoon.transport(client=scripted.client), api_key="unused"
    ) as ai:
        assert ai.models.list().data[0].id == "demo"
        answer = ai.chat.completions.create(model="demo", messages=ASK)
        assert answer.choices[0].message.content == "hello"
        with pytest.raises(openai.BadRequestError) as caught:
            ai.chat.completions.create(model="demo", messages=ASK, temperature=9)
        assert caught.value.param == "temperature"
        with pytest.raises(openai.NotFoundError):
            ai.get("/nothing", cast_to=object)


def test_a_stream_begins_before_its_end_and_closing_it_abandons_the_request():
    scripted = Scripted()
    with cocoon.Client(client=scripted.client) as ai:
        began = time.monotonic()
        with ai.chat.completions.create(model="demo", messages=ASK, stream=True) as stream:
            assert next(iter(stream)).choices[0].delta.content == "a"
            assert time.monotonic() - began < 2
        assert scripted.was_closed()


def test_what_is_late_is_abandoned_and_not_repeated():
    scripted = Scripted(1.0, _event("a"), b"data: [DONE]\n\n")
    with cocoon.Client(client=scripted.client, timeout=0.1, max_retries=2) as ai:
        stream = ai.chat.completions.create(model="demo", messages=ASK, stream=True)
        with pytest.raises(openai.APITimeoutError):
            next(iter(stream))
        assert scripted.was_closed()
    slow = ScriptedClient(lambda _: ScriptedResponse([WHOLE]), delay=1.0)
    with cocoon.Client(client=slow, timeout=0.1, max_retries=2) as ai:
        with pytest.raises(openai.APITimeoutError):
            ai.chat.completions.create(model="demo", messages=ASK)
        assert len(slow.requests) == 1


def test_what_nobody_took_is_repeated():
    client = failing(UnavailableError("nobody"))
    with cocoon.Client(client=client, max_retries=1) as ai:
        with pytest.raises(openai.InternalServerError):
            ai.chat.completions.create(model="demo", messages=ASK)
        assert len(client.requests) == 2


def test_with_options_and_copies_stay_ours_and_share_the_connection():
    with cocoon.Client(client=Scripted().client) as ai:
        other = ai.with_options(timeout=3, max_retries=0)
        assert type(other) is cocoon.Client
        assert other.network is ai.network
        assert (other.timeout, other.max_retries) == (3, 0)
        assert other.copy().chat.completions.create(model="demo", messages=ASK).choices


def test_several_threads_share_it():
    found = []
    with cocoon.Client(client=Scripted().client) as ai:

        def ask() -> None:
            for _ in range(5):
                found.append(ai.chat.completions.create(model="demo", messages=ASK).id)

        threads = [threading.Thread(target=ask) for _ in range(6)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
    assert found == ["x"] * 30


def test_a_reader_that_does_not_read_stops_the_engine():
    size, count = 32 * 1024, 400
    pulled = []

    class Counting(ScriptedResponse):
        async def __aiter__(self):
            for _ in range(count):
                pulled.append(1)
                yield b": " + b"x" * size + b"\n\n"

    client = ScriptedClient(lambda _: Counting([], headers=EVENT_HEADERS))
    with cocoon.transport(client=client) as http:
        body = {"model": "demo", "messages": ASK, "stream": True}
        with http.stream("POST", "/chat/completions", json=body) as response:
            parts = response.iter_bytes()
            next(parts)
            time.sleep(0.2)
            assert len(pulled) * size < 3 * MAX_WAITING
            assert sum(map(len, parts)) > size * (count - 20)


def test_large_bodies_pass_and_too_large_ones_are_refused():
    with cocoon.Client(client=Scripted().client) as ai:
        long = [{"role": "user", "content": "x" * 2_000_000}]
        assert ai.chat.completions.create(model="demo", messages=long).choices
        longer = [{"role": "user", "content": "x" * 30_000_000}]
        with pytest.raises(openai.APIStatusError) as caught:
            ai.chat.completions.create(model="demo", messages=longer)
        assert caught.value.status_code == 413


def test_closing_ends_answers_that_run_and_later_calls_say_so():
    scripted = Scripted()
    ai = cocoon.Client(client=scripted.client)
    stream = ai.chat.completions.create(model="demo", messages=ASK, stream=True)
    next(iter(stream))
    network = ai.network
    ai.close()
    assert scripted.was_closed()
    with pytest.raises(openai.APIError):
        next(iter(stream))
    network.close()
    with pytest.raises(RuntimeError):
        network.open()


def test_a_client_that_is_dropped_ends_its_thread():
    ai = cocoon.Client(client=Scripted().client)
    ai.models.list()
    assert any(one.name == "cocoon" for one in threading.enumerate())
    del ai
    gc.collect()


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_connects_anew():
    with cocoon.Client(client=Scripted().client) as ai:
        ai.models.list()
        child = os.fork()
        if child == 0:
            code = 1
            try:
                code = 0 if ai.models.list().data[0].id == "demo" else 2
            finally:
                os._exit(code)
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == 0
        assert ai.models.list().data


def test_anthropics_package_runs_over_it():
    with anthropic.Anthropic(
        http_client=cocoon.transport(client=Scripted().client), api_key="unused", max_retries=0
    ) as ai:
        answer = ai.messages.create(model="demo", messages=ASK, max_tokens=10)
        assert answer.content[0].text == "hello"


def test_only_our_transport_is_taken():
    with httpx2.Client() as other, pytest.raises(ConfigError):
        cocoon.Client(http_client=other)


@pytest.mark.anyio
async def test_the_asynchronous_package_streams_and_abandons():
    scripted = Scripted()
    async with openai.AsyncOpenAI(
        http_client=cocoon.async_transport(client=scripted.client), api_key="unused"
    ) as ai:
        answers = await asyncio.gather(
            *(ai.chat.completions.create(model="demo", messages=ASK) for _ in range(8))
        )
        assert {answer.choices[0].message.content for answer in answers} == {"hello"}
        stream = await ai.chat.completions.create(model="demo", messages=ASK, stream=True)
        assert (await anext(aiter(stream))).choices[0].delta.content == "a"
        await stream.close()
        async with asyncio.timeout(0.5):
            await scripted.answers[-1].closed.wait()


@pytest.mark.anyio
async def test_a_cancelled_caller_abandons_its_request():
    slow = ScriptedClient(lambda _: ScriptedResponse([5.0, WHOLE]))
    before = asyncio.all_tasks()
    async with cocoon.AsyncClient(client=slow) as ai:
        asked = asyncio.create_task(ai.chat.completions.create(model="demo", messages=ASK))
        while not slow.requests:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        await asyncio.sleep(0.1)
    assert asyncio.all_tasks() == before


def test_an_asynchronous_client_belongs_to_one_loop():
    ai = cocoon.AsyncClient(client=Scripted().client)

    async def ask():
        return await ai.models.list()

    assert asyncio.run(ask()).data
    with pytest.raises(RuntimeError, match="event loop"):
        asyncio.run(ask())


def test_the_shared_side_works_in_any_loop():
    scripted = Scripted()
    with cocoon.transport(client=scripted.client) as http:
        ai = openai.AsyncOpenAI(http_client=shared(http), api_key="unused")

        async def ask():
            answer = await ai.chat.completions.create(model="demo", messages=ASK)
            async with await ai.chat.completions.create(
                model="demo", messages=ASK, stream=True
            ) as stream:
                first = await anext(aiter(stream))
            return answer.choices[0].message.content, first.choices[0].delta.content

        assert asyncio.run(ask()) == asyncio.run(ask()) == ("hello", "a")
        assert scripted.was_closed()
