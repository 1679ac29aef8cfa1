"""Methods that change or take away what stands in a chat.

Sources: https://core.telegram.org/bots/api#updating-messages, #deletemessage, #pinchatmessage,
#setmessagereaction. Edited messages keep their keyboard only when the call repeats it.
"""

from collections.abc import Callable

from cocoon.devnet.telegram.answers import Json, bad_request
from cocoon.devnet.telegram.formatting import read_text
from cocoon.devnet.telegram.keyboards import read_keyboard
from cocoon.devnet.telegram.limits import MAX_TEXT
from cocoon.devnet.telegram.methods.sending import TEXT_TOO_LONG, read_caption
from cocoon.devnet.telegram.values import ChatState
from cocoon.devnet.telegram.world import World

NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly the same "
    "as a current content and reply markup of the message"
)
DELETABLE_FOR = 48 * 3600
"""Seconds in which a message can be deleted."""
MAX_DELETED = 100
MEDIA = ("photo", "document", "voice", "audio")

Change = Callable[[Json], Json]
"""The new fields of a message's content; ``None`` takes a field away."""


def _edit(world: World, arguments: Json, change: Change) -> Json | bool:
    inline_id = arguments.get("inline_message_id")
    if inline_id is not None:
        message = world.inline_messages.get(inline_id)
        if message is None:
            raise bad_request("MESSAGE_ID_INVALID")
        chat = world.chats.get(message["chat"]["id"]) if "chat" in message else None
        _apply(world, chat, message, change(message), arguments, private=False)
        return True
    if "chat_id" not in arguments:
        raise bad_request("chat_id is empty")
    if "message_id" not in arguments:
        raise bad_request("message identifier is not specified")
    chat = world.chat_for_bot(arguments["chat_id"])
    message = chat.messages.get(arguments["message_id"])
    if message is None:
        raise bad_request("message to edit not found")
    if message["from"]["id"] != world.bot.id or "forward_origin" in message:
        raise bad_request("message can't be edited")
    _apply(world, chat, message, change(message), arguments, private=not chat.is_group)
    return dict(message)


def _apply(
    world: World,
    chat: ChatState | None,
    message: Json,
    content: Json,
    arguments: Json,
    *,
    private: bool,
) -> None:
    keyboard = read_keyboard(arguments.get("reply_markup"), private=private)
    new = content | {"reply_markup": keyboard}
    if all(message.get(name) == value for name, value in new.items()):
        raise bad_request(NOT_MODIFIED)
    for name, value in new.items():
        if value is None:
            message.pop(name, None)
        else:
            message[name] = value
    message["edit_date"] = world.now()
    world.changed("edited", chat.id if chat is not None else 0, message)


def edit_message_text(world: World, arguments: Json) -> Json | bool:
    """``editMessageText``."""
    text, entities = read_text(
        arguments,
        "text",
        "entities",
        MAX_TEXT,
        empty="message text is empty",
        too_long=TEXT_TOO_LONG,
    )

    def change(message: Json) -> Json:
        if "text" not in message:
            raise bad_request("there is no text in the message to edit")
        return {"text": text, "entities": entities or None}

    return _edit(world, arguments, change)


def edit_message_caption(world: World, arguments: Json) -> Json | bool:
    """``editMessageCaption``."""
    caption = read_caption(arguments)

    def change(message: Json) -> Json:
        if not any(kind in message for kind in MEDIA):
            raise bad_request("there is no caption in the message to edit")
        return {"caption": None, "caption_entities": None} | caption

    return _edit(world, arguments, change)


def edit_message_reply_markup(world: World, arguments: Json) -> Json | bool:
    """``editMessageReplyMarkup``."""
    return _edit(world, arguments, lambda _: {})


def delete_message(world: World, arguments: Json) -> bool:
    """``deleteMessage``."""
    chat = world.chat_for_bot(arguments["chat_id"])
    if arguments["message_id"] not in chat.messages:
        raise bad_request("message to delete not found")
    if not _delete(world, chat, arguments["message_id"]):
        raise bad_request("message can't be deleted for everyone")
    return True


def delete_messages(world: World, arguments: Json) -> bool:
    """``deleteMessages``: those that are not there or cannot be deleted are passed over."""
    chat = world.chat_for_bot(arguments["chat_id"])
    numbers = arguments["message_ids"]
    if not 1 <= len(numbers) <= MAX_DELETED:
        raise bad_request("too many messages to delete")
    for number in numbers:
        if isinstance(number, int) and number in chat.messages:
            _delete(world, chat, number)
    return True


def _delete(world: World, chat: ChatState, number: int) -> bool:
    message = chat.messages[number]
    own = message["from"]["id"] == world.bot.id
    if chat.is_group and not own and not chat.bot_admin:
        return False
    if world.now() - message["date"] > DELETABLE_FOR:
        return False
    del chat.messages[number]
    world.changed("deleted", chat.id, {"message_id": number})
    return True


def _to_pin(world: World, arguments: Json) -> ChatState:
    chat = world.chat_for_bot(arguments["chat_id"])
    if chat.is_group and not chat.bot_admin:
        raise bad_request("not enough rights to manage pinned messages in the chat")
    return chat


def pin_chat_message(world: World, arguments: Json) -> bool:
    """``pinChatMessage``."""
    chat = _to_pin(world, arguments)
    if arguments["message_id"] not in chat.messages:
        raise bad_request("message to pin not found")
    chat.pinned = arguments["message_id"]
    return True


def unpin_chat_message(world: World, arguments: Json) -> bool:
    """``unpinChatMessage``."""
    _to_pin(world, arguments).pinned = None
    return True


def set_message_reaction(world: World, arguments: Json) -> bool:
    """``setMessageReaction``: at most one from a bot."""
    chat = world.chat_for_bot(arguments["chat_id"])
    if arguments["message_id"] not in chat.messages:
        raise bad_request("message to react not found")
    reactions = arguments.get("reaction", [])
    if len(reactions) > 1:
        raise bad_request("REACTIONS_TOO_MANY")
    data = {"message_id": arguments["message_id"], "reaction": reactions}
    world.changed("reaction", chat.id, data)
    return True
