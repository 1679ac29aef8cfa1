"""Payments with Stars that Telegram lists and we never heard of.

An update may be lost where the service was down for more than a day, or its store failed just then.
"""

import time
from collections.abc import Callable
from itertools import takewhile

from aiogram import Bot
from aiogram.exceptions import TelegramAPIError
from aiogram.types import StarTransaction, TransactionPartnerUser

from cocoon.errors import UnavailableError
from cocoon.telegram.accounts import Accounts, Topup
from cocoon.telegram.payments import StarPayment, reconcile

PAGE = 100
YOUNG_SECONDS = 600
"""The update of a younger payment may still be on its way, with a word of thanks."""
AGAIN = 100
"""Transactions that are read once more the next time."""


class MissedPayments:
    """Reads ``getStarTransactions`` (core.telegram.org/bots/api#getstartransactions) on and on.

    Args:
        accounts: where to book.
        bot: whose transactions.
        nano_per_star: today's price.
        clock: Unix seconds.
    """

    def __init__(
        self,
        accounts: Accounts,
        bot: Bot,
        nano_per_star: int,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._accounts = accounts
        self._bot = bot
        self._price = nano_per_star
        self._clock = clock
        self._offset = 0

    async def book(self) -> list[Topup]:
        """Book what is missing; the top-ups that changed.

        Raises:
            UnavailableError: Telegram does not answer.
            StoreError: the store does not work.
        """
        changed: list[Topup] = []
        offset, is_last = self._offset, False
        until = self._clock() - YOUNG_SECONDS
        while not is_last:
            try:
                listed = await self._bot.get_star_transactions(offset=offset, limit=PAGE)
            except TelegramAPIError as error:
                raise UnavailableError("Telegram does not list payments now") from error
            old = list(takewhile(lambda one: one.date.timestamp() <= until, listed.transactions))
            found = (payment_of(one) for one in old)
            known = [payment for payment in found if payment is not None]
            changed += await reconcile(self._accounts, known, self._price)
            offset += len(old)
            is_last = len(old) < PAGE
        self._offset = max(0, offset - AGAIN)
        return changed


def payment_of(listed: StarTransaction) -> StarPayment | None:
    """A user's payment, or one that was given back; None for withdrawals, gifts and the like."""
    partner = listed.source or listed.receiver
    if not isinstance(partner, TransactionPartnerUser):
        return None
    if partner.transaction_type != "invoice_payment":
        return None
    return StarPayment(
        user=partner.user.id,
        payload=partner.invoice_payload or "",
        charge_id=listed.id,
        stars=listed.amount,
        is_refund=listed.source is None,
    )
