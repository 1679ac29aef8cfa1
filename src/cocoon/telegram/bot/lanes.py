"""Whose turn it is: one answer at a time in a chat, a few of one person, so many in all."""

import asyncio
from collections import Counter, OrderedDict, deque
from dataclasses import dataclass, field
from typing import Literal

from cocoon.telegram.bot.delivery import LiveMessage
from cocoon.telegram.settings import Limits

MAX_SEEN = 20_000
"""References that are remembered, so that nothing is said twice within a process."""

Refusal = Literal["duplicate", "queue", "person", "everybody"]
Reason = Literal["", "person", "restart", "withdrawn"]


@dataclass(slots=True, eq=False)
class Running:
    """An answer from its question to its last word.

    Attributes:
        user: who asked.
        chat: its key; lanes are by chat.
        reference: names it.
        turn: set when it may begin.
        live: what people see of it, once it has begun.
        work: what waits for the network, once it has begun.
        text: of the answer so far.
        stopped: why it was told to stop; empty if it was not.
        ended: set when all has been said.
        at: of the loop's clock, when it was asked.
        comment: of a question that may be about what is forwarded with it: its words.
        dealt_with: set when a question that was withdrawn has been dealt with elsewhere.
    """

    user: int
    chat: str
    reference: str
    at: float = 0.0
    comment: str = field(default="", repr=False)
    turn: asyncio.Event = field(default_factory=asyncio.Event)
    live: LiveMessage | None = None
    work: "asyncio.Task[object] | None" = None
    text: str = field(default="", repr=False)
    stopped: Reason = ""
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    dealt_with: asyncio.Event = field(default_factory=asyncio.Event)

    def stop(self, reason: Reason) -> None:
        """Stop it; the first reason counts."""
        if not self.stopped:
            self.stopped = reason
            self.turn.set()
            if self.work is not None:
                self.work.cancel()


class Lanes:
    """Running and waiting answers.

    Args:
        limits: how many.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._lanes: dict[str, deque[Running]] = {}
        self._of_user: Counter[int] = Counter()
        self._seen: OrderedDict[str, None] = OrderedDict()

    @property
    def all(self) -> list[Running]:
        """Everything that runs or waits."""
        return [each for lane in self._lanes.values() for each in lane]

    def enter(self, running: Running) -> Refusal | None:
        """Take a place; wait for ``running.turn`` then, and :meth:`leave` at the end.

        Returns:
            None, or why there is no place: ``duplicate`` for what was, or is being, answered; the
            ``queue`` of the chat is full, the ``person`` or ``everybody`` together has too many.
        """
        if running.reference in self._seen:
            return "duplicate"
        if len(self._of_user) and self._of_user.total() >= self._limits.answers_in_all:
            return "everybody"
        lane = self._lanes.get(running.chat, ())
        if len(lane) > self._limits.queued_per_chat:
            return "queue"
        if not lane and self._busy_chats(running.user) >= self._limits.answers_at_once:
            return "person"
        self._seen[running.reference] = None
        while len(self._seen) > MAX_SEEN:
            self._seen.popitem(last=False)
        self._of_user[running.user] += 1
        self._lanes.setdefault(running.chat, deque()).append(running)
        if not lane:
            running.turn.set()
        return None

    def leave(self, running: Running) -> None:
        """It is over: the next one of the chat begins."""
        lane = self._lanes[running.chat]
        lane.remove(running)
        if lane:
            lane[0].turn.set()
        else:
            del self._lanes[running.chat]
        self._of_user[running.user] -= 1
        if not self._of_user[running.user]:
            del self._of_user[running.user]
        running.ended.set()

    def of_chat(self, chat: str) -> list[Running]:
        """What runs in a chat, and then what waits."""
        return list(self._lanes.get(chat, ()))

    def of_user(self, user: int) -> list[Running]:
        """What a person waits for."""
        return [each for each in self.all if each.user == user] if self._of_user[user] else []

    def _busy_chats(self, user: int) -> int:
        if not self._of_user.get(user):
            return 0
        return sum(1 for lane in self._lanes.values() if lane[0].user == user)
