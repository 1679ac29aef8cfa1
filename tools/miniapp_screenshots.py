"""Take the pictures of docs/images/telegram: ``python tools/miniapp_screenshots.py``.

It starts a network on this machine with the demonstration model, the service and the stand-in for
Telegram, and walks through them with a headless Chromium of phone size. Look at every picture
before it is committed.

    --state DIR   use the devnet that runs there instead of starting one
    --out DIR     put them elsewhere
"""

import argparse
import asyncio
import base64
import re
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from playwright.async_api import Page

from cocoon.accounting import Nano
from cocoon.accounting.amount import NANO_PER_TON
from cocoon.devnet.network import Network
from cocoon.devnet.options import DevnetOptions
from cocoon.telegram.settings import AssistantSettings
from cocoon.testing.browser import headless_browser
from cocoon.testing.mini_app import Visitor, service, visit

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images" / "telegram"
LARGEST = 150_000
"""Bytes of a picture."""
QUALITY = 82
SCALE = 2
"""Pixels of a picture in one of CSS."""
QUESTION = "Write a short Python function that doubles a number."
GOOD = re.compile(r"def \w+\((\w+)\):\s+return (?:\1 \* 2|2 \* \1)\b")
TRIES = 10
"""The demonstration model is small: some of its answers are wrong, or do not end."""
LONG = "Explain step by step how to bake bread."


class Camera:
    """Takes pictures of a page into a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    async def take(self, page: Page, name: str) -> None:
        """Save what is shown as WebP, which Chromium encodes itself.

        Raises:
            SystemExit: it is too large to be kept.
        """
        session = await page.context.new_cdp_session(page)
        width, height = await page.evaluate("[innerWidth, innerHeight]")
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": SCALE}
        wanted = {"format": "webp", "quality": QUALITY, "clip": clip}
        shot = await session.send("Page.captureScreenshot", wanted)
        await session.detach()
        data = base64.b64decode(shot["data"])
        if len(data) > LARGEST:
            raise SystemExit(f"{name} has {len(data)} bytes, more than {LARGEST}")
        (self._folder / f"{name}.webp").write_bytes(data)
        print(f"{name}.webp  {len(data):,} bytes")


async def chat(ada: Visitor, camera: Camera) -> None:
    """An answer, its receipt, and who can read along."""
    for left in reversed(range(TRIES)):
        await ada.ask(QUESTION)
        await ada.answered()
        answer = ada.app.locator(".answer")
        is_cut = await answer.locator(".hint").count() > 0
        if not left or (GOOD.search(await answer.inner_text()) and not is_cut):
            break
        await ada.button("New chat").click()
    await ada.calm()
    await camera.take(ada.page, "chat-light")
    await ada.theme("dark")
    await ada.calm()
    await camera.take(ada.page, "chat-dark")
    await ada.theme("light")
    await ada.button("Receipt").click()
    await ada.calm()
    await camera.take(ada.page, "receipt")
    await ada.back()
    await ada.go("Trust")
    await ada.calm()
    await camera.take(ada.page, "trust")


async def money(ada: Visitor, camera: Camera) -> None:
    """A budget that runs out, and a top-up on the network's own chain."""
    asked = 0
    while not await ada.app.locator(".remedy").count():
        await ada.ask(QUESTION)
        ended = ada.app.locator(".answer").nth(asked).locator(".actions, .remedy")
        await ended.first.wait_for(timeout=45_000)
        asked += 1
    await ada.calm()
    await camera.take(ada.page, "budget-out")
    await ada.app.locator(".remedy").get_by_role("button", name="Top up").click()
    await ada.button("Pay 0.5 TON").click()
    await ada.button("Stand-in wallet").click()
    await ada.page.click("#wallet-yes")
    await ada.page.get_by_text("Send TON?").wait_for()
    await camera.take(ada.page, "top-up")
    await ada.page.click("#wallet-yes")
    await ada.app.get_by_text("0.5 TON credited").wait_for(timeout=30_000)
    await ada.button("Close").click()
    await ada.button("Try again").click()
    await ada.answered(asked)
    await ada.go("Budget")
    await ada.app.locator("svg.chart").wait_for()
    await ada.calm()
    await camera.take(ada.page, "budget")


async def bot(ada: Visitor, camera: Camera) -> None:
    """The bot's chat, while an answer is being written."""
    await ada.page.get_by_role("button", name="Start").click()
    await ada.page.locator(".msg").nth(1).wait_for()
    await ada.page.fill("#text", LONG)
    await ada.page.keyboard.press("Enter")
    long_enough = "() => document.querySelector('.draft .said')?.innerText.length > 90"
    await ada.page.wait_for_function(long_enough, timeout=45_000)
    await camera.take(ada.page, "bot")


TITLES = {"SmolLM2-135M-Instruct": "SmolLM2 135M"}
SCENES: tuple[tuple[Callable[[Visitor, Camera], Awaitable[None]], dict[str, Any]], ...] = (
    (chat, {"assistant": AssistantSettings(max_tokens=160, titles=TITLES)}),
    (
        money,
        {
            "assistant": AssistantSettings(max_tokens=64, titles=TITLES),
            "free_daily": Nano(NANO_PER_TON * 3 // 100),
        },
    ),
    (bot, {"assistant": AssistantSettings(max_tokens=400, titles=TITLES)}),
)
"""What is shown, and by what service."""


@asynccontextmanager
async def devnet(given: Path | None) -> AsyncIterator[Path]:
    """The state of a network that runs."""
    if given is not None:
        yield given
        return
    with tempfile.TemporaryDirectory() as folder:
        network = Network(DevnetOptions(state=Path(folder), port=0), lambda *_: None)
        await network.start()
        try:
            yield Path(folder)
        finally:
            await network.stop()


async def take_all(state: Path | None, out: Path) -> None:
    """Take every picture."""
    camera = Camera(out)
    async with devnet(state) as running, headless_browser() as browser:
        for scene, options in SCENES:
            with tempfile.TemporaryDirectory() as folder:
                async with service(running, Path(folder), **options) as trial:
                    opened = scene is not bot
                    await scene(await visit(browser, trial, opened=opened), camera)


def main() -> int:
    """The command; its exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--state", type=Path)
    parser.add_argument("--out", type=Path, default=IMAGES)
    given = parser.parse_args()
    asyncio.run(take_all(given.state, given.out))
    return 0


if __name__ == "__main__":
    sys.exit(main())
