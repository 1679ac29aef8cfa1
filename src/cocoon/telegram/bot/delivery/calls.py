"""The calls of the Bot API that answers are made of, and what its errors mean."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from aiogram import Bot
from aiogram.exceptions import (
    ClientDecodeError,
    TelegramAPIError,
    TelegramBadRequest,
    TelegramForbiddenError,
    TelegramMigrateToChat,
    TelegramNetworkError,
    TelegramNotFound,
    TelegramRetryAfter,
    TelegramServerError,
    TelegramUnauthorizedError,
)
from aiogram.methods import EditMessageText, SendMessage, SendMessageDraft, TelegramMethod
from aiogram.types import InlineKeyboardMarkup, LinkPreviewOptions, MessageEntity, ReplyParameters

from cocoon.telegram.bot.delivery.entities import Entity, Rendered
from cocoon.telegram.bot.delivery.values import Where

NO_PREVIEW = LinkPreviewOptions(is_disabled=True)
"""Telegram fetches the page of a link to show it; nobody asked it to fetch what a model wrote."""

_NOT_MODIFIED = "message is not modified"
_LOST = ("message to edit not found", "message can't be edited", "message_id_invalid")
_GONE = (
    "chat not found",
    "user not found",
    "peer_id_invalid",
    "not enough rights",
    "have no rights",
    "chat_write_forbidden",
    "topic_closed",
    "topic_deleted",
    "message thread not found",
    "user is deactivated",
    "chat_restricted",
    "need administrator rights",
    "group chat was upgraded",
)


class Outcome(Enum):
    """What became of a call.

    Attributes:
        DONE: Telegram did it, or it was so already.
        LATER: too many calls; once more after a time.
        BROKEN: Telegram or the way to it does not work now; once more after a time.
        REFUSED: Telegram does not take this content here; something simpler may do.
        LOST: the message that was to be edited is not there.
        GONE: nothing can be written to this chat.
    """

    DONE = auto()
    LATER = auto()
    BROKEN = auto()
    REFUSED = auto()
    LOST = auto()
    GONE = auto()


@dataclass(frozen=True, slots=True)
class Answer:
    """What Telegram answered.

    Attributes:
        outcome: what became of the call.
        message: id of the message that was sent.
        wait: seconds until Telegram wants to hear of us again.
        moved: new id of a group that became a supergroup.
        is_unknown: whether the server does not know the method at all.
    """

    outcome: Outcome
    message: int | None = None
    wait: float = 0.0
    moved: int | None = None
    is_unknown: bool = False


async def ask(bot: Bot, call: TelegramMethod[Any]) -> Answer:
    """Make a call; never raises for what Telegram or the network says."""
    try:
        result = await bot(call)
    except (TimeoutError, TelegramAPIError, ClientDecodeError, OSError) as error:
        return understand(error)
    return Answer(Outcome.DONE, getattr(result, "message_id", None))


def understand(error: Exception) -> Answer:
    """What an error of a call means for the message."""
    if isinstance(error, TelegramRetryAfter):
        return Answer(Outcome.LATER, wait=float(error.retry_after))
    if isinstance(error, TelegramMigrateToChat):
        return Answer(Outcome.LATER, moved=error.migrate_to_chat_id)
    if isinstance(error, TelegramForbiddenError | TelegramUnauthorizedError):
        return Answer(Outcome.GONE)
    if isinstance(error, TelegramNotFound):
        return Answer(Outcome.REFUSED, is_unknown=True)
    if isinstance(error, TelegramBadRequest):
        return _bad_request(error.message.lower())
    is_broken = isinstance(
        error, TelegramServerError | TelegramNetworkError | ClientDecodeError | OSError
    )
    return Answer(Outcome.BROKEN if is_broken else Outcome.REFUSED)


def _bad_request(message: str) -> Answer:
    if _NOT_MODIFIED in message:
        return Answer(Outcome.DONE)
    if any(words in message for words in _LOST):
        return Answer(Outcome.LOST)
    if any(words in message for words in _GONE):
        return Answer(Outcome.GONE)
    return Answer(Outcome.REFUSED)


def entities(found: Sequence[Entity]) -> list[MessageEntity] | None:
    """As aiogram takes them; not checked once more, which would take longer than all the rest."""
    make = MessageEntity.model_construct
    return [
        make(type=e.type, offset=e.offset, length=e.length, url=e.url, language=e.language)
        for e in found
    ] or None


def message(
    where: Where, content: Rendered, buttons: InlineKeyboardMarkup | None, *, is_reply: bool
) -> SendMessage:
    """A new message."""
    reply = ReplyParameters(message_id=where.reply_to, allow_sending_without_reply=True)
    return SendMessage(
        chat_id=where.chat,
        message_thread_id=where.topic,
        text=content.text,
        entities=entities(content.entities),
        parse_mode=None,
        link_preview_options=NO_PREVIEW,
        reply_parameters=reply if is_reply and where.reply_to else None,
        reply_markup=buttons,
    )


def draft(where: Where, number: int, content: Rendered) -> SendMessageDraft:
    """What is shown while an answer grows; an empty text shows "Thinking…"."""
    return SendMessageDraft(
        chat_id=where.chat,
        draft_id=number,
        message_thread_id=where.topic,
        text=content.text,
        entities=entities(content.entities),
        parse_mode=None,
        can_stop=True,
        keep_on_stop=True,
    )


def edit(
    where: Where, number: int | None, content: Rendered, buttons: InlineKeyboardMarkup | None
) -> EditMessageText:
    """Other words for a message."""
    is_inline = where.inline is not None
    return EditMessageText(
        chat_id=None if is_inline else where.chat,
        message_id=None if is_inline else number,
        inline_message_id=where.inline,
        text=content.text,
        entities=entities(content.entities),
        parse_mode=None,
        link_preview_options=NO_PREVIEW,
        reply_markup=buttons,
    )
