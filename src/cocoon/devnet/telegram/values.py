"""People, chats and the bot as the stand-in keeps them.

Sources: https://core.telegram.org/bots/api#user, #chat, #message.
"""

from dataclasses import dataclass, field
from typing import Literal

from cocoon.devnet.telegram.answers import Json

ChatType = Literal["private", "group", "supergroup"]

STAND_IN_BOT_ID = 4_503_599_627_370_000
"""The bot's id: the top of Telegram's 52 bits, where no account of Telegram's is."""
TOKEN_MARK = "STAND-IN-NOT-TELEGRAM-"  # noqa: S105 -- what every token of the stand-in holds, no secret
FIRST_PERSON = 9_000_000_001
FIRST_GROUP = -1_009_000_000_001


@dataclass(slots=True)
class BotProfile:
    """The one bot of a stand-in.

    Attributes:
        name: shown everywhere; always ends with a note that this is no Telegram.
        privacy_mode: whether it sees in groups only what is meant for it
            (https://core.telegram.org/bots/features#privacy-mode).
        inline: whether it takes inline queries.
        guest_mode: whether it can be called by name in chats that it is not in
            (https://core.telegram.org/api/bots/guest-mode).
        private_topics: whether private chats have topics.
        description: shown in empty chats, as the bot set it for all languages.
        short_description: shown on its profile, likewise.
    """

    name: str
    username: str
    privacy_mode: bool = True
    inline: bool = True
    guest_mode: bool = True
    private_topics: bool = False
    id: int = STAND_IN_BOT_ID
    has_main_web_app: bool = False
    description: str = ""
    short_description: str = ""

    def user(self) -> Json:
        """As a ``User``."""
        return {
            "id": self.id,
            "is_bot": True,
            "first_name": self.name,
            "username": self.username,
        }

    def me(self) -> Json:
        """As ``getMe`` answers."""
        return self.user() | {
            "can_join_groups": True,
            "can_read_all_group_messages": not self.privacy_mode,
            "supports_inline_queries": self.inline,
            "supports_guest_queries": self.guest_mode,
            "can_connect_to_business": False,
            "has_main_web_app": self.has_main_web_app,
            "has_topics_enabled": self.private_topics,
        }


@dataclass(slots=True)
class Account:
    """A person's account.

    Attributes:
        language: of the app, an IETF tag.
        stars: pretend Stars left to pay with.
        started: whether the person ever wrote to the bot in private.
        blocked: whether the person has blocked the bot.
    """

    id: int
    first_name: str
    last_name: str = ""
    username: str = ""
    language: str = "en"
    stars: int = 0
    started: bool = False
    blocked: bool = False

    def user(self) -> Json:
        """As a ``User``."""
        user: Json = {"id": self.id, "is_bot": False, "first_name": self.first_name}
        if self.last_name:
            user["last_name"] = self.last_name
        if self.username:
            user["username"] = self.username
        if self.language:
            user["language_code"] = self.language
        return user


@dataclass(slots=True)
class Draft:
    """A partial answer that is being shown.

    Attributes:
        expires: when it disappears, in seconds since 1970.
        stopped: whether the person pressed Stop; it takes no more text then.
    """

    chat: int
    thread: int | None
    id: int
    text: str = field(repr=False)
    entities: list[Json] = field(repr=False)
    can_stop: bool
    keep_on_stop: bool
    expires: float
    stopped: bool = False

    def json(self) -> Json:
        """What events and the page show of it."""
        return {
            "draft_id": self.id,
            "message_thread_id": self.thread,
            "text": self.text,
            "entities": self.entities,
            "can_stop": self.can_stop,
            "stopped": self.stopped,
            "expires": self.expires,
        }


@dataclass(slots=True)
class ChatState:
    """A chat and what was said in it.

    Attributes:
        id: the person's id in private chats, negative in groups.
        members: people in it; the bot is counted by ``bot_in``.
        bot_admin: whether the bot administers it: it sees and may delete everything then.
        messages: everything shown, by id, oldest first.
        topics: names of forum topics by thread id.
        drafts: live drafts, one a thread (``None``: outside of topics).
    """

    id: int
    type: ChatType
    title: str = ""
    members: set[int] = field(default_factory=set)
    bot_in: bool = True
    bot_admin: bool = False
    bot_spoke_last: bool = False
    messages: dict[int, Json] = field(default_factory=dict, repr=False)
    last_id: int = 0
    topics: dict[int, str] = field(default_factory=dict)
    forum: bool = False
    drafts: dict[int | None, Draft] = field(default_factory=dict, repr=False)
    pinned: int | None = None
    person: Account | None = None

    def json(self) -> Json:
        """As a ``Chat``."""
        if self.person is not None:
            user = self.person.user()
            shown: Json = {k: user[k] for k in ("first_name", "last_name", "username") if k in user}
            return {"id": self.id, "type": "private", **shown}
        chat: Json = {"id": self.id, "type": self.type, "title": self.title}
        return chat | {"is_forum": True} if self.forum else chat

    @property
    def is_group(self) -> bool:
        """Whether several people can be in it."""
        return self.type != "private"

    def take_id(self) -> int:
        """The next message's id."""
        self.last_id += 1
        return self.last_id


@dataclass(slots=True)
class Event:
    """One thing that changed, for those who show it.

    Attributes:
        kind: ``message``, ``edited``, ``deleted``, ``draft``, ``draft_gone``, ``action``,
            ``callback_answer``, ``inline_message``, ``menu``, ``commands``, ``chat``,
            ``force_reply`` or ``paid``.
        chat: its chat's id, 0 for what belongs to none.
        data: the message, draft or answer.
    """

    kind: str
    chat: int
    data: Json = field(repr=False)
