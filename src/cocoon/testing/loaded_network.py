"""A devnet of processes under load over an engine stand-in, for tests that kill its members."""

import asyncio
import contextlib
import json
import sqlite3
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from cocoon.devnet.options import DevnetOptions
from cocoon.errors import UnavailableError
from cocoon.testing.engine_standin import MODEL, StandinOptions, StandinProtocol
from cocoon.testing.processes import ProcessNetwork

HOST = "127.0.0.1"
CALL_TIMEOUT = 60.0
MODES = {b"please-fail": b"status-500", b"please-cut": b"cut", b"please-hang": b"silent"}
"""Word in a prompt → mode of the stand-in."""
COMPLAINTS = ("Traceback", "level=error", "session failed")


class PromptedStandin(StandinProtocol):
    """A stand-in that holds back answers without a stream, and misbehaves when a prompt says so.

    The words are :data:`MODES`; an engine that fails repeats the whole request in its error, as
    engines do.
    """

    hold = 0.0
    _asked = b""

    def on_message_complete(self) -> None:
        """Parser callback."""
        self._asked = self._body
        for word, mode in MODES.items():
            if word in self._body:
                self._headers[b"x-standin-mode"] = mode
        super().on_message_complete()

    def _json(self, body: bytes, status: int = 200) -> None:
        if status == 500:
            message = self._asked.decode(errors="replace")
            body = json.dumps({"error": {"message": message, "type": "server_error"}}).encode()
        if self.hold and not body.startswith(b'{"object":"list"'):
            asyncio.get_running_loop().call_later(self.hold, self._late, body, status)
        else:
            super()._json(body, status)

    def _late(self, body: bytes, status: int) -> None:
        if self._transport is not None:
            super()._json(body, status)


@dataclass(frozen=True, slots=True)
class Levels:
    """Token levels of one party at one proxy, in the order in which they may differ."""

    signed: int
    db: int
    max: int

    @property
    def in_order(self) -> bool:
        """Whether nothing is signed that is not stored, and nothing stored that is not used."""
        return 0 <= self.signed <= self.db <= self.max


@dataclass(slots=True)
class Outcome:
    """One call of the load: HTTP status, whether its end was reached, what it says it used."""

    status: int
    complete: bool
    tokens: int
    seconds: float
    text: str


