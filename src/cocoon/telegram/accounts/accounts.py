"""The accounts of a service's users: one object that everything else asks."""

import asyncio
import secrets
import time
from collections.abc import Callable, Mapping
from typing import TypeVar

import sqlalchemy as sa

from cocoon.accounting import Nano
from cocoon.errors import LocalProtocolError, StoreError
from cocoon.telegram.accounts import holds, ledger, overview, people
from cocoon.telegram.accounts.background import Background, stubborn
from cocoon.telegram.accounts.records import Records
from cocoon.telegram.accounts.store import Store
from cocoon.telegram.accounts.topup_accounts import TopupAccounts
from cocoon.telegram.accounts.values import (
    MAX_ENTRIES,
    Account,
    AccountPolicy,
    Charged,
    DayUsage,
    Entry,
    Hold,
    Kind,
    Overview,
    UserRow,
)

T = TypeVar("T")


class Accounts(TopupAccounts, Records):
    """Accounts of users over one store; its methods may be called from any task of one loop.

    One process serves a store at a time. A second one that starts takes over: it releases the holds
    of the first, and the first can write no more (its calls raise ``StoreError``), so that a
    process which hangs and comes back never spends twice.

    Args:
        url: ``sqlite:///FILE`` or ``postgresql://USER@HOST/NAME``.
        policy: allowance and limits.
        clock: Unix seconds.

    Attributes:
        store: for others that keep their tables beside these.
        policy: as given; may be replaced while it runs.
    """

    def __init__(
        self, url: str, policy: AccountPolicy, *, clock: Callable[[], float] = time.time
    ) -> None:
        self.store = Store(url)
        self.policy = policy
        self.owner = secrets.token_hex(16)
        self._clock = clock
        self._background = Background()
        self._serves = False

    @property
    def now(self) -> int:
        """Unix seconds."""
        return int(self._clock())

    async def start(self, *, serve: bool = True) -> None:
        """Open the store.

        Args:
            serve: take the store over: release what earlier processes held, and keep them from
                writing. False for commands beside a running service; they cannot hold.

        Raises:
            ConfigError: not such a URL.
            StoreError: it cannot be opened.
        """
        await self.store.open()
        if serve:
            now = self.now
            await self.store.run(lambda on: holds.take_over(on, self.owner, now), write=True)
            self.store.fence(self.owner)
            self._serves = True

    async def close(self) -> None:
        """Finish what was begun, then close the store; holds that are left stay until a start."""
        await self._background.close()
        await self.store.close()

    # --- people ---

    async def account(self, user: int, language: str = "") -> Account:
        """A user's account; made when first seen.

        Args:
            user: Telegram's id.
            language: code that Telegram tells, kept when it changed; empty changes nothing.
        """
        seen = people.Seen(user, language[:16], self.now)
        free = self.policy.free_daily
        found = await self.store.run(lambda on: people.look_up(on, seen, free))
        if found is not None:
            return found
        return await self.store.run(lambda on: people.note(on, seen, free), write=True)

    async def block(self, user: int, blocked: bool) -> None:
        """Turn a user away, or take that back; what is being answered goes on."""
        now = self.now
        await self.store.run(lambda on: people.block(on, user, now, blocked=blocked), write=True)

    # --- answers ---

    async def hold(
        self, user: int, reference: str, most: Nano, *, least: Nano | None = None
    ) -> Hold:
        """Put money aside for an answer: of today's allowance first, then of the balance.

        A caller that is cancelled while it waits holds nothing.

        Args:
            user: who pays.
            reference: names the answer for ever.
            most: the most that it can cost.
            least: put less than ``most`` aside where there is less, but not less than this; None
                insists on ``most``.

        Raises:
            InsufficientFundsError: there is too little; ``missing`` says how much.
            BadRequestError: the reference was charged or is held already, or is none.
            BlockedError: the operator turned the user away.
            StoreError: the store does not work; then nothing is held.
        """
        if not self._serves:
            raise LocalProtocolError("only the process that serves a store holds money")
        ask = holds.Ask(user, reference, most, most if least is None else least, new_ticket())
        now, free = self.now, self.policy.free_daily
        job = asyncio.wrap_future(
            self.store.submit(lambda on: holds.hold(on, ask, now, free), write=True)
        )
        try:
            return await asyncio.shield(job)
        except (StoreError, asyncio.CancelledError):
            # It may be on disk although nobody will settle it.
            self._background.begin(self._drop(job, ask))
            raise

    async def settle(self, reference: str, cost: Nano, detail: Mapping[str, object]) -> Charged:
        """Charge an answer and give back the rest of its hold, exactly once.

        Is done even if the caller is cancelled, and tries again while the store is away.

        Args:
            reference: of a hold.
            cost: what to charge; never more than the hold is charged.
            detail: for the ledger: model, tokens and such; never content.

        Returns:
            What was charged; of an answer that was settled before, what was charged then.

        Raises:
            LocalProtocolError: nothing is held under this reference and nothing was charged.
            StoreError: the store stayed away; it is settled when the store is back, or the hold is
                released when the service next starts.
        """
        text, now = ledger.detail_text(detail), self.now
        return await self._at_last(lambda on: holds.settle(on, reference, cost, text, now))

    async def release(self, reference: str) -> None:
        """Give a hold back; nothing happens where there is none. Done as surely as :meth:`settle`.

        Raises:
            StoreError: the store stayed away; the hold is released when the store is back.
        """
        tickets: list[str] = []

        def release(on: sa.Connection) -> None:
            # A commit that seemed to fail may have succeeded: a later hold of that name stays.
            if not tickets:
                tickets.extend(holds.tickets(on, reference))
            for ticket in tickets:
                holds.drop(on, reference, ticket)

        await self._at_last(release)

    # --- the ledger ---

    async def credit(
        self,
        user: int,
        kind: Kind,
        reference: str,
        amount: Nano,
        detail: Mapping[str, object] | None = None,
    ) -> bool:
        """Add to a balance; False where this (kind, reference) was booked before.

        Raises:
            PaymentError: the balance would not fit 63 bits.
            StoreError: the store does not work; calling again is safe.
        """
        text, now = ledger.detail_text(detail or {}), self.now
        booking = ledger.Booking(user, kind, reference, int(amount), text)
        return await self.store.run(lambda on: ledger.book(on, booking, now), write=True)

    async def debit(
        self,
        user: int,
        kind: Kind,
        reference: str,
        amount: Nano,
        detail: Mapping[str, object] | None = None,
    ) -> bool:
        """Take off a balance; False where this (kind, reference) was booked before.

        Raises:
            InsufficientFundsError: it is spent or held.
            StoreError: the store does not work; calling again is safe.
        """
        text, now = ledger.detail_text(detail or {}), self.now
        booking = ledger.Booking(user, kind, reference, -int(amount), text)
        return await self.store.run(lambda on: ledger.book(on, booking, now), write=True)

    async def ledger(self, user: int, *, after: int = 0, limit: int = 500) -> list[Entry]:
        """A user's entries, oldest first.

        Args:
            user: whose.
            after: only entries whose ``id`` is larger; the last one's of the page before.
            limit: at most so many, at most :data:`MAX_ENTRIES`.
        """
        most = max(1, min(limit, MAX_ENTRIES))
        return await self.store.run(lambda on: ledger.entries_of(on, user, after, most))

    async def charged(self, reference: str) -> Charged | None:
        """What an answer was charged; None if it was not."""
        return await self.store.run(lambda on: ledger.charged(on, reference))

    async def usage(self, user: int, days: int) -> list[DayUsage]:
        """The last so many UTC days on which anything happened, the newest first."""
        now = self.now
        return await self.store.run(lambda on: overview.days(on, now, days, user))

    # --- operators ---

    async def overview(self, days: int = 30) -> Overview:
        """All users together; no content and no names."""
        now = self.now
        return await self.store.run(lambda on: overview.overview(on, now, days))

    async def users(self, *, after: int = 0, limit: int = 100) -> list[UserRow]:
        """Users by id, those whose id is larger than ``after``."""
        most = max(1, min(limit, MAX_ENTRIES))
        return await self.store.run(lambda on: overview.users_page(on, after, most))

    async def count_failure(self, code: str) -> None:
        """Count what went wrong today, by a short code such as ``unavailable``; never content."""
        now = self.now
        await self.store.run(lambda on: overview.count_failure(on, code, now), write=True)

    # --- within ---

    async def _drop(self, job: "asyncio.Future[Hold]", ask: holds.Ask) -> None:
        """Release a hold that nobody waits for, once it is decided whether there is one."""
        await asyncio.wait([job])
        error = job.exception()
        if error is None or isinstance(error, StoreError):
            await self._at_last(lambda on: holds.drop(on, ask.reference, ask.ticket))

    async def surely(self, work: Callable[[sa.Connection], T]) -> T:
        """Write, however often it takes, even if the caller goes away.

        Args:
            work: changes nothing when it is done again.

        Raises:
            StoreError: the store stayed away.
        """
        return await self._background.finish(self._stubborn(work))

    async def _at_last(self, work: Callable[[sa.Connection], T]) -> T:
        """As :meth:`surely`; a store that stays away longer is tried on behind the caller."""
        try:
            return await self.surely(work)
        except StoreError:
            if not self.store.is_hopeless:
                again = self._background.later(lambda: self._unless_hopeless(work))
                self._background.begin(again)
            raise

    async def _unless_hopeless(self, work: Callable[[sa.Connection], T]) -> T | None:
        return None if self.store.is_hopeless else await self.store.run(work, write=True)

    async def _stubborn(self, work: Callable[[sa.Connection], T]) -> T:
        return await stubborn(
            lambda: self.store.run(work, write=True), lambda: self.store.is_hopeless
        )


def new_ticket() -> str:
    """Tells a hold from a later one under the same reference."""
    return secrets.token_hex(8)
