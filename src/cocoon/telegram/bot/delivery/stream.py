"""An answer that people watch while it is written."""

from typing import Protocol

from aiogram.types import InlineKeyboardMarkup


class LiveMessage(Protocol):
    """One answer in one chat, from "thinking…" to its last word.

    Text is Markdown as models write it, always the whole of it. None of the methods raises for what
    Telegram answers: a chat that is gone shows in :attr:`is_gone`.
    """

    @property
    def draft_id(self) -> int:
        """Names its draft in ``stopped_message_generation``; never 0."""
        ...

    @property
    def is_gone(self) -> bool:
        """Whether nobody can read it any more: the bot was blocked, or the chat is closed."""
        ...

    @property
    def message_ids(self) -> list[int]:
        """Messages that were sent so far, without the draft."""
        ...

    async def update(self, text: str) -> None:
        """Show the text so far when the limits allow it; returns at once.

        An empty text shows that the bot is thinking. Call it as often as there is news: only the
        newest text is sent.
        """
        ...

    async def finish(
        self, text: str, reply_markup: InlineKeyboardMarkup | None = None
    ) -> list[int]:
        """Send the whole text for good; the buttons go below its last message.

        Returns:
            Ids of the messages; empty when the chat is gone or Telegram does not answer, and for
            inline messages, which have none.
        """
        ...

    async def fail(self, text: str, reply_markup: InlineKeyboardMarkup | None = None) -> list[int]:
        """Say why there is no more: keeps what was shown and adds ``text`` as a paragraph."""
        ...

    async def drop(self) -> None:
        """End without a word; a draft goes away by itself. Not needed after finish or fail."""
        ...
