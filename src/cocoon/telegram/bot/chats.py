"""What a chat, or one topic of it, has chosen: model, price class, language, system prompt."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import sqlalchemy as sa

from cocoon.telegram.accounts.store import Store
from cocoon.telegram.store.schema import chats
from cocoon.telegram.vault import Vault

MAX_PROMPT_CHARS = 4000
"""Longest system prompt."""
MAX_CACHED = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """Choices of a chat; empty means the service's default.

    Attributes:
        model: name of a model.
        price_class: a key of ``AssistantSettings.price_classes``.
        language: of the bot's own texts; empty takes the language of who writes.
        prompt: system prompt.
    """

    model: str = ""
    price_class: str = ""
    language: str = ""
    prompt: str = field(default="", repr=False)


NO_PREFERENCES = Preferences()


class Chats:
    """Preferences in the store, read through a cache; this process is the only one that writes.

    Args:
        store: of the service.
        vault: seals system prompts.
        clock: Unix seconds.
    """

    def __init__(self, store: Store, vault: Vault, clock: Callable[[], float]) -> None:
        self._store = store
        self._vault = vault
        self._clock = clock
        self._cache: OrderedDict[str, Preferences | None] = OrderedDict()

    async def get(self, chat: str) -> Preferences:
        """Preferences by chat key; a topic that chose nothing has those of its chat.

        Raises:
            StoreError: the store does not work.
        """
        found = await self._own(chat)
        if found is None and "/" in chat:
            found = await self._own(chat.partition("/")[0])
        return NO_PREFERENCES if found is None else found

    async def change(self, chat: str, **changes: str) -> Preferences:
        """Change some fields of :class:`Preferences`; returns all of them as they are now.

        Raises:
            StoreError: the store does not work; nothing is changed.
        """
        preferences = replace(await self.get(chat), **changes)
        await self._store.run(lambda on: self._write(on, chat, preferences), write=True)
        self._remember(chat, preferences)
        return preferences

    async def move(self, old: str, new: str) -> None:
        """Keep a chat's preferences under another key, unless others are kept there already.

        Raises:
            StoreError: the store does not work, or was sealed under another key.
        """
        found = await self._own(old)
        if found is not None and await self._own(new) is None:
            await self._store.run(lambda on: self._write(on, new, found), write=True)
            self._remember(new, found)
        await self.forget(old)

    async def forget(self, chat: str) -> None:
        """Delete a chat's preferences, those of its topics included."""
        await self._store.run(
            lambda on: on.execute(sa.delete(chats).where(_within(chat))), write=True
        )
        for key in [key for key in self._cache if key == chat or key.startswith(f"{chat}/")]:
            del self._cache[key]

    # --- within ---

    async def _own(self, chat: str) -> Preferences | None:
        """What a chat or a topic has chosen itself."""
        if chat in self._cache:
            self._cache.move_to_end(chat)
            return self._cache[chat]
        found = await self._store.run(lambda on: self._read(on, chat))
        self._remember(chat, found)
        return found

    def _remember(self, chat: str, preferences: Preferences | None) -> None:
        self._cache[chat] = preferences
        self._cache.move_to_end(chat)
        while len(self._cache) > MAX_CACHED:
            self._cache.popitem(last=False)

    def _read(self, on: sa.Connection, chat: str) -> Preferences | None:
        row = on.execute(sa.select(chats).where(chats.c.id == chat)).mappings().first()
        if row is None:
            return None
        sealed = row["sealed_prompt"]
        prompt = b"" if sealed is None else self._vault.open_sealed(sealed, _place(chat))
        return Preferences(
            model=row["model"],
            price_class=row["price_class"],
            language=row["language"],
            prompt=prompt.decode("utf-8", "replace"),
        )

    def _write(self, on: sa.Connection, chat: str, preferences: Preferences) -> None:
        sealed = None
        if preferences.prompt:
            sealed = self._vault.seal(preferences.prompt.encode(), _place(chat))
        row = {
            "last_seen": int(self._clock()),
            "model": preferences.model,
            "price_class": preferences.price_class,
            "language": preferences.language,
            "sealed_prompt": sealed,
        }
        if not on.execute(sa.update(chats).where(chats.c.id == chat).values(row)).rowcount:
            on.execute(sa.insert(chats).values(id=chat, **row))


def _place(chat: str) -> str:
    return f"prompt:{chat}"


def _within(chat: str) -> sa.ColumnElement[bool]:
    return (chats.c.id == chat) | chats.c.id.startswith(f"{chat}/", autoescape=True)
