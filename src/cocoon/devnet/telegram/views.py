"""What a person sees: messages, live drafts and buttons of one chat."""

from collections.abc import Callable
from dataclasses import dataclass, field

from cocoon.devnet.telegram.answers import Json
from cocoon.devnet.telegram.values import ChatState, Draft
from cocoon.devnet.telegram.world import World

WAIT = 10.0
"""Seconds of real time for which tests wait unless they say otherwise."""


@dataclass(frozen=True, slots=True)
class Button:
    """A button under a message; ``raw`` is Telegram's ``InlineKeyboardButton``."""

    text: str
    data: str | None
    raw: Json = field(repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """A message as it stands in a chat now: its text changes when the bot edits it.

    Attributes:
        raw: Telegram's ``Message``; of messages sent by inline mode, what the stand-in keeps.
        chat_id: its chat, 0 for inline messages that were sent to no chat of the stand-in.
    """

    raw: Json = field(repr=False)
    chat_id: int

    @property
    def id(self) -> int:
        """``message_id``."""
        return int(self.raw["message_id"])

    @property
    def inline_message_id(self) -> str | None:
        """Of messages sent by inline mode."""
        return self.raw.get("inline_message_id")

    @property
    def text(self) -> str:
        """The text or caption."""
        return str(self.raw.get("text", self.raw.get("caption", "")))

    @property
    def entities(self) -> list[Json]:
        """Of the text or caption."""
        return list(self.raw.get("entities") or self.raw.get("caption_entities") or ())

    @property
    def from_bot(self) -> bool:
        """Whether the bot said it."""
        return bool(self.raw["from"]["is_bot"])

    @property
    def thread(self) -> int | None:
        """The topic's id."""
        return self.raw.get("message_thread_id")

    @property
    def buttons(self) -> list[Button]:
        """All buttons, row after row."""
        rows = self.raw.get("reply_markup", {}).get("inline_keyboard", ())
        return [Button(b["text"], b.get("callback_data"), b) for row in rows for b in row]

    @property
    def invoice(self) -> Json | None:
        """Telegram's ``Invoice``."""
        return self.raw.get("invoice")

    def button(self, which: str) -> Button:
        """The button with this data or, when none has it, with this in its text.

        Raises:
            KeyError: there is none.
        """
        for button in self.buttons:
            if which == button.data:
                return button
        for button in self.buttons:
            if which in button.text:
                return button
        raise KeyError(f"no button {which!r}")


class ChatView:
    """One chat.

    Attributes:
        state: what the stand-in keeps of it.
    """

    def __init__(self, world: World, state: ChatState) -> None:
        self._world = world
        self.state = state

    @property
    def id(self) -> int:
        """The chat's id."""
        return self.state.id

    @property
    def messages(self) -> list[Shown]:
        """What stands in it, oldest first; deleted messages are gone."""
        return [Shown(message, self.id) for message in self.state.messages.values()]

    @property
    def answers(self) -> list[Shown]:
        """What the bot said in it, oldest first."""
        return [message for message in self.messages if message.from_bot]

    @property
    def drafts(self) -> list[Draft]:
        """Drafts that are shown now."""
        return self._world.live_drafts(self.state)

    @property
    def draft(self) -> Draft | None:
        """The draft outside of topics, or the only one."""
        live = self.drafts
        return self.state.drafts.get(None) or (live[0] if live else None)

    async def answer(self, *, after: int | Shown | None = None, timeout: float = WAIT) -> Shown:
        """Waits for the bot's next message.

        Args:
            after: the message (or id) after which it stands; the last one of a person otherwise.
            timeout: seconds of real time.

        Raises:
            TimeoutError: none came.
        """
        least = self._last_of_people() if after is None else _id(after)
        return await self.wait(lambda message: message.id > least, timeout=timeout)

    def _last_of_people(self) -> int:
        said = [message.id for message in self.messages if not message.from_bot]
        return said[-1] if said else 0

    async def wait(self, good: Callable[[Shown], bool], *, timeout: float = WAIT) -> Shown:
        """Waits for a message of the bot that is ``good``, now or after an edit.

        Raises:
            TimeoutError: none came.
        """

        def find() -> Shown | None:
            return next((shown for shown in self.answers if good(shown)), None)

        return await self._world.until(find, timeout, "the bot's message", self.id)

    async def wait_draft(
        self, good: Callable[[Draft], bool] = lambda _: True, *, timeout: float = WAIT
    ) -> Draft:
        """Waits for a draft that is ``good``.

        Raises:
            TimeoutError: none came.
        """

        def find() -> Draft | None:
            return next((draft for draft in self.drafts if good(draft)), None)

        return await self._world.until(find, timeout, "the bot's draft", self.id)


def _id(message: int | Shown) -> int:
    return message if isinstance(message, int) else message.id
