"""Asks Telegram for updates, keeps them, and only then asks for the next ones.

aiogram's own polling reads a whole batch into its types before any of it is handled, and confirms
what it has handed out. Here the batch stays JSON: an update of a kind that nobody knows yet, or
one that breaks a type, costs itself and no other. A batch that cannot even be taken apart is asked
for one by one, so that the one that is to blame can be left out.
"""

import asyncio
import random
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import aiohttp
import msgspec
import structlog

from cocoon.errors import BadRequestError, ConfigError, OverloadedError, StoreError

LONG_POLL = 50
"""Seconds that Telegram may wait for something to tell."""
PATIENCE = 15.0
"""Seconds on top, for the network."""
MAX_ANSWER = 64 * 1024 * 1024
LIMIT = 100
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 60.0
CONFLICT_PAUSE = 5.0
MAX_RETRY_AFTER = 3600

log = structlog.get_logger("cocoon.telegram")
_shake = random.SystemRandom()
_first = re.compile(
    rb'\s*\{\s*"ok":\s*true,\s*"result":\s*\[\s*\{\s*"update_id":\s*([0-9]{1,15})[,}\s]'
)


class _Parameters(msgspec.Struct):
    retry_after: int = 0


class _Answer(msgspec.Struct):
    ok: bool
    result: list[msgspec.Raw] = []
    error_code: int = 0
    parameters: _Parameters | None = None


_decode = msgspec.json.Decoder(_Answer)
Take = Callable[..., Awaitable[None]]
"""Keeps updates: :meth:`cocoon.telegram.service.inbox.Inbox.take`."""
UpdateNumber = Callable[[bytes], int]


class Polling:
    """``getUpdates`` for ever (core.telegram.org/bots/api#getupdates).

    Args:
        url: of the method, with the token in it; never shown.
        take: keeps updates.
        number: reads the number of one.
        kinds: kinds of updates that are wanted (``allowed_updates``).
        long_poll: seconds.
    """

    def __init__(
        self,
        url: str,
        take: Take,
        number: UpdateNumber,
        kinds: Sequence[str],
        *,
        long_poll: int = LONG_POLL,
    ) -> None:
        self._url = url
        self._take = take
        self._number = number
        self._kinds = list(kinds)
        self._wait = long_poll
        self._limit = LIMIT
        self._offset = 0
        self._pause = 0.0
        self.healthy = True

    async def run(self) -> None:
        """Until it is cancelled.

        Raises:
            ConfigError: Telegram does not know the token.
        """
        timeout = aiohttp.ClientTimeout(total=self._wait + PATIENCE)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            while True:
                await self._turn(session)
                if self._pause:
                    await asyncio.sleep(self._pause * _shake.uniform(0.8, 1.2))

    async def _turn(self, session: aiohttp.ClientSession) -> None:
        try:
            body = await self._ask(session)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            self._slow_down(type(error).__name__)
            return
        try:
            answer = _decode.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            self._leave_out(body)
            self._slow_down(type(error).__name__)
            return
        self._limit = LIMIT
        if not answer.ok:
            self._refused(answer)
            return
        self._pause = 0.0
        try:
            await self._keep([bytes(raw) for raw in answer.result])
        except (StoreError, OverloadedError) as error:
            # Not confirmed, so Telegram will tell them again.
            self._slow_down(type(error).__name__)
            return
        self.healthy = True

    async def _ask(self, session: aiohttp.ClientSession) -> bytes:
        asked: dict[str, Any] = {
            "offset": self._offset,
            "limit": self._limit,
            "timeout": self._wait,
            "allowed_updates": self._kinds,
        }
        async with session.post(self._url, json=asked, allow_redirects=False) as response:
            return await _read(response)

    def _leave_out(self, body: bytes) -> None:
        """Nothing of a batch can be read: ask for one at a time, and confirm one that is alone."""
        found = _first.match(body)
        if found is not None and self._limit == 1:
            self._offset = int(found[1]) + 1
        self._limit = 1

    async def _keep(self, updates: list[bytes]) -> None:
        """Keep a batch; what is no update is left out, and confirmed with the others."""
        good: list[bytes] = []
        newest = self._offset - 1
        for raw in updates:
            try:
                newest = max(newest, self._number(raw))
            except BadRequestError:
                log.warning("Telegram sent something that is no update", size=len(raw))
                newest = max(newest, _bare_number(raw))
                continue
            good.append(raw)
        if good:
            await self._take(*good)
        if updates and not good and newest < self._offset:  # cannot be confirmed: do not spin
            self._pause = CONFLICT_PAUSE
            return
        self._offset = newest + 1

    def _refused(self, answer: _Answer) -> None:
        if answer.error_code in (401, 404):
            raise ConfigError("Telegram does not know this bot token: ask BotFather for it again")
        if answer.error_code == 409:
            log.warning("another process asks for this bot's updates, or a webhook is set")
            self._pause, self.healthy = CONFLICT_PAUSE, False
            return
        told = answer.parameters.retry_after if answer.parameters is not None else 0
        self._slow_down(str(answer.error_code))
        self._pause = max(self._pause, float(min(max(told, 0), MAX_RETRY_AFTER)))

    def _slow_down(self, reason: str) -> None:
        self._pause = min(max(self._pause * 2, FIRST_PAUSE), LONGEST_PAUSE)
        self.healthy = False
        log.warning("no updates from Telegram", reason=reason, pause=round(self._pause, 1))


async def _read(response: aiohttp.ClientResponse) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in response.content.iter_chunked(2**16):
        size += len(part)
        if size > MAX_ANSWER:
            raise aiohttp.ClientPayloadError("the answer is too large")
        parts.append(part)
    return b"".join(parts)


class _Bare(msgspec.Struct):
    update_id: int = -1


def _bare_number(raw: bytes) -> int:
    """The number of something that is otherwise no update, so that it can be confirmed; or -1."""
    try:
        return msgspec.json.decode(raw, type=_Bare).update_id
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return -1
