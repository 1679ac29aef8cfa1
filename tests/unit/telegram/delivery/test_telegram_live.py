"""Answers that grow, against a scripted Telegram in virtual time."""

import asyncio
import itertools

import pytest
from aiogram.exceptions import (
    TelegramBadRequest,
    TelegramForbiddenError,
    TelegramMigrateToChat,
    TelegramNetworkError,
    TelegramNotFound,
    TelegramRetryAfter,
    TelegramServerError,
)
from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup

from cocoon.telegram.bot.delivery import Delivery, Pacer, Speed, Where
from cocoon.testing.streams import VirtualClockLoop

HERE = Where(7)
GROUP = Where(-100, is_private=False, reply_to=5)
STOP = InlineKeyboardMarkup(
    inline_keyboard=[[InlineKeyboardButton(text="Stop", callback_data="stop")]]
)
MORE = InlineKeyboardMarkup(
    inline_keyboard=[[InlineKeyboardButton(text="More", callback_data="more")]]
)


@pytest.fixture
def anyio_backend():
    return "asyncio", {"loop_factory": VirtualClockLoop}


class Sent:
    def __init__(self, number):
        self.message_id = number


class Telegram:
    """Takes calls, or answers them with the errors that a test lined up, by method."""

    def __init__(self):
        self.calls = []
        self.errors = {}
        self.latency = 0.05

    async def __call__(self, method):
        name = method.__api_method__
        await asyncio.sleep(self.latency)
        self.calls.append((asyncio.get_running_loop().time(), name, method))
        lined = self.errors.get(name)
        if lined:
            error = lined.pop(0)
            if error is not None:
                raise error(method)
        return Sent(len(self.calls)) if name == "sendMessage" else True

    def fail(self, name, *errors):
        self.errors[name] = list(errors)

    def named(self, name):
        return [method for _, called, method in self.calls if called == name]

    @property
    def names(self):
        return [name for _, name, _ in self.calls]


def bad(text):
    return lambda method: TelegramBadRequest(method, f"Bad Request: {text}")


def busy(seconds):
    return lambda method: TelegramRetryAfter(method, "Too Many Requests", seconds)


def broken(method):
    return TelegramServerError(method, "Bad Gateway")


def cut(method):
    return TelegramNetworkError(method, "connection reset")


def blocked(method):
    return TelegramForbiddenError(method, "Forbidden: bot was blocked by the user")


@pytest.fixture
def telegram():
    return Telegram()


@pytest.fixture
def delivery(telegram):
    return Delivery(telegram, Pacer())


async def grow(live, pieces=30, every=0.1, text="word "):
    whole = ""
    for _ in range(pieces):
        whole += text
        await live.update(whole)
        await asyncio.sleep(every)
    return whole


@pytest.mark.anyio
async def test_private_answers_are_drafts_and_then_a_message(telegram, delivery):
    live = delivery.live(HERE, stop=STOP)
    await live.update("")
    await asyncio.sleep(0.2)
    text = await grow(live)
    ids = await live.finish(text, MORE)
    assert telegram.names == ["sendMessageDraft"] * 4 + ["sendMessage"]
    assert ids == live.message_ids == [5]
    drafts = telegram.named("sendMessageDraft")
    assert drafts[0].text == ""
    assert {draft.draft_id for draft in drafts} == {live.draft_id} != {0}
    assert all(draft.can_stop for draft in drafts)
    assert telegram.calls[-1][2].text == text.strip()
    assert telegram.calls[-1][2].reply_markup == MORE
    assert telegram.calls[-1][2].link_preview_options.is_disabled
    assert await live.finish("twice") == ids
    assert len(telegram.calls) == 5
    assert delivery.running == 0


@pytest.mark.anyio
async def test_groups_see_one_message_that_is_edited_with_a_stop_button(telegram, delivery):
    live = delivery.live(GROUP, stop=STOP)
    await live.update("")
    await asyncio.sleep(0.2)
    text = await grow(live, 200)
    assert await live.finish(text, MORE) == live.message_ids
    assert telegram.names[:2] == ["sendChatAction", "sendMessage"]
    assert set(telegram.names[2:]) == {"editMessageText"}
    assert len(telegram.calls) <= 20
    assert telegram.named("sendMessage")[0].reply_parameters.message_id == 5
    assert [edit.reply_markup for edit in telegram.named("editMessageText")][-2:] == [STOP, MORE]


