"""What the page of the stand-in is told: the whole state once, then each change, as JSON frames.

A frame is an object with ``t``: ``state``, ``message``, ``deleted``, ``draft``, ``drafts``,
``chat``, ``bot``, ``me``, ``action`` or ``force_reply``. Messages have the form of the Bot API.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from cocoon.devnet.telegram.answers import Json
from cocoon.devnet.telegram.people import Person
from cocoon.devnet.telegram.values import ChatState, Event
from cocoon.devnet.telegram.world import World

TICK = 1.0
"""Seconds after which drafts that died are looked for, and an idle stream says that it lives."""
MAX_MESSAGES = 500
"""Messages of one chat that a page is given at first, the newest."""

_SCOPES = ("all_private_chats", "default")


def person_json(person: Person) -> Json:
    """Who the page is, with pretend Stars."""
    account = person.account
    more = {"stars": account.stars, "started": account.started, "blocked": account.blocked}
    return account.user() | more


def bot_json(world: World, person: Person) -> Json:
    """The bot as its people see it: commands and menu button are those of this person."""
    bot = world.bot
    return bot.user() | {
        "inline": bot.inline,
        "description": _about(world, "description", person.account.language),
        "commands": _commands(world, person.account.language),
        "menu_button": world.menu_buttons.get(person.id) or world.menu_buttons.get(0),
    }


def _about(world: World, what: str, language: str) -> str:
    return world.about.get((what, language)) or world.about.get((what, ""), "")


def _commands(world: World, language: str) -> list[Json]:
    for scope in _SCOPES:
        for spoken in (language, ""):
            if found := world.commands.get((scope, spoken)):
                return found
    return []


def chat_json(world: World, chat: ChatState) -> Json:
    """A chat with what stands in it."""
    messages = list(chat.messages.values())[-MAX_MESSAGES:]
    return chat.json() | {
        "forum": chat.forum,
        "members": sorted(chat.members),
        "topics": {str(thread): name for thread, name in chat.topics.items()},
        "messages": messages,
        "drafts": [draft.json() for draft in world.live_drafts(chat)],
    }


class Stream:
    """The frames of one page.

    Args:
        world: the stand-in's.
        person: who looks.
        people: everybody whom the page can become.
        extra: more members of the ``state`` and ``bot`` frames, such as the Mini App's address.
    """

    def __init__(
        self,
        world: World,
        person: Person,
        people: Callable[[], list[Person]],
        extra: Callable[[], Json],
    ) -> None:
        self._world = world
        self._person = person
        self._people = people
        self._extra = extra
        self._shown: dict[str, Json] = {}
        self._with_drafts: set[int] = set()

    def _chats(self) -> list[ChatState]:
        mine = [c for c in self._world.chats.values() if self._person.id in c.members]
        return sorted(mine, key=lambda chat: chat.is_group)

    def state(self) -> Json:
        """Everything."""
        return {
            "t": "state",
            "me": person_json(self._person),
            "people": [person.account.user() for person in self._people()],
            "bot": bot_json(self._world, self._person),
            "chats": [chat_json(self._world, chat) for chat in self._chats()],
        } | self._extra()

    async def frames(self) -> AsyncIterator[Json | None]:
        """The state, then what changes; ``None`` once a second without a change."""
        events = self._world.events()
        following = asyncio.ensure_future(anext(events))
        try:
            await asyncio.sleep(0)  # the watcher is there before the state is read
            self._remember()
            yield self.state()
            while True:
                await asyncio.wait({following}, timeout=TICK)
                frames: list[Json] = []
                if following.done():
                    frames = self._frames(following.result())
                    following = asyncio.ensure_future(anext(events))
                for frame in (*frames, *self._ended_drafts(), *self._changed()):
                    yield frame
                yield None
        finally:
            following.cancel()
            with contextlib.suppress(asyncio.CancelledError, StopAsyncIteration):
                await following
            await events.aclose()  # type: ignore[attr-defined]

    def _frames(self, event: Event) -> list[Json]:
        data, chat = event.data, event.chat
        if event.kind == "inline_message":
            chat = int(data.get("chat", {}).get("id", 0))
        shown = self._world.chats.get(chat)
        if shown is None or self._person.id not in shown.members:
            return []
        if event.kind in {"message", "edited", "inline_message"}:
            return [{"t": "message", "chat": chat, "message": data}, *self._topics(shown, data)]
        if event.kind == "deleted":
            ids = data.get("message_ids") or [data.get("message_id")]
            return [{"t": "deleted", "chat": chat, "ids": ids}]
        if event.kind == "draft":
            self._with_drafts.add(chat)
            return [{"t": "draft", "chat": chat, "draft": data}]
        if event.kind == "draft_gone":
            return [self._drafts(shown)]
        if event.kind == "action":
            thread = data.get("message_thread_id")
            return [{"t": "action", "chat": chat, "action": data["action"], "thread": thread}]
        if event.kind == "force_reply":
            return [{"t": "force_reply", "chat": chat, **data}]
        if event.kind == "chat":
            return [{"t": "chat", "chat": chat_json(self._world, shown)}]
        return []

    def _topics(self, chat: ChatState, message: Json) -> list[Json]:
        if "forum_topic_created" not in message:
            return []
        return [{"t": "chat", "chat": chat_json(self._world, chat)}]

    def _drafts(self, chat: ChatState) -> Json:
        drafts = [draft.json() for draft in chat.drafts.values()]
        if not drafts:
            self._with_drafts.discard(chat.id)
        return {"t": "drafts", "chat": chat.id, "drafts": drafts}

    def _ended_drafts(self) -> list[Json]:
        """Frames of chats in which a draft's time is over; nobody else looks at the clock."""
        ended = []
        for number in sorted(self._with_drafts):
            chat = self._world.chats[number]
            before = len(chat.drafts)
            if len(self._world.live_drafts(chat)) != before:
                ended.append(self._drafts(chat))
        return ended

    def _remember(self) -> None:
        self._shown = self._slow_things()

    def _slow_things(self) -> dict[str, Json]:
        bot = bot_json(self._world, self._person)
        return {"me": {"me": person_json(self._person)}, "bot": {"bot": bot} | self._extra()}

    def _changed(self) -> list[Json]:
        """Frames of what changes without an event: profile, commands, purse."""
        now, before = self._slow_things(), self._shown
        self._shown = now
        return [{"t": name, **frame} for name, frame in now.items() if frame != before[name]]
