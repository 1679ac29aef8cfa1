import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cocoon.accounting import Nano
from cocoon.devnet.telegram.views import ChatView, Shown
from cocoon.errors import BadRequestError, DeadlineError, PriceError, UpstreamError
from cocoon.telegram.assistant.values import Turn
from cocoon.telegram.bot.asks import Ask
from cocoon.telegram.bot.delivery import Where
from cocoon.telegram.bot.here import Here
from cocoon.telegram.settings import TelegramSettings
from cocoon.testing.bot_rig import BotRig, bot_rig, until

pytestmark = pytest.mark.anyio


async def said(chat: ChatView, count: int) -> Shown:
    await until(lambda: len(chat.answers) >= count)
    return chat.answers[count - 1]


def message(rig: BotRig, user: int, number: int, text: str, update: int) -> dict[str, Any]:
    chat = {"id": user, "type": "private", "first_name": "A"}
    sender = {"id": user, "is_bot": False, "first_name": "A", "language_code": "en"}
    told = {"message_id": number, "date": 1_800_000_000, "chat": chat, "from": sender, "text": text}
    return {"update_id": update, "message": told}


async def test_stopping_a_draft_keeps_what_was_written(tmp_path: Path) -> None:
    async with bot_rig(tmp_path) as rig:
        person = rig.telegram.person("Alice")
        gate = asyncio.Semaphore(1)
        rig.assistant.say("Once upon ", "a time", gate=gate)
        await person.send("Tell me a story")
        await until(lambda: person.chat.draft is not None and person.chat.draft.text)
        await person.stop()
        told = await said(person.chat, 1)
        assert told.text.startswith("Once upon")
        assert "Stopped. You pay only for what was written." in told.text
        assert rig.assistant.stopped == [rig.assistant.questions[0].reference]
        assert [turn.text for turn in await rig.deps.history.turns(str(person.id))] == [
            "Tell me a story",
            "Once upon ",
        ]
        rig.assistant.say("there was a bot.")
        await person.press(told, "Continue")
        assert (await said(person.chat, 2)).text == "there was a bot."
        assert not told.buttons
        assert rig.assistant.questions[1].reference.endswith(f":{told.id}:more")


async def test_stop_and_new_end_what_runs_and_what_waits(tmp_path: Path) -> None:
    async with bot_rig(tmp_path) as rig:
        person = rig.telegram.person("Alice")
        gate = asyncio.Semaphore(0)
        rig.assistant.say("never", gate=gate)
        await person.send("One")
        await until(lambda: rig.assistant.questions)
        await person.send("Two")
        await person.send("/stop")
        assert "Stopped before the first word" in (await said(person.chat, 1)).text
        await person.send("/stop")
        assert "not writing anything" in (await said(person.chat, 2)).text
        assert len(rig.assistant.questions) == 1


async def test_new_stops_and_leaves_nothing_behind(tmp_path: Path) -> None:
    async with bot_rig(tmp_path) as rig:
        person = rig.telegram.person("Alice")
        rig.assistant.say("Half", " more", gate=asyncio.Semaphore(1))
        await person.send("Hello")
        await until(lambda: person.chat.draft is not None and person.chat.draft.text)
        await person.send("/new")
        assert "Stopped" in (await said(person.chat, 1)).text
        assert "remember 0 of 40" in (await said(person.chat, 2)).text
        assert await rig.deps.history.count(str(person.id)) == 0


HOSTILE = (
    *("m::::", "m:model:", "m:model:zz", "m:price:dear", "m:language:../x", "m:prompt:" + "x" * 40),
    *("pay:stars:99999999999", "pay:stars:-1", "pay:stars:²", "pay:refund!:x", "pay:", "p:x"),
    *("again:", "again:" + "x" * 50, "more:x", "stop:x", "\x00", "fwd:x", "inl:", "doc:x"),
)


