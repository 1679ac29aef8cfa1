"""A real browser for tests: Debian's headless Chromium, driven by Playwright.

::

    async with headless_browser() as browser:
        page = await phone_page(browser, "http://127.0.0.1:1234/")

Nothing is downloaded: the browser is the machine's. Where there is none, tests are skipped on a
developer's machine and fail where ``CI`` is set.
"""

import asyncio
import contextlib
import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

NAMES = ("chromium", "chromium-browser", "google-chrome")
VARIABLE = "COCOON_CHROMIUM"
"""Names the browser's program where it has another name."""
PHONE = (390, 844)
"""CSS pixels of a common phone."""
SMALL_PHONE = (320, 640)
"""The narrowest width that must work."""
PATIENCE = 20_000
"""Milliseconds for which a page is waited for; only a busy machine needs more than some hundred."""
_FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def find_chromium() -> str | None:
    """Path of the machine's Chromium; None without one."""
    named = os.environ.get(VARIABLE)
    if named:
        return named if Path(named).is_file() else None
    return next((path for path in map(shutil.which, NAMES) if path), None)


def need_chromium() -> str:
    """Path of the machine's Chromium for a test.

    Skips the test where there is none, or fails it where the environment variable ``CI`` is set.
    """
    import pytest  # noqa: PLC0415 -- only tests have it

    found = find_chromium()
    if found is None:
        why = f"no Chromium: install one, or name it in {VARIABLE}"
        if os.environ.get("CI"):
            pytest.fail(why)
        pytest.skip(why)
    return found


def launch_flags() -> list[str]:
    """Arguments for Chromium: nothing of its own over the network, and no sandbox for root."""
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    return [*_FLAGS, *(["--no-sandbox"] if root else [])]


@contextlib.asynccontextmanager
async def headless_browser() -> AsyncIterator["Browser"]:
    """A headless Chromium; skips or fails as :func:`need_chromium`."""
    path = need_chromium()
    from playwright.async_api import async_playwright, expect  # noqa: PLC0415 -- only tests have it

    expect.set_options(timeout=PATIENCE)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=launch_flags())
        try:
            yield browser
        finally:
            await browser.close()


async def phone_page(
    browser: "Browser",
    url: str,
    *,
    size: tuple[int, int] = PHONE,
    scheme: Literal["light", "dark"] = "light",
    touch: bool = True,
) -> "Page":
    """A page in a context of its own, which shares nothing with others.

    Args:
        browser: from :func:`headless_browser`.
        url: opened at once; empty opens nothing.
        size: width and height in CSS pixels.
        scheme: colours that the person prefers.
        touch: whether it is a touch screen.
    """
    context = await browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme=scheme,
        has_touch=touch,
        device_scale_factor=2,
        locale="en-GB",
        reduced_motion="reduce",
    )
    context.set_default_timeout(PATIENCE)
    page = await context.new_page()
    if url:
        await page.goto(url)
    return page


@contextlib.asynccontextmanager
async def nothing_wrong(page: "Page") -> AsyncIterator[list[str]]:
    """Fails when the page throws an error or logs one while the block runs.

    Yields:
        What was noted so far; a test may take out what it expects.
    """
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(f"thrown: {error}"))
    page.on(
        "console",
        lambda said: problems.append(f"logged: {said.text}") if said.type == "error" else None,
    )
    yield problems
    if problems:
        raise AssertionError("; ".join(problems))


async def eventually(good: Callable[[], Awaitable[bool]], timeout: float = PATIENCE / 1000) -> None:
    """Waits until something holds.

    Raises:
        TimeoutError: it does not within so many seconds.
    """
    async with asyncio.timeout(timeout):
        while not await good():  # noqa: ASYNC110 -- what a page shows tells nobody
            await asyncio.sleep(0.02)
