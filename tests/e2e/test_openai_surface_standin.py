"""Endpoints that the embedded engine does not have, through a whole network to a stand-in.

The stand-in says that it is one; forms are those of OpenAI and vLLM, contents are made up.
"""

import base64
import io
from collections.abc import Iterator

import openai
import pytest

from cocoon.testing.engine_answers import PNG, SPEECH, TEXT
from cocoon.testing.engine_standin import MODEL
from cocoon.testing.network import InMemoryNetwork
from cocoon.testing.plain_http import call
from cocoon.testing.served_network import ServedNetwork

NAME = MODEL.partition("@")[0]
RECORDING = b"RIFF\x24\x00\x00\x00WAVEfmt a recording"


async def standin_worker(network: InMemoryNetwork) -> None:
    await network.add_worker()


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedNetwork]:
    folder = tmp_path_factory.mktemp("standin")
    with ServedNetwork(folder, standin_worker, models=(MODEL,)) as served:
        yield served


@pytest.fixture
def ai(network: ServedNetwork) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=network.url, api_key="none", max_retries=0, timeout=20) as client:
        yield client


def test_images(ai: openai.OpenAI) -> None:
    made = ai.images.generate(model=NAME, prompt="a lighthouse", n=2)
    assert made.data is not None
    assert [base64.b64decode(item.b64_json or "") for item in made.data] == [PNG, PNG]


def test_a_picture_is_never_an_url(ai: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        ai.images.generate(model=NAME, prompt="a lighthouse", response_format="url")
    assert refused.value.param == "response_format"


def test_transcriptions_and_translations(ai: openai.OpenAI) -> None:
    file = ("speech.wav", io.BytesIO(RECORDING), "audio/wav")
    heard = ai.audio.transcriptions.create(model=NAME, file=file, language="en")
    assert heard.text == TEXT
    file = ("speech.wav", io.BytesIO(RECORDING), "audio/wav")
    with pytest.warns(DeprecationWarning, match="deprecated"):  # OpenAI ends it
        assert ai.audio.translations.create(model=NAME, file=file).text == TEXT


def test_speech(ai: openai.OpenAI) -> None:
    spoken = ai.audio.speech.create(model=NAME, voice="alloy", input="Hello", response_format="wav")
    assert spoken.content == SPEECH


def test_moderations(ai: openai.OpenAI) -> None:
    judged = ai.moderations.create(model=NAME, input=["I love this.", "And that."])
    assert [item.flagged for item in judged.results] == [False, False]


def test_rerank(network: ServedNetwork) -> None:
    asked = {"model": NAME, "query": "cats", "documents": ["a cat", "a bank"], "top_n": 1}
    answer = call("POST", f"{network.url}/rerank", asked)
    assert answer.status == 200, answer.body
    assert answer.json()["results"] == [{"index": 0, "relevance_score": 1.0}]


@pytest.mark.anyio
async def test_async(network: ServedNetwork) -> None:
    async with openai.AsyncOpenAI(base_url=network.url, api_key="none", timeout=20) as ai:
        assert (await ai.images.generate(model=NAME, prompt="a lighthouse")).data
        assert (await ai.moderations.create(model=NAME, input="Hello")).results
        assert (await ai.embeddings.create(model=NAME, input="Hello")).data
