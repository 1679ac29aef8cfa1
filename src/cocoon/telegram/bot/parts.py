"""Texts that were too long for one message: apps send them as several, and they are one text again.

Telegram takes 4096 characters at once (https://core.telegram.org/bots/api#sendmessage); what people
paste beyond that arrives as messages of their own, one right after the other.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from aiogram import BaseMiddleware
from aiogram.types import Message, TelegramObject

from cocoon.telegram.bot.gathering import Gathering
from cocoon.telegram.bot.here import Here

SILENCE = 1.0
"""Seconds without a further part after which a text is whole."""
MOST = 4096
"""UTF-16 units of one message."""
FULL = 3000
"""UTF-16 units from which a message may be a part with more to come: some apps cut at the end of a
line, and so before the limit. Shorter ones are handled at once."""

Handler = Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]]


class Parts(BaseMiddleware):
    """Hands parts of a text in private on as one message, the first; each stays until it is done.

    Goes around all handlers of messages; ``here`` is known by then.
    """

    def __init__(self) -> None:
        self._bursts: Gathering[Message] = Gathering(SILENCE)

    async def __call__(self, handler: Handler, event: TelegramObject, data: dict[str, Any]) -> Any:
        """Wait for more where there may be more."""
        here: Here | None = data.get("here")
        if here is None or not isinstance(event, Message) or not _is_said(event):
            return await handler(event, data)
        is_next = self._bursts.is_open(here.chat) and not _is_command(event)
        if not is_next and units(event.text or "") < FULL:
            return await handler(event, data)

        async def whole(parts: list[Message]) -> None:
            await handler(joined(parts), data)

        return await self._bursts.collect(here.chat, event, whole)


def joined(parts: list[Message]) -> Message:
    """The first part with the text of all.

    An app that cut at the end of a line, or between words, did not send what was in between: such
    parts are on lines of their own.
    """
    parts = sorted(parts, key=lambda each: each.message_id)
    if len(parts) == 1:
        return parts[0]
    text = ""
    for part in parts[:-1]:
        said = part.text or ""
        text += said if units(said) >= MOST else f"{said}\n"
    return parts[0].model_copy(update={"text": text + (parts[-1].text or "")})


def units(text: str) -> int:
    """Length as Telegram counts it."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _is_said(message: Message) -> bool:
    """Whether somebody wrote it to us; what is forwarded is gathered by itself."""
    is_own = message.forward_origin is None and message.via_bot is None
    return message.chat.type == "private" and message.text is not None and is_own


def _is_command(message: Message) -> bool:
    return any(each.type == "bot_command" and not each.offset for each in message.entities or ())
