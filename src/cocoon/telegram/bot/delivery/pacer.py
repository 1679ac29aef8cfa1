"""One queue for everything that a bot writes, so that Telegram never says "too many requests"."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar

from cocoon.telegram.bot.delivery.schedule import Counters, Schedule, Ticket
from cocoon.telegram.bot.delivery.values import Rank, Speed

_HAS_TURN: ContextVar[bool] = ContextVar("cocoon_telegram_has_turn", default=False)


def has_turn() -> bool:
    """Whether the running code may call Telegram without waiting for a turn."""
    return _HAS_TURN.get()


@contextmanager
def _with_turn() -> Iterator[None]:
    token = _HAS_TURN.set(True)
    try:
        yield
    finally:
        _HAS_TURN.reset(token)


class Turn:
    """A place in the queue; made by :meth:`Pacer.queue`."""

    def __init__(self, pacer: "Pacer", ticket: Ticket, granted: "asyncio.Future[bool]") -> None:
        self._pacer = pacer
        self.ticket = ticket
        self.granted = granted

    def withdraw(self) -> None:
        """Leave the queue: who waits for ``granted`` is told False, unless it was granted."""
        if not self.granted.done():
            self._pacer.schedule.withdraw(self.ticket)
            self.granted.set_result(False)

    def withdraw_from(self, rank: Rank) -> None:
        """Leave the queue if the place is one of that rank."""
        if self.ticket.rank is rank:
            self.withdraw()

    @asynccontextmanager
    async def __call__(self) -> AsyncIterator[bool]:
        """Wait; inside, when it says True, one call may be made."""
        try:
            is_granted = await self.granted
        except asyncio.CancelledError:
            if self.granted.done() and not self.granted.cancelled() and self.granted.result():
                self._pacer.end(self.ticket)
            else:
                self._pacer.schedule.withdraw(self.ticket)
            raise
        if not is_granted:
            yield False
            return
        try:
            with _with_turn():
                yield True
        finally:
            self._pacer.end(self.ticket)


class Pacer:
    """Says when the next call may be made; one per bot and process.

    The limits are Telegram's (https://core.telegram.org/bots/faq, "My bot is hitting limits"):
    about 30 messages a second over all chats, one a second to a chat with short bursts, 20 a minute
    to a group. Bots to which Telegram allows more set more.

    Args:
        speed: the limits.
    """

    def __init__(self, speed: Speed | None = None) -> None:
        self.schedule = Schedule(speed or Speed())
        self._waiting: dict[Ticket, asyncio.Future[bool]] = {}
        self._timer: asyncio.TimerHandle | None = None

    @property
    def speed(self) -> Speed:
        """The limits."""
        return self.schedule.speed

    @property
    def counters(self) -> Counters:
        """What happened so far."""
        return self.schedule.counters

    def queue(self, key: int | str | None, rank: Rank) -> Turn:
        """A place in the queue.

        Args:
            key: Telegram's id of the chat, ``@name`` of a channel, or an ``inline_message_id``;
                None for calls that count for no chat, such as "is typing".
            rank: how important it is.
        """
        loop = asyncio.get_running_loop()
        ticket = self.schedule.add(key, rank, loop.time())
        granted: asyncio.Future[bool] = loop.create_future()
        self._waiting[ticket] = granted
        granted.add_done_callback(lambda _: self._waiting.pop(ticket, None))
        self._pump()
        return Turn(self, ticket, granted)

    @asynccontextmanager
    async def turn(self, key: int | str | None, rank: Rank = Rank.FINAL) -> AsyncIterator[None]:
        """Wait until a call may be made; it is made inside."""
        if has_turn():
            yield
            return
        async with self.queue(key, rank)():
            yield

    def capacity(self) -> float:
        """Calls that can be made in a second as things are."""
        return self.schedule.capacity(asyncio.get_running_loop().time())

    def refused(self, key: int | str | None, seconds: float) -> None:
        """Telegram said "too many requests": wait as long as it says."""
        self.schedule.refused(key, seconds, asyncio.get_running_loop().time())
        self._pump()

    def end(self, ticket: Ticket) -> None:
        """A call that was granted has ended."""
        self.schedule.end(ticket, asyncio.get_running_loop().time())
        self._pump()

    def _pump(self) -> None:
        """Grant what can be granted now, and come back when more can be."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        while (ticket := self.schedule.next(now)) is not None:
            granted = self._waiting.pop(ticket, None)
            if granted is None or granted.done():
                self.schedule.end(ticket, now)
            else:
                granted.set_result(True)
        if self._timer is not None:
            self._timer.cancel()
        at = self.schedule.wake(now)
        self._timer = None if at is None else loop.call_at(max(at, now + 0.001), self._pump)

    def close(self) -> None:
        """Let nobody wait any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for ticket, granted in list(self._waiting.items()):
            self.schedule.withdraw(ticket)
            if not granted.done():
                granted.cancel()