class LoadedNetwork:
    """Proxies, workers and a client as processes, an engine in this one, and callers.

    Attributes:
        network: the processes.
        engine: what the stand-in does, and how much it was asked.
        outcomes: every call of the load, in the order in which they ended.
    """

    def __init__(
        self, network: ProcessNetwork, session: aiohttp.ClientSession, engine: StandinOptions
    ) -> None:
        self.network = network
        self.engine = engine
        self.outcomes: list[Outcome] = []
        self._session = session
        self._callers: list[asyncio.Task[None]] = []

    # --- calls ---

    async def call(self, prompt: str = "hi", *, stream: bool = False, **fields: Any) -> Outcome:
        """One chat completion through the gateway; never raises for what the network does."""
        document = {
            "model": MODEL,
            "messages": [{"role": "user", "content": prompt}],
            "max_tokens": 300,
            "stream": stream,
            **fields,
        }
        if stream:
            document["stream_options"] = {"include_usage": True}
        return await self.post(json.dumps(document).encode(), stream=stream)

    async def post(self, body: bytes, *, stream: bool = False, **headers: str) -> Outcome:
        """One call of the gateway with any body; otherwise as :meth:`call`."""
        url = f"{self.network.plan.client.http}/v1/chat/completions"
        began, status, text = time.monotonic(), 0, ""
        try:
            async with self._session.post(url, data=body, headers=headers) as answer:
                status = answer.status
                async for chunk in answer.content.iter_any():
                    text += chunk.decode(errors="replace")
        except (aiohttp.ClientError, OSError) as error:
            text += f"\n{type(error).__name__}"
        seconds = time.monotonic() - began
        complete = status == 200 and (text.endswith("[DONE]\n\n") if stream else text[-1:] == "}")
        return Outcome(status, complete, _tokens(text), seconds, text)

    def start_load(self, callers: int = 4) -> None:
        """Call again and again, half of them streams."""
        for number in range(callers):
            stream = bool(number % 2)
            self._callers.append(asyncio.create_task(self._keep_calling(stream)))

    async def stop_load(self) -> None:
        """Let running calls end, and start no more."""
        for caller in self._callers:
            caller.cancel()
        await asyncio.gather(*self._callers, return_exceptions=True)
        self._callers.clear()

    async def _keep_calling(self, stream: bool) -> None:
        while True:
            outcome = await self.call(stream=stream)
            self.outcomes.append(outcome)
            if outcome.status != 200:
                await asyncio.sleep(0.02)

    async def wait_served(self, more: int = 1, timeout: float = 20.0) -> float:
        """Wait until the load has succeeded so often again; seconds that it took.

        Raises:
            TimeoutError: it was not in time.
        """
        began, target = time.monotonic(), self.served + more
        async with asyncio.timeout(timeout):
            while self.served < target:  # noqa: ASYNC110 - any outcome of any caller
                await asyncio.sleep(0.02)
        return time.monotonic() - began

    async def wait_ready(self, timeout: float = 20.0) -> None:
        """Wait until the client has a proxy and the proxy a worker.

        Raises:
            TimeoutError: they were not in time.
        """
        async with asyncio.timeout(timeout):
            while not (await self.call()).complete:  # noqa: ASYNC110 - asks another process
                await asyncio.sleep(0.05)

    @property
    def served(self) -> int:
        """Calls that ended well."""
        return sum(outcome.complete for outcome in self.outcomes)

    # --- what everybody holds ---

    def complaints(self) -> list[str]:
        """Lines of logs that tell of a bug of ours, or of a proxy that is not trusted any more."""
        found = []
        for spec in self.network.plan.processes():
            for line in spec.log.read_text().splitlines():
                if any(sign in line for sign in COMPLAINTS):
                    found.append(f"{spec.name}: {line}")
        return found

    async def worker_levels(self, name: str = "worker-1") -> Levels:
        """What a worker knows to have earned, over all proxies."""
        pages = (await self.network.status(name))["proxies"]
        return _sum(
            pages,
            "signed_tokens",
            "earned_tokens_committed_to_proxy_db",
            "earned_tokens_max_known",
        )

    async def client_levels(self) -> Levels:
        """What the client knows to owe, over all proxies."""
        pages = (await self.network.status("client"))["proxies"]
        used = "tokens_used_proxy_"
        return _sum(pages, "signed_tokens", f"{used}committed_to_db", f"{used}max")

    async def proxy_books(self, name: str = "proxy-1") -> tuple[Levels, Levels]:
        """What a proxy has counted at one moment for its clients and for its workers."""
        page = await self.network.status(name)
        clients = _sum(
            page["clients"], "used_tokens_signed", "used_tokens_committed_to_db", "used_tokens"
        )
        workers = _sum(
            page["workers"],
            "earned_tokens_signed",
            "earned_tokens_committed_to_db",
            "earned_tokens",
        )
        return clients, workers

    async def proxy_levels(self, kind: str, name: str = "proxy-1") -> Levels:
        """What a proxy has counted for its ``clients`` or ``workers``."""
        clients, workers = await self.proxy_books(name)
        return clients if kind == "clients" else workers

    def stored_levels(self, kind: str, name: str = "proxy-1") -> Levels:
        """What the store of a proxy that does not run holds for ``client`` or ``worker``."""
        path = self.network.options.state / name / "proxy.sqlite"
        with contextlib.closing(sqlite3.connect(path)) as database:
            (verdict,) = database.execute("PRAGMA integrity_check").fetchone()
            if verdict != "ok":
                raise UnavailableError(f"the store is damaged: {verdict}")
            query = f"SELECT total(signable), total(used) FROM {kind}_account"  # noqa: S608
            signable, used = database.execute(query).fetchone()
        return Levels(int(signable), int(used), int(used))

    def saved_levels(self, member: str, file: str) -> Levels:
        """What a client or worker has on disk."""
        path = self.network.options.state / member / file
        if not path.exists():
            return Levels(0, 0, 0)
        channels = list(json.loads(path.read_text())["channels"].values())
        return _sum(channels, "signed", "db", "max")


def _sum(pages: list[dict[str, Any]], signed: str, db: str, most: str) -> Levels:
    return Levels(*(sum(int(page[key]) for page in pages) for key in (signed, db, most)))


def _tokens(text: str) -> int:
    """The last ``total_tokens`` of an answer, 0 without one."""
    _, found, rest = text.rpartition('"total_tokens":')
    digits = rest.lstrip()[:12].split(",")[0].split("}")[0] if found else ""
    return int(digits) if digits.strip().isdigit() else 0


@contextlib.asynccontextmanager
async def loaded_network(
    state: Path, *, workers: int = 1, hold: float = 0.0, start: bool = True, **standin: Any
) -> AsyncIterator[LoadedNetwork]:
    """Start an engine stand-in and a network over it; ``standin`` are its options."""
    options = StandinOptions(**standin)

    def engine() -> PromptedStandin:
        protocol = PromptedStandin(options)
        protocol.hold = hold
        return protocol

    server = await asyncio.get_running_loop().create_server(engine, HOST, 0)
    port = server.sockets[0].getsockname()[1]
    plan = DevnetOptions(
        state=state,
        workers=workers,
        engine_url=f"http://{HOST}:{port}",
        model=MODEL,
        pow_difficulty=2,
        log_level="debug",
        max_active_requests=64,
    )
    limits = aiohttp.ClientTimeout(total=CALL_TIMEOUT)
    connector = aiohttp.TCPConnector(force_close=True)
    try:
        async with (
            ProcessNetwork(plan) as network,
            aiohttp.ClientSession(timeout=limits, connector=connector) as session,
        ):
            loaded = LoadedNetwork(network, session, options)
            try:
                if start:
                    await network.start()
                yield loaded
            finally:
                await loaded.stop_load()
    finally:
        server.close()
