"""Groups, topics and tasks, through real aiogram and the stand-in."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cocoon.telegram.bot.addressed import ANONYMOUS_ADMIN
from cocoon.testing.bot_extras import ExtrasBot, extras_bot, model

pytestmark = pytest.mark.anyio
NAME = "@cocoon_stand_in_bot"


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncIterator[ExtrasBot]:
    async with extras_bot(tmp_path) as running:
        yield running
        assert running.errors == []


@pytest.fixture
async def nosy(tmp_path: Path) -> AsyncIterator[ExtrasBot]:
    """Privacy mode is off: the bot sees everything that is said."""
    async with extras_bot(tmp_path, privacy_mode=False) as running:
        yield running
        assert running.errors == []


async def test_who_speaks_to_the_bot_is_answered(bot: ExtrasBot) -> None:
    anna = bot.telegram.person("Anna")
    group = bot.telegram.group("Team", people=[anna])
    asked = await anna.send(f"{NAME}, why is the sky blue?", chat=group)
    answer = await group.answer()

    assert bot.asked == ["why is the sky blue?"]
    [ask] = bot.recorder.asks
    assert (ask.here.user, ask.here.chat) == (anna.id, str(group.id))
    assert answer.raw["reply_to_message"]["message_id"] == asked.id

    await anna.send("and at night?", chat=group, reply_to=answer)
    await bot.idle()
    assert bot.asked[1:] == ["and at night?"]


async def test_the_rest_of_a_group_is_none_of_its_business(nosy: ExtrasBot) -> None:
    anna, boris = nosy.telegram.person("Anna"), nosy.telegram.person("Boris")
    group = nosy.telegram.group("Team", people=[anna, boris])
    said = await anna.send("lunch?", chat=group)
    await boris.send("yes", chat=group, reply_to=said)
    await boris.send("ask @another_bot", chat=group)
    await anna.send_photo(b"\xff\xd8\xff", chat=group)
    await anna.send_document(b"hello", name="a.txt", chat=group, caption="see")
    await anna.send_voice(b"OggS", chat=group)
    await nosy.idle()

    assert nosy.asked == []
    assert group.answers == []


async def test_a_question_about_somebody_elses_message(bot: ExtrasBot) -> None:
    anna, boris = bot.telegram.person("Anna"), bot.telegram.person("Boris")
    group = bot.telegram.group("Team", people=[anna, boris])
    said = await boris.send("Die Katze ist rot", chat=group)
    await anna.send(f"{NAME} what does it mean?", chat=group, reply_to=said)
    await bot.idle()

    [asked] = bot.asked
    assert asked.startswith("what does it mean?")
    assert "Die Katze ist rot" in asked
    assert bot.recorder.asks[0].here.user == anna.id  # who asks pays


async def test_only_the_name(bot: ExtrasBot) -> None:
    anna = bot.telegram.person("Anna")
    group = bot.telegram.group("Team", people=[anna])
    await anna.send(NAME, chat=group)
    assert NAME in (await group.answer()).text

    said = await anna.send("E = mc²", chat=group)
    await anna.send(NAME, chat=group, reply_to=said)
    await bot.idle()
    assert bot.asked[0].startswith("Explain this.")


async def test_a_picture_in_a_group(bot: ExtrasBot) -> None:
    bot.models.served = (model("eyes", "text", "image"),)
    anna = bot.telegram.person("Anna")
    group = bot.telegram.group("Team", people=[anna])
    photo = await anna.send_photo(b"\xff\xd8\xff", chat=group, caption=f"{NAME} what is it?")
    await bot.idle()
    await anna.send(f"{NAME} which colour?", chat=group, reply_to=photo)
    await bot.idle()

    first, second = bot.asked
    assert first == "what is it?"
    assert second.startswith("which colour?")
    assert [len(ask.turn.images) for ask in bot.recorder.asks] == [1, 1]


async def test_topics_are_conversations_of_their_own(bot: ExtrasBot) -> None:
    anna = bot.telegram.person("Anna")
    forum = bot.telegram.group("Forum", people=[anna], forum=True)
    topic = await forum.topic(anna, "Plans")
    await anna.send(f"{NAME} here?", chat=forum, topic=topic)
    answer = await forum.answer()
    await anna.send(f"{NAME} general?", chat=forum)
    await bot.idle()

    assert answer.thread == topic
    chats = [ask.here.chat for ask in bot.recorder.asks]
    assert chats == [f"{forum.id}/{topic}", str(forum.id)]


async def test_topics_in_a_private_chat(tmp_path: Path) -> None:
    async with extras_bot(tmp_path, private_topics=True) as bot:
        anna = bot.telegram.person("Anna")
        topic = await bot_topic(bot, anna.id)
        await anna.send_document(b"words", name="a.txt", caption="Which?", topic=topic)
        answer = await anna.chat.answer()

        assert answer.thread == topic
        assert bot.recorder.asks[0].here.chat == f"{anna.id}/{topic}"
        assert bot.errors == []


async def bot_topic(bot: ExtrasBot, person: int) -> int:
    from cocoon.devnet.telegram.groups import open_topic

    owner = next(each for each in bot.telegram.people() if each.id == person)
    return open_topic(owner.chat, owner, "Plans")


async def test_whom_telegram_does_not_name(bot: ExtrasBot) -> None:
    anna = bot.telegram.person("Anna")
    group = bot.telegram.group("Team", people=[anna])
    await anna.send("hello", chat=group)
    await bot.idle()
    chat = group.state.json()
    await bot.feed(
        {
            "update_id": 1,
            "message": {
                "message_id": 99,
                "date": 1,
                "chat": chat,
                "sender_chat": chat,
                "from": {"id": ANONYMOUS_ADMIN, "is_bot": True, "first_name": "Group"},
                "text": f"{NAME} hi",
                "entities": [{"type": "mention", "offset": 0, "length": len(NAME)}],
            },
        }
    )

    assert "as yourself" in group.answers[-1].text
    assert bot.asked == []


async def test_the_bot_introduces_itself(bot: ExtrasBot) -> None:
    anna = bot.telegram.person("Anna")
    group = bot.telegram.group("Team", people=[anna])
    await group.remove_bot(anna)
    await bot.idle()
    await group.add_bot(anna)
    hello = await group.wait(lambda _: True)

    assert NAME in hello.text
    assert "pays" in hello.text


async def test_translating_a_message(bot: ExtrasBot) -> None:
    anna, boris = bot.telegram.person("Anna"), bot.telegram.person("Boris")
    group = bot.telegram.group("Team", people=[anna, boris])
    said = await boris.send("Die Katze", chat=group)
    await anna.send("/translate@cocoon_stand_in_bot", chat=group, reply_to=said)
    await anna.send("/translate@cocoon_stand_in_bot to French", chat=group, reply_to=said)
    await bot.idle()

    english, french = sorted(bot.asked)
    assert "into English" in english
    assert "Die Katze" in english
    assert "into French" in french
    assert not any(ask.has_history for ask in bot.recorder.asks)


async def test_tasks_in_private(bot: ExtrasBot) -> None:
    anna = bot.telegram.person("Anna")
    await anna.send("/translate Guten Morgen allerseits")
    await bot.idle()
    assert "Guten Morgen allerseits" in bot.asked[0]

    await anna.send("/summarize")
    assert "/summarize" in (await anna.chat.answer()).text
    assert len(bot.asked) == 1

    sent = await anna.send_document(b"The meeting is at six.", name="a.txt")
    await anna.chat.answer()
    await anna.send("/summarise", reply_to=sent)
    await bot.idle()
    assert "The meeting is at six." in bot.asked[1]

    answer = anna.chat.answers[-1]
    await anna.send("/translate German", reply_to=answer)
    await bot.idle()
    assert "into German" in bot.asked[2]
    assert answer.text in bot.asked[2]


async def test_tasks_for_other_bots_are_left_alone(nosy: ExtrasBot) -> None:
    anna = nosy.telegram.person("Anna")
    group = nosy.telegram.group("Team", people=[anna])
    await anna.send("/translate@another_bot hello", chat=group)
    await nosy.idle()

    assert nosy.asked == []
    assert group.answers == []


async def test_a_quote_is_all_there_is_to_it(bot: ExtrasBot) -> None:
    anna = bot.telegram.person("Anna")
    await anna.start()
    await bot.idle()
    me = anna.account.user()
    private = {"id": anna.id, "type": "private", "first_name": "Anna"}
    base = {"date": 1, "chat": private, "from": me}
    said = {"message_id": 7, "text": "one two three", **base}
    await bot.feed(
        {
            "update_id": 1,
            "message": {
                **base,
                "message_id": 8,
                "text": "Why two?",
                "reply_to_message": said,
                "quote": {"text": "two", "position": 4, "is_manual": True},
            },
        }
    )

    assert bot.asked[0].startswith("Why two?")
    assert "three" not in bot.asked[0]


async def test_replies_to_the_bots_own_words_are_left_to_others(bot: ExtrasBot) -> None:
    anna = bot.telegram.person("Anna")
    await anna.send_document(b"x", name="a.txt")
    offer = await anna.chat.answer()
    await anna.send("thanks", reply_to=offer)
    await bot.idle()

    assert bot.asked == []
