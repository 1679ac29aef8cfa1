"""Messages as the stand-in keeps and answers them.

Sources: https://core.telegram.org/bots/api#message, #replyparameters, #messageorigin.
"""

from typing import Any

from cocoon.devnet.telegram.answers import Json, bad_request
from cocoon.devnet.telegram.values import ChatState
from cocoon.devnet.telegram.world import World

GENERAL_TOPIC = 1
TOPIC_COLOUR = 0x6FB9F0
MAX_KEPT = 10_000
"""Messages of a chat that are kept; the oldest go first."""
_COPIED = ("text", "entities", "caption", "caption_entities", "photo", "document", "voice", "audio")


def add_message(
    world: World,
    chat: ChatState,
    sender: Json,
    content: Json,
    *,
    thread: int | None = None,
    reply_to: Json | None = None,
    keyboard: Json | None = None,
) -> Json:
    """Puts a message into a chat and shows it.

    Args:
        world: is told.
        chat: where it stands.
        sender: a ``User``.
        content: the fields of its kind.
        thread: of the topic.
        reply_to: the ``Message`` that it answers.
        keyboard: an ``InlineKeyboardMarkup``.

    Returns:
        The ``Message``.
    """
    number = chat.take_id()
    message: Json = {
        "message_id": number,
        "from": sender,
        "chat": chat.json(),
        "date": world.now(),
        **content,
    }
    if thread is not None:
        message["message_thread_id"] = thread
        message["is_topic_message"] = True
    if reply_to is not None:
        message["reply_to_message"] = _without_reply(reply_to)
    if keyboard is not None:
        message["reply_markup"] = keyboard
    chat.messages[number] = message
    if len(chat.messages) > MAX_KEPT:
        del chat.messages[next(iter(chat.messages))]
    chat.bot_spoke_last = bool(sender["is_bot"])
    world.changed("message", chat.id, message)
    return message


def _without_reply(message: Json) -> Json:
    return {name: value for name, value in message.items() if name != "reply_to_message"}


def check_thread(world: World, chat: ChatState, thread: int | None) -> int | None:
    """The topic that a call names.

    Raises:
        BotApiError: 400: the chat has no such topic.
    """
    if thread is None or (chat.forum and thread == GENERAL_TOPIC):
        return None
    has_topics = chat.forum or (not chat.is_group and world.bot.private_topics)
    if not has_topics or thread not in chat.topics:
        raise bad_request("message thread not found")
    return thread


def find_reply(chat: ChatState, arguments: Json) -> Json | None:
    """The message that a call answers.

    Raises:
        BotApiError: 400.
    """
    given: Any = arguments.get("reply_parameters") or {}
    number = given.get("message_id", arguments.get("reply_to_message_id"))
    if number is None:
        return None
    if given.get("chat_id", chat.id) != chat.id:
        raise bad_request("stand-in: replies into other chats are not there")
    found = chat.messages.get(number) if isinstance(number, int) else None
    if found is None:
        lenient = given.get("allow_sending_without_reply") or arguments.get(
            "allow_sending_without_reply"
        )
        if not lenient:
            raise bad_request("message to be replied not found")
    return found


def origin(message: Json) -> Json:
    """Where a forwarded message is from: ``MessageOriginUser``."""
    if "forward_origin" in message:
        return dict(message["forward_origin"])
    return {"type": "user", "date": message["date"], "sender_user": message["from"]}


def copied(message: Json) -> Json:
    """The content of a message without who said it where."""
    return {name: message[name] for name in _COPIED if name in message}
