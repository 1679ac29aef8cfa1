"""The Mini App as people use it: in the stand-in's web view, in a real browser.

::

    async with service(devnet, tmp_path) as trial, headless_browser() as browser:
        ada = await visit(browser, trial)
        await ada.ask("Say hello.")
        await ada.answered()
"""

import asyncio
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import cocoon
from cocoon.devnet.state import find_running
from cocoon.devnet.telegram.trial import Trial, TrialOptions
from cocoon.errors import ConfigError
from cocoon.telegram.settings import AssistantSettings
from cocoon.testing.browser import PHONE, phone_page
from cocoon.testing.telegram import GENEROUS

if TYPE_CHECKING:
    from playwright.async_api import Browser, Frame, FrameLocator, Locator, Page

SOURCES = Path(__file__).parents[3] / "web" / "miniapp"
AXE = SOURCES / "node_modules" / "axe-core" / "axe.min.js"
ANSWER_TIME = 45_000
"""Milliseconds for an answer of the demonstration model on a busy machine."""
LONGEST = 64
"""Tokens of an answer: enough to see it stream."""
LOADED = "New chat"
"""Name of a button that is there once somebody is logged in."""

_AXE_RUN = """async () => {
  const found = await axe.run(document, { resultTypes: ["violations"] });
  return found.violations.map((one) => `${one.id} (${one.impact}): ` + one.nodes.map((node) =>
    `${node.target.join(" ")}: ${node.failureSummary}`).join(" | "));
}"""
_WIDE = """() => {
  const width = document.documentElement.clientWidth;
  return [...document.body.querySelectorAll("*")]
    .filter((node) => node.checkVisibility({ visibilityProperty: true }))
    .filter((node) => !node.closest("pre, .table, svg, .visually-hidden"))
    .filter((node) => node.getBoundingClientRect().right > width + 0.5)
    .map((node) => node.outerHTML.slice(0, 120));
}"""
_CUT = """() => [...document.body.querySelectorAll("button, h1, h2, h3, p, dd, dt, label, summary")]
  .filter((node) => node.checkVisibility({ visibilityProperty: true }))
  .filter((node) => !node.matches(".visually-hidden, .conversation-open, .scroll *:has(svg.chart)"))
  .filter((node) => node.scrollWidth > node.clientWidth + 1 && node.clientWidth > 0
    && getComputedStyle(node).display !== "inline")
  .map((node) => node.outerHTML.slice(0, 160))"""
_SMALL = """() => [...document.body.querySelectorAll("button, summary, select, input, textarea")]
  .filter((node) => node.checkVisibility({ visibilityProperty: true }))
  .map((node) => [node, (node.closest("label") || node).getBoundingClientRect()])
  .filter(([node, box]) => box.height < 24 && !node.matches("p button, .visually-hidden"))
  .map(([node]) => node.outerHTML.slice(0, 120))"""


@cache
def axe_source() -> str:
    """The accessibility checker, which the Mini App's development packages bring."""
    return AXE.read_text()


