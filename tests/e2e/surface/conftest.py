"""One network with the real model for all tests of this folder."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import anthropic
import openai
import pytest

from cocoon.testing.served_network import ServedNetwork

MODEL = "SmolLM2-135M-Instruct"


@pytest.fixture(scope="package")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedNetwork]:
    folder: Path = tmp_path_factory.mktemp("network")
    with ServedNetwork(folder) as network:
        yield network


@pytest.fixture
def ai(served: ServedNetwork) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=served.url, api_key="none", max_retries=0, timeout=40) as client:
        yield client


@pytest.fixture
async def async_ai(served: ServedNetwork) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(
        base_url=served.url, api_key="none", max_retries=0, timeout=40
    ) as client:
        yield client


@pytest.fixture
def claude(served: ServedNetwork) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(
        base_url=served.root_url, api_key="none", max_retries=0, timeout=40
    ) as client:
        yield client


@pytest.fixture
async def async_claude(served: ServedNetwork) -> AsyncIterator[anthropic.AsyncAnthropic]:
    async with anthropic.AsyncAnthropic(
        base_url=served.root_url, api_key="none", max_retries=0, timeout=40
    ) as client:
        yield client
