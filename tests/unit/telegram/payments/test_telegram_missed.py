"""Payments whose updates were lost are found in Telegram's list; a real aiogram bot asks."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiogram import Bot
from aiogram.types import LabeledPrice

from cocoon.accounting import Nano
from cocoon.devnet.telegram import StandInTelegram
from cocoon.errors import UnavailableError
from cocoon.telegram.payments import refund
from cocoon.telegram.service import missed as module
from cocoon.telegram.service.missed import YOUNG_SECONDS, MissedPayments
from cocoon.testing.telegram import running_bot
from cocoon.testing.telegram_books import check_books, open_accounts

pytestmark = pytest.mark.anyio
PRICE = 1000


@contextlib.asynccontextmanager
async def deaf(bot: Bot) -> AsyncIterator[None]:
    """Lets everybody pay, and loses every other update."""

    async def loop() -> None:
        offset = 0
        while True:
            for update in await bot.get_updates(offset=offset, timeout=1):
                offset = update.update_id + 1
                if update.pre_checkout_query is not None:
                    await bot.answer_pre_checkout_query(update.pre_checkout_query.id, ok=True)

    task = asyncio.create_task(loop())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_lost_payments_and_refunds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAGE", 2)
    telegram: StandInTelegram
    async with (
        open_accounts(f"sqlite:///{tmp_path / 'missed.sqlite'}") as accounts,
        running_bot() as (telegram, bot),
    ):
        anna = telegram.person("Anna", stars=10_000)
        charges = []
        async with deaf(bot):
            for stars in (10, 20, 30):
                topup = await accounts.new_topup(anna.id, "stars", Nano(stars * PRICE), stars)
                link = await bot.create_invoice_link(
                    title="t",
                    description="d",
                    payload=topup.id,
                    currency="XTR",
                    prices=[LabeledPrice(label="l", amount=stars)],
                )
                charges.append((await anna.pay(link)).charge)
        young = MissedPayments(accounts, bot, PRICE)
        assert await young.book() == []
        later = MissedPayments(accounts, bot, PRICE, clock=lambda: time.time() + YOUNG_SECONDS + 60)
        assert [one.received for one in await later.book()] == [
            Nano(stars * PRICE) for stars in (10, 20, 30)
        ]
        assert await later.book() == []
        await bot.refund_star_payment(anna.id, charges[0])
        assert [one.state for one in await later.book()] == ["refunded"]

        async def give_back(user: int, charge: str) -> bool:
            return await bot.refund_star_payment(user, charge)

        mine = await accounts.topups(anna.id)
        second = next(one for one in mine if one.charge_id == charges[1])
        assert (await refund(accounts, anna.id, second.id, give_back)).state == "refunded"
        for fresh in (later, MissedPayments(accounts, bot, PRICE, clock=later._clock)):
            assert await fresh.book() == []
        assert (await accounts.account(anna.id)).balance == Nano(30 * PRICE)
        await accounts.store.run(check_books)
        await telegram.close()
        with pytest.raises(UnavailableError):
            await later.book()