async def test_data_that_no_button_of_ours_has(tmp_path: Path) -> None:
    async with bot_rig(tmp_path) as rig:
        person = rig.telegram.person("Alice")
        await person.start()
        told = await said(person.chat, 1)
        before = await rig.deps.chats.get(str(person.id))
        sender = {"id": person.id, "is_bot": False, "first_name": "A"}
        query = {"from": sender, "message": told.raw, "chat_instance": "1"}
        for number, data in enumerate(HOSTILE):
            pressed = {**query, "id": str(number), "data": data}
            await rig.feed({"update_id": 10**9 + number, "callback_query": pressed})
        assert not rig.assistant.questions
        assert await rig.deps.chats.get(str(person.id)) == before
        assert not await rig.deps.accounts.topups(person.id)
        failures = (await rig.deps.accounts.overview()).failures
        assert "unexpected" not in {code for _, code, _ in failures}


async def test_one_at_a_time_and_few_wait(tmp_path: Path) -> None:
    async with bot_rig(tmp_path) as rig:
        person = rig.telegram.person("Alice")
        gate = asyncio.Semaphore(0)
        rig.assistant.default = replace(rig.assistant.default, gate=gate)
        for number in range(5):
            await person.send(f"Question {number}")
        told = await said(person.chat, 1)
        assert "still working on your earlier messages" in told.text
        assert len(rig.assistant.questions) == 1
        for _ in range(4):
            gate.release()
        await said(person.chat, 5)
        asked = [question.turns[-1].text for question in rig.assistant.questions]
        assert asked == [f"Question {number}" for number in range(4)]


async def test_the_same_message_again_is_answered_and_charged_once(tmp_path: Path) -> None:
    async with bot_rig(tmp_path) as rig:
        person = rig.telegram.person("Alice")
        await person.start()
        await said(person.chat, 1)
        one = message(rig, person.id, 7, "Hello", 10**9)
        await asyncio.gather(
            rig.feed(one), rig.feed(one), rig.feed({**one, "update_id": 10**9 + 1})
        )
        await rig.feed(one)
        assert len(rig.assistant.questions) == 1
        assert len(person.chat.answers) == 2


async def test_an_answer_of_an_earlier_process_is_not_given_twice(tmp_path: Path) -> None:
    async with bot_rig(tmp_path) as rig:
        person = rig.telegram.person("Alice")
        reference = f"chat:{person.id}:7"
        await person.start()
        await said(person.chat, 1)
        await rig.deps.accounts.hold(person.id, reference, Nano(5_000_000))
        await rig.deps.accounts.settle(reference, Nano(2_000_000), {})
        rig.assistant.fail(BadRequestError("was charged before"))
        await rig.feed(message(rig, person.id, 7, "Hello", 10**9))
        told = await said(person.chat, 2)
        assert "restarted while I wrote" in told.text
        assert "cost 0.002 TON" in told.text
        rig.assistant.say("Here it is.")
        await person.press(told, "Try again")
        assert (await said(person.chat, 3)).text == "Here it is."
        assert rig.assistant.questions[1].reference == f"{reference}:again1"


async def test_a_recording_that_an_earlier_process_heard_is_not_passed_over(tmp_path: Path) -> None:
    async with bot_rig(tmp_path) as rig:
        person = rig.telegram.person("Alice")
        await person.start()
        await said(person.chat, 1)
        reference = f"chat:{person.id}:7:transcript"
        await rig.deps.accounts.hold(person.id, reference, Nano(5_000_000))
        await rig.deps.accounts.settle(reference, Nano(2_000_000), {})
        here = Here(
            user=person.id,
            chat=str(person.id),
            where=Where(person.id, is_private=True),
            preferences=await rig.deps.chats.get(str(person.id)),
            words=rig.deps.texts.words("en"),
        )
        ask = Ask(here=here, reference=reference, turn=Turn("user", ""))
        rig.assistant.transcripts.append(BadRequestError("was charged before"))
        assert await rig.deps.answering.transcribe(ask, "voice.ogg", b"OggS") is None
        assert "cost 0.002 TON. Send it again" in (await said(person.chat, 2)).text


@pytest.mark.parametrize(
    ("error", "words", "button"),
    [
        (UpstreamError("secret"), "The answer broke off", "Try again"),
        (DeadlineError("secret"), "did not come in time", "Try again"),
        (PriceError("secret"), "cost more than you allow", "m:price"),
        (BadRequestError("secret"), "the conversation became too long", "m:new"),
        (RuntimeError("secret"), "Something went wrong on my side", ""),
    ],
)
async def test_errors_say_what_to_do(
    tmp_path: Path, error: Exception, words: str, button: str
) -> None:
    async with bot_rig(tmp_path) as rig:
        person = rig.telegram.person("Alice")
        rig.assistant.fail(error, "The beginning" if isinstance(error, UpstreamError) else "")
        await person.send("Hello")
        told = await said(person.chat, 1)
        assert words in told.text
        assert "secret" not in told.text
        if isinstance(error, UpstreamError):
            assert told.text.startswith("The beginning")
        if button:
            assert told.button(button)
        overview = await rig.deps.accounts.overview()
        assert sum(count for _, _, count in overview.failures) == 1


