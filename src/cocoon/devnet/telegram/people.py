"""People of the stand-in: what a person can do in an app of Telegram's.

Sources: https://core.telegram.org/bots/api#update and the pages of the objects that updates hold.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from cocoon.devnet.telegram import paying
from cocoon.devnet.telegram.answers import Json
from cocoon.devnet.telegram.arguments import Upload
from cocoon.devnet.telegram.attachments import attach
from cocoon.devnet.telegram.drafts import stop_draft
from cocoon.devnet.telegram.inline import InlineAnswer, ask_guest, ask_inline, choose_inline
from cocoon.devnet.telegram.limits import MAX_TEXT
from cocoon.devnet.telegram.messages import add_message, copied, origin
from cocoon.devnet.telegram.paying import Paid
from cocoon.devnet.telegram.pressing import CallbackAnswer, press_button
from cocoon.devnet.telegram.privacy import bot_sees, is_mentioned
from cocoon.devnet.telegram.text import detect, encode, units
from cocoon.devnet.telegram.values import Account, Draft
from cocoon.devnet.telegram.views import WAIT, Button, ChatView, Shown
from cocoon.devnet.telegram.world import World


@dataclass(frozen=True, slots=True)
class Place:
    """Where a person writes.

    Attributes:
        chat: ``None`` for the private chat with the bot.
        topic: the topic's thread id.
        reply_to: the message that it answers.
    """

    chat: ChatView | None = None
    topic: int | None = None
    reply_to: Shown | None = field(default=None, repr=False)


class Person:
    """A person with an account.

    Attributes:
        account: name, language, pretend Stars.
        chat: the private chat with the bot.
    """

    def __init__(self, world: World, account: Account) -> None:
        self._world = world
        self.account = account
        self.chat = ChatView(world, world.chats[account.id])

    @property
    def id(self) -> int:
        """The person's user id, and the private chat's id."""
        return self.account.id

    async def start(self, payload: str = "") -> Shown:
        """Presses Start: ``/start`` with the payload of a link; unblocks the bot."""
        await self.unblock()
        return await self.send(f"/start {payload}".strip())

    async def send(
        self,
        text: str,
        *,
        chat: ChatView | None = None,
        topic: int | None = None,
        reply_to: Shown | None = None,
        entities: Sequence[Json] | None = None,
    ) -> Shown:
        """Writes a text; commands, mentions and addresses in it become entities by themselves.

        Apps send a long text as several messages; the last one is given then.
        """
        while units(text) > MAX_TEXT:
            part = encode(text)[: 2 * MAX_TEXT].decode("utf-16-le", "ignore")
            self._say({"text": part}, Place(chat, topic, reply_to))
            text = text[len(part) :]
        found = list(entities) if entities is not None else detect(text)
        content: Json = {"text": text} | ({"entities": found} if found else {})
        return self._say(content, Place(chat, topic, reply_to))

    async def edit(self, message: Shown, text: str) -> Shown:
        """Edits an own message."""
        message.raw.update(text=text, edit_date=self._world.now(), entities=detect(text))
        self._world.changed("edited", message.chat_id, message.raw)
        chat = self._world.chats[message.chat_id]
        if bot_sees(self._world, chat, message.raw):
            self._world.updates.put("edited_message", dict(message.raw))
        return message

    async def forward(
        self,
        messages: Sequence[Shown],
        *,
        chat: ChatView | None = None,
        topic: int | None = None,
        hide_sender: str = "",
    ) -> list[Shown]:
        """Forwards messages one after another, as an app does with several at once.

        Args:
            messages: in the order in which they are sent.
            chat: where to; the private chat with the bot otherwise.
            topic: its topic.
            hide_sender: forward as from a person with this name whose account is hidden.
        """
        forwarded = []
        for message in messages:
            where = origin(message.raw)
            if hide_sender:
                where = {
                    "type": "hidden_user",
                    "date": message.raw["date"],
                    "sender_user_name": hide_sender,
                }
            content = copied(message.raw) | {"forward_origin": where}
            forwarded.append(self._say(content, Place(chat, topic)))
        return forwarded

    async def send_photo(
        self,
        data: bytes,
        *,
        caption: str = "",
        name: str = "photo.jpg",
        chat: ChatView | None = None,
        topic: int | None = None,
        reply_to: Shown | None = None,
    ) -> Shown:
        """Sends a photo."""
        upload = Upload(name, "image/jpeg", data)
        return self._send_file("photo", upload, caption, Place(chat, topic, reply_to))

    async def send_document(
        self,
        data: bytes,
        *,
        name: str,
        content_type: str = "application/octet-stream",
        caption: str = "",
        chat: ChatView | None = None,
        topic: int | None = None,
        reply_to: Shown | None = None,
    ) -> Shown:
        """Sends a document."""
        upload = Upload(name, content_type, data)
        return self._send_file("document", upload, caption, Place(chat, topic, reply_to))

    async def send_voice(
        self,
        data: bytes,
        *,
        duration: int = 1,
        content_type: str = "audio/ogg",
        caption: str = "",
        chat: ChatView | None = None,
        topic: int | None = None,
        reply_to: Shown | None = None,
    ) -> Shown:
        """Sends a voice note of so many seconds; apps of Telegram's send Opus in Ogg."""
        name = "voice.oga" if content_type == "audio/ogg" else "voice"
        upload = Upload(name, content_type, data)
        place = Place(chat, topic, reply_to)
        return self._send_file("voice", upload, caption, place, duration)

    async def press(
        self, message: Shown, button: Button | str, *, timeout: float = WAIT
    ) -> CallbackAnswer:
        """Presses a button with callback data and waits for the bot's answer.

        Args:
            message: under which it stands.
            button: the button, its data, or a part of its text.
            timeout: seconds of real time.

        Raises:
            KeyError: there is no such button.
            TimeoutError: the bot does not answer the query.
        """
        return await press_button(self._world, self.account, message, button, timeout)

    async def stop(self, draft: Draft | None = None, *, chat: ChatView | None = None) -> None:
        """Presses Stop on a live draft.

        Raises:
            LookupError: none is shown, or it has no such button.
        """
        found = draft or (chat or self.chat).draft
        if found is None or not found.can_stop:
            raise LookupError("no draft that can be stopped is shown")
        stop_draft(self._world, found)

    async def inline(
        self,
        query: str,
        *,
        chat: ChatView | None = None,
        offset: str = "",
        timeout: float = WAIT,
    ) -> InlineAnswer:
        """Types ``@bot query`` and waits for the results.

        Raises:
            TimeoutError: the bot does not answer.
        """
        return await ask_inline(self._world, self.account, query, chat, offset, timeout)

    async def choose(
        self,
        answer: InlineAnswer,
        which: int | str = 0,
        *,
        chat: ChatView | None = None,
        topic: int | None = None,
    ) -> Shown:
        """Sends one of the results.

        Args:
            answer: what the bot offered.
            which: its index, or its id.
            chat: where to; a chat that the bot is not in when it is ``None``.
            topic: its topic.
        """
        return choose_inline(self._world, self.account, answer, which, chat, topic)

    async def pay(self, invoice: Shown | str, *, timeout: float = WAIT) -> Paid:
        """Pays an invoice (a message's or a link's) with pretend Stars.

        Raises:
            PaymentRefusedError: the bot refuses, does not answer in time, or too few
                Stars are left.
        """
        return await paying.pay(self._world, self.account, invoice, timeout)

    async def get_refund(self, paid: Paid) -> None:
        """Gets the Stars of a payment back from Telegram itself, without the bot's doing."""
        paying.refund(self._world, paid)

    async def block(self) -> None:
        """Blocks the bot: it can write no more."""
        if not self.account.blocked:
            self.account.blocked = True
            self._status_changed("member", "kicked")

    async def unblock(self) -> None:
        """Unblocks it."""
        if self.account.blocked:
            self.account.blocked = False
            self._status_changed("kicked", "member")

    def _status_changed(self, old: str, new: str) -> None:
        world, bot = self._world, self._world.bot.user()
        until = {"until_date": 0}
        world.updates.put(
            "my_chat_member",
            {
                "chat": self.chat.state.json(),
                "from": self.account.user(),
                "date": world.now(),
                "old_chat_member": {"user": bot, "status": old}
                | (until if old == "kicked" else {}),
                "new_chat_member": {"user": bot, "status": new}
                | (until if new == "kicked" else {}),
            },
        )

    def _send_file(
        self, kind: str, upload: Upload, caption: str, place: Place, duration: int = 0
    ) -> Shown:
        content = attach(self._world, kind, upload, {"duration": duration})
        if caption:
            content["caption"] = caption
            if found := detect(caption):
                content["caption_entities"] = found
        return self._say(content, place)

    def _say(self, content: Json, place: Place) -> Shown:
        world, chat = self._world, (place.chat or self.chat).state
        if self.id not in chat.members:
            raise LookupError("the person is not in this chat")
        if chat is self.chat.state:
            self.account.started = True
        reply_to = place.reply_to.raw if place.reply_to is not None else None
        thread = place.topic
        if thread is None and reply_to is not None:
            thread = reply_to.get("message_thread_id")
        general = chat.bot_spoke_last
        message = add_message(
            world, chat, self.account.user(), content, thread=thread, reply_to=reply_to
        )
        if bot_sees(world, chat, message, bot_spoke_last=general):
            world.updates.put("message", dict(message))
        elif world.bot.guest_mode and not chat.bot_in and is_mentioned(world, message):
            ask_guest(world, self.account, message)
        return Shown(message, chat.id)
