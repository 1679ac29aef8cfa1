"""The stand-in's page in a real browser: a person without an account talks to a bot."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from aiogram import Bot
from aiogram.types import (
    BotCommand,
    ForceReply,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InlineQueryResultArticle,
    InputTextMessageContent,
    LabeledPrice,
    MessageEntity,
    Update,
)
from playwright.async_api import Browser, Page, expect

from cocoon.devnet.telegram import StandInTelegram
from cocoon.devnet.telegram.answers import Json
from cocoon.devnet.telegram.browser import BrowserOptions, demo_people, mount_page
from cocoon.devnet.telegram.people import Person
from cocoon.testing.browser import SMALL_PHONE, headless_browser, nothing_wrong, phone_page
from cocoon.testing.telegram import GENEROUS, bot_for

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(60)]
WIDE = (1280, 800)


class Scene:
    """A stand-in with its page, a bot to call and somebody at the browser."""

    def __init__(self, telegram: StandInTelegram, bot: Bot, browser: Browser) -> None:
        self.telegram = telegram
        self.bot = bot
        self._browser = browser
        self._updates: list[Update] = []
        self._offset = 0

    @property
    def ada(self) -> Person:
        return self.telegram.people()[0]

    async def open(self, size: tuple[int, int] = WIDE, query: str = "") -> Page:
        page = await phone_page(
            self._browser, f"{self.telegram.url}/{query}", size=size, touch=size[0] < 500
        )
        await page.wait_for_selector("#foot > *")
        return page

    async def update(self, kind: str) -> Json:
        """The next update of a kind that the bot gets."""
        async with asyncio.timeout(10):
            while True:
                if not self._updates:
                    self._updates += await self.bot.get_updates(self._offset, timeout=5)
                    continue
                update = self._updates.pop(0)
                self._offset = update.update_id + 1
                if (found := getattr(update, kind)) is not None:
                    return dict(found.model_dump(mode="json", exclude_none=True, warnings=False))

    async def message(self, member: str = "text") -> Json:
        """The next message that the bot gets and that has this member."""
        while member not in (found := await self.update("message")):
            pass
        return found

    async def say(self, text: str, **more: object) -> int:
        sent = await self.bot.send_message(self.ada.id, text, **more)  # type: ignore[arg-type]
        return sent.message_id


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    telegram = StandInTelegram(rates=GENEROUS)
    await demo_people(telegram)
    mount_page(telegram, BrowserOptions())
    async with contextlib.AsyncExitStack() as stack:
        browser = await stack.enter_async_context(headless_browser())
        await stack.enter_async_context(telegram)
        bot = bot_for(telegram)
        stack.push_async_callback(bot.session.close)
        yield Scene(telegram, bot, browser)


async def test_a_streamed_answer_can_be_stopped(scene: Scene) -> None:
    page = await scene.open(SMALL_PHONE)
    async with nothing_wrong(page):
        await expect(page.locator("#strip")).to_contain_text("Stand-in, not Telegram")
        await page.click("#start")
        assert (await scene.message())["text"] == "/start"
        # An empty field has one line, also where its words and the buttons hardly fit.
        assert await page.evaluate("document.getElementById('text').offsetHeight") < 50
        await page.fill("#text", "Tell me a story")
        await page.keyboard.press("Enter")
        assert (await scene.message())["text"] == "Tell me a story"
        for text in ("Once", "Once upon", "Once upon a time"):
            bold = [MessageEntity(type="bold", offset=0, length=4)]
            await scene.bot.send_message_draft(
                chat_id=scene.ada.id, draft_id=7, text=text, entities=bold, can_stop=True
            )
        draft = page.locator(".draft")
        await expect(draft.locator(".said")).to_have_text("Once upon a time")
        await expect(draft.locator("strong")).to_have_text("Once")
        await draft.get_by_role("button", name="Stop").click()
        assert (await scene.update("stopped_message_generation"))["draft_id"] == 7
        await scene.say("Once upon a time. (stopped)")
        await expect(draft).to_have_count(0)
        await expect(page.locator(".msg").last).to_contain_text("(stopped)")
        width = await page.evaluate("document.documentElement.scrollWidth")
        assert width <= SMALL_PHONE[0]


async def test_buttons_edits_and_what_is_never_markup(scene: Scene) -> None:
    await scene.ada.start()
    keys = [
        [InlineKeyboardButton(text="Note", callback_data="note")],
        [InlineKeyboardButton(text="Window", callback_data="window")],
    ]
    markup = InlineKeyboardMarkup(inline_keyboard=keys)
    number = await scene.say("<img src=x onerror=alert(1)> & more", reply_markup=markup)
    page = await scene.open()
    async with nothing_wrong(page):
        await expect(page.locator(f"#m{number} .said")).to_have_text(
            "<img src=x onerror=alert(1)> & more"
        )
        await page.get_by_role("button", name="Note").click()
        query = await scene.update("callback_query")
        await scene.bot.answer_callback_query(query["id"], text="Noted")
        await expect(page.locator(".toast")).to_have_text("Noted")
        await page.get_by_role("button", name="Window").click()
        query = await scene.update("callback_query")
        await scene.bot.answer_callback_query(query["id"], text="Look", show_alert=True)
        await expect(page.locator("dialog")).to_contain_text("Look")
        await page.keyboard.press("Escape")
        await scene.bot.edit_message_text("changed", chat_id=scene.ada.id, message_id=number)
        await expect(page.locator(f"#m{number} .said")).to_have_text("changed")
        await expect(page.locator(f"#m{number} .keys")).to_have_count(0)
        await scene.bot.delete_message(scene.ada.id, number)
        await expect(page.locator(f"#m{number}")).to_have_count(0)


async def test_what_the_bot_asks_for_is_sent_as_a_reply(scene: Scene) -> None:
    page = await scene.open()
    await page.click("#start")
    await scene.message()
    markup = ForceReply(input_field_placeholder="Briefly, please")
    asked = await scene.say("Reply to this", reply_markup=markup)
    field = page.get_by_placeholder("Briefly, please")
    await expect(page.locator(".reply-bar")).to_contain_text("Reply to this")
    await field.fill("Answer briefly")
    await field.press("Enter")
    assert (await scene.message("reply_to_message"))["reply_to_message"]["message_id"] == asked
    await expect(page.locator(".reply-bar")).to_have_count(0)
    await expect(page.get_by_placeholder("Write to the bot")).to_be_visible()


async def test_an_invoice_is_paid_with_pretend_stars(scene: Scene) -> None:
    await scene.ada.start()
    await scene.bot.send_invoice(
        scene.ada.id, "Top-up", "Answers", "order-1", "XTR", [LabeledPrice(label="x", amount=600)]
    )
    page = await scene.open()
    async with nothing_wrong(page):
        await page.locator(".keys button").click()
        sheet = page.locator("dialog")
        await expect(sheet).to_contain_text("pretend")
        await expect(sheet.get_by_role("button", name="Pay")).to_be_disabled()
        await sheet.get_by_role("button", name="Get ★ 1000").click()
        await sheet.get_by_role("button", name="Pay").click()
        checkout = await scene.update("pre_checkout_query")
        assert checkout["invoice_payload"] == "order-1"
        await scene.bot.answer_pre_checkout_query(checkout["id"], ok=True)
        paid = (await scene.message("successful_payment"))["successful_payment"]
        await expect(sheet).to_have_count(0)
        await expect(page.locator(".service")).to_contain_text("You paid 600 pretend Stars")
        await expect(page.locator("#purse")).to_contain_text("900")
        await scene.bot.refund_star_payment(scene.ada.id, paid["telegram_payment_charge_id"])
        await expect(page.locator("#purse")).to_contain_text("1,500")


async def test_groups_topics_and_other_people(scene: Scene) -> None:
    page = await scene.open()
    async with nothing_wrong(page):
        await page.get_by_role("button", name="Friends").click()
        await page.fill("#text", f"@{scene.telegram.world.bot.username}")
        await page.keyboard.type(" what is TON?")
        asked = await scene.update("inline_query")
        while asked["query"] != "what is TON?":
            asked = await scene.update("inline_query")
        article = InlineQueryResultArticle(
            id="ask",
            title="Ask the model",
            input_message_content=InputTextMessageContent(message_text="what is TON?"),
        )
        await scene.bot.answer_inline_query(asked["id"], [article], cache_time=0)
        await expect(page.get_by_role("option", name="Ask the model")).to_be_visible()
        await page.keyboard.press("Enter")
        assert (await scene.update("chosen_inline_result"))["result_id"] == "ask"
        await expect(page.locator(".msg.mine")).to_contain_text("via @")

        await page.get_by_role("button", name="Project").click()
        await page.get_by_role("button", name="Ideas", exact=True).click()
        await page.fill("#text", f"@{scene.telegram.world.bot.username} hello")
        await page.keyboard.press("Escape")
        await page.keyboard.press("Enter")
        while "hello" not in (said := await scene.message())["text"]:
            pass
        thread = said["message_thread_id"]
        chat = said["chat"]["id"]
        await scene.bot.send_message(chat, "in the topic", message_thread_id=thread)
        await expect(page.locator(".msg").last).to_contain_text("in the topic")
        await page.get_by_role("button", name="General").click()
        await expect(page.locator(".msg")).to_have_count(0)

    ben = await scene.open(query=f"?as={scene.telegram.people()[1].id}")
    async with nothing_wrong(ben):
        await ben.get_by_role("button", name="Friends").click()
        await expect(ben.locator(".msg .who")).to_have_text("Ada")


async def test_everything_is_reached_with_keys_alone(scene: Scene) -> None:
    await scene.ada.start()
    await scene.bot.set_my_commands([BotCommand(command="help", description="What I can do")])
    await scene.say("Hello")
    page = await scene.open()
    async with nothing_wrong(page):
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")  # the link that skips to writing
        await expect(page.locator("#text")).to_be_focused()
        await page.keyboard.type("/he")
        await expect(page.get_by_role("option", name="/help")).to_be_visible()
        await page.keyboard.press("Enter")
        await expect(page.locator(".msg.mine").last).to_contain_text("/help")
        await page.keyboard.press("ArrowUp")
        await expect(page.locator(".reply-bar")).to_contain_text("/help")
        await page.keyboard.press("Escape")
        await expect(page.locator(".reply-bar")).to_have_count(0)
        await page.locator("#talk-menu").focus()
        await page.keyboard.press("Enter")
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("Enter")
        await expect(page.locator("dialog")).to_contain_text("Block the bot?")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("button", name="Unblock the bot")).to_be_visible()
        assert scene.ada.account.blocked
        await page.get_by_role("button", name="Unblock the bot").press("Enter")
        await expect(page.locator("#text")).to_be_visible()


async def test_files_and_forwarded_messages(scene: Scene) -> None:
    await scene.ada.start()
    page = await scene.open()
    async with nothing_wrong(page):
        await page.get_by_role("button", name="Attach a file").click()
        async with page.expect_file_chooser() as chooser:
            await page.get_by_role("menuitem", name="Document").click()
        file = {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"some notes"}
        await (await chooser.value).set_files(file)  # type: ignore[arg-type]
        await page.fill("#text", "Summarise")
        await page.keyboard.press("Enter")
        sent = await scene.message("document")
        assert (sent["document"]["file_name"], sent["caption"]) == ("notes.txt", "Summarise")
        link = await page.locator("a.file").get_attribute("href")
        body = await page.request.get(f"{scene.telegram.url}/{link}")
        assert await body.body() == b"some notes"
        assert "attachment" in body.headers["content-disposition"]

        await page.get_by_role("button", name="Friends").click()
        for text in ("first", "second"):
            await page.fill("#text", text)
            await page.keyboard.press("Enter")
            await expect(page.locator(".msg").last).to_contain_text(text)
        await page.locator(".msg .more").first.press("Enter")
        await page.get_by_role("menuitem", name="Choose to forward").click()
        await page.locator(".msg").last.click()
        await page.get_by_role("button", name="Forward to the bot").click()
        first, second = [await scene.message() for _ in range(2)]
        assert [first["text"], second["text"]] == ["first", "second"]
        assert first["forward_origin"]["sender_user"]["first_name"] == "Ada"


async def test_the_page_comes_back_after_a_break(scene: Scene) -> None:
    await scene.ada.start()
    page = await scene.open()
    await expect(page.locator(".msg")).to_have_count(1)
    await scene.telegram.close()
    await expect(page.locator("#talk-note")).to_contain_text("connection lost")
    await scene.telegram.start()
    await scene.say("I am back")
    await expect(page.locator(".msg")).to_have_count(2, timeout=15_000)


async def test_dark_is_kept(scene: Scene) -> None:
    page = await scene.open()
    before = await page.evaluate("getComputedStyle(document.body).backgroundColor")
    await page.get_by_role("button", name="Switch to dark").click()
    await page.reload()
    await page.wait_for_selector("#foot > *")
    assert await page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert await page.evaluate("getComputedStyle(document.body).backgroundColor") != before
