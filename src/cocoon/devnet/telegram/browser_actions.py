"""What a person does on the page of the stand-in, as calls with JSON."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from cocoon.devnet.telegram.answers import Json
from cocoon.devnet.telegram.browser_state import bot_json, person_json
from cocoon.devnet.telegram.inline import InlineAnswer
from cocoon.devnet.telegram.paying import Invoice, find_invoice
from cocoon.devnet.telegram.people import Person
from cocoon.devnet.telegram.server import StandInTelegram
from cocoon.devnet.telegram.views import Button, ChatView, Shown
from cocoon.devnet.telegram.wallet import FIRST_FILL, StandInWallet
from cocoon.devnet.telegram.webview import launch_url, origin_of, read_theme
from cocoon.errors import BadRequestError

MAX_TEXT = 4096
"""UTF-16 units of a message, as apps of Telegram's allow."""
MAX_STARS = 1_000_000
MAX_FORWARDED = 100
ANSWER_TIME = 20.0
"""Seconds for which the page waits for the bot's answer to a button, query or checkout."""
KEPT_QUERIES = 50

Action = Callable[[Person, Json], Awaitable[Json]]


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowserOptions:
    """What the page has beyond the chats.

    Attributes:
        app_url: the Mini App's address; empty takes the one of the bot's menu button.
        new_wallet: makes a person's pretend wallet; None where there is no chain.
    """

    app_url: str = ""
    new_wallet: Callable[[], StandInWallet] | None = None


def _number(body: Json, name: str, *, optional: bool = False) -> int:
    value = body.get(name)
    if value is None and optional:
        return 0
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) > 2**53:
        raise BadRequestError(f"{name} is a number")
    return value


def _text(body: Json, name: str, most: int, *, optional: bool = False) -> str:
    value = body.get(name)
    if value is None and optional:
        return ""
    if not isinstance(value, str) or len(value.encode("utf-16-le", "replace")) // 2 > most:
        raise BadRequestError(f"{name} is a text of at most {most} characters")
    return value


