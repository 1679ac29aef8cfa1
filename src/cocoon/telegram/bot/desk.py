"""What the handlers of files, groups and tasks share: saying, fetching, reading, asking."""

import base64
import contextlib
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from aiogram import BaseMiddleware
from aiogram.enums import ChatAction
from aiogram.exceptions import TelegramAPIError
from aiogram.types import CallbackQuery, InlineKeyboardMarkup, Message, TelegramObject

from cocoon.errors import CocoonError
from cocoon.telegram.assistant.values import Model, Turn
from cocoon.telegram.bot import media_kinds
from cocoon.telegram.bot.asks import Ask, reference_of
from cocoon.telegram.bot.buttons import ACTIONS, choice
from cocoon.telegram.bot.conversation import room_of
from cocoon.telegram.bot.deps import BotDeps
from cocoon.telegram.bot.files import Sent, TooLargeError, fetch
from cocoon.telegram.bot.here import Here
from cocoon.telegram.bot.pages import answer as close_query
from cocoon.telegram.bot.prompts import language_name
from cocoon.telegram.bot.reading import UnreadableError

PROMPT_ROOM = 1500
"""Characters of a prompt that material leaves to a question and to what goes around it."""
MAX_RECORDING_SECONDS = 20 * 60
_special = re.compile(r"([\\`*_{}\[\]()#+\-.!|>~<=])")


class ToldError(CocoonError):
    """What stands in the way was said already; the handler just ends."""


def plain(value: object) -> object:
    """A value for a text of ours, with nothing in it that Markdown takes for more than letters."""
    return _special.sub(r"\\\1", value) if isinstance(value, str) else value


