"""/terms, as the operator has set prices and payments."""

from dataclasses import replace
from pathlib import Path

import pytest

from cocoon.accounting import Nano
from cocoon.telegram.settings import MoneySettings, TelegramSettings
from cocoon.testing.bot_rig import bot_rig

pytestmark = pytest.mark.anyio


async def test_conditions_of_a_bot_that_sells(tmp_path: Path) -> None:
    def sells(settings: TelegramSettings) -> TelegramSettings:
        bot = replace(settings.bot, admins=frozenset({5}))
        return replace(settings, bot=bot, money=replace(settings.money, markup=125))

    async with bot_rig(tmp_path, sells) as rig:
        alice = rig.telegram.person("Alice")
        await alice.send("/terms")
        text = (await alice.chat.answer()).text
    for words in ("12.5 %", "0.05 TON a day", "one Star buys 0.01 TON", "is given back in full"):
        assert words in text
    assert "send /paysupport followed by your message" in text
    assert "TON back" not in text  # there is no wallet to pay to


async def test_conditions_of_a_bot_that_sells_nothing(tmp_path: Path) -> None:
    def free(settings: TelegramSettings) -> TelegramSettings:
        return replace(settings, money=MoneySettings(free_daily=Nano(0)))

    async with bot_rig(tmp_path, free) as rig:
        boris = rig.telegram.person("Boris", language="ru")
        await boris.send("/terms")
        text = (await boris.chat.answer()).text
    assert "без наценки" in text
    assert "Звёзды" not in text
    assert "профиль" in text
