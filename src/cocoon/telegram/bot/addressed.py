"""Which messages in a group are meant for the bot, and what is left without its name.

With Telegram's privacy mode on, a bot in a group only gets commands, replies to it, mentions of it
and what was sent through it (https://core.telegram.org/bots/features#privacy-mode). Without it, or
where the bot is an administrator, it gets everything: most of that is none of its business.
"""

from aiogram.types import Message, MessageEntity, User

ANONYMOUS_ADMIN = 1087968824
"""Telegram's ``from`` of what administrators write as the group."""
FOR_A_CHANNEL = 136817688
"""Telegram's ``from`` of what people write as a channel."""
SERVICE_CHAT = 777000
"""Telegram's ``from`` of posts that a channel forwards to its discussion group."""


def text_of(message: Message) -> str:
    """Text, or the caption of a file; empty where there is none."""
    return message.text or message.caption or ""


def is_for_bot(message: Message, me: User) -> bool:
    """Whether somebody in a group speaks to the bot: by its name, by a reply or by a command."""
    if message.via_bot is not None or message.is_automatic_forward:
        return False  # an answer of ours that somebody sent inline; a channel's post
    return is_reply_to(message, me) or any(
        _names(entity, text_of(message), me) for entity in _entities(message)
    )


def is_reply_to(message: Message, me: User) -> bool:
    """Whether it replies to something that the bot said.

    In topics every message that replies to nothing replies to the one that opened the topic.
    """
    said = message.reply_to_message
    if said is None or said.forum_topic_created is not None:
        return False
    is_mine = said.from_user is not None and said.from_user.id == me.id
    return is_mine or (said.via_bot is not None and said.via_bot.id == me.id)


def is_nobody(message: Message) -> bool:
    """Whether Telegram hides which person wrote it, so that nobody can be charged."""
    sender = message.from_user
    return sender is None or sender.is_bot or sender.id == SERVICE_CHAT


def without_mention(message: Message, me: User) -> str:
    """What is said to the bot: the text without its name or command before it, or name after it.

    A name inside a sentence stays, because the sentence may need it.
    """
    text = text_of(message)
    raw = text.encode("utf-16-le", "surrogatepass")
    start, end = 0, len(raw)
    for entity in sorted(_entities(message), key=lambda each: each.offset):
        if _names(entity, text, me) and not _words(raw[start : entity.offset * 2]):
            start = max(start, (entity.offset + entity.length) * 2)
    for entity in sorted(_entities(message), key=lambda each: -each.offset):
        after = (entity.offset + entity.length) * 2
        if _names(entity, text, me) and start <= entity.offset * 2 and not _words(raw[after:end]):
            end = min(end, entity.offset * 2)
    return _decoded(raw[start:end]).strip().lstrip(",:").strip()


def arguments(message: Message) -> str:
    """What stands behind a command."""
    _, _, rest = text_of(message).strip().partition(" ")
    head, newline, tail = text_of(message).strip().partition("\n")
    return tail.strip() if newline and " " not in head else rest.strip()


def _entities(message: Message) -> list[MessageEntity]:
    return message.entities or message.caption_entities or []


def _names(entity: MessageEntity, text: str, me: User) -> bool:
    if entity.type == "text_mention":
        return entity.user is not None and entity.user.id == me.id
    name = f"@{me.username or ''}".lower()
    words = slice_utf16(text, entity.offset, entity.length).lower()
    if entity.type == "mention":
        return words == name
    return entity.type == "bot_command" and words.endswith(name)


def slice_utf16(text: str, offset: int, length: int) -> str:
    """A part of a text, in the units that Telegram counts by."""
    raw = text.encode("utf-16-le", "surrogatepass")
    return _decoded(raw[max(offset, 0) * 2 : max(offset + length, 0) * 2])


def _decoded(raw: bytes) -> str:
    return raw.decode("utf-16-le", "replace")


def _words(raw: bytes) -> str:
    return _decoded(raw).strip(" \n\t,:")
