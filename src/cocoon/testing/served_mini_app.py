"""A whole server over loopback: real uvicorn, real accounts, an assistant that plays along."""

import asyncio
import io
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp

from cocoon.accounting import Nano
from cocoon.telegram.accounts import AccountPolicy, Accounts, Kind, Topup
from cocoon.telegram.assistant.api import Assistant
from cocoon.telegram.assistant.values import Delta, Event, Facts, Finished, Model, Question
from cocoon.telegram.settings import (
    AppSettings,
    BotSettings,
    Limits,
    MoneySettings,
    TelegramSettings,
)
from cocoon.telegram.web.app import web_app
from cocoon.telegram.web.calls import Journal
from cocoon.telegram.web.deps import WebDeps, Webhook
from cocoon.telegram.web.limits import Places
from cocoon.telegram.web.server import WebServer
from cocoon.testing.signed_init_data import PUBLIC_KEY, TOKEN, init_data

FREE = Nano(1000)
COST = Nano(300)
NONCE = "n" * 22
OPERATOR = "operators-token"
SECRET = "webhook-secret"  # noqa: S105 - of nothing
LIMITS = Limits()
MODEL = Model(
    name="small",
    title="Small",
    inputs=frozenset({"text", "image"}),
    endpoints=frozenset({"chat"}),
    context=4096,
    price=Nano(50_000),
    coefficients=(1500, 2500),
    workers=2,
    free_workers=1,
    evidence=frozenset({"simulated_tdx"}),
)
EARS = replace(MODEL, name="ears", title="Ears", endpoints=frozenset({"transcription"}))


def facts_of(question: Question, finish: str, charged: int) -> Facts:
    """Who computed an answer, as the assistant would tell it."""
    return Facts(
        reference=question.reference,
        at=int(time.time()),
        model="small",
        finish=finish,
        cost=charged,
        charged=charged,
        is_estimate=False,
        prompt_tokens=3,
        completion_tokens=2,
        seconds=0.1,
        first=0.05,
        proxy={"image": "aa", "evidence": "tdx", "address": "EQ1"},
        worker={"image": "bb", "evidence": "simulated_tdx", "owner": "EQ2"},
    )


class PlayedAssistant:
    """Says its pieces, each when ``go`` lets it; holds and settles like the real one."""

    def __init__(self, accounts: Accounts) -> None:
        self.accounts = accounts
        self.questions: list[Question] = []
        self.pieces: list[str] = ["Hel", "lo"]
        self.error: Exception | None = None
        self.error_after = 0
        self.pause = asyncio.Event()
        self.pause.set()
        self.pause_at = 1
        self.stopped = asyncio.Event()
        self.kept: dict[str, Facts] = {}
        self.verified: dict[str, Any] | None = {"verified": True, "simulated": True, "proxies": []}

    async def answer(self, question: Question) -> AsyncIterator[Event]:
        """Hold, say the pieces, settle."""
        self.questions.append(question)
        await self.accounts.hold(question.user, question.reference, COST)
        finish = "stopped"
        try:
            for at, piece in enumerate(self.pieces):
                if self.error is not None and at == self.error_after:
                    finish = "error"
                    raise self.error
                if at == self.pause_at:
                    await self.pause.wait()
                yield Delta(piece)
            finish = "stop"
        finally:
            if finish == "error" and self.error_after == 0:
                await self.accounts.release(question.reference)
            else:
                charged = await self.accounts.settle(question.reference, COST, {})
                facts = facts_of(question, finish, int(charged.total))
                self.kept[question.reference] = facts
            if finish == "stopped":
                self.stopped.set()
        yield Finished(facts)

    async def transcribe(self, question: Question, name: str, sound: bytes) -> str:
        """Nobody asks for it here."""
        raise NotImplementedError

    async def models(self) -> tuple[Model, ...]:
        """Two, one of them for chats."""
        return (MODEL, EARS)

    async def facts(self, reference: str) -> Facts | None:
        """Of what was answered here."""
        return self.kept.get(reference)

    async def last_facts(self, chat: str) -> Facts | None:
        """Nobody asks for it here."""
        return None

    async def verification(self) -> dict[str, Any] | None:
        """What a test says."""
        return self.verified


