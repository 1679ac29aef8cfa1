"""Web view and wallet of the stand-in's page in a real browser.

The Mini App here is a page that speaks the bridge by hand; the real one, with the kept SDKs, has
tests of its own.
"""

import base64
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from aiogram import Bot
from aiogram.types import LabeledPrice, MenuButtonWebApp, PreCheckoutQuery, WebAppInfo
from aiogram.utils.web_app import safe_parse_webapp_init_data
from aiohttp import web
from playwright.async_api import Browser, Frame, Page, expect

from cocoon.chain.address import Address
from cocoon.chain.boc import to_boc
from cocoon.chain.embedded.backend import EmbeddedBackend
from cocoon.chain.embedded.chain import EmbeddedChain
from cocoon.devnet.telegram import StandInTelegram
from cocoon.devnet.telegram.browser import WALLET_SCRIPT, BrowserOptions, demo_people, mount_page
from cocoon.devnet.telegram.wallet import WalletMaker
from cocoon.telegram.payments import comment_cell, read_comment
from cocoon.testing.browser import PHONE, eventually, headless_browser, nothing_wrong, phone_page
from cocoon.testing.chain import GENESIS, TON, memory_chain
from cocoon.testing.chain_server import serving
from cocoon.testing.telegram import GENEROUS, bot_for

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(60)]
OPERATOR = Address(bytes([0x42]) * 32)
APP = """<!doctype html><meta charset="utf-8"><title>A Mini App</title>
<script src="%s"></script><h1>A Mini App</h1><script>
window.heard = [];
window.addEventListener("message", (event) => {
  if (event.source === parent) heard.push({ ...JSON.parse(event.data), origin: event.origin });
});
window.tell = (eventType, eventData) =>
  parent.postMessage(JSON.stringify({ eventType, eventData }), %s);
window.of = (name) => heard.filter((one) => one.eventType === name).map((one) => one.eventData);
window.ask = async (name, data, answer) => {
  const before = of(answer).length;
  tell(name, data);
  while (of(answer).length === before) await new Promise((done) => setTimeout(done, 10));
  return of(answer).at(-1);
};
tell("iframe_ready", { reload_supported: true });
tell("web_app_ready");
</script>"""


class Scene:
    """A stand-in with a page, a Mini App beside it, and a chain."""

    def __init__(
        self, telegram: StandInTelegram, bot: Bot, browser: Browser, chain: EmbeddedChain, app: str
    ) -> None:
        self.telegram = telegram
        self.bot = bot
        self.chain = chain
        self.app = app
        self._browser = browser

    async def open(self, size: tuple[int, int] = (1280, 860)) -> tuple[Page, Frame]:
        """The page with the Mini App in its frame."""
        page = await phone_page(self._browser, self.telegram.url, size=size, touch=False)
        await page.get_by_role("button", name="Open app").click()
        return page, await self.frame(page)

    async def checkout(self) -> PreCheckoutQuery:
        """The next payment that the bot is asked about."""
        offset = 0
        while True:
            for update in await self.bot.get_updates(offset, timeout=5):
                offset = update.update_id + 1
                if update.pre_checkout_query is not None:
                    return update.pre_checkout_query

    async def frame(self, page: Page) -> Frame:
        await expect(page.locator(".app-wait")).to_be_hidden()

        async def is_there() -> bool:
            return self._frame(page) is not None

        await eventually(is_there)
        found = self._frame(page)
        assert found is not None
        await found.wait_for_function("window.of !== undefined")
        return found

    def _frame(self, page: Page) -> Frame | None:
        """The Mini App's frame; the browser may still be on its way there."""
        return next((frame for frame in page.frames if frame.url.startswith(self.app)), None)


@contextlib.asynccontextmanager
async def mini_app(telegram: StandInTelegram) -> AsyncIterator[str]:
    """Serves the small Mini App on a port of its own, another origin than the page's."""

    async def index(_: web.Request) -> web.Response:
        html = APP % (f"{telegram.url}{WALLET_SCRIPT}", json.dumps(telegram.url))
        return web.Response(text=html, content_type="text/html")

    app = web.Application()
    app.router.add_get("/app/", index)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/app/"
    finally:
        await runner.cleanup()


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    async with contextlib.AsyncExitStack() as stack:
        browser = await stack.enter_async_context(headless_browser())
        chain = stack.enter_context(memory_chain())
        wallets = WalletMaker(await stack.enter_async_context(serving(chain)))
        await wallets.start()
        stack.push_async_callback(wallets.close)
        telegram = StandInTelegram(rates=GENEROUS)
        await demo_people(telegram)
        mount_page(telegram, BrowserOptions(new_wallet=wallets))
        await stack.enter_async_context(telegram)
        bot = bot_for(telegram)
        stack.push_async_callback(bot.session.close)
        app = await stack.enter_async_context(mini_app(telegram))
        menu = MenuButtonWebApp(text="Open", web_app=WebAppInfo(url=app))
        await bot.set_chat_menu_button(menu_button=menu)
        yield Scene(telegram, bot, browser, chain, app)


