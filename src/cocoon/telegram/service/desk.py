"""Top-ups as the Mini App starts them: TON by a wallet, Stars by an invoice of the bot."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from aiogram import Bot
from aiogram.exceptions import TelegramAPIError
from aiogram.types import LabeledPrice

from cocoon.errors import UnavailableError
from cocoon.telegram.accounts import Accounts, Topup
from cocoon.telegram.bot.refunding import give_back
from cocoon.telegram.bot.texts import Texts
from cocoon.telegram.payments import STARS_CURRENCY, TonTopups, refund
from cocoon.telegram.settings import MoneySettings


class Desk:
    """See :class:`cocoon.telegram.web.deps.TopupDesk`.

    Args:
        accounts: whose money.
        bot: makes invoices and refunds.
        texts: what stands on invoices.
        money: what is taken.
        ton: watches the wallet; None where TON is not taken.
        network: TON Connect's network id.
    """

    def __init__(
        self,
        accounts: Accounts,
        bot: Bot,
        texts: Texts,
        money: MoneySettings,
        ton: TonTopups | None,
        network: str,
    ) -> None:
        self._accounts = accounts
        self._bot = bot
        self._texts = texts
        self._money = money
        self._ton = ton
        self._network = network

    @property
    def ton(self) -> bool:
        """Whether TON is taken."""
        return self._ton is not None

    @property
    def stars(self) -> bool:
        """Whether Stars are taken."""
        return self._money.nano_per_star > 0

    def transfer(self, topup: Topup) -> Mapping[str, Any]:
        """What a wallet needs to pay a top-up; the chain is looked at soon after."""
        if self._ton is None:
            raise UnavailableError("this service takes no TON")
        asked = self._ton.transfer_request(topup)
        return {
            "address": asked.address,
            "amount": asked.amount,
            "payload": asked.payload,
            "comment": asked.comment,
            "valid_until": asked.valid_until,
            "network": self._network,
        }

    async def invoice_link(self, topup: Topup, language: str) -> str:
        """A link of an invoice (core.telegram.org/bots/api#createinvoicelink).

        Raises:
            UnavailableError: Telegram does not answer, or refuses.
        """
        words = self._texts.words(language)
        try:
            return await self._bot.create_invoice_link(
                title=words("payments.invoice_title"),
                description=words("payments.invoice_text", ton=topup.nano.ton()),
                payload=topup.id,
                currency=STARS_CURRENCY,
                prices=[LabeledPrice(label=words("payments.invoice_title"), amount=topup.stars)],
            )
        except TelegramAPIError as error:
            raise UnavailableError("Telegram makes no invoice now; try again") from error

    async def refund(self, user: int, topup: str) -> None:
        """Give the Stars of a top-up back; raises as :func:`cocoon.telegram.payments.refund`."""
        await refund(self._accounts, user, topup, partial(give_back, self._bot))
