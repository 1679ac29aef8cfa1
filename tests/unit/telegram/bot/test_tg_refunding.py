"""What Telegram's words about a refund mean for money."""

from typing import cast

import pytest
from aiogram import Bot
from aiogram.exceptions import (
    TelegramAPIError,
    TelegramBadRequest,
    TelegramForbiddenError,
    TelegramNetworkError,
    TelegramServerError,
)
from aiogram.methods import RefundStarPayment

from cocoon.errors import UnavailableError
from cocoon.telegram.bot.refunding import give_back

pytestmark = pytest.mark.anyio
METHOD = RefundStarPayment(user_id=7, telegram_payment_charge_id="c1")


class Refusing:
    def __init__(self, error: TelegramAPIError | None) -> None:
        self.error = error

    async def refund_star_payment(self, **_: object) -> bool:
        if self.error is not None:
            raise self.error
        return True


async def asked(error: TelegramAPIError | None) -> bool:
    return await give_back(cast("Bot", Refusing(error)), 7, "c1")


async def test_what_was_given_back_before_is_given_back():
    assert await asked(None)
    assert await asked(TelegramBadRequest(METHOD, "Bad Request: CHARGE_ALREADY_REFUNDED"))
    assert not await asked(TelegramBadRequest(METHOD, "Bad Request: CHARGE_ID_INVALID"))


@pytest.mark.parametrize(
    "kind", [TelegramNetworkError, TelegramServerError, TelegramForbiddenError]
)
async def test_where_nobody_knows_money_stays_out(kind: type[TelegramAPIError]):
    with pytest.raises(UnavailableError):
        await asked(kind(METHOD, "no"))