async def test_launch_theme_viewport_and_safe_areas(scene: Scene) -> None:
    page, app = await scene.open()
    async with nothing_wrong(page):
        fragment = parse_qs(urlsplit(await app.evaluate("location.href")).fragment)
        data = safe_parse_webapp_init_data(scene.telegram.token, fragment["tgWebAppData"][0])
        assert data.user is not None
        assert data.user.id == scene.telegram.people()[0].id
        theme = json.loads(fragment["tgWebAppThemeParams"][0])
        answered = await app.evaluate("ask('web_app_request_theme', undefined, 'theme_changed')")
        assert answered["theme_params"] == theme
        size = await app.evaluate("ask('web_app_request_viewport', undefined, 'viewport_changed')")
        assert size["is_state_stable"]
        assert size["height"] == await app.evaluate("innerHeight")
        area = await app.evaluate(
            "ask('web_app_request_safe_area', undefined, 'safe_area_changed')"
        )
        assert area == {"top": 0, "bottom": 20, "left": 0, "right": 0}
        assert await app.evaluate(
            "(own) => heard.every((one) => one.origin === own)", scene.telegram.url
        )

        await page.get_by_role("button", name="Switch to dark").click()
        await app.wait_for_function("of('theme_changed').length > 1")
        dark = await app.evaluate("of('theme_changed').at(-1).theme_params")
        assert dark["bg_color"] != theme["bg_color"]
        await app.evaluate("tell('web_app_request_fullscreen')")
        await app.wait_for_function("of('fullscreen_changed').length === 1")
        await expect(page.locator(".app-head p")).to_have_text("stand-in, not Telegram")


async def test_buttons_popups_haptics_and_storage(scene: Scene) -> None:
    page, app = await scene.open(PHONE)
    async with nothing_wrong(page):
        await expect(page.locator(".app-head")).to_contain_text("stand-in, not Telegram")
        await app.evaluate("tell('web_app_setup_back_button', { is_visible: true })")
        await page.get_by_role("button", name="Back", exact=True).click()
        await app.wait_for_function("of('back_button_pressed').length === 1")
        main = {"is_visible": True, "text": "Pay", "color": "#123456", "text_color": "#ffffff"}
        await app.evaluate("(data) => tell('web_app_setup_main_button', data)", main)
        button = page.locator("#app-main")
        await expect(button).to_have_css("background-color", "rgb(18, 52, 86)")
        await button.click()
        await app.wait_for_function("of('main_button_pressed').length === 1")
        shake = {"type": "notification", "notification_type": "error"}
        await app.evaluate("(data) => tell('web_app_trigger_haptic_feedback', data)", shake)
        await expect(page.locator("#feel")).to_have_text("haptic: notification · error")
        popup = {
            "title": "Erase?",
            "message": "All of it",
            "buttons": [{"id": "yes", "type": "destructive", "text": "Erase"}, {"type": "cancel"}],
        }
        await app.evaluate("(data) => tell('web_app_open_popup', data)", popup)
        await page.get_by_role("button", name="Erase").click()
        await app.wait_for_function("of('popup_closed').length === 1")
        assert await app.evaluate("of('popup_closed')") == [{"button_id": "yes"}]
        await app.evaluate("(data) => tell('web_app_open_popup', data)", popup)
        await page.get_by_role("dialog", name="Erase?").press("Escape")
        await app.wait_for_function("of('popup_closed').length === 2")
        assert await app.evaluate("of('popup_closed').at(-1)") == {}
        save = {"req_id": "1", "method": "saveStorageValue", "params": {"key": "k", "value": "v"}}
        ask = "(data) => ask('web_app_invoke_custom_method', data, 'custom_method_invoked')"
        assert await app.evaluate(ask, save) == {"req_id": "1", "result": True}
        load = {"req_id": "2", "method": "getStorageValues", "params": {"keys": ["k"]}}
        assert (await app.evaluate(ask, load))["result"] == {"k": "v"}
        await app.evaluate("tell('web_app_setup_closing_behavior', { need_confirmation: true })")
        await app.evaluate("tell('web_app_close')")
        await page.locator("dialog").get_by_role("button", name="Close").click()
        await expect(page.locator("#app-frame")).to_have_count(0)