class Visitor:
    """Somebody with the Mini App open.

    Attributes:
        page: the stand-in's, with the web view in it.
        app: what is in the web view.
        failed: what the page threw or logged as an error.
    """

    def __init__(self, page: "Page") -> None:
        self.page = page
        self.app: FrameLocator = page.frame_locator("#app-frame")
        self.failed: list[str] = []
        page.on("pageerror", lambda error: self.failed.append(f"thrown: {error}"))
        page.on("console", self._logged)

    def _logged(self, said: Any) -> None:
        if said.type == "error":
            self.failed.append(f"logged: {said.text}")

    @property
    def frame(self) -> "Frame":
        """The web view's frame, for scripts."""
        return next(frame for frame in self.page.frames if "/app/" in frame.url)

    def button(self, name: str) -> "Locator":
        """A button of the app whose name contains this."""
        return self.app.get_by_role("button", name=name)

    async def open(self) -> None:
        """Open the app from the chat, and wait until the person is logged in."""
        await self.page.wait_for_selector("#foot > *")
        await self.page.click("#open-app")
        await self.loaded()

    async def loaded(self) -> None:
        """Wait until the app shows its first screen."""
        await self.button(LOADED).first.wait_for()

    async def reload(self) -> None:
        """Load the app again within the same web view."""
        await self.page.click("#app-menu")
        await self.page.get_by_role("menuitem", name="Load again").click()
        await self.loaded()

    async def ask(self, text: str) -> None:
        """Write something and send it."""
        await self.app.get_by_role("textbox").fill(text)
        await self.app.locator("form.composer button[type=submit]").click()

    async def answered(self, number: int = 1) -> str:
        """Wait until so many answers have ended; the text of the last one."""
        last = self.app.locator(".answer").nth(number - 1)
        await last.locator(".actions").wait_for(timeout=ANSWER_TIME)
        return await last.inner_text()

    async def go(self, place: str) -> None:
        """From the chat to a place of the menu."""
        await self.button("Conversations and more").click()
        await self.app.locator(".places button").filter(has_text=place).click()
        await self.app.get_by_role("heading", name=place, level=1).wait_for()

    async def back(self) -> None:
        """Press the web view's back button."""
        await self.page.click("#app-back")

    async def home(self) -> None:
        """Back to the chat, from wherever."""
        while await self.page.locator("#app-back").count():
            await self.back()
            await asyncio.sleep(0.05)

    async def scroll(self, top: int) -> None:
        """Scroll what is shown, in CSS pixels from its top."""
        await self.app.locator(".screen .scroll").first.evaluate(
            "(node, top) => node.scrollTo(0, top)", top
        )

    async def calm(self) -> None:
        """Wait until nothing moves: no spinner, no toast, no note of a haptic."""
        await self.page.wait_for_function("() => !document.querySelector('#feel.on')")
        await self.frame.wait_for_function(
            "() => !document.querySelector('.toast p, .progress, [aria-busy=true]')"
        )
        await asyncio.sleep(0.15)

    async def theme(self, name: Literal["light", "dark"]) -> None:
        """Choose the colours of the stand-in, which the app follows."""
        shown = await self.page.evaluate("document.documentElement.dataset.theme")
        if shown != name:
            await self.page.click("#app-menu")
            await self.page.get_by_role("menuitem", name=name.capitalize(), exact=True).click()

    async def faults(self) -> list[str]:
        """What is wrong with the screen that is shown.

        Violations that axe finds, what is wider than the screen, texts that are cut off, and
        controls lower than 24 CSS pixels (WCAG 2.2, 2.5.8).
        """
        frame = self.frame
        if not await frame.evaluate("() => 'axe' in window"):
            await frame.evaluate(axe_source())
        found: Mapping[str, list[str]] = {
            "axe": await frame.evaluate(_AXE_RUN),
            "too wide": await frame.evaluate(_WIDE),
            "cut": await frame.evaluate(_CUT),
            "small": await frame.evaluate(_SMALL),
        }
        return [f"{kind}: {one}" for kind, all_ in found.items() for one in all_]


def service(state: Path, folder: Path, **options: Any) -> Trial:
    """A service with its stand-in, on a devnet that runs.

    Args:
        state: of the devnet.
        folder: for the service's own files; emptied.
        options: further ones of :class:`TrialOptions`.

    Raises:
        ConfigError: no devnet runs there.
    """
    running = find_running(state)
    if running is None:
        raise ConfigError(f"no network runs in {state}")
    wanted: dict[str, Any] = {
        "assistant": AssistantSettings(max_tokens=LONGEST),
        "chain": running.chain,
        "rates": GENEROUS,
        **options,
    }
    return Trial(TrialOptions(folder=folder, **wanted), cocoon.AsyncClient(devnet=state))


async def visit(
    browser: "Browser",
    trial: Trial,
    *,
    size: tuple[int, int] = PHONE,
    scheme: Literal["light", "dark"] = "light",
    touch: bool = True,
    opened: bool = True,
) -> Visitor:
    """Ada, at her phone.

    Args:
        browser: a page in a context of its own is opened in it.
        trial: the service.
        size: width and height in CSS pixels.
        scheme: colours that she prefers.
        touch: whether it is a touch screen.
        opened: whether she opens the app at once.
    """
    visitor = Visitor(await phone_page(browser, "", size=size, scheme=scheme, touch=touch))
    await visitor.page.goto(trial.url)
    if opened:
        await visitor.open()
    return visitor
