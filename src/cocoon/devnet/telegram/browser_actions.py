"""What a person does on the page of the stand-in, as calls with JSON."""

from collections.abc import Callable
from dataclasses import dataclass

from cocoon.devnet.telegram.answers import Json
from cocoon.devnet.telegram.browser_bodies import Action, number_of, text_of
from cocoon.devnet.telegram.browser_state import bot_json, person_json
from cocoon.devnet.telegram.browser_wallets import BrowserWallets
from cocoon.devnet.telegram.inline import InlineAnswer
from cocoon.devnet.telegram.paying import Invoice, find_invoice
from cocoon.devnet.telegram.people import Person
from cocoon.devnet.telegram.server import StandInTelegram
from cocoon.devnet.telegram.views import Button, ChatView, Shown
from cocoon.devnet.telegram.wallet import StandInWallet
from cocoon.devnet.telegram.webview import launch_url, origin_of, read_theme
from cocoon.errors import BadRequestError

MAX_TEXT = 4096
"""UTF-16 units of a message, as apps of Telegram's allow."""
MAX_STARS = 1_000_000
MAX_FORWARDED = 100
MAX_SECONDS = 24 * 3600
ANSWER_TIME = 20.0
"""Seconds for which the page waits for the bot's answer to a button, query or checkout."""
KEPT_QUERIES = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowserOptions:
    """What the page has beyond the chats.

    Attributes:
        app_url: the Mini App's address; empty takes the one of the bot's menu button.
        new_wallet: makes a person's pretend wallet; None where there is no chain.
    """

    app_url: str = ""
    new_wallet: Callable[[], StandInWallet] | None = None


def _seconds(body: Json) -> int:
    """How long a recording is, at least 1; what is not told is not known."""
    told = str(body.get("seconds", ""))[:6]
    return min(max(int(told), 1), MAX_SECONDS) if told.isascii() and told.isdigit() else 1


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
        self._wallets = BrowserWallets(options.new_wallet)
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
            **self._wallets.by_name,
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
        state = self._world.chats.get(number_of(body, "chat"))
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
        thread = number_of(body, "thread", optional=True) or None
        if thread is not None and thread not in chat.state.topics:
            raise BadRequestError("there is no such topic")
        reply = number_of(body, "reply_to", optional=True)
        return chat, thread, self.message(chat, reply) if reply else None

    async def _send(self, person: Person, body: Json) -> Json:
        chat, topic, reply_to = self.place(person, body)
        text = text_of(body, "text", MAX_TEXT).strip()
        if not text:
            raise BadRequestError("there is nothing to send")
        sent = await person.send(text, chat=chat, topic=topic, reply_to=reply_to)
        return {"message": sent.id}

    async def _press(self, person: Person, body: Json) -> Json:
        shown = self.message(self.chat(person, body), number_of(body, "message"))
        data = text_of(body, "data", 64)
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
        chat, query = self.chat(person, body), text_of(body, "query", 256)
        answer = await person.inline(query, chat=chat, timeout=ANSWER_TIME)
        self._queries[person.id, query] = answer
        while len(self._queries) > KEPT_QUERIES:
            del self._queries[next(iter(self._queries))]
        return {"query": query, "results": answer.results, "button": answer.button}

    async def _choose(self, person: Person, body: Json) -> Json:
        chat, topic, _ = self.place(person, body)
        answer = self._queries.get((person.id, text_of(body, "query", 256)))
        result = text_of(body, "result", 64)
        if answer is None or all(one.get("id") != result for one in answer.results):
            raise BadRequestError("the result is gone: ask again")
        sent = await person.choose(answer, result, chat=chat, topic=topic)
        return {"message": sent.id}

    def _bill(self, person: Person, body: Json) -> tuple[Invoice, Shown | str]:
        what: Shown | str
        if "slug" in body:
            slug = text_of(body, "slug", 256)
            links = (
                link for link in self._world.invoices if link.endswith((f"/${slug}", f"/{slug}"))
            )
            what = next(links, slug)
        else:
            what = self.message(self.chat(person, body), number_of(body, "message"))
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
        amount = number_of(body, "amount")
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
        named = text_of(body, "url", 4096, optional=True)
        url = named or self.app_url(person)
        if not url:
            raise BadRequestError("the bot has no Mini App")
        start = text_of(body, "start", 512, optional=True)
        theme = read_theme(body.get("theme_params"))
        data = self._standin.init_data(person, start_param=start)
        return {"url": launch_url(url, data, theme, start_param=start), "origin": origin_of(url)}

    async def upload(self, person: Person, body: Json, data: bytes, name: str, kind: str) -> Json:
        """Send a file; ``body`` has ``chat``, ``thread``, ``reply_to``, ``caption`` and ``kind``.

        Of a voice message it also has ``seconds``, as the page has measured them.

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
        caption = text_of(body, "caption", 1024, optional=True)
        if body.get("kind") == "photo":
            sent = await person.send_photo(
                data, caption=caption, name=name, chat=chat, topic=topic, reply_to=reply_to
            )
        elif body.get("kind") == "voice":
            sent = await person.send_voice(
                data,
                duration=_seconds(body),
                content_type=kind.partition(";")[0],
                caption=caption,
                chat=chat,
                topic=topic,
                reply_to=reply_to,
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
        await self._wallets.close()
