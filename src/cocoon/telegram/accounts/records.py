"""What is kept of users beside money: logins that were used, who computed which answer."""

import re
from typing import TYPE_CHECKING

import sqlalchemy as sa

from cocoon.errors import BadRequestError
from cocoon.telegram.accounts.checks import check_reference, check_user
from cocoon.telegram.accounts.values import AnswerRow
from cocoon.telegram.store.schema import answers, logins, users

if TYPE_CHECKING:
    from cocoon.telegram.accounts.store import Store

MAX_FACTS_BYTES = 16 * 1024
KEEP_ANSWERS = 90 * 86_400
"""Seconds for which it is kept who computed an answer."""
_chat = re.compile(r"[\x21-\x7e]{1,48}")
_token = re.compile(r"[A-Za-z0-9_=+/-]{1,64}")


class Records:
    """A part of :class:`cocoon.telegram.accounts.Accounts`."""

    if TYPE_CHECKING:
        store: Store

        @property
        def now(self) -> int:
            """Unix seconds."""
            ...

    async def remember_login(self, hash: str, nonce: str, expires: int) -> bool:  # noqa: A002
        """Whether this initData is new, or was remembered with the same nonce.

        Args:
            hash: of the initData, at most 64 characters.
            nonce: of the device that uses it, at most 64 characters.
            expires: Unix seconds after which it is refused as aged anyway, and forgotten here.

        Raises:
            BadRequestError: not such texts.
            StoreError: the store does not work; then it is not remembered.
        """
        if not (_token.fullmatch(hash) and _token.fullmatch(nonce)):
            raise BadRequestError("a login's hash and nonce are 1 to 64 characters of base64")
        now = self.now

        def remember(on: sa.Connection) -> bool:
            on.execute(sa.delete(logins).where(logins.c.expires < now))
            found = on.scalar(sa.select(logins.c.nonce).where(logins.c.hash == hash))
            if found is not None:
                return bool(found == nonce)
            on.execute(sa.insert(logins).values(hash=hash, nonce=nonce, expires=expires))
            return True

        return await self.store.run(remember, write=True)

    async def save_facts(self, reference: str, user: int, chat: str, at: int, facts: str) -> None:
        """Keep who computed an answer; saving again replaces.

        Args:
            reference: of the answer.
            user: who asked.
            chat: its chat key, at most 48 characters.
            at: Unix seconds.
            facts: JSON of :class:`cocoon.telegram.assistant.values.Facts`, at most 16 KiB.

        Raises:
            BadRequestError: one of them is not so.
            StoreError: the store does not work.
        """
        check_reference(reference)
        check_user(user)
        if not _chat.fullmatch(chat) or len(facts) > MAX_FACTS_BYTES:
            raise BadRequestError("a chat key has 1 to 48 characters, facts at most 16 KiB")
        row = {"user": user, "chat": chat, "at": at, "facts": facts}

        def save(on: sa.Connection) -> None:
            same = answers.c.reference == reference
            if not on.execute(sa.update(answers).where(same).values(row)).rowcount:
                on.execute(sa.insert(answers).values(reference=reference, **row))

        await self.store.run(save, write=True)

    async def facts(self, reference: str) -> AnswerRow | None:
        """Who computed an answer; None where it is not known. Check whose it is before showing."""
        return await self._answer(sa.select(answers).where(answers.c.reference == reference))

    async def last_facts(self, chat: str) -> AnswerRow | None:
        """Of a chat's newest answer."""
        newest = answers.c.at.desc(), answers.c.reference.desc()
        query = sa.select(answers).where(answers.c.chat == chat).order_by(*newest).limit(1)
        return await self._answer(query)

    async def has_asked(self, user: int, chat: str) -> bool:
        """Whether the chat has an answer to this person whose facts are still kept."""
        query = sa.select(answers.c.reference).where(answers.c.chat == chat, answers.c.user == user)
        found = await self.store.run(lambda on: on.scalar(query.limit(1)))
        return found is not None

    async def forget(self, user: int) -> None:
        """Erase who computed the user's answers, and the language.

        Balance, ledger and top-ups stay: they are the user's money. What people wrote is kept
        elsewhere and forgotten there.
        """

        def erase(on: sa.Connection) -> None:
            on.execute(sa.delete(answers).where(answers.c.user == user))
            on.execute(sa.update(users).where(users.c.id == user).values(language=""))

        await self.store.run(erase, write=True)

    async def prune(self, *, answers_before: int | None = None) -> int:
        """Delete what is old: logins that have expired, facts of answers; how many rows.

        Args:
            answers_before: Unix seconds; None: :data:`KEEP_ANSWERS` ago.
        """
        now = self.now
        limit = now - KEEP_ANSWERS if answers_before is None else answers_before

        def prune(on: sa.Connection) -> int:
            gone = on.execute(sa.delete(logins).where(logins.c.expires < now)).rowcount
            return gone + on.execute(sa.delete(answers).where(answers.c.at < limit)).rowcount

        return await self.store.run(prune, write=True)

    async def _answer(self, query: sa.Select[tuple[object, ...]]) -> AnswerRow | None:
        row = await self.store.run(lambda on: on.execute(query).mappings().first())
        return None if row is None else AnswerRow(**row)
