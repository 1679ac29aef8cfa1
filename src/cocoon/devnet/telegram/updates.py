"""The queue of updates, with the meaning that ``getUpdates`` gives ``offset``.

Source: https://core.telegram.org/bots/api#getting-updates. Updates are kept for 24 hours at most.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

from cocoon.devnet.telegram.answers import BotApiError, Json

UPDATE_KINDS = (
    "message",
    "edited_message",
    "guest_message",
    "inline_query",
    "chosen_inline_result",
    "callback_query",
    "pre_checkout_query",
    "my_chat_member",
    "chat_member",
    "message_reaction",
    "stopped_message_generation",
)
"""Kinds of updates that the stand-in makes."""
ON_REQUEST = frozenset({"chat_member", "message_reaction", "message_reaction_count"})
"""Kinds that come only when they are asked for by name."""
KEPT_FOR = 24 * 3600.0
"""Seconds after which an update that nobody took is dropped."""
FIRST_UPDATE = 700_000_001

CONFLICT = (
    "Conflict: terminated by other getUpdates request; "
    "make sure that only one bot instance is running"
)


class UpdateQueue:
    """Updates that the bot has not confirmed yet.

    Args:
        time: the clock, in seconds.

    Attributes:
        allowed: kinds that the bot asked for; empty for all but those of :data:`ON_REQUEST`.
        waiting: updates, oldest first.
        queued: how many there ever were.
        confirmed: the highest id that was confirmed.
    """

    def __init__(self, time: Callable[[], float]) -> None:
        self._time = time
        self._next = FIRST_UPDATE
        self.allowed: frozenset[str] = frozenset()
        self.waiting: deque[Json] = deque()
        self._added: dict[int, float] = {}
        self.confirmed = FIRST_UPDATE - 1
        self.queued = 0
        self._woken = asyncio.Event()
        self._poll: asyncio.Future[None] | None = None

    def allow(self, kinds: Sequence[str]) -> None:
        """Takes ``allowed_updates``."""
        self.allowed = frozenset(kinds)

    def wants(self, kind: str) -> bool:
        """Whether the bot gets updates of this kind."""
        return kind in self.allowed if self.allowed else kind not in ON_REQUEST

    def put(self, kind: str, content: Json) -> int | None:
        """Queues an update.

        Returns:
            Its id, or ``None`` when the bot does not want this kind.
        """
        if not self.wants(kind):
            return None
        return self.put_raw({kind: content})

    def put_raw(self, update: Json) -> int:
        """Queues whatever it is, well formed or not: for tests of what a bot refuses."""
        number = self._next
        self._next += 1
        self.waiting.append({"update_id": number, **update})
        self._added[number] = self._time()
        self._wake()
        return number

    def repeat(self, update: Json) -> None:
        """Queues an update once more under the id that it has: Telegram may do that too."""
        self.waiting.append(update)
        self._added[int(update["update_id"])] = self._time()
        self._wake()

    def _wake(self) -> None:
        self.queued += 1
        self._woken.set()

    def confirm(self, below: int) -> None:
        """Forgets updates with ids below ``below``."""
        while self.waiting and self.waiting[0]["update_id"] < below:
            number = self.waiting.popleft()["update_id"]
            self._added.pop(number, None)
            self.confirmed = max(self.confirmed, number)

    def drop(self) -> None:
        """Forgets all."""
        self.waiting.clear()
        self._added.clear()

    def take(self, offset: int | None, limit: int) -> list[Json]:
        """What ``getUpdates`` answers now."""
        if offset is not None and offset > 0:
            self.confirm(offset)
        elif offset:
            self.confirm(self._next + offset)
        oldest = self._time() - KEPT_FOR
        while self.waiting and self._added.get(self.waiting[0]["update_id"], oldest) < oldest:
            self._added.pop(self.waiting.popleft()["update_id"], None)
        return [update for update, _ in zip(self.waiting, range(limit), strict=False)]

    async def poll(self, offset: int | None, limit: int, timeout: float) -> list[Json]:
        """A long poll: waits up to ``timeout`` seconds for the first update.

        Raises:
            BotApiError: 409 when another poll began meanwhile.
        """
        self.end_poll()
        mine = self._poll = asyncio.get_running_loop().create_future()
        try:
            until = asyncio.get_running_loop().time() + timeout
            while not (found := self.take(offset, limit)):
                left = until - asyncio.get_running_loop().time()
                if left <= 0:
                    break
                self._woken.clear()
                woken = asyncio.ensure_future(self._woken.wait())
                await asyncio.wait({woken, mine}, timeout=left, return_when="FIRST_COMPLETED")
                woken.cancel()
                if mine.done():
                    raise BotApiError(409, CONFLICT)
            return found
        finally:
            if self._poll is mine:
                self._poll = None

    def remove(self, update: Json) -> None:
        """Forgets one update that was taken out of order."""
        kept = [other for other in self.waiting if other is not update]
        if len(kept) < len(self.waiting):
            self.waiting = deque(kept)
            self._added.pop(update["update_id"], None)
            self.confirmed = max(self.confirmed, update["update_id"])

    async def arrived(self, than: int) -> int:
        """Returns when more than ``than`` updates were queued ever; gives how many."""
        while self.queued <= than:
            self._woken.clear()
            await self._woken.wait()
        return self.queued

    def end_poll(self) -> None:
        """Ends a poll that is under way: there is another one, or a webhook."""
        if self._poll is not None and not self._poll.done():
            self._poll.set_result(None)