async def test_links_and_invoices(scene: Scene) -> None:
    link = await scene.bot.create_invoice_link(
        "Top-up", "Answers", "order-2", "XTR", [LabeledPrice(label="x", amount=50)]
    )
    slug = {"slug": link.rsplit("$", 1)[-1]}
    page, app = await scene.open()
    async with nothing_wrong(page):
        await app.evaluate("(data) => tell('web_app_open_invoice', data)", slug)
        await page.locator("dialog").get_by_role("button", name="Cancel").click()
        await app.wait_for_function("of('invoice_closed').length === 1")
        assert await app.evaluate("of('invoice_closed')") == [slug | {"status": "cancelled"}]

        await app.evaluate("(data) => tell('web_app_open_invoice', data)", slug)
        await page.locator("dialog").get_by_role("button", name="Pay").click()
        checkout = await scene.checkout()
        await scene.bot.answer_pre_checkout_query(checkout.id, ok=True)
        await app.wait_for_function("of('invoice_closed').length === 2")
        assert await app.evaluate("of('invoice_closed').at(-1).status") == "paid"

        await app.evaluate("tell('web_app_open_link', { url: 'javascript:alert(1)' })")
        await expect(page.locator(".toast")).to_contain_text("no web address")
        await app.evaluate("tell('web_app_open_link', { url: 'https://ton.org/' })")
        await expect(page.locator("dialog")).to_contain_text("https://ton.org/")
        await page.keyboard.press("Escape")
        bot = scene.telegram.world.bot.username
        await app.evaluate("(path_full) => tell('web_app_open_tg_link', { path_full })", f"/{bot}")
        await expect(page.locator("#app-frame")).to_have_count(0)


async def test_other_frames_are_not_listened_to(scene: Scene) -> None:
    page, app = await scene.open()
    await page.evaluate(
        "() => window.postMessage(JSON.stringify({ eventType: 'web_app_close' }), '*')"
    )
    await app.evaluate("parent.postMessage('no json', '*')")
    await app.evaluate("parent.postMessage({ eventType: 'web_app_close' }, '*')")
    await app.evaluate("ask('web_app_request_theme', undefined, 'theme_changed')")
    await expect(page.locator("#app-frame")).to_be_visible()


async def test_a_mini_app_loads_again_with_the_same_launch(scene: Scene) -> None:
    page, app = await scene.open()
    before = await app.evaluate("location.hash")
    await app.evaluate("tell('web_app_setup_back_button', { is_visible: true })")
    await app.evaluate("window.old = true")
    await page.locator("#app-menu").click()
    await page.get_by_role("menuitem", name="Load again").click()
    await expect(page.locator("#app-close")).to_be_visible()
    again = await scene.frame(page)
    assert await again.evaluate("location.hash") == before
    assert await again.evaluate("window.old") is None


CONNECT = """() => cocoonStandInWallet.tonconnect.connect(2, {
  manifestUrl: location.origin + "/app/tonconnect-manifest.json", items: [{ name: "ton_addr" }]
})"""
SEND = """(request) => cocoonStandInWallet.tonconnect.send({
  method: "sendTransaction", params: [JSON.stringify(request)], id: "7"
})"""


async def test_the_wallet_pays_on_the_embedded_chain(scene: Scene) -> None:
    page, app = await scene.open()
    request: dict[str, Any] = {
        "valid_until": GENESIS + 300,
        "network": "-3",
        "messages": [
            {
                "address": OPERATOR.friendly(testnet=True),
                "amount": str(3 * TON // 2),
                "payload": base64.b64encode(to_boc(comment_cell("cocoon:topup"))).decode(),
            }
        ],
    }
    async with nothing_wrong(page):
        refused = await app.evaluate(SEND, request)  # before it is connected
        assert refused["error"]["code"] == 100

        yes = page.locator("#wallet-yes")
        await app.evaluate(f"() => {{ window.done = ({CONNECT})(); }}")
        await expect(page.locator("dialog")).to_contain_text("pretend")
        await yes.click()
        connected = await app.evaluate("window.done")
        assert connected["event"] == "connect"
        assert connected["payload"]["items"][0]["network"] == "-3"

        await app.evaluate(f"(request) => {{ window.done = ({SEND})(request); }}", request)
        await expect(page.locator("dialog")).to_contain_text("cocoon:topup")
        await page.locator("#wallet-no").click()
        assert (await app.evaluate("window.done"))["error"]["code"] == 300

        await app.evaluate(f"(request) => {{ window.done = ({SEND})(request); }}", request)
        await yes.click()
        sent = await app.evaluate("window.done")
        assert sent["id"] == "7"
        assert base64.b64decode(sent["result"])
        (arrived,) = await EmbeddedBackend(scene.chain).transactions(OPERATOR)
        assert arrived.in_message is not None
        assert arrived.in_message.value == 3 * TON // 2
        assert read_comment(arrived.in_message.body) == "cocoon:topup"

        restored = await app.evaluate("cocoonStandInWallet.tonconnect.restoreConnection()")
        assert restored["event"] == "connect"
        await app.evaluate("cocoonStandInWallet.tonconnect.disconnect()")
        gone = await app.evaluate("cocoonStandInWallet.tonconnect.restoreConnection()")
        assert gone["event"] == "connect_error"
