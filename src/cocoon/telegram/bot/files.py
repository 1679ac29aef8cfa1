"""Fetching what people send, within limits: https://core.telegram.org/bots/api#getfile."""

import io
from typing import Protocol

import aiohttp
from aiogram import Bot
from aiogram.exceptions import TelegramAPIError, TelegramBadRequest

from cocoon.errors import BadRequestError, UnavailableError

TELEGRAM_MAX_BYTES = 20 * 1024 * 1024
"""Telegram's own servers give bots no larger files."""
SECONDS = 60
"""Longest time for one file."""


class TooLargeError(BadRequestError):
    """A file is larger than is taken.

    Attributes:
        most: bytes.
    """

    def __init__(self, most: int) -> None:
        super().__init__(f"the file is larger than {most} bytes")
        self.most = most


class Sent(Protocol):
    """What Telegram says about a file before it is fetched; its size is the sender's word."""

    @property
    def file_id(self) -> str:
        """Names it."""
        ...

    @property
    def file_size(self) -> int | None:
        """Bytes, where it is known."""
        ...


class _Bounded(io.BytesIO):
    def __init__(self, most: int) -> None:
        super().__init__()
        self._left = most
        self._most = most

    def write(self, data: "bytes | bytearray | memoryview", /) -> int:  # type: ignore[override]
        self._left -= len(data)
        if self._left < 0:
            raise TooLargeError(self._most)
        return super().write(data)


async def fetch(bot: Bot, sent: Sent, most: int) -> bytes:
    """Download a file into memory.

    Args:
        bot: that it was sent to.
        sent: the file.
        most: bytes that are taken.

    Raises:
        TooLargeError: it is larger, whatever its sender says.
        UnavailableError: Telegram does not give it.
    """
    most = min(most, TELEGRAM_MAX_BYTES)
    if (sent.file_size or 0) > most:
        raise TooLargeError(most)
    room = _Bounded(most)
    try:
        file = await bot.get_file(sent.file_id)
        if file.file_path is None:
            raise TooLargeError(most)
        await bot.download_file(file.file_path, destination=room, timeout=SECONDS)
    except TelegramBadRequest as error:
        if "too big" in error.message:
            raise TooLargeError(most) from None
        raise UnavailableError("Telegram does not give the file") from None
    except (TelegramAPIError, aiohttp.ClientError, TimeoutError, OSError):
        raise UnavailableError("Telegram does not give the file") from None  # its address is secret
    return room.getvalue()
