"""Before handlers: who and where, whether it is too much; after them: what went wrong."""

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import structlog
from aiogram import BaseMiddleware
from aiogram.dispatcher.event.bases import UNHANDLED
from aiogram.exceptions import TelegramAPIError
from aiogram.types import CallbackQuery, Chat, InlineQuery, Message, TelegramObject, Update, User
from aiogram.types.update import UpdateTypeLookupError

from cocoon.errors import BlockedError, CocoonError, StoreError, where
from cocoon.telegram.bot.addressed import is_for_bot
from cocoon.telegram.bot.albums import Addressed
from cocoon.telegram.bot.delivery import Where
from cocoon.telegram.bot.deps import BotDeps
from cocoon.telegram.bot.here import Here
from cocoon.telegram.bot.moving import is_move
from cocoon.telegram.bot.pages import answer
from cocoon.telegram.bot.topics import chat_key, place

CHAT_TYPES = frozenset({"private", "group", "supergroup", "sender"})
MAX_PEOPLE = 20_000
"""People whose pace is remembered."""
QUERIES_PER_MESSAGE = 4
"""Inline queries count less: apps send one every few letters."""
MESSAGES_AT_ONCE = 100
"""Messages that a person may send at once after a pause: as many as apps forward."""

Handler = Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]]
log = structlog.get_logger("cocoon.telegram")


@dataclass(slots=True)
class _Pace:
    left: float
    at: float
    is_told: bool = False


class Flood:
    """How often people write: so many messages a minute, saved up for a while.

    Args:
        per_minute: messages.
        clock: seconds that never go back.
    """

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = per_minute / 60
        self._most = float(per_minute)
        self._clock = clock
        self._paces: OrderedDict[int, _Pace] = OrderedDict()

    def take(self, user: int, cost: float = 1.0) -> bool:
        """Whether this one is within the pace."""
        now = self._clock()
        pace = self._paces.setdefault(user, _Pace(self._most, now))
        self._paces.move_to_end(user)
        while len(self._paces) > MAX_PEOPLE:
            self._paces.popitem(last=False)
        pace.left = min(self._most, pace.left + (now - pace.at) * self._rate)
        pace.at = now
        if pace.left < cost:
            return False
        pace.left -= cost
        pace.is_told = False
        return True

    def must_tell(self, user: int) -> bool:
        """Whether a person has not been asked for patience yet; once for each time."""
        pace = self._paces.get(user)
        if pace is None or pace.is_told:
            return False
        pace.is_told = True
        return True


