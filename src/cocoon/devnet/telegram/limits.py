"""How often a bot may call, and what happens when it calls more often.

Published (https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this): about
one message a second in a chat with short bursts, 20 a minute in a group, about 30 a second over
all chats. What is not published is read strictly here:

- drafts and edits count as messages, for their chat and over all chats;
- "about 30 a second" is no more than 30 within any second;
- a burst in one chat is three messages;
- ``retry_after`` blocks every call of that chat (or of the bot) until it is over, and doubles with
  each further violation within a minute, up to a minute.
"""

from collections import deque
from dataclasses import dataclass, field
from enum import Enum
from math import ceil

from cocoon.devnet.telegram.answers import BotApiError, too_many

MAX_TEXT = 4096
"""UTF-16 units of a message's text after its entities are parsed."""
MAX_CAPTION = 1024
"""UTF-16 units of a caption."""
MAX_CALLBACK_DATA = 64
"""Bytes of a button's callback data."""
MAX_CALLBACK_ANSWER = 200
MAX_BUTTONS = 100
MAX_ENTITIES = 100
MAX_INLINE_RESULTS = 50
MAX_COMMANDS = 100
DRAFT_LIFE = 30.0
"""Seconds that a draft is shown after its last change."""
PRE_CHECKOUT_TIME = 10.0
"""Seconds in which a pre-checkout query must be answered."""
CALLBACK_TIME = 600.0
"""Seconds in which a callback query can be answered; not published."""
INLINE_TIME = 10.0
"""Seconds in which an inline query can be answered; not published exactly."""
MAX_DOWNLOAD = 20 << 20
"""Bytes of a file that ``getFile`` gives."""
MAX_UPLOAD = 50 << 20
"""Bytes of a file that a bot sends."""
MAX_PHOTO = 10 << 20

_MAX_PENALTY = 60
_FORGIVEN_AFTER = 60.0


class Cost(Enum):
    """What a call counts against."""

    FREE = "free"
    """Nothing: answers to queries, settings, getUpdates."""
    CALL = "call"
    """The bot's calls over all chats: typing notes, deletions."""
    MESSAGE = "message"
    """Its chat, and the bot's calls over all chats."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Telegram's rates; tests may take others.

    Attributes:
        everywhere: calls within any second over all chats.
        chat: messages a second in one chat, in the long run.
        chat_burst: messages at once in a chat that was quiet.
        group_minute: messages within any minute in one group.
    """

    everywhere: int = 30
    chat: float = 1.0
    chat_burst: int = 3
    group_minute: int = 20


@dataclass(slots=True)
class _Penalty:
    until: float = 0.0
    seconds: int = 0

    def left(self, now: float) -> int:
        return max(0, ceil(self.until - now))

    def impose(self, now: float, least: float) -> int:
        again = self.seconds and now - self.until < _FORGIVEN_AFTER
        doubled = min(_MAX_PENALTY, self.seconds * 2) if again else 1
        self.seconds = max(1, ceil(least), doubled)
        self.until = now + self.seconds
        return self.seconds


@dataclass(slots=True)
class _ChatRate:
    tokens: float
    at: float
    minute: deque[float] = field(default_factory=deque)
    penalty: _Penalty = field(default_factory=_Penalty)


class RateLimiter:
    """Counts calls and refuses those beyond the limits.

    Args:
        rates: how many.

    Attributes:
        violations: calls refused with 429, by ``everywhere``, ``chat`` and ``group``, and
            ``blocked`` for calls made although ``retry_after`` was not over.
    """

    def __init__(self, rates: Rates) -> None:
        self.rates = rates
        self.violations = {"everywhere": 0, "chat": 0, "group": 0, "blocked": 0}
        self._recent: deque[float] = deque()
        self._penalty = _Penalty()
        self._chats: dict[int | str, _ChatRate] = {}

    def admit(self, now: float, cost: Cost, chat: int | str | None, *, group: bool) -> None:
        """Counts one call.

        Args:
            now: the time, in seconds.
            cost: what it counts against.
            chat: its chat, or the inline message that it changes.
            group: whether the chat is a group.

        Raises:
            BotApiError: 429.
        """
        if cost is Cost.FREE:
            return
        kept = None
        if cost is Cost.MESSAGE and chat is not None:
            kept = self._chats.get(chat)
            if kept is None:
                kept = self._chats[chat] = _ChatRate(self.rates.chat_burst, now)
        self._refuse_blocked(now, kept)
        self._check_everywhere(now)
        if kept is not None:
            self._check_chat(now, kept, group=group)
        self._recent.append(now)

    def _refuse_blocked(self, now: float, chat: _ChatRate | None) -> None:
        left = self._penalty.left(now)
        if chat is not None:
            left = max(left, chat.penalty.left(now))
        if left:
            self.violations["blocked"] += 1
            raise too_many(left)

    def _check_everywhere(self, now: float) -> None:
        recent = self._recent
        while recent and recent[0] <= now - 1:
            recent.popleft()
        if len(recent) >= self.rates.everywhere:
            raise self._violated("everywhere", self._penalty, now, recent[0] + 1 - now)

    def _check_chat(self, now: float, chat: _ChatRate, *, group: bool) -> None:
        rates = self.rates
        tokens = min(float(rates.chat_burst), chat.tokens + (now - chat.at) * rates.chat)
        if tokens < 1:
            raise self._violated("chat", chat.penalty, now, (1 - tokens) / rates.chat)
        if group:
            minute = chat.minute
            while minute and minute[0] <= now - 60:
                minute.popleft()
            if len(minute) >= rates.group_minute:
                raise self._violated("group", chat.penalty, now, minute[0] + 60 - now)
            minute.append(now)
        chat.tokens, chat.at = tokens - 1, now

    def _violated(self, what: str, penalty: _Penalty, now: float, least: float) -> BotApiError:
        self.violations[what] += 1
        return too_many(penalty.impose(now, least))
