"""The Mini App in its web view: login, streaming, stop, history after a reload, receipts, size."""

import json
from pathlib import Path

import pytest
from playwright.async_api import Browser, Request, expect

from cocoon.devnet.telegram.trial import Trial
from cocoon.telegram.settings import AssistantSettings
from cocoon.testing.mini_app import service, visit

pytestmark = [pytest.mark.anyio, pytest.mark.slow, pytest.mark.timeout(120)]
FIRST_LOAD = 200_000
"""Bytes over the wire until somebody can write, compressed, headers included."""

NOTE_LENGTHS = """() => {
  window.lengths = [];
  new MutationObserver(() => {
    const answer = document.querySelector(".answer[aria-busy=true] .markdown");
    if (answer) lengths.push(answer.textContent.length);
  }).observe(document.body, { childList: true, characterData: true, subtree: true });
}"""


async def test_the_first_load_is_small(devnet: Path, browser: Browser, tmp_path: Path) -> None:
    async with service(devnet, tmp_path) as trial:
        ada = await visit(browser, trial, opened=False)
        loaded: list[Request] = []
        ada.page.on("requestfinished", lambda one: loaded.append(one))  # noqa: PLW0108 - marked by it
        await ada.open()
        await expect(ada.app.locator(".model-button strong")).to_contain_text("SmolLM2")
        own = [one for one in loaded if one.url.startswith(trial.app_url)]
        sizes = [await one.sizes() for one in own]
        total = sum(one["responseBodySize"] + one["responseHeadersSize"] for one in sizes)
        scripts = [one for one in own if one.url.endswith(".js")]
        codings = [await (await one.response()).header_value("content-encoding") for one in scripts]
        assert scripts
        assert set(codings) <= {"br", "gzip"}
        assert 20_000 < total < FIRST_LOAD
        strangers = {one.url for one in loaded} - {one.url for one in own}
        assert all(url.startswith(trial.url) for url in strangers)  # and nobody else is asked
        assert not ada.failed


async def test_streaming_history_and_receipt(
    devnet: Path, browser: Browser, tmp_path: Path
) -> None:
    async with service(devnet, tmp_path) as trial:
        ada = await visit(browser, trial)
        await ada.frame.evaluate(NOTE_LENGTHS)
        await ada.ask("Say hello and count to ten.")
        await ada.answered()
        lengths = await ada.frame.evaluate("lengths")
        assert len(set(lengths)) > 10
        assert lengths == sorted(lengths)
        text = (await ada.answered()).partition("\n")[0]
        assert "The answer is complete." in await ada.app.locator("[aria-atomic]").inner_text()

        await ada.reload()
        assert (await ada.answered()).startswith(text)
        await ada.page.reload()
        await ada.open()
        assert (await ada.answered()).startswith(text)

        await ada.button("Receipt").click()
        (charge,) = await _charges(trial)
        receipt = ada.app.locator("main")
        await expect(receipt).to_contain_text(f"{charge / 10**9:.9f}".rstrip("0") + " TON")
        await expect(receipt).to_contain_text("Not signed by the worker")
        await expect(receipt).to_contain_text("tdx-simulated")
        await ada.back()

        await ada.go("Trust")
        trust = ada.app.locator("main")
        await expect(trust).to_contain_text("Simulated: nothing is protected")
        await expect(trust).to_contain_text("Verified, on simulated evidence")
        assert str(devnet) not in await trust.inner_text()
        assert not ada.failed


async def test_a_stopped_answer_is_charged_for_what_came(
    devnet: Path, browser: Browser, tmp_path: Path
) -> None:
    long = AssistantSettings(max_tokens=400)
    async with service(devnet, tmp_path, assistant=long) as trial:
        ada = await visit(browser, trial)
        await ada.ask("Write a long story about a lighthouse and everybody who lives near it.")
        await ada.app.locator(".answer .markdown").wait_for()
        await ada.button("Stop").click()
        answer = ada.app.locator(".answer")
        await expect(answer).to_contain_text("Stopped")
        await expect(answer).to_contain_text("Receipt: 0.0", timeout=15_000)
        (charge,) = await _charges(trial)
        account = await trial.service.deps.accounts.account(trial.telegram.people()[0].id)
        assert account.held == 0
        assert 0 < charge < 400 * 100_000

        await ada.button("Receipt").click()
        await expect(ada.app.locator("main")).to_contain_text("stopped by you")
        await ada.back()
        await ada.reload()
        await expect(answer).to_contain_text("Stopped")
        assert len(await _charges(trial)) == 1
        assert not ada.failed


async def test_conversations_stay_on_the_device(
    devnet: Path, browser: Browser, tmp_path: Path
) -> None:
    """What was asked is nowhere in the service's files, and gone from the device when deleted."""
    async with service(devnet, tmp_path) as trial:
        ada = await visit(browser, trial)
        await ada.ask("Remember the word zanzibarite.")
        await ada.answered()
        assert not _files_with(tmp_path, b"zanzibarite")
        ben = await visit(browser, trial)  # another device
        await expect(ben.app.locator(".welcome")).to_be_visible()

        await ada.button("Conversations and more").click()
        await ada.button("Delete “Remember the word zanzibarite.”").click()
        await ada.app.get_by_role("dialog").get_by_role("button", name="Delete").click()
        await expect(ada.app.get_by_text("zanzibarite")).to_have_count(0)
        await ada.reload()
        await expect(ada.app.locator(".welcome")).to_be_visible()
        assert not ada.failed


async def test_outside_of_telegram_it_says_so(
    devnet: Path, browser: Browser, tmp_path: Path
) -> None:
    async with service(devnet, tmp_path) as trial:
        page = await browser.new_page()
        await page.goto(f"{trial.app_url}/app/")
        await expect(page.get_by_role("main")).to_contain_text("Open it from the chat")
        forged = {"init_data": "user=%7B%22id%22%3A1%7D&hash=00", "nonce": "n" * 24}
        answer = await page.request.post(f"{trial.app_url}/app/api/session", data=forged)
        assert (answer.status, json.loads(await answer.text())["error"]["action"]) == (
            401,
            "reopen",
        )
        await page.close()


def _files_with(folder: Path, word: bytes) -> list[Path]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files
    return [path for path in files if word in path.read_bytes()]


async def _charges(trial: Trial) -> list[int]:
    """NanoTON of each answer that Ada was charged for."""
    deps = trial.service.deps
    entries = await deps.accounts.ledger(trial.telegram.people()[0].id)
    return [int(one.free) - one.amount for one in entries if one.kind == "charge"]
