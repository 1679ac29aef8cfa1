"""Methods that put something into a chat.

Sources: https://core.telegram.org/bots/api#sendmessage, #sendmessagedraft, #sendphoto,
#senddocument, #sendvoice, #sendaudio, #forwardmessage, #copymessage, #sendchataction.
"""

from typing import Any

from cocoon.devnet.telegram.answers import Json, bad_request
from cocoon.devnet.telegram.arguments import Upload
from cocoon.devnet.telegram.attachments import attach
from cocoon.devnet.telegram.drafts import show_draft
from cocoon.devnet.telegram.formatting import read_text
from cocoon.devnet.telegram.keyboards import forced_reply, read_keyboard
from cocoon.devnet.telegram.limits import MAX_CAPTION, MAX_TEXT, MAX_UPLOAD
from cocoon.devnet.telegram.messages import (
    add_message,
    check_thread,
    copied,
    find_reply,
    origin,
)
from cocoon.devnet.telegram.values import ChatState
from cocoon.devnet.telegram.world import World

TEXT_TOO_LONG = "message is too long"
CAPTION_TOO_LONG = "message caption is too long"
ACTIONS = frozenset(
    {
        "typing",
        "upload_photo",
        "record_video",
        "upload_video",
        "record_voice",
        "upload_voice",
        "upload_document",
        "choose_sticker",
        "find_location",
        "record_video_note",
        "upload_video_note",
    }
)


def send(world: World, chat: ChatState, arguments: Json, content: Json) -> Json:
    """Sends ``content`` as the bot, with what all sending methods have in common."""
    thread = check_thread(world, chat, arguments.get("message_thread_id"))
    reply_to = find_reply(chat, arguments)
    keyboard = read_keyboard(arguments.get("reply_markup"), private=not chat.is_group, inline=False)
    if thread is None and reply_to is not None:
        thread = reply_to.get("message_thread_id")
    if arguments.get("protect_content"):
        content = content | {"has_protected_content": True}
    world.drop_draft(chat, thread, "sent")
    message = add_message(
        world,
        chat,
        world.bot.user(),
        content,
        thread=thread,
        reply_to=reply_to,
        keyboard=keyboard,
    )
    placeholder = forced_reply(arguments.get("reply_markup"))
    if placeholder is not None:
        asked = {"message_id": message["message_id"], "placeholder": placeholder}
        world.changed("force_reply", chat.id, asked)
    return message


def send_message(world: World, arguments: Json) -> Json:
    """``sendMessage``."""
    chat = world.chat_for_bot(arguments["chat_id"])
    text, entities = read_text(
        arguments,
        "text",
        "entities",
        MAX_TEXT,
        empty="message text is empty",
        too_long=TEXT_TOO_LONG,
    )
    return send(world, chat, arguments, _with("text", "entities", text, entities))


def send_message_draft(world: World, arguments: Json) -> bool:
    """``sendMessageDraft``."""
    chat = world.chat_for_bot(arguments["chat_id"])
    text, entities = read_text(arguments, "text", "entities", MAX_TEXT, too_long=TEXT_TOO_LONG)
    thread = check_thread(world, chat, arguments.get("message_thread_id"))
    show_draft(world, chat, thread, arguments, text, entities)
    return True


def _with(name: str, listed: str, text: str, entities: list[Json]) -> Json:
    content: Json = {name: text} if text else {}
    return content | {listed: entities} if entities else content


def read_caption(arguments: Json) -> Json:
    """The caption of a call, as fields of a message."""
    text, entities = read_text(
        arguments, "caption", "caption_entities", MAX_CAPTION, too_long=CAPTION_TOO_LONG
    )
    return _with("caption", "caption_entities", text, entities)


def _send_file(world: World, arguments: Json, kind: str) -> Json:
    chat = world.chat_for_bot(arguments["chat_id"])
    given: Any = arguments[kind]
    if isinstance(given, Upload) and len(given.data) > MAX_UPLOAD:
        raise bad_request("file is too big")
    content = attach(world, kind, given, arguments) | read_caption(arguments)
    if arguments.get("has_spoiler"):
        content["has_media_spoiler"] = True
    if arguments.get("show_caption_above_media"):
        content["show_caption_above_media"] = True
    return send(world, chat, arguments, content)


def send_photo(world: World, arguments: Json) -> Json:
    """``sendPhoto``."""
    return _send_file(world, arguments, "photo")


def send_document(world: World, arguments: Json) -> Json:
    """``sendDocument``."""
    return _send_file(world, arguments, "document")


def send_voice(world: World, arguments: Json) -> Json:
    """``sendVoice``."""
    return _send_file(world, arguments, "voice")


def send_audio(world: World, arguments: Json) -> Json:
    """``sendAudio``."""
    return _send_file(world, arguments, "audio")


def _source(world: World, arguments: Json, failed: str) -> Json:
    found = world.chat_for_bot(arguments["from_chat_id"]).messages.get(arguments["message_id"])
    if found is None:
        raise bad_request(failed)
    if found.get("has_protected_content"):
        raise bad_request("message has protected content and can't be forwarded")
    return found


def forward_message(world: World, arguments: Json) -> Json:
    """``forwardMessage``."""
    chat = world.chat_for_bot(arguments["chat_id"])
    message = _source(world, arguments, "message to forward not found")
    return send(world, chat, arguments, copied(message) | {"forward_origin": origin(message)})


def copy_message(world: World, arguments: Json) -> Json:
    """``copyMessage``."""
    chat = world.chat_for_bot(arguments["chat_id"])
    content = copied(_source(world, arguments, "message to copy not found"))
    if "caption" in arguments and "text" not in content:
        content.pop("caption_entities", None)
        content |= read_caption(arguments)
    return {"message_id": send(world, chat, arguments, content)["message_id"]}


def send_chat_action(world: World, arguments: Json) -> bool:
    """``sendChatAction``."""
    chat = world.chat_for_bot(arguments["chat_id"])
    thread = check_thread(world, chat, arguments.get("message_thread_id"))
    action = arguments["action"]
    if action not in ACTIONS:
        raise bad_request("wrong parameter action in request")
    world.changed("action", chat.id, {"action": action, "message_thread_id": thread})
    return True
