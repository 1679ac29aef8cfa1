"""Which messages of groups the bot gets.

Source: https://core.telegram.org/bots/features#privacy-mode: commands meant for it, general
commands when it was the last to speak, replies to it, messages sent through it, service messages.
Messages that mention it by name come too: that page does not list them, BotFather's ``/setprivacy``
does.
"""

from cocoon.devnet.telegram.answers import Json
from cocoon.devnet.telegram.text import cut
from cocoon.devnet.telegram.values import ChatState
from cocoon.devnet.telegram.world import World

_SERVICE = frozenset({"new_chat_members", "left_chat_member", "forum_topic_created"})


def bot_sees(world: World, chat: ChatState, message: Json, *, bot_spoke_last: bool = False) -> bool:
    """Whether the bot gets a message."""
    if not chat.is_group:
        return not (chat.person is not None and chat.person.blocked)
    if not chat.bot_in:
        return False
    if not world.bot.privacy_mode or chat.bot_admin or _SERVICE & message.keys():
        return True
    if message.get("reply_to_message", {}).get("from", {}).get("id") == world.bot.id:
        return True
    if message.get("via_bot", {}).get("id") == world.bot.id:
        return True
    if is_mentioned(world, message):
        return True
    return _is_command(world.bot.username, message, bot_spoke_last=bot_spoke_last)


def is_mentioned(world: World, message: Json) -> bool:
    """Whether a message names the bot."""
    name = f"@{world.bot.username}".lower()
    text = str(message.get("text") or message.get("caption") or "")
    found = message.get("entities") or message.get("caption_entities") or ()
    return any(e["type"] == "mention" and cut(text, e).lower() == name for e in found)


def _is_command(username: str, message: Json, *, bot_spoke_last: bool) -> bool:
    text = str(message.get("text") or message.get("caption") or "")
    for entity in message.get("entities") or message.get("caption_entities") or ():
        part = cut(text, entity).lower()
        if entity["type"] == "bot_command":
            if part.endswith(f"@{username}".lower()):
                return True
            if "@" not in part and bot_spoke_last:
                return True
    return False
