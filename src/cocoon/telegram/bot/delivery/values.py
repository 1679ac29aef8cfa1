"""Where a message goes and how fast, as values."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Self

from cocoon.errors import ConfigError
from cocoon.telegram.settings import Limits


class Rank(IntEnum):
    """What goes first when not everything can go now; smaller goes earlier.

    Attributes:
        FINAL: what must arrive: the end of an answer, its earlier pages, every other message.
        FIRST: the first words of an answer, which tell somebody that it has begun.
        UPDATE: further words of an answer, or the same ones before the draft with them dies.
    """

    FINAL = 0
    FIRST = 1
    UPDATE = 2


@dataclass(frozen=True, slots=True)
class Where:
    """A place for messages.

    Attributes:
        chat: Telegram's id of the chat; 0 for a message that was sent through inline mode.
        topic: ``message_thread_id`` of the topic, if there is one.
        is_private: whether it is a chat with one person; only those show drafts.
        reply_to: id of the message that is answered.
        inline: ``inline_message_id`` of a message that was sent through inline mode; such messages
            can only be edited.
    """

    chat: int
    topic: int | None = None
    is_private: bool = True
    reply_to: int | None = None
    inline: str | None = None

    @property
    def key(self) -> int | str:
        """What Telegram's limit for one chat counts by."""
        return self.inline if self.inline is not None else self.chat


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """How fast the bot may call Telegram, https://core.telegram.org/bots/faq.

    Attributes:
        per_second: calls that write within any second, over all chats.
        burst: how many of them may follow each other at once after a pause.
        chat_per_second: to one chat, or to one inline message, on average.
        chat_burst: of them at once after a pause: updates one, first words two, an end three.
        group_per_minute: to one group within any minute.
        group_reserve: of them that are kept for what must arrive.
    """

    per_second: float = 30.0
    burst: int = 5
    chat_per_second: float = 1.0
    chat_burst: int = 3
    group_per_minute: int = 20
    group_reserve: int = 4

    def __post_init__(self) -> None:
        least = min(self.per_second, self.chat_per_second * 60, self.group_per_minute)
        if least < 1 or min(self.burst, self.chat_burst) < 1:
            raise ConfigError("a bot must be allowed a call a second, and one a minute to a chat")

    @classmethod
    def of(cls, limits: Limits) -> Self:
        """What an operator's settings say."""
        return cls(
            per_second=limits.calls_per_second,
            chat_per_second=limits.calls_per_chat_second,
            group_per_minute=limits.calls_per_group_minute,
        )