class Gate(BaseMiddleware):
    """Outermost: finds out who and where, turns away what is not for us, says what went wrong.

    Args:
        deps: of the bot.
    """

    def __init__(self, deps: BotDeps) -> None:
        self._deps = deps
        self._albums = Addressed()
        self._flood = Flood(deps.settings.limits.messages_per_minute)

    async def __call__(self, handler: Handler, event: TelegramObject, data: dict[str, Any]) -> Any:
        """Let an update through, or not; raises nothing but what cancels it."""
        assert isinstance(event, Update)
        inner = _inner(event)
        if inner is None or not self._is_ours(inner):
            return None
        here = None
        try:
            is_news = event.event_type in _WITHOUT_PERSON or _is_move(inner)
            here = None if is_news else await self._here(inner, data)
            if here is not None:
                data["here"] = here
                if not await self._may_pass(inner, here):
                    return None
            elif not is_news:
                return None
            result = await handler(event, data)
            await _close_query(inner, here, result)
        except CocoonError as error:
            await self._failed(inner, here, error)
        except TelegramAPIError as error:
            log.warning("Telegram refused a call", error=type(error).__name__, at=where(error))
            await self._count("telegram")
        except Exception as error:
            log.error("a handler failed", error=type(error).__name__, at=where(error))
            await self._failed(inner, here, error)
        return None

    def _is_ours(self, event: TelegramObject) -> bool:
        """Whether it is for us; a group shows us more than that where privacy mode is off."""
        if not isinstance(event, Message) or event.chat.type == "private":
            return True
        if is_move(event):
            return True
        if event.is_automatic_forward:
            return False  # a channel's post in its discussion group
        is_said = (event.text or "").startswith("/") or is_for_bot(event, self._deps.me)
        return self._albums.has(event, is_for_bot=is_said)

    async def _here(self, event: TelegramObject, data: dict[str, Any]) -> Here | None:
        user: User | None = data.get("event_from_user")
        chat: Chat | None = data.get("event_chat")
        if user is None or (user.is_bot and not _is_anonymous_admin(user, chat)):
            return None
        if chat is not None and chat.type not in CHAT_TYPES:
            return None
        message = _message(event)
        if message is not None:
            spot = place(message)
            key = chat_key(spot.chat, spot.topic)
        elif chat is not None:
            spot = Where(chat.id, is_private=chat.type in {"private", "sender"})
            key = chat_key(chat.id, None)
        else:
            spot, key = Where(0), chat_key(user.id, None)
        if isinstance(event, CallbackQuery):
            spot = Where(spot.chat, spot.topic, spot.is_private)
        preferences = await self._deps.chats.get(key)
        words = self._deps.texts.words(preferences.language, user.language_code or "")
        return Here(user=user.id, chat=key, where=spot, preferences=preferences, words=words)

    async def _may_pass(self, event: TelegramObject, here: Here) -> bool:
        message = event if isinstance(event, Message) else None
        if message is not None and (message.successful_payment or message.refunded_payment):
            return True  # money is always heard of
        cost = 1 / QUERIES_PER_MESSAGE if isinstance(event, InlineQuery) else 1.0
        if message is not None and message.forward_origin is not None:
            cost = 1 / MESSAGES_AT_ONCE * self._deps.settings.limits.messages_per_minute / 2
        if not self._flood.take(here.user, cost):
            if self._flood.must_tell(here.user):
                await self._count("flood")
                await self._tell(event, here, "busy.flood")
            return False
        if isinstance(event, CallbackQuery) and not _is_offered(event):
            await answer(event, here.words("errors.old_button"))
            return False
        account = await self._deps.accounts.account(here.user, here.words.language)
        if account.blocked:
            if here.where.is_private:
                raise BlockedError("the operator turned this user away")
            return False
        return True

    async def _failed(self, event: TelegramObject, here: Here | None, error: Exception) -> None:
        if here is None:
            await self._count("store" if isinstance(error, StoreError) else "unexpected")
            return
        if isinstance(event, CallbackQuery):
            await answer(event)
        await self._deps.answering.say_error(here, error)

    async def _tell(self, event: TelegramObject, here: Here, key: str) -> None:
        if isinstance(event, CallbackQuery):
            await answer(event, here.words(key), is_alert=True)
        elif here.where.chat:
            await self._deps.delivery.send(here.where, here.words(key))

    async def _count(self, code: str) -> None:
        try:
            await self._deps.accounts.count_failure(code)
        except StoreError:
            log.warning("a failure was not counted", code=code)


def _is_move(event: TelegramObject) -> bool:
    return isinstance(event, Message) and is_move(event)


_WITHOUT_PERSON = frozenset({"stopped_message_generation"})


def _inner(update: Update) -> TelegramObject | None:
    """What an update is about; None for kinds that aiogram does not know yet."""
    try:
        return update.event
    except UpdateTypeLookupError:
        return None


def _is_offered(query: CallbackQuery) -> bool:
    """Whether the message has the button that was pressed, as far as Telegram shows it.

    Apps may send any data below any message (https://core.telegram.org/bots/api#callbackquery). In
    private that is a person's own affair; in groups it would change the bot's words to others.
    """
    message = query.message
    if not isinstance(message, Message) or message.chat.type == "private":
        return True
    rows = message.reply_markup.inline_keyboard if message.reply_markup is not None else []
    return any(each.callback_data == query.data for row in rows for each in row)


def _message(event: TelegramObject) -> Message | None:
    """The message that an update is, or is about."""
    if isinstance(event, Message):
        return event
    if isinstance(event, CallbackQuery) and isinstance(event.message, Message):
        return event.message
    return None


def _is_anonymous_admin(user: User, chat: Chat | None) -> bool:
    """Telegram's own accounts that stand for people in groups; handlers tell them why not."""
    return chat is not None and chat.type != "private" and user.id in _STAND_FOR_PEOPLE


_STAND_FOR_PEOPLE = frozenset({1087968824, 136817688})


async def _close_query(event: TelegramObject, here: Here | None, result: Any) -> None:
    """A button that no handler knows any more: say so, instead of a turning wheel."""
    if result is UNHANDLED and here is not None and isinstance(event, CallbackQuery):
        await answer(event, here.words("errors.old_button"))
