"""A real aiogram bot at the stand-in: what is answered and what is refused."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiogram import Bot
from aiogram.exceptions import (
    TelegramBadRequest,
    TelegramConflictError,
    TelegramForbiddenError,
    TelegramNotFound,
    TelegramRetryAfter,
    TelegramServerError,
    TelegramUnauthorizedError,
)
from aiogram.methods import SendMessage
from aiogram.types import (
    BufferedInputFile,
    CopyTextButton,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InlineQueryResultArticle,
    InputTextMessageContent,
    LabeledPrice,
    MessageEntity,
    ReplyParameters,
    WebAppInfo,
)

from cocoon.devnet.telegram import (
    BotApiError,
    ManualClock,
    Person,
    StandInTelegram,
)
from cocoon.testing.telegram import GENEROUS, bot_for

pytestmark = pytest.mark.anyio


@pytest.fixture
async def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def telegram(clock: ManualClock) -> AsyncIterator[StandInTelegram]:
    async with StandInTelegram(clock=clock) as started:
        yield started


@pytest.fixture
async def bot(telegram: StandInTelegram) -> AsyncIterator[Bot]:
    made = bot_for(telegram)
    yield made
    await made.session.close()


@pytest.fixture
async def alice(telegram: StandInTelegram) -> Person:
    return telegram.person("Alice", started=True, stars=100)


def keyboard(**action: object) -> InlineKeyboardMarkup:
    button = InlineKeyboardButton.model_validate({"text": "Go", **action})
    return InlineKeyboardMarkup(inline_keyboard=[[button]])


async def test_it_says_what_it_is(telegram: StandInTelegram, bot: Bot) -> None:
    me = await bot.get_me()
    assert me.first_name == "Cocoon (stand-in, not Telegram)"
    assert me.id == 4_503_599_627_370_000
    assert "STAND-IN-NOT-TELEGRAM" in telegram.token
    assert telegram.url.startswith("http://127.0.0.1:")


async def test_a_message_and_its_entities(bot: Bot, alice: Person) -> None:
    bold = MessageEntity(type="bold", offset=0, length=2)
    sent = await bot.send_message(alice.id, "hello", entities=[bold])
    shown = alice.chat.answers[0]
    assert (shown.id, shown.text) == (sent.message_id, "hello")
    assert shown.entities == [{"type": "bold", "offset": 0, "length": 2}]


async def test_too_long_and_empty_texts(bot: Bot, alice: Person) -> None:
    with pytest.raises(TelegramBadRequest, match="message is too long"):
        await bot.send_message(alice.id, "a" * 4097)
    with pytest.raises(TelegramBadRequest, match="message text is empty"):
        await bot.send_message(alice.id, " ")
    with pytest.raises(TelegramBadRequest, match="message caption is too long"):
        await bot.send_document(alice.id, BufferedInputFile(b"x", "a"), caption="a" * 1025)


async def test_unknown_chats_and_people_who_blocked_it(
    telegram: StandInTelegram, bot: Bot, alice: Person
) -> None:
    with pytest.raises(TelegramBadRequest, match="chat not found"):
        await bot.send_message(12345, "hello")
    stranger = telegram.person("Stranger")
    with pytest.raises(TelegramBadRequest, match="chat not found"):
        await bot.send_message(stranger.id, "hello")
    await alice.block()
    with pytest.raises(TelegramForbiddenError, match="bot was blocked by the user"):
        await bot.send_message(alice.id, "hello")
    group = telegram.group(people=[alice])
    await group.remove_bot(alice)
    with pytest.raises(TelegramForbiddenError, match="kicked"):
        await bot.send_message(group.id, "hello")


async def test_four_at_once_are_one_too_many(bot: Bot, alice: Person, clock: ManualClock) -> None:
    for _ in range(3):
        await bot.send_message(alice.id, "hello")
    with pytest.raises(TelegramRetryAfter) as refused:
        await bot.send_message(alice.id, "hello")
    assert refused.value.retry_after == 1
    clock.advance(1)
    await bot.send_message(alice.id, "hello")


async def test_edits_that_change_nothing(bot: Bot, alice: Person) -> None:
    sent = await bot.send_message(alice.id, "hello")
    with pytest.raises(TelegramBadRequest, match="message is not modified"):
        await bot.edit_message_text("hello", chat_id=alice.id, message_id=sent.message_id)
    await bot.edit_message_text("bye", chat_id=alice.id, message_id=sent.message_id)
    assert [shown.text for shown in alice.chat.answers] == ["bye"]


async def test_an_edit_without_a_keyboard_takes_it_away(bot: Bot, alice: Person) -> None:
    sent = await bot.send_message(alice.id, "hello", reply_markup=keyboard(callback_data="x"))
    await bot.edit_message_text("bye", chat_id=alice.id, message_id=sent.message_id)
    assert alice.chat.answers[0].buttons == []


async def test_what_cannot_be_edited(bot: Bot, alice: Person) -> None:
    theirs = await alice.send("mine")
    with pytest.raises(TelegramBadRequest, match="message can't be edited"):
        await bot.edit_message_text("x", chat_id=alice.id, message_id=theirs.id)
    with pytest.raises(TelegramBadRequest, match="message to edit not found"):
        await bot.edit_message_text("x", chat_id=alice.id, message_id=99)
    with pytest.raises(TelegramBadRequest, match="MESSAGE_ID_INVALID"):
        await bot.edit_message_text("x", inline_message_id="99")


async def test_deleted_messages_are_gone(bot: Bot, alice: Person, clock: ManualClock) -> None:
    sent = await bot.send_message(alice.id, "hello")
    await bot.delete_message(alice.id, sent.message_id)
    assert alice.chat.messages == []
    with pytest.raises(TelegramBadRequest, match="message to delete not found"):
        await bot.delete_message(alice.id, sent.message_id)
    old = await bot.send_message(alice.id, "hello")
    clock.advance(49 * 3600)
    with pytest.raises(TelegramBadRequest, match="can't be deleted"):
        await bot.delete_message(alice.id, old.message_id)


async def test_replies(bot: Bot, alice: Person) -> None:
    asked = await alice.send("question")
    await bot.send_message(alice.id, "x", reply_parameters=ReplyParameters(message_id=asked.id))
    assert alice.chat.answers[0].raw["reply_to_message"]["text"] == "question"
    gone = ReplyParameters(message_id=99)
    with pytest.raises(TelegramBadRequest, match="message to be replied not found"):
        await bot.send_message(alice.id, "x", reply_parameters=gone)
    gone = ReplyParameters(message_id=99, allow_sending_without_reply=True)
    await bot.send_message(alice.id, "y", reply_parameters=gone)


@pytest.mark.parametrize(
    ("action", "why"),
    [
        ({"callback_data": "я" * 33}, "BUTTON_DATA_INVALID"),
        ({}, "text buttons are unallowed"),
        ({"callback_data": "x", "url": "https://example.org"}, "text buttons are unallowed"),
        ({"url": "ftp://x"}, "URL is invalid"),
        ({"callback_data": "x", "style": "loud"}, "style is invalid"),
        ({"web_app": WebAppInfo(url="http://example.org")}, "only HTTPS"),
        ({"copy_text": CopyTextButton(text="x" * 257)}, "BUTTON_COPY_TEXT_INVALID"),
    ],
)
async def test_wrong_buttons(bot: Bot, alice: Person, action: dict[str, object], why: str) -> None:
    with pytest.raises(TelegramBadRequest, match=why):
        await bot.send_message(alice.id, "x", reply_markup=keyboard(**action))


async def test_mini_apps_open_from_private_chats_only(
    telegram: StandInTelegram, bot: Bot, alice: Person
) -> None:
    app = keyboard(web_app=WebAppInfo(url="https://example.org"))
    await bot.send_message(alice.id, "x", reply_markup=app)
    group = telegram.group(people=[alice])
    with pytest.raises(TelegramBadRequest, match="BUTTON_TYPE_INVALID"):
        await bot.send_message(group.id, "x", reply_markup=app)


async def test_files_go_both_ways(bot: Bot, alice: Person) -> None:
    shown = await alice.send_document(b"a,b\n", name="table.csv", content_type="text/csv")
    described = await bot.get_file(shown.raw["document"]["file_id"])
    assert described.file_path is not None
    got = await bot.download_file(described.file_path)
    assert got is not None
    assert got.read() == b"a,b\n"
    with pytest.raises(TelegramBadRequest, match="invalid file_id"):
        await bot.get_file("other")
    sent = await bot.send_document(alice.id, BufferedInputFile(b"mine", "mine.txt"))
    assert sent.document is not None
    assert sent.document.file_name == "mine.txt"
    again = await bot.send_document(alice.id, sent.document.file_id)
    assert again.document is not None
    assert again.document.file_unique_id == sent.document.file_unique_id


async def test_files_above_20_mb_cannot_be_fetched(bot: Bot, alice: Person) -> None:
    shown = await alice.send_document(bytes((20 << 20) + 1), name="big.bin")
    with pytest.raises(TelegramBadRequest, match="file is too big"):
        await bot.get_file(shown.raw["document"]["file_id"])


async def test_what_there_is_not_is_said(
    telegram: StandInTelegram, bot: Bot, alice: Person
) -> None:
    with pytest.raises(TelegramNotFound, match="Not Found"):
        await bot.send_dice(alice.id)
    with pytest.raises(TelegramNotFound, match="business_connection_id"):
        await bot.send_message(alice.id, "x", business_connection_id="b")
    with pytest.raises(TelegramBadRequest, match="has no parameter colour"):
        await bot(SendMessage(chat_id=alice.id, text="x", colour="red"))  # type: ignore[call-arg]
    other = Bot("1:other", session=bot.session)
    with pytest.raises(TelegramUnauthorizedError):
        await other.get_me()


async def test_faults_that_a_test_asks_for(
    telegram: StandInTelegram, bot: Bot, alice: Person
) -> None:
    telegram.fail("sendMessage", BotApiError(502, "Bad Gateway"), times=2)
    telegram.fail("sendMessage", BotApiError(500, "Internal Server Error"), after=True)
    for _ in range(2):
        with pytest.raises(TelegramServerError):
            await bot.send_message(alice.id, "lost")
    with pytest.raises(TelegramServerError):
        await bot.send_message(alice.id, "sent all the same")
    assert [shown.text for shown in alice.chat.answers] == ["sent all the same"]


async def test_one_poll_at_a_time_and_none_with_a_webhook(bot: Bot) -> None:
    first = asyncio.ensure_future(bot.get_updates(timeout=5))
    await asyncio.sleep(0.05)
    assert await bot.get_updates() == []
    with pytest.raises(TelegramConflictError, match="terminated by other getUpdates"):
        await first
    await bot.set_webhook("http://127.0.0.1:9/hook")
    with pytest.raises(TelegramConflictError, match="webhook is active"):
        await bot.get_updates()


async def test_offsets_confirm(bot: Bot, alice: Person) -> None:
    for text in ("one", "two", "three"):
        await alice.send(text)
    updates = await bot.get_updates()
    assert [u.message.text for u in updates if u.message] == ["one", "two", "three"]
    assert await bot.get_updates() == updates
    assert await bot.get_updates(offset=updates[0].update_id + 1) == updates[1:]
    assert await bot.get_updates() == updates[1:]
    assert await bot.get_updates(offset=-1) == updates[2:]
    assert await bot.get_updates(offset=updates[2].update_id + 1) == []


async def test_only_updates_that_were_asked_for(bot: Bot, alice: Person) -> None:
    assert await bot.get_updates(allowed_updates=["callback_query"]) == []
    await alice.send("one")
    assert await bot.get_updates() == []
    assert await bot.get_updates(allowed_updates=[]) == []
    await alice.send("two")
    assert len(await bot.get_updates()) == 1


async def test_pressed_buttons(bot: Bot, alice: Person, clock: ManualClock) -> None:
    await bot.send_message(alice.id, "x", reply_markup=keyboard(callback_data="go"))
    shown = alice.chat.answers[0]
    pressing = asyncio.ensure_future(alice.press(shown, "Go"))
    query = (await bot.get_updates(timeout=2))[0].callback_query
    assert query is not None
    assert (query.data, query.from_user.id) == ("go", alice.id)
    with pytest.raises(TelegramBadRequest, match="MESSAGE_TOO_LONG"):
        await bot.answer_callback_query(query.id, "x" * 201)
    await bot.answer_callback_query(query.id, "done", show_alert=True)
    answer = await pressing
    assert (answer.text, answer.alert) == ("done", True)
    with pytest.raises(TelegramBadRequest, match="query is too old"):
        await bot.answer_callback_query(query.id)
    with pytest.raises(KeyError):
        await alice.press(shown, "Stop")


async def test_inline_mode(telegram: StandInTelegram, bot: Bot, alice: Person) -> None:
    group = telegram.group(people=[alice])
    asking = asyncio.ensure_future(alice.inline("why?", chat=group))
    query = (await bot.get_updates(timeout=2))[0].inline_query
    assert query is not None
    assert query.query == "why?"
    said = InputTextMessageContent(message_text="…")
    markup = keyboard(callback_data="stop")
    ask = InlineQueryResultArticle(
        id="1", title="Ask", input_message_content=said, reply_markup=markup
    )
    with pytest.raises(TelegramBadRequest, match="RESULT_ID_DUPLICATE"):
        await bot.answer_inline_query(query.id, [ask, ask])
    await bot.answer_inline_query(query.id, [ask])
    chosen = await alice.choose(await asking, chat=group)
    updates = await bot.get_updates(offset=telegram.world.updates.confirmed + 1)
    result = next(u.chosen_inline_result for u in updates if u.chosen_inline_result)
    assert result.inline_message_id == chosen.inline_message_id
    assert await bot.edit_message_text("Because.", inline_message_id=result.inline_message_id)
    assert group.messages[-1].text == "Because."
    with pytest.raises(TelegramBadRequest, match="query is too old"):
        await bot.answer_inline_query(query.id, [ask])


def price(stars: int) -> list[LabeledPrice]:
    return [LabeledPrice(label="Credit", amount=stars)]


async def test_wrong_invoices(bot: Bot, alice: Person) -> None:
    async def link(**changed: object) -> None:
        bill = {"title": "T", "description": "D", "payload": "p", "currency": "XTR"}
        await bot.create_invoice_link(**bill | {"prices": price(1)} | changed)  # type: ignore[arg-type]

    for changed, why in (
        ({"title": "T" * 33}, "INVOICE_TITLE_INVALID"),
        ({"description": "D" * 256}, "INVOICE_DESCRIPTION_INVALID"),
        ({"payload": "я" * 65}, "INVOICE_PAYLOAD_INVALID"),
        ({"prices": price(0)}, "CURRENCY_TOTAL_AMOUNT_INVALID"),
        ({"prices": price(1) + price(2)}, "STARS_INVOICE_INVALID"),
        ({"provider_token": "x"}, "STARS_INVOICE_INVALID"),
    ):
        with pytest.raises(TelegramBadRequest, match=why):
            await link(**changed)
    with pytest.raises(TelegramNotFound, match="other currencies"):
        await link(currency="USD")


async def test_limits_do_not_stand_in_the_way_of_other_tests(alice: Person) -> None:
    async with StandInTelegram(rates=GENEROUS) as telegram:
        bot, bob = bot_for(telegram), telegram.person(started=True)
        for _ in range(50):
            await bot.send_message(bob.id, "hello")
        assert sum(telegram.violations.values()) == 0
        assert telegram.calls["sendMessage"] == 50
        assert {(record.method, record.status) for record in telegram.log} == {("sendMessage", 200)}
        await bot.session.close()
