"""What the bot may know of chats, and topics that it opens.

Sources: https://core.telegram.org/bots/api#getchat, #getchatmember, #leavechat, #createforumtopic.
"""

from cocoon.devnet.telegram.answers import Json, bad_request
from cocoon.devnet.telegram.messages import TOPIC_COLOUR, add_message
from cocoon.devnet.telegram.values import ChatState
from cocoon.devnet.telegram.world import World

MAX_TOPIC_NAME = 128
_NO_GIFTS = {
    "unlimited_gifts": False,
    "limited_gifts": False,
    "unique_gifts": False,
    "premium_subscription": False,
    "gifts_from_channels": False,
}
_RIGHTS = (
    "is_anonymous",
    "can_manage_chat",
    "can_delete_messages",
    "can_manage_video_chats",
    "can_restrict_members",
    "can_promote_members",
    "can_change_info",
    "can_invite_users",
    "can_post_stories",
    "can_edit_stories",
    "can_delete_stories",
    "can_send_welcome_messages",
)


def get_chat(world: World, arguments: Json) -> Json:
    """``getChat``."""
    chat = world.chat_for_bot(arguments["chat_id"])
    full = {"accent_color_id": 0, "max_reaction_count": 11, "accepted_gift_types": _NO_GIFTS}
    return chat.json() | full


def _member(world: World, chat: ChatState, user: int) -> Json:
    if user == world.bot.id:
        account = world.bot.user()
        if chat.bot_admin:
            rights = dict.fromkeys(_RIGHTS, False) | {
                "can_manage_chat": True,
                "can_delete_messages": True,
            }
            return {"user": account, "status": "administrator", "can_be_edited": False, **rights}
        return {"user": account, "status": "member" if chat.bot_in else "left"}
    found = world.accounts.get(user)
    if found is None:
        raise bad_request("user not found")
    if user not in chat.members:
        return {"user": found.user(), "status": "left"}
    if chat.is_group and user == min(chat.members):
        return {"user": found.user(), "status": "creator", "is_anonymous": False}
    return {"user": found.user(), "status": "member"}


def get_chat_member(world: World, arguments: Json) -> Json:
    """``getChatMember``: the first account of a group is its owner."""
    return _member(world, world.chat_for_bot(arguments["chat_id"]), arguments["user_id"])


def get_chat_administrators(world: World, arguments: Json) -> list[Json]:
    """``getChatAdministrators``."""
    chat = world.chat_for_bot(arguments["chat_id"])
    if not chat.is_group:
        raise bad_request("there are no administrators in the private chat")
    members = [_member(world, chat, user) for user in (*sorted(chat.members), world.bot.id)]
    return [member for member in members if member["status"] in {"creator", "administrator"}]


def get_chat_member_count(world: World, arguments: Json) -> int:
    """``getChatMemberCount``: with the bot."""
    return len(world.chat_for_bot(arguments["chat_id"]).members) + 1


def leave_chat(world: World, arguments: Json) -> bool:
    """``leaveChat``."""
    chat = world.chat_for_bot(arguments["chat_id"])
    if not chat.is_group:
        raise bad_request("chat member status can't be changed in private chats")
    chat.bot_in = False
    world.changed("chat", chat.id, chat.json())
    return True


def create_forum_topic(world: World, arguments: Json) -> Json:
    """``createForumTopic``."""
    chat = world.chat_for_bot(arguments["chat_id"])
    if not (chat.forum or (not chat.is_group and world.bot.private_topics)):
        raise bad_request("the chat is not a forum")
    if chat.forum and not chat.bot_admin:
        raise bad_request("not enough rights to create a topic")
    name = arguments["name"]
    if not 1 <= len(name) <= MAX_TOPIC_NAME:
        raise bad_request("TOPIC_TITLE_EMPTY")
    created: Json = {"name": name, "icon_color": TOPIC_COLOUR}
    message = add_message(world, chat, world.bot.user(), {"forum_topic_created": created})
    thread = int(message["message_id"])
    message |= {"message_thread_id": thread, "is_topic_message": True}
    chat.topics[thread] = name
    return {"message_thread_id": thread, **created}
