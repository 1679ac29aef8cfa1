"""One network with the real model and one browser for the tests of each file of this folder."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser

from cocoon.devnet.network import Network
from cocoon.devnet.options import DevnetOptions
from cocoon.testing.browser import headless_browser


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """One loop for a whole file: network and browser stay on it."""
    return "asyncio"


@pytest.fixture(scope="module")
async def browser(anyio_backend: str) -> AsyncIterator[Browser]:
    async with headless_browser() as one:
        yield one


@pytest.fixture(scope="module")
async def devnet(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Path]:
    """State of a network that runs; started after the browser, without which all is skipped."""
    folder: Path = tmp_path_factory.mktemp("devnet")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(folder))
        network = Network(DevnetOptions(state=folder, port=0), lambda *_: None)
        await network.start()
    try:
        yield folder
    finally:
        await network.stop()
