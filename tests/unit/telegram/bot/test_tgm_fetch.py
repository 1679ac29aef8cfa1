"""Fetching files: Telegram's word about a file is not believed."""

from types import SimpleNamespace
from typing import Any, BinaryIO

import aiohttp
import pytest

from cocoon.errors import UnavailableError
from cocoon.telegram.bot.files import TooLargeError, fetch

pytestmark = pytest.mark.anyio
SENT = SimpleNamespace(file_id="f", file_size=None)


class Telegram:
    """As much of a bot as fetching calls."""

    def __init__(self, chunks: list[bytes], error: Exception | None = None) -> None:
        self._chunks = chunks
        self._error = error
        self.path: str | None = "documents/1"

    async def get_file(self, name: str) -> Any:
        return SimpleNamespace(file_path=self.path)

    async def download_file(self, path: str, destination: BinaryIO, timeout: int) -> None:
        for chunk in self._chunks:
            destination.write(chunk)
        if self._error is not None:
            raise self._error


async def test_a_file() -> None:
    assert await fetch(Telegram([b"ab", b"c"]), SENT, 3) == b"abc"  # type: ignore[arg-type]


async def test_more_than_was_said() -> None:
    with pytest.raises(TooLargeError) as refused:
        await fetch(Telegram([b"ab", b"cd"]), SENT, 3)  # type: ignore[arg-type]
    assert refused.value.most == 3


async def test_said_to_be_too_large() -> None:
    with pytest.raises(TooLargeError):
        await fetch(None, SimpleNamespace(file_id="f", file_size=4), 3)  # type: ignore[arg-type]


async def test_too_large_for_bots() -> None:
    telegram = Telegram([])
    telegram.path = None
    with pytest.raises(TooLargeError):
        await fetch(telegram, SENT, 3)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "error", [TimeoutError(), aiohttp.ClientPayloadError("token in an address"), OSError("x")]
)
async def test_what_breaks_off(error: Exception) -> None:
    with pytest.raises(UnavailableError) as failed:
        await fetch(Telegram([b"a"], error), SENT, 3)  # type: ignore[arg-type]
    assert "token" not in str(failed.value)
