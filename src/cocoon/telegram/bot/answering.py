"""The one way to an answer: ask, stream, stop, remember, and say what went wrong."""

from dataclasses import dataclass, field

from cocoon.telegram.accounts import Accounts
from cocoon.telegram.assistant.api import Assistant
from cocoon.telegram.assistant.values import Facts, Turn
from cocoon.telegram.bot.delivery import Delivery
from cocoon.telegram.bot.here import Here
from cocoon.telegram.bot.history import History
from cocoon.telegram.settings import TelegramSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """Something to answer.

    Attributes:
        here: who asks, and where the answer goes (``replace(here, where=…)`` for elsewhere).
        reference: names the answer for ever: :func:`reference_of` for a message.
        turn: what the model is told, pictures included.
        remembered: what the history keeps of it instead, such as a file's name and the question;
            None keeps ``turn`` without its pictures.
        has_history: whether what was said before goes along.
        is_remembered: whether question and answer become part of the history.
        model: asked instead of the chat's; empty for the chat's.
        lead: Markdown that is shown above the answer, and is no part of it: the question, where
            the answer takes its place.
    """

    here: Here
    reference: str
    turn: Turn
    remembered: Turn | None = None
    has_history: bool = True
    is_remembered: bool = True
    model: str = ""
    lead: str = field(default="", repr=False)


def reference_of(chat: int, message: int, suffix: str = "") -> str:
    """Names the answer to a message; ``suffix`` tells apart several answers to one message."""
    return f"chat:{chat}:{message}{':' if suffix else ''}{suffix}"


class Answering:
    """Answers of one bot; one at a time in a chat, others wait for their turn."""

    def __init__(
        self,
        settings: TelegramSettings,
        assistant: Assistant,
        accounts: Accounts,
        history: History,
        delivery: Delivery,
    ) -> None:
        self._settings = settings
        self._assistant = assistant
        self._accounts = accounts
        self._history = history
        self._delivery = delivery

    async def reply(self, ask: Ask) -> Facts | None:
        """Answer, or say why not; returns when all has been said.

        Nothing is said twice: an ask whose reference is running, or was answered, is passed over.
        Raises nothing but what cancels it and ``StoreError``.

        Returns:
            Who computed it; None where there is no answer.
        """
        raise NotImplementedError

    async def transcribe(self, ask: Ask, name: str, sound: bytes) -> str | None:
        """What is said in a recording, charged under ``ask.reference``; ``ask.turn`` is not used.

        Says why not where there is no text, and returns None then. Waits for no turn.
        """
        raise NotImplementedError

    async def say_error(self, here: Here, error: Exception, *, is_repeatable: bool = False) -> None:
        """Tell a person what went wrong and what to do, with buttons that do it; counted.

        Args:
            here: where to say it.
            error: of :mod:`cocoon.errors`; its text is not shown.
            is_repeatable: whether a button may ask again.
        """
        raise NotImplementedError

    def stop(self, chat: str, draft: int | None = None) -> bool:
        """Stop a chat's running answer, and forget those that wait; whether there was one.

        Args:
            chat: its key.
            draft: only the answer with this ``draft_id``.
        """
        raise NotImplementedError

    async def stop_user(self, user: int) -> None:
        """Stop all answers that a person asked for, and wait for their ends."""
        raise NotImplementedError

    async def close(self, grace: float) -> None:
        """Take no more; stop what still runs after so many seconds, and say so."""
        raise NotImplementedError
