"""What is remembered of a conversation: sealed at rest, and never more than people are shown."""

from collections.abc import Callable, Sequence
from typing import cast

import sqlalchemy as sa

from cocoon.telegram.accounts.store import Store
from cocoon.telegram.assistant.values import Role, Turn
from cocoon.telegram.settings import Limits
from cocoon.telegram.store.schema import turns
from cocoon.telegram.vault import Vault

DAY = 86_400
CUT = " […]"
"""Ends a message that is remembered in part."""


class History:
    """Messages by chat key; both sides of a conversation.

    Args:
        store: of the service.
        vault: seals what was written.
        limits: how much is remembered, and for how long.
        clock: Unix seconds.
    """

    def __init__(
        self, store: Store, vault: Vault, limits: Limits, clock: Callable[[], float]
    ) -> None:
        self._store = store
        self._vault = vault
        self._limits = limits
        self._clock = clock

    @property
    def limit(self) -> int:
        """Messages that are remembered of a chat at most."""
        return self._limits.history_turns

    async def turns(self, chat: str) -> list[Turn]:
        """What is remembered, the newest last.

        Raises:
            StoreError: the store does not work, or was sealed under another key.
        """
        return await self._store.run(lambda on: self._read(on, chat))

    async def count(self, chat: str) -> int:
        """How many messages are remembered."""
        return await self._store.run(lambda on: self._count(on, chat))

    async def add(self, chat: str, *said: Turn) -> int:
        """Remember messages, forget the oldest beyond the limit; how many are remembered then.

        Pictures are not remembered, and of a long text only its beginning.
        """
        now = int(self._clock())
        return await self._store.run(lambda on: self._add(on, chat, said, now), write=True)

    async def clear(self, chat: str) -> int:
        """Forget a conversation; how many messages that were."""
        where = turns.c.chat == chat
        return await self._store.run(
            lambda on: on.execute(sa.delete(turns).where(where)).rowcount, write=True
        )

    async def forget(self, chat: str) -> None:
        """Forget a chat with all its topics; a person's private chat has the person's id."""
        where = (turns.c.chat == chat) | turns.c.chat.startswith(f"{chat}/", autoescape=True)
        await self._store.run(lambda on: on.execute(sa.delete(turns).where(where)), write=True)

    async def move(self, old: str, new: str) -> None:
        """Remember under another key what was said in a chat, before what was said there since.

        Raises:
            StoreError: the store does not work, or was sealed under another key; nothing is moved.
        """
        await self._store.run(lambda on: self._move(on, old, new), write=True)

    async def prune(self) -> int:
        """Forget chats in which nothing was said for ``history_days``; how many messages."""
        before = int(self._clock()) - self._limits.history_days * DAY
        return await self._store.run(lambda on: _prune(on, before), write=True)

    # --- within ---

    def _read(self, on: sa.Connection, chat: str) -> list[Turn]:
        newest = (
            sa.select(turns)
            .where(turns.c.chat == chat)
            .order_by(turns.c.id.desc())
            .limit(self.limit)
        )
        rows = list(on.execute(newest).mappings())
        found = []
        for row in reversed(rows):
            text = self._vault.open_sealed(row["sealed"], _place(chat, row["role"], row["at"]))
            found.append(Turn(cast(Role, row["role"]), text.decode("utf-8", "replace")))
        return found

    def _move(self, on: sa.Connection, old: str, new: str) -> None:
        for row in list(on.execute(sa.select(turns).where(turns.c.chat == old)).mappings()):
            text = self._vault.open_sealed(row["sealed"], _place(old, row["role"], row["at"]))
            sealed = self._vault.seal(text, _place(new, row["role"], row["at"]))
            mine = turns.c.id == row["id"]
            on.execute(sa.update(turns).where(mine).values(chat=new, sealed=sealed))

    def _count(self, on: sa.Connection, chat: str) -> int:
        counted = sa.select(sa.func.count()).select_from(turns).where(turns.c.chat == chat)
        return min(int(on.scalar(counted) or 0), self.limit)

    def _add(self, on: sa.Connection, chat: str, said: Sequence[Turn], now: int) -> int:
        for turn in said:
            text = shortened(turn.text, self._limits.prompt_chars)
            sealed = self._vault.seal(text.encode("utf-8", "replace"), _place(chat, turn.role, now))
            on.execute(sa.insert(turns).values(chat=chat, at=now, role=turn.role, sealed=sealed))
        mine = turns.c.chat == chat
        oldest = (
            sa.select(turns.c.id)
            .where(mine)
            .order_by(turns.c.id.desc())
            .limit(1)
            .offset(self.limit - 1)
            .scalar_subquery()
        )
        on.execute(sa.delete(turns).where(mine, turns.c.id < oldest))
        return self._count(on, chat)


def shortened(text: str, most: int) -> str:
    """A text of at most so many characters; says where it was cut."""
    return text if len(text) <= most else text[: most - len(CUT)] + CUT


def _place(chat: str, role: str, at: int) -> str:
    return f"turn:{chat}:{role}:{at}"


def _prune(on: sa.Connection, before: int) -> int:
    newest = sa.select(turns.c.chat).group_by(turns.c.chat).having(sa.func.max(turns.c.at) < before)
    return on.execute(sa.delete(turns).where(turns.c.chat.in_(newest))).rowcount
