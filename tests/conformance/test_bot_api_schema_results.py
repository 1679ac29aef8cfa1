"""Every result and update of the stand-in has the fields that Telegram publishes, and no others."""

import asyncio
from typing import Any

import aiogram.methods
import aiohttp
import msgspec
import pytest
from aiogram.methods.base import TelegramMethod
from aiogram.types import Update
from pydantic import TypeAdapter, ValidationError

from cocoon.devnet.telegram import Person, Shown, StandInTelegram
from cocoon.devnet.telegram.methods.table import METHODS, OF_UPDATES
from cocoon.devnet.telegram.updates import ON_REQUEST, UPDATE_KINDS
from cocoon.testing.telegram import GENEROUS

PUBLISHED: dict[str, type[TelegramMethod[Any]]] = {
    made.__api_method__: made
    for name in aiogram.methods.__all__
    if isinstance(made := getattr(aiogram.methods, name), type)
    and issubclass(made, TelegramMethod)
    and made is not TelegramMethod
}
RED_DOT = bytes.fromhex("89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de")


ARTICLE = {
    "type": "article",
    "id": "1",
    "title": "Ask",
    "input_message_content": {"message_text": "…"},
    "reply_markup": {"inline_keyboard": [[{"text": "S", "callback_data": "s"}]]},
}


class StrictCaller:
    """Calls methods and checks what comes back."""

    def __init__(self, telegram: StandInTelegram, session: aiohttp.ClientSession) -> None:
        self._telegram = telegram
        self._session = session
        self.called: set[str] = set()

    async def __call__(self, method: str, **arguments: Any) -> Any:
        self.called.add(method)
        form = aiohttp.FormData()
        for name, value in arguments.items():
            if isinstance(value, bytes):
                form.add_field(name, value, filename="file.bin", content_type="image/png")
            elif isinstance(value, str):
                form.add_field(name, value)
            else:
                form.add_field(name, msgspec.json.encode(value).decode())
        url = f"{self._telegram.url}/bot{self._telegram.token}/{method}"
        async with self._session.post(url, data=form) as answer:
            body = await answer.json()
        assert body["ok"], body
        returned = PUBLISHED[method].__returning__
        TypeAdapter(returned).validate_python(body["result"], extra="forbid")
        return body["result"]


async def _sending(call: StrictCaller, alice: Person, bob: Person) -> Shown:
    bold = [{"type": "bold", "offset": 0, "length": 2}]
    sent = await call("sendMessage", chat_id=alice.id, text="hello", entities=bold)
    reply = {"message_id": sent["message_id"]}
    keyboard = {"inline_keyboard": [[{"text": "Go", "callback_data": "go"}]]}
    await call("sendMessage", chat_id=alice.id, text="x", reply_parameters=reply)
    asked = await call("sendMessage", chat_id=alice.id, text="y", reply_markup=keyboard)
    await call("sendMessageDraft", chat_id=alice.id, draft_id=1, text="par", can_stop=True)
    await alice.stop()
    photo = await call("sendPhoto", chat_id=alice.id, photo=RED_DOT, caption="dot")
    await call("sendDocument", chat_id=alice.id, document=b"text")
    await call("sendVoice", chat_id=alice.id, voice=b"ogg", duration=2)
    await call("sendAudio", chat_id=alice.id, audio=b"mp3", title="Song")
    await call("getFile", file_id=photo["photo"][0]["file_id"])
    between = {"chat_id": bob.id, "from_chat_id": alice.id, "message_id": sent["message_id"]}
    await call("forwardMessage", **between)
    await call("copyMessage", **between)
    await call("sendChatAction", chat_id=alice.id, action="typing")
    changed = {"chat_id": alice.id, "message_id": sent["message_id"]}
    await call("editMessageText", **changed, text="other")
    await call("editMessageReplyMarkup", **changed, reply_markup=keyboard)
    caption = {"chat_id": alice.id, "message_id": photo["message_id"], "caption": "spot"}
    await call("editMessageCaption", **caption)
    await call("setMessageReaction", **changed, reaction=[{"type": "emoji", "emoji": "👍"}])
    await call("pinChatMessage", **changed)
    await call("unpinChatMessage", chat_id=alice.id)
    await call("deleteMessage", **changed)
    await call("deleteMessages", chat_id=alice.id, message_ids=[photo["message_id"], 99])
    return next(shown for shown in alice.chat.messages if shown.id == asked["message_id"])


async def _about(call: StrictCaller, alice: Person) -> None:
    commands = [{"command": "new", "description": "Start anew"}]
    await call("getMe")
    await call("setMyCommands", commands=commands, scope={"type": "all_private_chats"})
    assert await call("getMyCommands", scope={"type": "all_private_chats"}) == commands
    await call("deleteMyCommands", scope={"type": "all_private_chats"})
    app = {"type": "web_app", "text": "Open", "web_app": {"url": "https://example.org"}}
    await call("setChatMenuButton", menu_button=app)
    assert await call("getChatMenuButton", chat_id=alice.id) == app
    for name in ("Name", "Description", "ShortDescription"):
        field = {"ShortDescription": "short_description"}.get(name, name.lower())
        await call(f"setMy{name}", **{field: "Words"})
        assert await call(f"getMy{name}") == {field: "Words"}
    await call("logOut")
    await call("close")