class Desk:
    """The parts of a bot, as these handlers use them.

    Args:
        deps: of the bot.
    """

    def __init__(self, deps: BotDeps) -> None:
        self.deps = deps
        self.me = deps.me
        self.limits = deps.settings.limits

    async def say(
        self, here: Here, key: str, buttons: InlineKeyboardMarkup | None = None, **values: object
    ) -> list[int]:
        """Say one of the texts of ``[media]``; ids of its messages."""
        shown = {name: plain(value) for name, value in values.items()}
        text = here.words(f"media.{key}", **shown)
        return await self.deps.delivery.send(here.where, text, buttons)

    async def alert(self, here: Here, query: CallbackQuery, key: str) -> None:
        """Answer a pressed button with a sentence on top of the chat."""
        await close_query(query, here.words(f"media.{key}"), is_alert=True)

    def choice(self, here: Here, prefix: str) -> InlineKeyboardMarkup:
        """Buttons to summarize, to translate and to ask."""
        return choice(prefix, {each: here.words(f"media.label_{each}") for each in ACTIONS})

    def language(self, here: Here) -> str:
        """English name of the language that a person reads."""
        return language_name(here.words.language)

    async def ask(
        self,
        here: Here,
        message: Message,
        prompt: str,
        *,
        images: tuple[str, ...] = (),
        suffix: str = "",
        has_history: bool = True,
        model: str = "",
    ) -> None:
        """Answer a prompt that a message led to.

        Args:
            here: who pays, and where the answer goes.
            message: names the answer.
            prompt: the user's turn.
            images: data URLs that go with it.
            suffix: tells apart several answers to one message.
            has_history: whether what was said before goes along.
            model: instead of the chat's.
        """
        remembered = Turn("user", f"[picture] {prompt}") if images else None
        await self.deps.answering.reply(
            Ask(
                here=here,
                reference=reference_of(message.chat.id, message.message_id, suffix),
                turn=Turn("user", prompt, images),
                remembered=remembered,
                has_history=has_history,
                model=model,
            )
        )

    async def remember(self, here: Here, prompt: str, key: str, **values: object) -> None:
        """Make material part of the conversation without asking anything yet."""
        said = here.words(f"media.{key}", **{name: plain(each) for name, each in values.items()})
        await self.deps.history.add(here.chat, Turn("user", prompt), Turn("assistant", said))
        await self.deps.delivery.send(here.where, said)

    async def fetch(self, sent: Sent, most: int | None = None) -> bytes:
        """Download a file.

        Raises:
            TooLargeError, UnavailableError: as :func:`fetch`.
        """
        limit = self.limits.file_bytes
        return await fetch(self.deps.bot, sent, limit if most is None else min(limit, most))

    async def picture(self, message: media_kinds.Sent, others: int = 0) -> str:
        """A message's picture as a data URL.

        Args:
            message: has it.
            others: pictures that go with it and share the room.

        Raises:
            TooLargeError, UnavailableError: as :func:`fetch`.
            UnreadableError: it is no picture.
        """
        most = min(media_kinds.MAX_PICTURE_BYTES, media_kinds.MAX_PICTURES_BYTES // (others + 1))
        sent = media_kinds.picture(message, most)
        if sent is None:
            raise UnreadableError("kind")
        data = await self.fetch(sent, most)
        kind = media_kinds.picture_type(data)
        if kind is None:
            raise UnreadableError("kind")
        return f"data:{kind};base64,{base64.b64encode(data).decode()}"

    async def transcript(self, here: Here, asked: Message, said: media_kinds.Sent) -> str:
        """What is said in a message's recording.

        Args:
            here: who pays.
            asked: names the transcript.
            said: has the recording; may be ``asked`` itself.

        Raises:
            ToldError: there is none; why was said.
            TooLargeError, UnavailableError: as :func:`fetch`.
        """
        found = media_kinds.sound(said)
        if found is None:
            raise UnreadableError("kind")
        file, name, seconds = found
        if seconds > MAX_RECORDING_SECONDS:
            await self.say(here, "voice_long", minutes=MAX_RECORDING_SECONDS // 60)
            raise ToldError("the recording is too long")
        if not await self._hears():
            await self.say(here, "voice_none")
            raise ToldError("no transcription is served")
        await self._listens(here)
        data = await self.fetch(file)
        reference = reference_of(asked.chat.id, asked.message_id, "transcript")
        ask = Ask(here=here, reference=reference, turn=Turn("user", ""))
        text = await self.deps.answering.transcribe(ask, name, data)
        if text is None:
            raise ToldError("there is no transcript")
        if not text.strip():
            await self.say(here, "voice_empty")
            raise ToldError("nothing is said in the recording")
        return text.strip()[: await self.room(here)]

    async def _hears(self) -> bool:
        """Whether somebody serves transcriptions now."""
        models = await self.deps.assistant.models()
        return any("transcription" in each.endpoints and each.workers for each in models)

    async def _listens(self, here: Here) -> None:
        """Show that something is being done; a recording takes a while."""
        with contextlib.suppress(TelegramAPIError):
            await self.deps.bot.send_chat_action(
                here.where.chat, ChatAction.TYPING, message_thread_id=here.where.topic
            )

    async def lookers(self, here: Here) -> tuple[Model, list[Model]] | None:
        """The chat's model if it does not look at pictures, and those that do.

        None where it looks, or where it is not known which model answers.

        Raises:
            UnavailableError: the network cannot be asked.
        """
        models = await self._chat_models()
        chosen = self._chosen(here, models)
        if chosen is None or "image" in chosen.inputs:
            return None
        return chosen, [each for each in models if "image" in each.inputs]

    async def room(self, here: Here) -> int:
        """Characters of material that fit a question to the chat's model."""
        most = self.limits.prompt_chars
        with contextlib.suppress(CocoonError):
            model = self._chosen(here, await self._chat_models())
            most = min(most, room_of(model, self.deps.settings.assistant.max_tokens, most))
        return max(most - PROMPT_ROOM, PROMPT_ROOM)

    async def _chat_models(self) -> list[Model]:
        return [each for each in await self.deps.assistant.models() if "chat" in each.endpoints]

    def _chosen(self, here: Here, models: list[Model]) -> Model | None:
        wanted = here.preferences.model or self.deps.settings.assistant.model
        named = next((each for each in models if each.name == wanted), None)
        return named or next(iter(models), None)


def replying(here: Here, message: Message) -> Here:
    """The same place, with answers that show which message they answer."""
    return replace(here, where=replace(here.where, reply_to=message.message_id))


class Refusals(BaseMiddleware):
    """Says what cannot be read or is too large; other errors go on to where all are said.

    Args:
        desk: says it.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def __call__(
        self,
        handler: Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]],
        event: TelegramObject,
        data: dict[str, Any],
    ) -> Any:
        """Call the handler."""
        here: Here | None = data.get("here")
        if here is None:
            return await handler(event, data)
        try:
            return await handler(event, data)
        except ToldError:
            return None
        except UnreadableError as error:
            await self._desk.say(here, f"unreadable_{error.code}")
        except TooLargeError as error:
            await self._desk.say(here, "too_large", megabytes=max(1, error.most // 2**20))
        return None
