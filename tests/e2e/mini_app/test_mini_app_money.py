"""The Mini App and money: a budget that runs out, TON from a wallet, Stars and their refund."""

from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from cocoon.accounting import Nano
from cocoon.accounting.amount import NANO_PER_TON
from cocoon.devnet.telegram.trial import PER_STAR, Trial
from cocoon.telegram.accounts import Account, Kind
from cocoon.testing.mini_app import service, visit

pytestmark = [pytest.mark.anyio, pytest.mark.slow, pytest.mark.timeout(120)]
ONE_ANSWER = Nano(NANO_PER_TON * 15 // 1000)
"""An allowance that covers one short answer and no second one."""
HALF = NANO_PER_TON // 2
QUESTION = "Say hello."


async def account(trial: Trial) -> Account:
    return await trial.service.deps.accounts.account(trial.telegram.people()[0].id)


async def test_the_budget_runs_out_and_ton_fills_it(
    devnet: Path, browser: Browser, tmp_path: Path
) -> None:
    async with service(devnet, tmp_path, free_daily=ONE_ANSWER) as trial:
        await trial.telegram.people()[0].start()
        ada = await visit(browser, trial)
        await ada.ask(QUESTION)
        await ada.answered()
        used = await account(trial)
        assert 0 < used.free_left < ONE_ANSWER

        await ada.ask("And now tell me something about the sea, please.")
        remedy = ada.app.get_by_role("alert")
        await expect(remedy).to_contain_text("do not cover this answer")
        assert (await account(trial)).free_left == used.free_left
        await ada.button("Top up").click()
        await ada.button("0.5 TON").first.click()
        await ada.button("Pay 0.5 TON").click()
        await ada.button("Stand-in wallet").click()
        await ada.page.click("#wallet-yes")
        sheet = ada.page.locator("dialog")
        await expect(sheet).to_contain_text("Send TON?")
        await expect(sheet).to_contain_text("cocoon:")
        await ada.page.click("#wallet-yes")
        await expect(ada.app.get_by_text("0.5 TON credited")).to_be_visible(timeout=30_000)
        assert (await account(trial)).balance == HALF

        await ada.button("Close").click()
        await ada.button("Try again").click()
        assert "Receipt: 0.0" in await ada.answered(2)
        after = await account(trial)
        entries = await trial.service.deps.accounts.ledger(after.user)
        assert [entry.kind for entry in entries] == [Kind.CHARGE, Kind.TON, Kind.CHARGE]
        assert after.held == 0
        charges = [int(entry.free) - entry.amount for entry in entries if entry.kind == Kind.CHARGE]
        assert int(after.free_left + after.balance) == int(ONE_ANSWER) + HALF - sum(charges)
        await trial.telegram.people()[0].chat.wait(lambda shown: "0.5 TON is on" in shown.text)
        assert all("402" in problem for problem in ada.failed)


async def test_stars_and_their_refund(devnet: Path, browser: Browser, tmp_path: Path) -> None:
    async with service(devnet, tmp_path) as trial:
        ada = await visit(browser, trial)
        purse = trial.telegram.people()[0].account.stars
        await ada.go("Budget")
        await ada.button("Top up").click()
        await ada.app.get_by_role("radio", name="Stars").check()
        await ada.button("Pay 50 Stars").click()
        await ada.page.get_by_role("button", name="Pay ★ 50").click()
        await expect(ada.app.get_by_text("0.5 TON credited")).to_be_visible(timeout=20_000)
        assert (await account(trial)).balance == 50 * PER_STAR
        assert trial.telegram.people()[0].account.stars == purse - 50

        await ada.button("Refund").click()
        await ada.app.get_by_role("dialog").get_by_role("button", name="Refund").click()
        await expect(ada.app.locator(".past .state")).to_have_text("refunded", timeout=15_000)
        assert (await account(trial)).balance == 0
        assert trial.telegram.people()[0].account.stars == purse
        assert not ada.failed