async def _chats(
    call: StrictCaller, telegram: StandInTelegram, alice: Person, bot: "Answering"
) -> None:
    group = telegram.group("Friends", people=[alice], forum=True)
    group.state.bot_admin = True
    await group.topic(alice, "Tea")
    await call("createForumTopic", chat_id=group.id, name="Coffee")
    await call("getChat", chat_id=group.id)
    await call("getChat", chat_id=alice.id)
    await call("getChatAdministrators", chat_id=group.id)
    for user in (alice.id, telegram.world.bot.id):
        await call("getChatMember", chat_id=group.id, user_id=user)
    await call("getChatMemberCount", chat_id=group.id)
    await call("leaveChat", chat_id=group.id)
    await alice.send("well, @cocoon_stand_in_bot?", chat=group)
    await bot.take()
    assert group.answers[-1].text == "…"
    await group.add_bot(alice)


class Answering:
    """Answers queries as they come, as a bot would; keeps every update."""

    def __init__(self, call: StrictCaller, telegram: StandInTelegram) -> None:
        self._call = call
        self._telegram = telegram
        self.kinds: set[str] = set()

    async def take(self) -> None:
        """Takes all updates, checks them strictly and answers."""
        waiting = list(self._telegram.world.updates.waiting)
        for update in await self._call("getUpdates", limit=100):
            assert update in waiting
            kind = next(name for name in update if name != "update_id")
            self.kinds.add(kind)
            Update.model_validate(update, extra="forbid")
            await self._answer(kind, update[kind])
        if waiting:
            last = waiting[-1]["update_id"]
            await self._call("getUpdates", offset=last + 1)

    async def _answer(self, kind: str, content: Any) -> None:
        if kind == "callback_query":
            await self._call("answerCallbackQuery", callback_query_id=content["id"], text="OK")
        elif kind == "pre_checkout_query":
            await self._call("answerPreCheckoutQuery", pre_checkout_query_id=content["id"], ok=True)
        elif kind == "inline_query":
            await self._call("answerInlineQuery", inline_query_id=content["id"], results=[ARTICLE])
        elif kind == "guest_message":
            query = content["guest_query_id"]
            await self._call("answerGuestQuery", guest_query_id=query, result=ARTICLE)


async def _people(telegram: StandInTelegram, alice: Person, bot: Answering) -> None:
    first = await alice.start("pay")
    await alice.edit(first, "/help")
    await alice.send("see https://example.org #tag", reply_to=first)
    await alice.forward([first], hide_sender="Nobody")
    await alice.send_photo(RED_DOT, caption="what is this? @cocoon_stand_in_bot")
    await alice.send_document(b"text", name="a.txt", content_type="text/plain")
    await alice.send_voice(b"ogg", duration=3)
    await bot.take()


async def _paying(call: StrictCaller, alice: Person, bot: Answering, run: Any) -> None:
    bill = {
        "title": "Credit",
        "description": "A day",
        "payload": "p1",
        "currency": "XTR",
        "prices": [{"label": "Credit", "amount": 5}],
    }
    sent = await call("sendInvoice", chat_id=alice.id, **bill)
    link = await call("createInvoiceLink", **bill)
    in_chat = next(shown for shown in alice.chat.messages if shown.id == sent["message_id"])
    for invoice in (in_chat, link):
        paid = await run(alice.pay(invoice))
    await call("refundStarPayment", user_id=alice.id, telegram_payment_charge_id=paid.charge)
    assert len((await call("getStarTransactions"))["transactions"]) == 3
    assert await call("getMyStarBalance") == {"amount": 5}
    await bot.take()


@pytest.mark.anyio
async def test_results_and_updates_have_only_published_fields() -> None:
    async with (
        StandInTelegram(rates=GENEROUS) as telegram,
        aiohttp.ClientSession() as session,
    ):
        call = StrictCaller(telegram, session)
        bot = Answering(call, telegram)
        alice = telegram.person("Alice", username="alice", stars=50)
        bob = telegram.person("Bob", started=True)

        async def run(doing: Any) -> Any:
            task = asyncio.ensure_future(doing)
            await asyncio.sleep(0)
            await bot.take()
            return await task

        await _people(telegram, alice, bot)
        asked = await _sending(call, alice, bob)
        await run(alice.press(asked, "go"))
        offered = await run(alice.inline("hello", chat=bob.chat))
        chosen = await alice.choose(offered)
        await call("editMessageText", inline_message_id=chosen.inline_message_id, text="done")
        await _paying(call, alice, bot, run)
        await _about(call, alice)
        await _chats(call, telegram, alice, bot)
        await alice.block()
        await bot.take()
        await call("setWebhook", url="http://127.0.0.1:9/hook", secret_token="s")
        await call("getWebhookInfo")
        await call("deleteWebhook")
    assert call.called == set(METHODS) | OF_UPDATES
    assert bot.kinds == set(UPDATE_KINDS) - ON_REQUEST


def test_the_check_sees_fields_that_are_not_published() -> None:
    with pytest.raises(ValidationError):
        Update.model_validate({"update_id": 1, "news": 1}, extra="forbid")
