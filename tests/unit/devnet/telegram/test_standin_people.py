"""People of the stand-in: drafts, groups, topics, payments, and what the bot gets of it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from typing import Any

import pytest
from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest, TelegramForbiddenError
from aiogram.types import InlineQueryResultArticle, InputTextMessageContent, LabeledPrice, Update

from cocoon.devnet.telegram import (
    ManualClock,
    Paid,
    PaymentRefusedError,
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
    async with StandInTelegram(clock=clock, rates=GENEROUS, private_topics=True) as started:
        yield started


@pytest.fixture
async def bot(telegram: StandInTelegram) -> AsyncIterator[Bot]:
    made = bot_for(telegram)
    yield made
    await made.session.close()


@pytest.fixture
async def alice(telegram: StandInTelegram) -> Person:
    return telegram.person("Alice", started=True, stars=100)


async def new_updates(telegram: StandInTelegram, bot: Bot) -> list[Update]:
    updates = await bot.get_updates()
    if updates:
        await bot.get_updates(offset=updates[-1].update_id + 1)
    return updates


async def test_a_draft_lives_for_thirty_seconds(
    telegram: StandInTelegram, bot: Bot, alice: Person, clock: ManualClock
) -> None:
    await bot.send_message_draft(alice.id, 7, text="par")
    clock.advance(29)
    assert [draft.text for draft in alice.chat.drafts] == ["par"]
    await bot.send_message_draft(alice.id, 7, text="partial")
    clock.advance(29)
    assert [draft.text for draft in alice.chat.drafts] == ["partial"]
    clock.advance(1)
    assert alice.chat.draft is None
    await bot.send_message_draft(alice.id, 7, text="partial answer")
    assert telegram.world.drafts_died == 1


async def test_a_message_takes_its_draft_away(bot: Bot, alice: Person) -> None:
    await bot.send_message_draft(alice.id, 7)
    assert alice.chat.draft is not None
    await bot.send_message(alice.id, "all of it")
    assert alice.chat.drafts == []


async def test_drafts_are_for_private_chats_and_have_a_number(
    telegram: StandInTelegram, bot: Bot, alice: Person
) -> None:
    with pytest.raises(TelegramBadRequest, match="wrong draft identifier"):
        await bot.send_message_draft(alice.id, 0, text="x")
    group = telegram.group(people=[alice])
    with pytest.raises(TelegramBadRequest, match="TEXTDRAFT_PEER_INVALID"):
        await bot.send_message_draft(group.id, 1, text="x")
    with pytest.raises(TelegramBadRequest, match="message is too long"):
        await bot.send_message_draft(alice.id, 1, text="x" * 4097)


async def test_stop_tells_the_bot_and_ends_the_draft(
    telegram: StandInTelegram, bot: Bot, alice: Person
) -> None:
    await bot.send_message_draft(alice.id, 7, text="par", can_stop=True)
    await alice.stop()
    (update,) = await new_updates(telegram, bot)
    assert update.stopped_message_generation is not None
    assert update.stopped_message_generation.draft_id == 7
    assert update.stopped_message_generation.chat.id == alice.id
    assert alice.chat.draft is None
    assert await bot.send_message_draft(alice.id, 7, text="more")
    assert alice.chat.draft is None
    assert telegram.world.drafts_after_stop == 1
    await bot.send_message_draft(alice.id, 8, text="next", can_stop=True, keep_on_stop=True)
    await alice.stop()
    assert alice.chat.draft is not None


async def test_drafts_without_a_button_cannot_be_stopped(bot: Bot, alice: Person) -> None:
    await bot.send_message_draft(alice.id, 7, text="par")
    with pytest.raises(LookupError):
        await alice.stop()


async def test_private_topics_have_drafts_of_their_own(bot: Bot, alice: Person) -> None:
    topic = await bot.create_forum_topic(alice.id, "Tea")
    thread = topic.message_thread_id
    await bot.send_message_draft(alice.id, 1, text="here")
    await bot.send_message_draft(alice.id, 2, text="there", message_thread_id=thread)
    await bot.send_message(alice.id, "done", message_thread_id=thread)
    assert [draft.text for draft in alice.chat.drafts] == ["here"]
    said = await alice.send("in it", topic=thread)
    assert said.thread == thread
    with pytest.raises(TelegramBadRequest, match="message thread not found"):
        await bot.send_message(alice.id, "x", message_thread_id=99)


async def test_privacy_mode(telegram: StandInTelegram, bot: Bot, alice: Person) -> None:
    group = telegram.group(people=[alice])
    name = telegram.world.bot.username

    async def reaches(text: str, **where: Any) -> bool:
        await alice.send(text, chat=group, **where)
        return bool(await new_updates(telegram, bot))

    assert not await reaches("good morning")
    assert not await reaches("/help")
    assert not await reaches("/help@another_bot")
    assert await reaches(f"/help@{name}")
    assert await reaches(f"what says @{name.upper()}?")
    assert not await reaches(f"mail me at x@{name}")
    await bot.send_message(group.id, "I am here")
    assert await reaches("/help")
    assert not await reaches("/help")
    assert await reaches("and this?", reply_to=group.answers[0])
    group.state.bot_admin = True
    assert await reaches("good night")
    group.state.bot_admin = False
    telegram.world.bot.privacy_mode = False
    assert await reaches("good night")
    telegram.world.bot.guest_mode = False
    await group.remove_bot(alice)
    assert (await new_updates(telegram, bot))[0].my_chat_member is not None
    assert not await reaches(f"@{name}")


async def test_a_guest_is_called_by_name(
    telegram: StandInTelegram, bot: Bot, alice: Person, clock: ManualClock
) -> None:
    group = telegram.group(people=[alice])
    group.state.bot_in = False
    asked = await alice.send("and you, @cocoon_stand_in_bot?", chat=group)
    await alice.send("never mind", chat=group)
    (update,) = await new_updates(telegram, bot)
    message = update.guest_message
    assert message is not None
    assert message.guest_query_id is not None
    result = InlineQueryResultArticle(
        id="1", title="-", input_message_content=InputTextMessageContent(message_text="…")
    )
    sent = await bot.answer_guest_query(message.guest_query_id, result)
    assert await bot.edit_message_text("Yes.", inline_message_id=sent.inline_message_id)
    assert group.answers[-1].text == "Yes."
    assert group.answers[-1].raw["reply_to_message"]["message_id"] == asked.id
    with pytest.raises(TelegramBadRequest, match="query is too old"):
        await bot.answer_guest_query(message.guest_query_id, result)
    with pytest.raises(TelegramForbiddenError):
        await bot.send_message(group.id, "Yes.")


async def test_forum_topics(telegram: StandInTelegram, bot: Bot, alice: Person) -> None:
    forum = telegram.group("Club", people=[alice], forum=True)
    thread = await forum.topic(alice, "Tea")
    asked = await alice.send("/ask@cocoon_stand_in_bot", chat=forum, topic=thread)
    sent = await bot.send_message(forum.id, "yes", message_thread_id=asked.thread)
    assert sent.message_thread_id == thread
    assert sent.is_topic_message
    with pytest.raises(TelegramBadRequest, match="message thread not found"):
        await bot.send_message(forum.id, "yes", message_thread_id=thread + 50)
    with pytest.raises(TelegramBadRequest, match="not enough rights"):
        await bot.create_forum_topic(forum.id, "More")


async def test_a_long_text_comes_as_several_messages(
    telegram: StandInTelegram, bot: Bot, alice: Person
) -> None:
    text = "🙂" * 2047 + "a" + "🙂" * 2048
    last = await alice.send(text)
    said = [update.message.text for update in await new_updates(telegram, bot) if update.message]
    assert "".join(filter(None, said)) == text
    assert len(said) == 2
    assert last.text == said[-1]


async def test_photos_come_in_sizes(telegram: StandInTelegram, bot: Bot, alice: Person) -> None:
    picture = bytes.fromhex("89504e470d0a1a0a0000000d49484452000003e8000001f4") + b"picture"
    await alice.send_photo(picture, caption="what is it?")
    (update,) = await new_updates(telegram, bot)
    assert update.message is not None
    sizes = update.message.photo or []
    assert [(size.width, size.height) for size in sizes] == [(90, 45), (1000, 500)]
    got = await bot.download(sizes[-1])
    assert got is not None
    assert got.read() == picture


async def test_a_thousand_chats_at_once(telegram: StandInTelegram, bot: Bot) -> None:
    people = [telegram.person(f"P{number}", started=True) for number in range(1000)]

    async def answer(person: Person) -> None:
        await bot.send_message_draft(person.id, 1, text="par", can_stop=True)
        await bot.send_message(person.id, "partial no more")

    waiting = [asyncio.ensure_future(person.chat.answer()) for person in people]
    await asyncio.gather(*[answer(person) for person in people])
    assert {shown.text for shown in await asyncio.gather(*waiting)} == {"partial no more"}
    assert not any(person.chat.drafts for person in people)


async def test_strangers_to_a_group_cannot_write_there(
    telegram: StandInTelegram, alice: Person
) -> None:
    with pytest.raises(LookupError):
        await alice.send("hello", chat=telegram.group())


async def test_forwards_name_where_they_are_from(
    telegram: StandInTelegram, bot: Bot, alice: Person
) -> None:
    bob = telegram.person("Bob")
    group = telegram.group(people=[alice, bob])
    said = [await bob.send("one", chat=group), await alice.send("two", chat=group)]
    await alice.forward(said)
    await alice.forward(said[:1], hide_sender="B.")
    updates = await new_updates(telegram, bot)
    origins = [u.message.forward_origin for u in updates if u.message]
    assert [origin.type for origin in origins if origin] == ["user", "user", "hidden_user"]


async def test_blocking_tells_the_bot(telegram: StandInTelegram, bot: Bot, alice: Person) -> None:
    await alice.block()
    with pytest.raises(TelegramForbiddenError):
        await bot.send_chat_action(alice.id, "typing")
    await alice.start("again")
    kinds = [update.event_type for update in await new_updates(telegram, bot)]
    assert kinds == ["my_chat_member", "my_chat_member", "message"]
    await bot.send_chat_action(alice.id, "typing")


def bill(stars: int = 5) -> dict[str, Any]:
    return {
        "title": "Credit",
        "description": "For answers",
        "payload": "topup-1",
        "currency": "XTR",
        "prices": [LabeledPrice(label="Credit", amount=stars)],
    }


async def pay(telegram: StandInTelegram, bot: Bot, paying: Awaitable[Paid], **answer: Any) -> Paid:
    task = asyncio.ensure_future(paying)
    updates = await bot.get_updates(offset=telegram.world.updates.confirmed + 1, timeout=2)
    query = updates[-1].pre_checkout_query
    assert query is not None
    assert (query.currency, query.total_amount, query.invoice_payload) == ("XTR", 5, "topup-1")
    await bot.get_updates(offset=updates[-1].update_id + 1)
    await bot.answer_pre_checkout_query(query.id, **answer)
    return await task


async def test_stars_are_paid_and_given_back(
    telegram: StandInTelegram, bot: Bot, alice: Person
) -> None:
    await bot.send_invoice(alice.id, **bill())
    paid = await pay(telegram, bot, alice.pay(alice.chat.answers[-1]), ok=True)
    assert alice.account.stars == 95
    (update,) = await new_updates(telegram, bot)
    assert update.message is not None
    assert update.message.successful_payment is not None
    assert update.message.successful_payment.telegram_payment_charge_id == paid.charge
    with pytest.raises(TelegramBadRequest, match="CHARGE_NOT_FOUND"):
        await bot.refund_star_payment(alice.id + 1, paid.charge)
    await bot.refund_star_payment(alice.id, paid.charge)
    assert alice.account.stars == 100
    with pytest.raises(TelegramBadRequest, match="CHARGE_ALREADY_REFUNDED"):
        await bot.refund_star_payment(alice.id, paid.charge)
    (update,) = await new_updates(telegram, bot)
    assert update.message is not None
    assert update.message.refunded_payment is not None


async def test_a_link_can_be_paid_more_than_once(
    telegram: StandInTelegram, bot: Bot, alice: Person
) -> None:
    link = await bot.create_invoice_link(**bill())
    first = await pay(telegram, bot, alice.pay(link), ok=True)
    second = await pay(telegram, bot, alice.pay(link), ok=True)
    assert first.charge != second.charge


async def test_an_invoice_in_a_message_is_paid_once(
    telegram: StandInTelegram, bot: Bot, alice: Person
) -> None:
    await bot.send_invoice(alice.id, **bill())
    invoice = alice.chat.answers[-1]
    await pay(telegram, bot, alice.pay(invoice), ok=True)
    with pytest.raises(PaymentRefusedError, match="paid already"):
        await alice.pay(invoice)


async def test_the_bot_may_refuse(telegram: StandInTelegram, bot: Bot, alice: Person) -> None:
    link = await bot.create_invoice_link(**bill())
    with pytest.raises(PaymentRefusedError, match="sold out"):
        await pay(telegram, bot, alice.pay(link), ok=False, error_message="sold out")
    assert alice.account.stars == 100


async def test_a_checkout_is_answered_within_ten_seconds(
    telegram: StandInTelegram, bot: Bot, alice: Person, clock: ManualClock
) -> None:
    link = await bot.create_invoice_link(**bill())
    paying = asyncio.ensure_future(alice.pay(link))
    query = (await bot.get_updates(timeout=2))[0].pre_checkout_query
    assert query is not None
    clock.advance(10.5)
    with pytest.raises(PaymentRefusedError, match="within 10 seconds"):
        await paying
    with pytest.raises(TelegramBadRequest, match="query is too old"):
        await bot.answer_pre_checkout_query(query.id, ok=True)
    assert alice.account.stars == 100


async def test_who_has_too_few_stars_pays_nothing(bot: Bot, telegram: StandInTelegram) -> None:
    link = await bot.create_invoice_link(**bill())
    with pytest.raises(PaymentRefusedError, match="too few Stars"):
        await telegram.person("Poor").pay(link)
    with pytest.raises(LookupError):
        await telegram.person("Lost").pay("https://t.me/$other")


async def test_telegram_itself_gives_stars_back(
    telegram: StandInTelegram, bot: Bot, alice: Person
) -> None:
    link = await bot.create_invoice_link(**bill())
    paid = await pay(telegram, bot, alice.pay(link), ok=True)
    await alice.get_refund(paid)
    updates = await new_updates(telegram, bot)
    assert updates[-1].message is not None
    assert updates[-1].message.refunded_payment is not None
    assert alice.account.stars == 100


async def test_events_and_waiting(telegram: StandInTelegram, bot: Bot, alice: Person) -> None:
    events = telegram.events()
    waiting = asyncio.ensure_future(alice.chat.answer())
    await bot.send_message(alice.id, "hello")
    assert (await waiting).text == "hello"
    event = await anext(events)
    assert (event.kind, event.chat, event.data["text"]) == ("message", alice.id, "hello")
    with pytest.raises(TimeoutError, match="the bot's message did not come"):
        await alice.chat.wait(lambda shown: shown.text == "bye", timeout=0.01)
    assert telegram.chat(alice.id).messages[-1].text == "hello"
    assert telegram.people() == [alice]


async def test_an_inline_result_is_sent_into_a_topic(
    telegram: StandInTelegram, bot: Bot, alice: Person
) -> None:
    forum = telegram.group("Project", people=[alice], forum=True)
    topic = await forum.topic(alice, "Plans")
    asked = asyncio.create_task(alice.inline("hello", chat=forum))
    while (update := (await bot.get_updates(offset=-1, timeout=5))[-1]).inline_query is None:
        pass
    said = InputTextMessageContent(message_text="Hi")
    result = InlineQueryResultArticle(id="1", title="Hi", input_message_content=said)
    await bot.answer_inline_query(update.inline_query.id, [result])
    sent = await alice.choose(await asked, chat=forum, topic=topic)
    assert sent.thread == topic
