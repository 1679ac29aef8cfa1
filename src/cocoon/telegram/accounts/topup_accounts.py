"""Top-ups: begun, paid, refunded; each step is one transaction together with its money."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

import sqlalchemy as sa

from cocoon.accounting import Nano
from cocoon.telegram.accounts import topup_rows, transfers
from cocoon.telegram.accounts.values import AccountPolicy, Cursor, Method, Topup, Transfer

if TYPE_CHECKING:
    from cocoon.telegram.accounts.store import Store

T = TypeVar("T")


class TopupAccounts:
    """A part of :class:`cocoon.telegram.accounts.Accounts`."""

    if TYPE_CHECKING:
        store: Store
        policy: AccountPolicy

        @property
        def now(self) -> int:
            """Unix seconds."""
            ...

        async def surely(self, work: Callable[[sa.Connection], T]) -> T:
            """Write, however often it takes, even if the caller goes away."""
            ...

    async def new_topup(self, user: int, method: Method, nano: Nano, stars: int = 0) -> Topup:
        """Begin a top-up.

        Args:
            user: who gets the money.
            method: ``ton`` or ``stars``.
            nano: what is asked for; with Stars, what they are worth here (the price is fixed now).
            stars: how many Stars; 0 for TON.

        Raises:
            BadRequestError: nothing would come of it.
            OverloadedError: the user began too many within the hour.
            BlockedError: the operator turned the user away.
            StoreError: the store does not work.
        """
        wanted = topup_rows.Wanted(user, method, nano, stars)
        now, most = self.now, self.policy.max_topups_an_hour
        return await self.store.run(lambda on: topup_rows.begin(on, wanted, now, most), write=True)

    async def topup(self, topup: str) -> Topup | None:
        """One top-up. Check whose it is before showing it."""
        return await self.store.run(lambda on: topup_rows.get(on, topup))

    async def topups(self, user: int, limit: int = 50) -> list[Topup]:
        """A user's top-ups, the newest first."""
        return await self.store.run(lambda on: topup_rows.of_user(on, user, limit))

    async def oldest_topup(self, method: Method) -> int | None:
        """When the first top-up of this method was begun; None if none ever was."""
        return await self.store.run(lambda on: topup_rows.oldest(on, method))

    # --- TON ---

    async def read_cursor(self, address: str) -> Cursor | None:
        """How far the transactions of an account were read; None if they never were."""
        return await self.store.run(lambda on: transfers.cursor(on, address))

    async def credit_transfers(
        self,
        address: str,
        expected: Cursor | None,
        cursor: Cursor,
        found: Sequence[Transfer],
    ) -> list[Topup]:
        """Credit transfers and note how far was read, in one transaction.

        Args:
            address: of the account that was read.
            expected: what :meth:`read_cursor` said before reading; where it says something else
                by now nothing is done, because somebody else has read on.
            cursor: how far was read.
            found: what came in.

        Returns:
            The top-ups that money came for, as they are now; not those credited before.

        Raises:
            StoreError: the store does not work; nothing is credited, and reading again is safe.
        """
        now = self.now
        return await self.store.run(
            lambda on: transfers.credit(on, (address, expected, cursor), found, now), write=True
        )

    # --- Stars ---

    async def stars_paid(
        self, user: int, topup: str, charge_id: str, stars: int, nano: Nano
    ) -> Topup | None:
        """Credit a payment with Stars once.

        Whoever paid gets it: what does not fit the top-up that it names (paid twice, of somebody
        else, other Stars, unknown) becomes a top-up of its own.

        Args:
            user: who paid.
            topup: the invoice's payload.
            charge_id: ``telegram_payment_charge_id``.
            stars: what was paid.
            nano: what so many Stars are worth today, for a payment that does not fit.

        Returns:
            The top-up; None where this charge was credited before.

        Raises:
            BadRequestError: not a charge's id, or no user.
            StoreError: the store stayed away; calling again is safe.
        """
        paid = topup_rows.StarsPaid(user, topup, charge_id, stars, nano)
        now = self.now
        return await self.surely(lambda on: topup_rows.stars_paid(on, paid, now))

    async def begin_refund(self, user: int, topup: str) -> Topup:
        """Take the money of a top-up with Stars off the balance, before Telegram is asked.

        Returns:
            The top-up, now ``refunding``; one that was ``refunding`` already as it is.

        Raises:
            BadRequestError: not the user's, not paid with Stars, or refunded already.
            InsufficientFundsError: it is spent or held.
            StoreError: the store does not work.
        """
        now = self.now
        return await self.store.run(
            lambda on: topup_rows.begin_refund(on, user, topup, now), write=True
        )

    async def finish_refund(self, topup: str) -> bool:
        """Telegram has given the Stars back; False if that was known."""
        return await self.surely(lambda on: topup_rows.finish_refund(on, topup))

    async def fail_refund(self, topup: str) -> bool:
        """Telegram definitely refused: the money goes back; False if it was not out."""
        now = self.now
        return await self.surely(lambda on: topup_rows.fail_refund(on, topup, now))

    async def refunded_by_telegram(self, charge_id: str) -> Topup | None:
        """Telegram tells that a payment was given back (``refunded_payment``), whoever asked.

        Takes what it brought off the balance, as far as it is there; what is missing stands in the
        ledger's detail as ``missing``.

        Returns:
            The top-up; None where nothing is known of it, or it was known already.
        """
        now = self.now
        return await self.surely(lambda on: topup_rows.refunded_by_telegram(on, charge_id, now))

    async def refunding(self) -> list[Topup]:
        """Top-ups that Telegram must still be asked about, after a restart."""
        return await self.store.run(topup_rows.refunding)