class BrowserActions:
    """Does what the page asks for.

    Args:
        standin: whose people act.
        options: of the page.
    """

    def __init__(self, standin: StandInTelegram, options: BrowserOptions) -> None:
        self._standin = standin
        self._world = standin.world
        self._options = options
        self._wallets: dict[int, StandInWallet] = {}
        self._queries: dict[tuple[int, str], InlineAnswer] = {}
        self.by_name: dict[str, Action] = {
            "send": self._send,
            "press": self._press,
            "stop": self._stop,
            "forward": self._forward,
            "inline": self._inline,
            "choose": self._choose,
            "pay": self._pay,
            "invoice": self._invoice,
            "stars": self._stars,
            "block": self._block,
            "webapp": self._webapp,
            "wallet": self._wallet_shown,
            "wallet/fill": self._wallet_fill,
            "wallet/connect": self._wallet_connect,
            "wallet/plan": self._wallet_plan,
            "wallet/send": self._wallet_send,
        }

    def person(self, number: str) -> Person:
        """Who the page is; the first person where it does not say.

        Raises:
            BadRequestError: there is no such person.
        """
        people = self._standin.people()
        if not number and people:
            return people[0]
        for person in people:
            if str(person.id) == number:
                return person
        raise BadRequestError("nobody here has this number")

    def chat(self, person: Person, body: Json) -> ChatView:
        """The chat that is named, when the person is in it.

        Raises:
            BadRequestError: it is not there for this person.
        """
        state = self._world.chats.get(_number(body, "chat"))
        if state is None or person.id not in state.members:
            raise BadRequestError("there is no such chat")
        return ChatView(self._world, state)

    def message(self, chat: ChatView, number: int) -> Shown:
        """A message that stands in a chat.

        Raises:
            BadRequestError: it is gone.
        """
        raw = chat.state.messages.get(number)
        if raw is None:
            raise BadRequestError("the message is gone")
        return Shown(raw, chat.id)

    def place(self, person: Person, body: Json) -> tuple[ChatView, int | None, Shown | None]:
        """Chat, topic and the message that is answered.

        Raises:
            BadRequestError: one of them is not there.
        """
        chat = self.chat(person, body)
        thread = _number(body, "thread", optional=True) or None
        if thread is not None and thread not in chat.state.topics:
            raise BadRequestError("there is no such topic")
        reply = _number(body, "reply_to", optional=True)
        return chat, thread, self.message(chat, reply) if reply else None

    async def _send(self, person: Person, body: Json) -> Json:
        chat, topic, reply_to = self.place(person, body)
        text = _text(body, "text", MAX_TEXT).strip()
        if not text:
            raise BadRequestError("there is nothing to send")
        sent = await person.send(text, chat=chat, topic=topic, reply_to=reply_to)
        return {"message": sent.id}

    async def _press(self, person: Person, body: Json) -> Json:
        shown = self.message(self.chat(person, body), _number(body, "message"))
        data = _text(body, "data", 64)
        button = next((one for one in shown.buttons if one.data == data), None)
        if button is None:
            raise BadRequestError("the button is gone")
        answer = await person.press(
            shown, Button(button.text, data, button.raw), timeout=ANSWER_TIME
        )
        return {"text": answer.text, "alert": answer.alert, "url": answer.url}

    async def _stop(self, person: Person, body: Json) -> Json:
        chat, topic, _ = self.place(person, body)
        draft = next((one for one in chat.drafts if one.thread == topic), None)
        if draft is not None:
            await person.stop(draft, chat=chat)
        return {}

    async def _forward(self, person: Person, body: Json) -> Json:
        chat, numbers = self.chat(person, body), body.get("messages")
        if not isinstance(numbers, list) or not 1 <= len(numbers) <= MAX_FORWARDED:
            raise BadRequestError(f"1 to {MAX_FORWARDED} messages can be forwarded at once")
        chosen = [self.message(chat, number) for number in numbers if isinstance(number, int)]
        await person.forward(chosen)
        return {}

    async def _inline(self, person: Person, body: Json) -> Json:
        chat, query = self.chat(person, body), _text(body, "query", 256)
        answer = await person.inline(query, chat=chat, timeout=ANSWER_TIME)
        self._queries[person.id, query] = answer
        while len(self._queries) > KEPT_QUERIES:
            del self._queries[next(iter(self._queries))]
        return {"query": query, "results": answer.results, "button": answer.button}

    async def _choose(self, person: Person, body: Json) -> Json:
        chat, _, _ = self.place(person, body)
        answer = self._queries.get((person.id, _text(body, "query", 256)))
        result = _text(body, "result", 64)
        if answer is None or all(one.get("id") != result for one in answer.results):
            raise BadRequestError("the result is gone: ask again")
        sent = await person.choose(answer, result, chat=chat)
        return {"message": sent.id}

    def _bill(self, person: Person, body: Json) -> tuple[Invoice, Shown | str]:
        what: Shown | str
        if "slug" in body:
            slug = _text(body, "slug", 256)
            links = (
                link for link in self._world.invoices if link.endswith((f"/${slug}", f"/{slug}"))
            )
            what = next(links, slug)
        else:
            what = self.message(self.chat(person, body), _number(body, "message"))
        return find_invoice(self._world, what), what

    async def _invoice(self, person: Person, body: Json) -> Json:
        bill, _ = self._bill(person, body)
        return {
            "title": bill.title,
            "description": bill.description,
            "currency": bill.currency,
            "total_amount": bill.total,
        }

    async def _pay(self, person: Person, body: Json) -> Json:
        _, what = self._bill(person, body)
        await person.pay(what, timeout=ANSWER_TIME)
        return {"me": person_json(person)}

    async def _stars(self, person: Person, body: Json) -> Json:
        amount = _number(body, "amount")
        if not 0 < amount <= MAX_STARS or person.account.stars + amount > MAX_STARS:
            raise BadRequestError(f"a person has at most {MAX_STARS} pretend Stars")
        person.account.stars += amount
        return {"me": person_json(person)}

    async def _block(self, person: Person, body: Json) -> Json:
        await (person.block() if body.get("blocked") is True else person.unblock())
        return {"me": person_json(person)}

    def app_url(self, person: Person) -> str:
        """Address of the Mini App that belongs to the bot, empty without one."""
        menu: Json = bot_json(self._world, person)["menu_button"] or {}
        return self._options.app_url or str(menu.get("web_app", {}).get("url", ""))

    def shown(self, person: Person) -> Json:
        """What the page is told of Mini App and wallet."""
        url = self.app_url(person)
        app = {"url": url} if url else None
        return {"app": app, "wallet": self._options.new_wallet is not None}

    async def _webapp(self, person: Person, body: Json) -> Json:
        named = _text(body, "url", 4096, optional=True)
        url = named or self.app_url(person)
        if not url:
            raise BadRequestError("the bot has no Mini App")
        start = _text(body, "start", 512, optional=True)
        theme = read_theme(body.get("theme_params"))
        data = self._standin.init_data(person, start_param=start)
        return {"url": launch_url(url, data, theme, start_param=start), "origin": origin_of(url)}

    def _wallet(self, person: Person) -> StandInWallet:
        new = self._options.new_wallet
        if new is None:
            raise BadRequestError("this stand-in has no chain, and so no wallet")
        if person.id not in self._wallets:
            self._wallets[person.id] = new()
        return self._wallets[person.id]

    async def _wallet_shown(self, person: Person, _: Json) -> Json:
        is_new = person.id not in self._wallets
        wallet = self._wallet(person)
        if is_new:
            await wallet.fill(FIRST_FILL)
        return await wallet.describe()

    async def _wallet_fill(self, person: Person, body: Json) -> Json:
        wallet, nano = self._wallet(person), _text(body, "nano", 20)
        if not nano.isascii() or not nano.isdigit():
            raise BadRequestError("nano is a number of nanoTON")
        await wallet.fill(int(nano))
        return await wallet.describe()

    async def _wallet_connect(self, person: Person, body: Json) -> Json:
        origin = origin_of(_text(body, "origin", 512))
        domain = urlsplit(origin).netloc
        # Who checks a proof compares its time with the machine's, not with the stand-in's.
        items = self._wallet(person).connect_items(body.get("items"), domain, int(time.time()))
        return {"items": items}

    async def _wallet_plan(self, person: Person, body: Json) -> Json:
        return await self._wallet(person).plan(_text(body, "request", 64 * 1024))

    async def _wallet_send(self, person: Person, body: Json) -> Json:
        return {"boc": await self._wallet(person).send(_text(body, "request", 64 * 1024))}

    async def upload(self, person: Person, body: Json, data: bytes, name: str, kind: str) -> Json:
        """Send a file; ``body`` has ``chat``, ``thread``, ``reply_to``, ``caption`` and ``kind``.

        Args:
            person: who sends.
            body: the form's fields.
            data: the file's bytes.
            name: the file's name.
            kind: its media type.

        Raises:
            BadRequestError: something is not there, or no kind of file.
        """
        chat, topic, reply_to = self.place(person, body)
        caption = _text(body, "caption", 1024, optional=True)
        if body.get("kind") == "photo":
            sent = await person.send_photo(
                data, caption=caption, name=name, chat=chat, topic=topic, reply_to=reply_to
            )
        elif body.get("kind") == "voice":
            sent = await person.send_voice(
                data, caption=caption, chat=chat, topic=topic, reply_to=reply_to
            )
        elif body.get("kind") == "document":
            sent = await person.send_document(
                data,
                name=name,
                content_type=kind,
                caption=caption,
                chat=chat,
                topic=topic,
                reply_to=reply_to,
            )
        else:
            raise BadRequestError("kind is photo, document or voice")
        return {"message": sent.id}

    async def close(self) -> None:
        """Stop the wallets."""
        for wallet in self._wallets.values():
            await wallet.close()
        self._wallets.clear()