class PlayedDesk:
    """Top-ups without Telegram and chain."""

    ton = True
    stars = True

    def __init__(self, accounts: Accounts) -> None:
        self.accounts = accounts
        self.refunded: list[str] = []

    def transfer(self, topup: Topup) -> Mapping[str, Any]:
        """For a wallet."""
        return {
            "address": "EQwallet",
            "amount": str(int(topup.nano)),
            "payload": "te6c",
            "comment": f"cocoon:{topup.id}",
            "valid_until": topup.created + 600,
            "network": "-239",
        }

    async def invoice_link(self, topup: Topup, language: str) -> str:
        """For Telegram."""
        return f"https://t.me/$invoice-{topup.id}-{language}"

    async def refund(self, user: int, topup: str) -> None:
        """Give back at once."""
        await self.accounts.begin_refund(user, topup)
        self.refunded.append(topup)
        await self.accounts.finish_refund(topup)


@dataclass
class Served:
    """A server and what stands behind it."""

    url: str
    http: aiohttp.ClientSession
    server: WebServer
    accounts: Accounts
    assistant: PlayedAssistant
    desk: PlayedDesk
    journal: Journal
    places: Places
    forgotten: list[int]
    updates: list[bytes]

    async def login(self, user: int = 42, nonce: str = NONCE) -> dict[str, str]:
        """Log in; headers of the session."""
        body = {"init_data": init_data(int(time.time()), user), "nonce": nonce}
        async with self.http.post(f"{self.url}/app/api/session", json=body) as answer:
            assert answer.status == 200, await answer.text()
            return {"authorization": f"Bearer {(await answer.json())['token']}"}

    async def get(self, path: str, headers: dict[str, str], status: int = 200) -> Any:
        """``GET`` below the API; the answer's JSON."""
        return await self.call("GET", path, headers, None, status)

    async def post(self, path: str, headers: dict[str, str], body: Any, status: int = 200) -> Any:
        """``POST`` below the API; the answer's JSON."""
        return await self.call("POST", path, headers, body, status)

    async def call(
        self, method: str, path: str, headers: dict[str, str], body: Any, status: int
    ) -> Any:
        """A call below the API; the answer's JSON."""
        url = f"{self.url}/app/api/{path}"
        data = None if method == "GET" else io.BytesIO(json.dumps(body).encode())
        async with self.http.request(method, url, headers=headers, data=data) as answer:
            assert answer.status == status, (answer.status, await answer.text())
            assert answer.headers["cache-control"] == "no-store"
            return await answer.json()

    async def give(self, user: int, amount: int, reference: str = "gift") -> None:
        """Credit somebody."""
        await self.accounts.credit(user, Kind.GIFT, reference, Nano(amount))


def settings(folder: Path, *, limits: Limits = LIMITS, **app: Any) -> TelegramSettings:
    """Of a service over a new SQLite store in ``folder``; ``app`` changes those of the server."""
    return TelegramSettings(
        bot=BotSettings(token=TOKEN, webhook_url="https://bot.example/", webhook_secret=SECRET),
        store=f"sqlite:///{folder}/t.sqlite",
        content_key=folder / "key",
        limits=limits,
        money=MoneySettings(free_daily=FREE, nano_per_star=100, wallet="EQwallet"),
        app=AppSettings(
            port=0,
            url="https://bot.example",
            operator_token=OPERATOR,
            telegram_key=PUBLIC_KEY,
            **app,
        ),
    )


@asynccontextmanager
async def served(
    folder: Path,
    *,
    base: TelegramSettings | None = None,
    answering: Callable[[Accounts], Assistant] | None = None,
    **deps: Any,
) -> AsyncIterator[Served]:
    """Start a server.

    Args:
        folder: for the store.
        base: settings; those of :func:`settings` without it.
        answering: makes another assistant than the one that plays.
        deps: other things that the server is given.
    """
    chosen = base or settings(folder)
    accounts = Accounts(chosen.store, AccountPolicy(free_daily=FREE))
    await accounts.start()
    forgotten: list[int] = []
    updates: list[bytes] = []
    assistant, desk = PlayedAssistant(accounts), PlayedDesk(accounts)

    async def forget(user: int) -> None:
        forgotten.append(user)

    async def keep(update: bytes) -> None:
        updates.append(update)

    given = {
        "assistant": assistant if answering is None else answering(accounts),
        "topups": desk,
        "languages": ("en", "ru"),
        "forget": forget,
        "webhook": Webhook(SECRET, keep),
        "operator": lambda: {"mode": "webhook"},
        **deps,
    }
    app = web_app(WebDeps(settings=chosen, accounts=accounts, **given))
    server = WebServer(app, chosen.app, grace=1)
    await server.start()
    url = f"http://127.0.0.1:{server.port}"
    journal, places = app.state.journal, app.state.places
    try:
        async with aiohttp.ClientSession() as http:
            yield Served(
                url,
                http,
                server,
                accounts,
                assistant,
                desk,
                journal,
                places,
                forgotten,
                updates,
            )
    finally:
        await server.stop()
        await accounts.close()
