"""Stars that go back to who paid them."""

from aiogram import Bot
from aiogram.exceptions import TelegramAPIError, TelegramBadRequest

from cocoon.errors import UnavailableError


async def give_back(bot: Bot, user: int, charge: str) -> bool:
    """Ask Telegram to give a charge back (core.telegram.org/bots/api#refundstarpayment).

    Args:
        bot: that was paid.
        user: who paid.
        charge: ``telegram_payment_charge_id``.

    Returns:
        Whether it did, or had before; False where it refuses for good.

    Raises:
        UnavailableError: nobody knows.
    """
    try:
        await bot.refund_star_payment(user_id=user, telegram_payment_charge_id=charge)
    except TelegramBadRequest as error:
        return "CHARGE_ALREADY_REFUNDED" in error.message.upper()
    except TelegramAPIError as error:
        raise UnavailableError("Telegram does not answer about the refund") from error
    return True
