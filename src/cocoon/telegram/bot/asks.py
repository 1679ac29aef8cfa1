"""What is answered, and what an answer is known by."""

from dataclasses import dataclass, field

from cocoon.telegram.assistant.values import Turn
from cocoon.telegram.bot.here import Here


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
        may_be_comment: whether it may be about messages that are forwarded with it: apps send a
            comment first, as a message of its own.
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
    may_be_comment: bool = False
    lead: str = field(default="", repr=False)


def reference_of(chat: int, message: int, suffix: str = "") -> str:
    """Names the answer to a message; ``suffix`` tells apart several answers to one message."""
    return f"chat:{chat}:{message}{':' if suffix else ''}{suffix}"
