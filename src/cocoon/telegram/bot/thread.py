"""A forwarded conversation as text: https://core.telegram.org/bots/api#messageorigin."""

from dataclasses import dataclass, field

from aiogram.types import (
    Message,
    MessageOriginChannel,
    MessageOriginChat,
    MessageOriginHiddenUser,
    MessageOriginUser,
)

from cocoon.telegram.bot.addressed import text_of
from cocoon.telegram.bot.reading import clean_name

MAX_SENDER_CHARS = 40
_KINDS = (
    "photo",
    "video",
    "video_note",
    "voice",
    "audio",
    "animation",
    "sticker",
    "document",
    "location",
    "venue",
    "contact",
    "story",
)


@dataclass(frozen=True, slots=True)
class Thread:
    """What was forwarded at once.

    Attributes:
        text: a line or more for each message: ``Name: words``.
        messages: how many of them ``text`` holds.
        is_cut: whether there were more than fit.
    """

    text: str = field(repr=False)
    messages: int
    is_cut: bool = False


def thread(messages: list[Message], max_chars: int) -> Thread:
    """Put forwarded messages in order.

    Args:
        messages: in any order, all of one chat.
        max_chars: what goes beyond is left out, the latest first.
    """
    lines: list[str] = []
    length = 0
    for message in sorted(messages, key=lambda each: each.message_id):
        words = words_of(message)
        if not words:
            continue
        line = f"{sender(message)}: {words}"
        if length + len(line) + 1 > max_chars:
            room = max_chars - length
            lines += [line[:room]] if not lines else []
            return Thread("\n".join(lines), len(lines), is_cut=True)
        length += len(line) + 1
        lines.append(line)
    return Thread("\n".join(lines), len(lines))


def sender(message: Message) -> str:
    """Who wrote a message first, as its reader sees it."""
    origin = message.forward_origin
    if isinstance(origin, MessageOriginUser):
        name = origin.sender_user.full_name
    elif isinstance(origin, MessageOriginHiddenUser):
        name = origin.sender_user_name
    elif isinstance(origin, MessageOriginChat):
        name = origin.author_signature or origin.sender_chat.title or ""
    elif isinstance(origin, MessageOriginChannel):
        name = origin.chat.title or ""
    else:
        name = message.from_user.full_name if message.from_user is not None else ""
    return clean_name(name)[:MAX_SENDER_CHARS] if name.strip() else "Somebody"


def words_of(message: Message) -> str:
    """What a message says: its text, or what kind of thing it is and its caption."""
    if message.text:
        return message.text.strip()
    kind = next((kind for kind in _KINDS if getattr(message, kind) is not None), "")
    if message.poll is not None:
        options = "; ".join(f"{each.text} ({each.voter_count})" for each in message.poll.options)
        return f"[poll] {message.poll.question}: {options}"
    if kind == "sticker" and message.sticker is not None:
        return message.sticker.emoji or "[sticker]"
    if kind == "document" and message.document is not None:
        kind = f"file {clean_name(message.document.file_name or '')}"
    if not kind:
        return text_of(message).strip()
    return f"[{kind.replace('_', ' ')}] {text_of(message)}".strip()
