"""Whatever Telegram answers, and whenever an answer ends: people read all of it, once, in order."""

import asyncio

import hypothesis.strategies as st
from aiogram.exceptions import (
    TelegramBadRequest,
    TelegramForbiddenError,
    TelegramNetworkError,
    TelegramNotFound,
    TelegramRetryAfter,
    TelegramServerError,
)
from hypothesis import given, settings

from cocoon.telegram.bot.delivery import Delivery, Pacer, Where
from cocoon.testing.streams import VirtualClockLoop

ERRORS = {
    "busy": lambda m: TelegramRetryAfter(m, "Too Many Requests", 3),
    "broken": lambda m: TelegramServerError(m, "Bad Gateway"),
    "cut": lambda m: TelegramNetworkError(m, "reset"),
    "refused": lambda m: TelegramBadRequest(m, "Bad Request: can't parse entities"),
    "lost": lambda m: TelegramBadRequest(m, "Bad Request: message to edit not found"),
    "unknown": lambda m: TelegramNotFound(m, "Not Found"),
}
PREVIEWS = [*ERRORS, "", "", "", ""]
RECOVERS = ["busy", "broken", "cut", "", "", ""]


class Telegram:
    """Keeps the texts of messages; fails as lined up, by whether a draft or a message is meant."""

    def __init__(self, drafts, messages):
        self.drafts, self.errors = list(drafts), list(messages)
        self.texts = {}

    async def __call__(self, method):
        await asyncio.sleep(0.03)
        name = method.__api_method__
        if name == "sendChatAction":
            return True
        lined = self.drafts if name == "sendMessageDraft" else self.errors
        error = lined.pop(0) if lined else ""
        if error == "lost" and name == "editMessageText":
            self.texts.pop(method.message_id)  # somebody deleted it
            raise ERRORS["lost"](method)
        if error and error != "lost":
            raise ERRORS[error](method)
        if name == "sendMessageDraft":
            return True
        number = getattr(method, "message_id", None) or len(self.texts) + 1000 * (len(lined) + 1)
        if name == "sendMessage":
            while number in self.texts:
                number += 1
        self.texts[number] = method.text
        return type("Sent", (), {"message_id": number})()


async def answer(telegram, where, source, piece, pause):
    delivery = Delivery(telegram, Pacer())
    live = delivery.live(where)
    for end in range(0, len(source), piece):
        await live.update(source[:end])
        await asyncio.sleep(pause)
    ids = await live.finish(source)
    assert not live.is_gone
    await delivery.close()
    return [telegram.texts[number] for number in ids]


def letters(text):
    return "".join(c for c in text if c.isalnum())


@given(
    st.integers(1, 1200),
    st.integers(10, 900),
    st.sampled_from([0.0, 0.1, 1.0, 7.0]),
    st.lists(st.sampled_from(PREVIEWS), max_size=12),
    st.lists(st.sampled_from(RECOVERS), max_size=12),
    st.booleans(),
)
@settings(max_examples=60)
def test_all_of_it_is_read_once(words, piece, pause, drafts, messages, is_private):
    source = " ".join(f"word{number}" for number in range(words))
    where = Where(7) if is_private else Where(-7, is_private=False)
    loop = VirtualClockLoop()
    try:
        telegram = Telegram(drafts, messages)
        texts = loop.run_until_complete(answer(telegram, where, source, piece, pause))
    finally:
        loop.close()
    assert letters("".join(texts)) == letters(source)
    assert all(len(text) <= 4096 for text in texts)


@given(
    st.lists(st.sampled_from([*ERRORS, "", "blocked"]), max_size=30),
    st.lists(st.sampled_from([*ERRORS, ""]), max_size=30),
    st.booleans(),
)
@settings(max_examples=60)
def test_nothing_that_telegram_says_reaches_the_caller(messages, drafts, is_private):
    errors = {**ERRORS, "blocked": lambda m: TelegramForbiddenError(m, "Forbidden: blocked")}

    class Nasty(Telegram):
        async def __call__(self, method):
            await asyncio.sleep(0.03)
            is_draft = method.__api_method__ == "sendMessageDraft"
            lined = self.drafts if is_draft else self.errors
            error = lined.pop(0) if lined else ""
            if error:
                raise errors[error](method)
            return type("Sent", (), {"message_id": 1})()

    async def run():
        delivery = Delivery(Nasty(drafts, messages), Pacer())
        live = delivery.live(Where(7) if is_private else Where(-7, is_private=False))
        for number in range(20):
            await live.update("word " * number)
            await asyncio.sleep(2)
        assert isinstance(await live.fail("The end."), list)
        await delivery.close()

    loop = VirtualClockLoop()
    try:
        loop.run_until_complete(run())
    finally:
        loop.close()