@pytest.mark.anyio
async def test_inline_messages_are_one_message_whatever_the_length(telegram, delivery):
    live = delivery.live(Where(0, inline="abc", is_private=False), stop=STOP)
    text = await grow(live, 20, text="long " * 100)
    assert await live.finish(text) == []
    assert set(telegram.names) == {"editMessageText"}
    assert telegram.calls[-1][2].inline_message_id == "abc"
    assert telegram.calls[-1][2].text.endswith("…")
    assert telegram.calls[-1][2].chat_id is None


@pytest.mark.anyio
@pytest.mark.parametrize("where", [HERE, GROUP])
async def test_long_answers_become_messages_while_they_grow(telegram, delivery, where):
    live = delivery.live(where, stop=STOP)
    text = await grow(live, 100, 0.5, "line of an answer, and more\n" * 4)
    ids = await live.finish(text)
    assert len(ids) == len(text) // 4096 + 1
    last = {}
    for number, (_, name, method) in enumerate(telegram.calls, 1):
        if name == "sendMessage":
            last[number] = method.text
        elif name == "editMessageText":
            last[method.message_id] = method.text
    assert "\n".join(last[number] for number in ids) == text.strip()
    assert not any(call.reply_markup for call in [telegram.calls[-1][2]])


@pytest.mark.anyio
async def test_drafts_are_renewed_before_they_die(telegram, delivery):
    live = delivery.live(HERE)
    await live.update("thinking about it")
    await asyncio.sleep(65)
    times = [at for at, _, _ in telegram.calls]
    assert len(times) == 4
    assert all(19 < b - a < 25 for a, b in itertools.pairwise(times))
    await live.drop()
    await asyncio.sleep(60)
    assert len(telegram.calls) == 4


@pytest.mark.anyio
@pytest.mark.parametrize("where", [HERE, GROUP])
async def test_an_answer_that_nobody_ends_is_forgotten(telegram, delivery, where):
    live = delivery.live(where)
    await live.update("a")
    await asyncio.sleep(890)
    assert delivery.running == 1
    await asyncio.sleep(40)
    assert delivery.running == 0
    assert await live.finish("a b")


@pytest.mark.anyio
async def test_where_drafts_are_refused_a_message_is_edited(telegram, delivery):
    telegram.fail("sendMessageDraft", *[bad("TEXTDRAFT_PEER_INVALID")] * 2)
    live = delivery.live(HERE, stop=STOP)
    text = await grow(live, 50)
    await live.finish(text)
    assert telegram.names[:4] == ["sendMessageDraft"] * 2 + ["sendMessage", "editMessageText"]
    other = delivery.live(HERE)
    await other.update("again")
    await other.finish("again")
    assert telegram.names.count("sendMessageDraft") == 2


@pytest.mark.anyio
async def test_servers_without_drafts_are_asked_once(telegram, delivery):
    telegram.fail("sendMessageDraft", lambda m: TelegramNotFound(m, "Not Found"))
    for chat in range(1, 4):
        live = delivery.live(Where(chat))
        await live.update("a")
        await asyncio.sleep(5)
        await live.finish("a b")
    assert telegram.names.count("sendMessageDraft") == 1


@pytest.mark.anyio
async def test_the_end_arrives_in_spite_of_trouble(telegram, delivery):
    telegram.fail("sendMessage", busy(7), broken, cut, lambda m: OSError(), None)
    began = asyncio.get_running_loop().time()
    assert len(await delivery.send(HERE, "an answer")) == 1
    assert telegram.names == ["sendMessage"] * 5
    assert telegram.calls[1][0] - began >= 7


@pytest.mark.anyio
async def test_formatting_that_is_refused_goes_then_buttons(telegram, delivery):
    telegram.fail("sendMessage", bad("can't parse entities"), bad("BUTTON_DATA_INVALID"), None)
    assert len(await delivery.send(HERE, "a **b**", MORE)) == 1
    first, second, third = telegram.named("sendMessage")
    assert first.entities
    assert second.entities is None
    assert second.reply_markup == MORE
    assert third.reply_markup is None


@pytest.mark.anyio
@pytest.mark.parametrize(
    "error",
    [blocked, bad("chat not found"), bad("not enough rights to send text messages to the chat")],
)
async def test_chats_that_are_gone_are_left_alone(telegram, delivery, error):
    telegram.fail("sendMessageDraft", error)
    live = delivery.live(HERE)
    await live.update("a")
    await asyncio.sleep(1)
    assert live.is_gone
    await live.update("b")
    assert await live.finish("b") == []
    assert telegram.names == ["sendMessageDraft"]


@pytest.mark.anyio
async def test_what_was_not_modified_is_there(telegram, delivery):
    live = delivery.live(GROUP)
    await live.update("same")
    await asyncio.sleep(1)
    telegram.fail("editMessageText", bad("message is not modified: specified new message"))
    assert await live.finish("same") == [1]
    assert telegram.names == ["sendMessage", "editMessageText"]


