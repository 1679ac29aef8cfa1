"""A real browser over a real server: who may show the app in a frame, and what its policy stops."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from playwright.async_api import Page

from cocoon.telegram.web import app as module
from cocoon.telegram.web.files import read_files
from cocoon.testing.browser import eventually, headless_browser
from cocoon.testing.served_mini_app import OPERATOR, served, settings

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

PAGE = """<!doctype html><title>app</title><link rel="stylesheet" href="./assets/a-12345678.css">
<script>document.title = "inline"</script><p id="p" onclick="1">hello</p>
<script type="module" src="./assets/a-12345678.js"></script>"""
SCRIPT = """document.getElementById("p").style.color = "rgb(1, 2, 3)";
const stopped = [];
document.addEventListener("securitypolicyviolation", (e) => stopped.push(e.effectiveDirective));
await fetch("http://127.0.0.1:9/").catch(() => 0);
try { eval("1"); } catch { stopped.push("eval"); }
const frame = document.createElement("iframe");
frame.src = "https://elsewhere.example/";
document.body.append(frame);
for (let i = 0; i < 100 && !stopped.includes("frame-src"); i++)
  await new Promise((done) => setTimeout(done, 20));
document.title = "ran " + [...new Set(stopped)].sort().join(" ");"""


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "app"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text(PAGE)
    (folder / "assets" / "a-12345678.js").write_text(SCRIPT)
    (folder / "assets" / "a-12345678.css").write_text("p { font-size: 33px }")
    monkeypatch.setattr(module, "read_files", lambda: read_files(folder))


@asynccontextmanager
async def framing() -> AsyncIterator[tuple[str, dict[str, str]]]:
    """A page of another origin that shows whatever ``shown["url"]`` says."""
    shown: dict[str, str] = {}

    async def page(_: web.Request) -> web.Response:
        text = f'<!doctype html><iframe name="app" src="{shown["url"]}"></iframe>'
        return web.Response(text=text, content_type="text/html")

    app = web.Application()
    app.router.add_get("/", page)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}", shown
    await runner.cleanup()


async def titled(page: Page) -> str:
    frame = page.frame("app") or page.main_frame
    ready = '() => document.title.startsWith("ran") && document.title'
    return str(await (await frame.wait_for_function(ready)).json_value())


@pytest.mark.usefixtures("built")
async def test_the_policy_in_a_browser(tmp_path: Path) -> None:
    async with headless_browser() as browser, served(tmp_path) as one:
        page = await browser.new_page()
        await page.goto(f"{one.url}/app/")
        assert await titled(page) == "ran connect-src eval frame-src script-src"
        style = "getComputedStyle(document.getElementById('p'))"
        assert await page.evaluate(f"{style}.color") == "rgb(1, 2, 3)"
        assert await page.evaluate(f"{style}.fontSize") == "33px"


@pytest.mark.usefixtures("built")
async def test_only_allowed_pages_show_the_app(tmp_path: Path) -> None:
    async with headless_browser() as browser, framing() as (origin, shown):
        async with served(tmp_path) as one:
            shown["url"] = f"{one.url}/app/"
            said: list[str] = []
            page = await browser.new_page()
            page.on("console", lambda message: said.append(message.text))
            await page.goto(origin)

            async def refused() -> bool:
                return any("frame-ancestors" in text for text in said)

            await eventually(refused)
            frame = page.frames[1]
            assert "hello" not in await frame.content()
        base = settings(tmp_path, frame_ancestors=(origin,))
        async with served(tmp_path, base=base) as one:
            shown["url"] = f"{one.url}/app/#tgWebAppData=x"
            await page.goto(origin)
            assert (await titled(page)).startswith("ran")


async def test_operators_see_their_page(tmp_path: Path) -> None:
    async with headless_browser() as browser, served(tmp_path) as one:
        await one.accounts.account(42)
        login = {"username": "operator", "password": OPERATOR}
        context = await browser.new_context(http_credentials=login)
        page = await context.new_page()
        errors: list[str] = []
        page.on("console", lambda message: errors.append(message.text))
        answer = await page.goto(f"{one.url}/operator")
        assert answer is not None
        assert answer.status == 200
        assert await page.title() == "Telegram service"
        assert await page.locator("svg[role=img]").count() == 3
        # The style is the one that the policy names.
        assert await page.evaluate("getComputedStyle(document.body).maxWidth") == "930px"
        assert errors == []
