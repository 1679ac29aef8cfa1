"""The Mini App for everybody: narrow screens, keyboards, screen readers, both themes, languages."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Literal

import pytest
from playwright.async_api import Browser, expect

from cocoon.testing.browser import SMALL_PHONE
from cocoon.testing.mini_app import Visitor, service, visit

pytestmark = [pytest.mark.anyio, pytest.mark.slow, pytest.mark.timeout(120)]
QUESTION = "Write a Python function that adds two numbers."
LANGUAGES = {"en": "Message", "ru": "Сообщение", "id": "Pesan"}
"""What stands in the empty message field."""


async def every_screen(ada: Visitor, look: Callable[[str], Awaitable[None]]) -> None:
    """Show one screen after the other, by what has no words, so in any language."""
    await look("chat")
    await ada.app.locator(".model-button").click()
    await look("models")
    await ada.page.keyboard.press("Escape")
    if await ada.app.locator(".answer").count():
        await ada.app.locator(".actions button").last.click()
        await look("receipt")
        await ada.back()
    await ada.app.locator(".chat-bar .only-narrow").click()
    await look("menu")
    for number, name in enumerate(("budget", "trust", "settings")):
        await ada.app.locator(".places button").nth(number).click()
        await ada.app.locator("main .section, main .field").first.wait_for()
        await ada.calm()
        for summary in await ada.app.locator("summary").all():
            await summary.click()
        await look(name)
        if name == "budget":
            await ada.app.locator("main button.primary").click()
            await look("top-up")
            await ada.app.get_by_role("radio").nth(1).check()
            await look("top-up with Stars")
            await ada.app.get_by_role("radio").nth(0).check()
            await ada.app.locator("main button.primary").click()
            await ada.app.locator(".wallets button").wait_for()
            await ada.app.locator("summary").click()
            await look("wallets")
            await ada.back()
        await ada.back()
    await ada.home()


@pytest.mark.parametrize(("language", "scheme"), [("en", "light"), ("ru", "dark"), ("id", "light")])
async def test_every_screen(
    devnet: Path,
    browser: Browser,
    tmp_path: Path,
    language: str,
    scheme: Literal["light", "dark"],
) -> None:
    """Nothing that axe finds, nothing too wide for 320 pixels, cut off, or too small to touch."""
    faults: dict[str, list[str]] = {}
    async with service(devnet, tmp_path) as trial:
        ada = await visit(browser, trial, size=SMALL_PHONE, scheme=scheme)

        async def look(name: str) -> None:
            faults[name] = await ada.faults()

        if language != "en":
            await ada.go("Settings")
            await ada.app.get_by_role("combobox").select_option(language)
            await ada.home()
        placeholder = ada.app.get_by_placeholder(LANGUAGES[language])
        await expect(placeholder).to_be_visible()
        assert await ada.frame.evaluate("document.documentElement.lang") == language
        await look("welcome")
        await ada.ask(QUESTION)
        await ada.answered()
        await every_screen(ada, look)
        assert len(faults) >= 10
        assert {name: found for name, found in faults.items() if found} == {}
        assert not ada.failed


async def test_faults_are_found(devnet: Path, browser: Browser, tmp_path: Path) -> None:
    """The eyes of the test above see."""
    async with service(devnet, tmp_path) as trial:
        ada = await visit(browser, trial, size=SMALL_PHONE)
        await ada.frame.evaluate("""() => {
          const lead = document.querySelector(".lead");
          lead.style.color = "#ddd";
          lead.style.width = "500px";
          lead.style.whiteSpace = "nowrap";
          document.querySelector("h2").style.cssText = "width: 20px; white-space: nowrap";
          document.querySelector(".suggestions button").style.cssText = "height: 9px; padding: 0;"
            + "min-height: 0";
        }""")
        kinds = {fault.partition(" ")[0] for fault in await ada.faults()}
        assert kinds == {"axe:", "too", "cut:", "small:"}


async def test_a_keyboard_is_enough(devnet: Path, browser: Browser, tmp_path: Path) -> None:
    async with service(devnet, tmp_path) as trial:
        ada = await visit(browser, trial, touch=False)
        keys = ada.page.keyboard
        focused = """() => {
          const node = document.activeElement;
          return node === document.body ? "" : node.getAttribute("aria-label") || node.textContent;
        }"""

        async def reach(name: str) -> None:
            for _ in range(40):
                if name in await ada.frame.evaluate(focused):
                    return
                await keys.press("Tab")
            raise AssertionError(f"no Tab reaches {name}")

        await ada.app.locator("body").focus()
        await reach("Your message")
        await keys.type("Say hello.")
        await keys.press("Enter")
        await ada.answered()
        assert "Your message" in await ada.frame.evaluate(focused)

        await reach("Receipt")
        await keys.press("Enter")
        await expect(ada.app.get_by_role("heading", name="Receipt")).to_be_focused()
        await keys.press("Escape")
        await expect(ada.app.locator("#chat-title")).to_be_focused()

        await reach("Model")
        await keys.press("Enter")
        sheet = ada.app.get_by_role("dialog", name="Choose a model")
        await expect(sheet).to_be_visible()
        for _ in range(8):
            await keys.press("Tab")
            assert await ada.frame.evaluate(
                "document.activeElement.closest('dialog, body:has(dialog[open])') !== null"
            )
        await reach("Close")
        await keys.press("Escape")
        await expect(sheet).to_have_count(0)
        await expect(ada.app.locator(".model-button")).to_be_focused()
        assert not ada.failed