@pytest.mark.anyio
async def test_a_deleted_message_is_not_sent_again_before_the_end(telegram, delivery):
    live = delivery.live(GROUP)
    await live.update("a")
    await asyncio.sleep(1)
    telegram.fail("editMessageText", bad("message to edit not found"))
    await grow(live)
    assert telegram.names == ["sendMessage", "editMessageText"]
    assert await live.finish("the end") == [3]


@pytest.mark.anyio
async def test_a_group_that_moved_is_followed(telegram, delivery):
    telegram.fail("sendMessage", lambda m: TelegramMigrateToChat(m, "upgraded", -200), None)
    live = delivery.live(GROUP)
    assert await live.finish("hello") == [2]
    assert [call.chat_id for call in telegram.named("sendMessage")] == [-100, -200]


@pytest.mark.anyio
async def test_nothing_can_be_written_for_five_minutes(telegram, delivery):
    telegram.fail("sendMessage", *[broken] * 100)
    assert await delivery.send(HERE, "a") == []
    assert asyncio.get_running_loop().time() < 340


@pytest.mark.anyio
async def test_a_failure_is_said_below_what_was_written(telegram, delivery):
    live = delivery.live(HERE)
    await live.update("Half **an ans")
    await asyncio.sleep(1)
    await live.fail("The network is busy.")
    assert telegram.calls[-1][2].text == "Half an ans\n\nThe network is busy."
    code = delivery.live(HERE)
    await code.update("```py\nx = 1")
    await code.fail("Sorry.")
    assert telegram.calls[-1][2].text == "x = 1\n\nSorry."
    none = delivery.live(HERE)
    await none.fail("Sorry.")
    assert telegram.calls[-1][2].text == "Sorry."


@pytest.mark.anyio
async def test_other_last_words_than_those_shown_are_sent_whole(telegram, delivery):
    live = delivery.live(HERE)
    await grow(live, 40, 0.5, "words of the first kind " * 8)
    sent = telegram.names.count("sendMessage")
    assert sent == 1
    await live.finish("something else")
    assert telegram.calls[-1][2].text == "something else"


@pytest.mark.anyio
async def test_an_empty_end_takes_the_stop_button_away(telegram, delivery):
    live = delivery.live(GROUP, stop=STOP)
    await live.update("something")
    await asyncio.sleep(1)
    await live.finish("")
    assert telegram.calls[-1][2].text == "something"
    assert telegram.calls[-1][2].reply_markup is None


@pytest.mark.anyio
async def test_finishing_does_not_wait_in_the_queue_for_drafts(telegram):
    delivery = Delivery(telegram, Pacer(Speed(per_second=2, burst=1)))
    lives = [delivery.live(Where(chat)) for chat in range(1, 9)]
    for live in lives:
        await live.update("a")
    assert await lives[-1].finish("the end")
    assert telegram.names.count("sendMessage") == 1
    assert len(telegram.calls) <= 4
    await delivery.close()
    assert delivery.running == 0


@pytest.mark.anyio
async def test_with_more_answers_than_drafts_can_live_messages_stay(telegram):
    delivery = Delivery(telegram, Pacer(Speed(per_second=2, burst=1)))
    lives = [delivery.live(Where(chat), stop=STOP) for chat in range(1, 61)]
    for live in lives:
        await live.update("a")
    await asyncio.sleep(60)
    assert set(telegram.names) == {"sendMessage"}
    assert telegram.calls[0][2].reply_markup == STOP
    for live in lives:
        await live.finish("a b")
    assert telegram.names.count("sendMessage") == 60
    assert telegram.names.count("editMessageText") == 60


@pytest.mark.anyio
async def test_a_cancelled_caller_does_not_cut_the_last_words(telegram, delivery):
    live = delivery.live(HERE)
    await live.update("a")
    caller = asyncio.create_task(live.finish("a b"))
    await asyncio.sleep(0.001)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    await asyncio.sleep(5)
    assert telegram.names.count("sendMessage") == 1


@pytest.mark.anyio
async def test_a_bug_of_ours_is_told_without_content(telegram, delivery, caplog, monkeypatch):
    from cocoon.telegram.bot.delivery import live as module

    def fails(*_, **__):
        raise ValueError("secret words")

    monkeypatch.setattr(module, "next_page", fails)
    live = delivery.live(HERE)
    await live.update("secret words")
    await asyncio.sleep(1)
    monkeypatch.undo()
    assert await live.finish("the end")
    assert "ValueError" in caplog.text
    assert "secret" not in caplog.text