async def test_a_long_answer_can_be_continued(tmp_path: Path) -> None:
    async with bot_rig(tmp_path) as rig:
        person = rig.telegram.person("Alice")
        rig.assistant.say("One, two", finish="length")
        await person.send("Count")
        told = await said(person.chat, 1)
        assert "as long as it may be" in told.text
        assert told.button("more")


async def test_closing_says_that_the_bot_restarts(tmp_path: Path) -> None:
    async with bot_rig(tmp_path) as rig:
        person = rig.telegram.person("Alice")
        rig.assistant.say("Half", " more", gate=asyncio.Semaphore(1))
        await person.send("Hello")
        await until(lambda: person.chat.draft is not None and person.chat.draft.text)
        await rig.deps.answering.close(0.05)
        told = person.chat.answers[0]
        assert told.text.startswith("Half")
        assert "I am being restarted" in told.text


async def test_a_person_in_too_many_chats_waits(tmp_path: Path) -> None:
    def one(settings: TelegramSettings) -> TelegramSettings:
        return replace(settings, limits=replace(settings.limits, answers_at_once=1))

    async with bot_rig(tmp_path, one) as rig:
        person = rig.telegram.person("Alice")
        group = rig.telegram.group("Friends", people=[person])
        rig.assistant.say("slow", gate=asyncio.Semaphore(0))
        await person.send("Hello")
        await until(lambda: rig.assistant.questions)
        await person.send(f"@{rig.deps.me.username} and here?", chat=group)
        assert "already answering you in other chats" in (await said(group, 1)).text


async def test_words_that_are_not_questions(tmp_path: Path) -> None:
    async with bot_rig(tmp_path) as rig:
        person = rig.telegram.person("Alice")
        await person.send("/nonsense")
        assert "do not know this command" in (await said(person.chat, 1)).text
        await person.send("/help")
        assert "What I can do" in (await said(person.chat, 2)).text
        assert not rig.assistant.questions


async def test_floods_and_blocked_people_are_turned_away(tmp_path: Path) -> None:
    def slow(settings: TelegramSettings) -> TelegramSettings:
        return replace(settings, limits=replace(settings.limits, messages_per_minute=2))

    async with bot_rig(tmp_path, slow) as rig:
        alice, bob = rig.telegram.person("Alice"), rig.telegram.person("Bob")
        for number in range(5):
            await alice.send(f"Question {number}")
        await until(lambda: len(alice.chat.answers) == 3)
        await asyncio.sleep(0.05)
        told = [each.text for each in alice.chat.answers]
        assert sum("a lot at once" in each for each in told) == 1
        assert len(rig.assistant.questions) == 2
        await rig.deps.accounts.account(bob.id)
        await rig.deps.accounts.block(bob.id, True)
        await bob.send("Hello")
        assert "does not serve you" in (await said(bob.chat, 1)).text
        assert len(rig.assistant.questions) == 2


async def test_updates_that_are_none_of_ours(tmp_path: Path) -> None:
    async with bot_rig(tmp_path) as rig:
        channel = {"id": -1005, "type": "channel", "title": "News"}
        post = {"message_id": 1, "date": 1, "chat": channel, "text": "Hello"}
        group = {"id": -1006, "type": "supergroup", "title": "Chatter"}
        sender = {"id": 5, "is_bot": False, "first_name": "A"}
        chatter = {**post, "chat": group, "from": sender}
        for number, update in enumerate(
            (
                {"channel_post": post},
                {"message": chatter},
                {"brand_new_kind": {"x": 1}},
                {"message": {**chatter, "from": {**sender, "is_bot": True}}},
            )
        ):
            await rig.feed({"update_id": 10**9 + number, **update})
        assert not rig.assistant.questions
        assert (await rig.deps.accounts.overview()).users == 0
