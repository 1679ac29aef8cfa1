"""Delivery over real aiogram against the stand-in, which enforces Telegram's limits."""

import asyncio
import contextlib

import pytest
from aiogram.exceptions import TelegramBadRequest, TelegramRetryAfter
from aiogram.methods import (
    AnswerCallbackQuery,
    DeleteMessage,
    EditMessageText,
    GetChat,
    SendChatAction,
    SendMessage,
)
from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup

from cocoon.devnet.telegram import Rates, StandInTelegram
from cocoon.devnet.telegram.answers import BotApiError, too_many
from cocoon.telegram.bot.delivery import Delivery, Pacer, Speed, Where
from cocoon.telegram.bot.session import _key, is_counted, make_bot
from cocoon.telegram.settings import BotSettings
from cocoon.testing.telegram import GENEROUS

STOP = InlineKeyboardMarkup(
    inline_keyboard=[[InlineKeyboardButton(text="Stop", callback_data="stop")]]
)
FAST = Speed(per_second=1000, burst=1000, chat_per_second=500, chat_burst=100)


@contextlib.asynccontextmanager
async def telegram_and_bot(rates=GENEROUS, speed=FAST):
    async with StandInTelegram(rates=rates) as telegram:
        pacer = Pacer(speed)
        bot = make_bot(BotSettings(token=telegram.token, api=telegram.url), pacer)
        delivery = Delivery(bot, pacer)
        try:
            yield telegram, bot, delivery
        finally:
            await delivery.close()
            await bot.session.close()


async def until(condition):
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 -- a state of another part
            await asyncio.sleep(0.01)


@pytest.mark.anyio
async def test_a_person_sees_the_draft_grow_and_the_answer_stay():
    async with telegram_and_bot() as (telegram, _, delivery):
        alice = telegram.person(started=True)
        live = delivery.live(Where(alice.id), stop=STOP)
        await live.update("")
        await until(lambda: telegram.chat(alice.id).drafts)
        await live.update("Hello **wor")
        await until(lambda: telegram.chat(alice.id).drafts[0].text == "Hello wor")
        assert telegram.chat(alice.id).drafts[0].entities[0]["type"] == "bold"
        ids = await live.finish("Hello **world**, and ```\ncode\n```")
        shown = telegram.chat(alice.id).messages[-1]
        assert [shown.id] == ids
        assert not telegram.chat(alice.id).drafts


@pytest.mark.anyio
async def test_a_group_sees_a_message_grow():
    async with telegram_and_bot() as (telegram, _, delivery):
        group = telegram.group(people=[telegram.person(started=True)])
        live = delivery.live(Where(group.id, is_private=False), stop=STOP)
        await live.update("Hello")
        await until(lambda: live.message_ids)
        await live.update("Hello world")
        ids = await live.finish("Hello world!")
        assert telegram.chat(group.id).messages[-1].text == "Hello world!"
        assert len(ids) == 1


@pytest.mark.anyio
async def test_long_formatted_answers_are_taken():
    async with telegram_and_bot() as (telegram, _, delivery):
        alice = telegram.person(started=True)
        text = "# Head\n\n- a **b** `c` [d](https://e.example)\n\n```py\nx\n```\n\n> q\n\n" * 200
        ids = await delivery.send(Where(alice.id), text, STOP)
        shown = telegram.chat(alice.id).messages[-len(ids) :]
        assert len(ids) > 2
        assert [bool(message.buttons) for message in shown] == [False] * (len(ids) - 1) + [True]


@pytest.mark.anyio
async def test_a_person_who_blocked_the_bot_is_left_alone():
    async with telegram_and_bot() as (telegram, _, delivery):
        alice = telegram.person(started=True)
        await alice.block()
        live = delivery.live(Where(alice.id))
        await live.update("a")
        await until(lambda: live.is_gone)
        assert await live.finish("a b") == []


@pytest.mark.anyio
async def test_telegrams_own_limits_are_never_hit():
    async with telegram_and_bot(Rates(), Speed()) as (telegram, bot, delivery):
        people = [telegram.person(started=True) for _ in range(40)]
        lives = [delivery.live(Where(person.id), stop=STOP) for person in people]
        text = ""
        for _ in range(15):
            text += "words "
            for live in lives:
                await live.update(text)
            await asyncio.sleep(0.1)
        await asyncio.gather(
            *(live.finish(text) for live in lives),
            *(bot.send_message(person.id, "of a handler") for person in people[:5]),
        )
        assert sum(telegram.violations.values()) == 0
        assert all(person_messages(telegram, person)[-2:] for person in people)


def person_messages(telegram, person):
    return [message.text for message in telegram.chat(person.id).messages]


@pytest.mark.anyio
async def test_calls_of_handlers_wait_as_telegram_says():
    async with telegram_and_bot() as (telegram, bot, _):
        alice = telegram.person(started=True)
        telegram.fail("sendMessage", too_many(1))
        assert (await bot.send_message(alice.id, "hello")).text == "hello"
        assert telegram.calls["sendMessage"] == 2
        with pytest.raises(TelegramBadRequest):
            await bot.send_message(12345, "nobody")
        telegram.fail("sendMessage", too_many(3600))
        with pytest.raises(TelegramRetryAfter):
            await bot.send_message(alice.id, "hello")


@pytest.mark.anyio
async def test_an_answer_that_got_lost_on_the_way_is_sent_again():
    async with telegram_and_bot() as (telegram, _, delivery):
        alice = telegram.person(started=True)
        telegram.fail("sendMessage", BotApiError(502, "Bad Gateway"))
        assert len(await delivery.send(Where(alice.id), "hello")) == 1


def test_which_calls_count():
    assert is_counted(SendMessage(chat_id=1, text="a"))
    assert is_counted(EditMessageText(inline_message_id="x", text="a"))
    assert not is_counted(GetChat(chat_id=1))
    assert not is_counted(AnswerCallbackQuery(callback_query_id="1"))
    assert _key(SendMessage(chat_id="77", text="a")) == 77
    assert _key(SendMessage(chat_id="@channel", text="a")) == "@channel"
    assert _key(EditMessageText(inline_message_id="x", text="a")) == "x"
    assert _key(SendChatAction(chat_id=1, action="typing")) is None
    assert _key(DeleteMessage(chat_id=1, message_id=1)) is None
