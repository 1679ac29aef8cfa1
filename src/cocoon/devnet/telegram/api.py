"""One call after another: arguments, limits, faults that a test asks for, the method itself."""

import asyncio
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cocoon.devnet.telegram.answers import BotApiError, Json
from cocoon.devnet.telegram.arguments import Upload, read_arguments
from cocoon.devnet.telegram.methods.table import METHODS, Method
from cocoon.devnet.telegram.schema import SCHEMA
from cocoon.devnet.telegram.webhook import Webhook
from cocoon.devnet.telegram.world import World

MAX_LOG = 200_000
MAX_POLL = 50.0
"""Seconds of the longest poll."""


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One call that was made; what it said is not kept.

    Attributes:
        at: the stand-in's time, in seconds since 1970.
        chat: its chat or inline message, ``None`` for none.
        status: 200 or the error's code.
    """

    at: float
    method: str
    chat: int | str | None
    status: int


@dataclass(slots=True)
class _Fault:
    error: BotApiError | None
    delay: float
    times: int
    after: bool


class Api:
    """Makes calls.

    Attributes:
        calls: how often each method was called.
        log: the last calls, oldest first.
    """

    def __init__(self, world: World, webhook: Webhook) -> None:
        self._world = world
        self._webhook = webhook
        self._faults: dict[str, deque[_Fault]] = {}
        self.calls: Counter[str] = Counter()
        self.log: deque[CallRecord] = deque(maxlen=MAX_LOG)

    def add_fault(
        self, method: str, error: BotApiError | None, delay: float, times: int, *, after: bool
    ) -> None:
        """Makes the next ``times`` calls of a method late by ``delay`` seconds, or fail.

        Args:
            method: its name, or ``*`` for any.
            error: what it answers, or ``None`` to only be late.
            delay: seconds.
            times: how many calls.
            after: whether the method is done before it fails: an answer lost on its way.
        """
        self._faults.setdefault(method, deque()).append(_Fault(error, delay, times, after))

    async def call(self, name: str, values: Mapping[str, Any], files: Mapping[str, Upload]) -> Any:
        """Makes one call.

        Raises:
            BotApiError: it was refused.
        """
        status, chat = 200, None
        self.calls[name if name in SCHEMA else "unknown"] += 1
        try:
            if name not in SCHEMA:
                raise BotApiError(404, "Not Found")
            arguments = read_arguments(name, values, files)
            chat = arguments.get("chat_id") or arguments.get("inline_message_id")
            return await self._do(name, arguments, chat)
        except BotApiError as error:
            status = error.code
            raise
        finally:
            self.log.append(CallRecord(self._world.clock.time(), name, chat, status))

    async def _do(self, name: str, arguments: Json, chat: int | str | None) -> Any:
        fault = self._take_fault(name)
        if fault is not None:
            await asyncio.sleep(fault.delay)
            if fault.error is not None and not fault.after:
                raise fault.error
        method = METHODS.get(name)
        result = (
            await self._updates(name, arguments)
            if method is None
            else self._limited(method, arguments, chat)
        )
        if fault is not None and fault.error is not None:
            raise fault.error
        return result

    def _limited(self, method: Method, arguments: Json, chat: int | str | None) -> Any:
        known = self._world.chats.get(chat) if isinstance(chat, int) else None
        group = known is not None and known.is_group
        self._world.limiter.admit(self._world.clock.time(), method.cost, chat, group=group)
        return method.do(self._world, arguments)

    def _take_fault(self, name: str) -> _Fault | None:
        faults = self._faults.get(name) or self._faults.get("*")
        if not faults:
            return None
        fault = faults[0]
        fault.times -= 1
        if fault.times <= 0:
            faults.popleft()
        return fault

    async def _updates(self, name: str, arguments: Json) -> Any:
        if name == "getUpdates":
            return await self._get_updates(arguments)
        return self._webhook.do(name, arguments)

    async def _get_updates(self, arguments: Json) -> list[Json]:
        if self._webhook.url:
            raise BotApiError(
                409,
                "Conflict: can't use getUpdates method while webhook is active; "
                "use deleteWebhook to delete the webhook first",
            )
        updates = self._world.updates
        if "allowed_updates" in arguments:
            updates.allow(arguments["allowed_updates"])
        limit = min(100, max(1, arguments.get("limit", 100)))
        timeout = min(MAX_POLL, max(0.0, float(arguments.get("timeout", 0))))
        return await updates.poll(arguments.get("offset"), limit, timeout)
