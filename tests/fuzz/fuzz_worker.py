"""A worker with a hostile proxy and any request: it answers each once and serves on."""

from collections.abc import Iterator

from _inputs import Script, play
from _member import ANSWER, BODY, MAX_STEPS, QUERY, Wiretap, root_with_proxy, settle

from cocoon.engine.base import (
    EngineCapabilities,
    EngineHealth,
    EngineRequest,
    Fields,
    Headers,
    Prepared,
)
from cocoon.errors import CocoonError, EngineError
from cocoon.net.dialing import SocksDial
from cocoon.testing.proxy_rig import WORKER, ClientPeer, Rig
from cocoon.testing.streams import VirtualClockLoop
from cocoon.tl.types import HttpHeader, HttpRequest
from cocoon.wire.events import AnswerFailed, AnswerPart, AnswerStarted
from cocoon.worker import Worker, WorkerSettings

FROM_PROXY = (
    *("proxy.runQuery", "proxy.runQueryEx", "proxy.workerRequestPayment"),
    *("worker.connectedToProxy", "worker.paymentStatus", "tcp.pong", "test.query"),
)
TYPES = ("application/json", "text/event-stream", "")
STATUSES = (200, 200, 200, 404, 500, 99, 1000)


class ScriptedEngine:
    """Answers as the input says; once that is used up, properly."""

    def __init__(self, script: Script) -> None:
        self.script = script

    async def start(self) -> None:
        """Nothing to start."""

    async def close(self) -> None:
        """Nothing to stop."""

    async def check(self) -> EngineHealth:
        """Always ready."""
        return EngineHealth(True, ("m",))

    async def capabilities(self, model: str = "") -> EngineCapabilities:
        """Nothing in particular."""
        return EngineCapabilities()

    def prepare(self, path: str, fields: Fields, scope: bytes) -> Prepared:
        """As they are."""
        return Prepared(path, fields)

    async def send(self, request: EngineRequest, deadline: float) -> "ScriptedAnswer":
        """The next answer."""
        script = self.script
        if not script:
            return ScriptedAnswer(200, TYPES[0], [ANSWER])
        choice = script.byte()
        if choice < 32:
            raise EngineError("the engine is down")
        if choice > 224:
            raise ValueError("a bug in an engine adapter")
        pieces = [script.blob() for _ in range(choice % 4)]
        return ScriptedAnswer(script.pick(STATUSES), script.pick(TYPES), pieces, choice % 8 == 7)


class ScriptedAnswer:
    """An engine's answer in pieces, which may break off."""

    reason = "Reason"
    headers: Headers = (("Content-Type", "x"), ("X-Odd", "\udcff"))

    def __init__(self, status: int, kind: str, pieces: list[bytes], breaks: bool = False) -> None:
        self.status = status
        self.content_type = kind
        self.content_length = None if breaks else sum(len(piece) for piece in pieces)
        self._pieces: Iterator[bytes] = iter(pieces)
        self._breaks = breaks

    complete = False

    async def next_chunk(self) -> bytes | None:
        """The next piece."""
        piece = next(self._pieces, None)
        if piece is None and self._breaks:
            raise EngineError("the engine broke off")
        return piece

    async def aclose(self) -> None:
        """Nothing to close."""


class Play:
    """A worker of ours and a proxy rig with a client."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.rig = Rig()
        self.tap = Wiretap(self.rig.worker_side)
        self.engine = ScriptedEngine(script)
        settings = WorkerSettings(
            owner=WORKER.friendly(testnet=True),
            model="m",
            root=root_with_proxy(),
            engine=self.engine,
            dial=SocksDial(),
            http_port=None,
        )
        self.worker = Worker(settings, dial=self.tap.dial)
        self.client: ClientPeer
        self.asked = 0

    def ask(self, query: bytes, timeout: float = 30.0) -> bytes:
        """Send a request in the honest client's name."""
        self.asked += 1
        request_id = self.asked.to_bytes(32)
        self.client.run(request_id, query=query, timeout=timeout)
        return request_id

    async def step(self) -> None:
        """One act."""
        script = self.script
        match script.byte() % 8:
            case 0 | 1:
                self.ask(QUERY)
            case 2:
                self.ask(script.blob())
            case 3:
                body = BODY[: script.byte()] + script.blob()
                header = HttpHeader("x", script.blob().decode("utf-8", "surrogateescape"))
                url = "/v1/" + script.blob().decode("utf-8", "surrogateescape")
                self.ask(HttpRequest("POST", url, "HTTP/1.1", (header,), body).to_bytes())
            case 4:
                self.rig.commit()
            case _:
                ids = [r.request_id for r in self.rig.dispatcher._by_client.values()]
                self.tap.disturb(script, FROM_PROXY, ids[:8])
        await settle()

    async def end(self) -> None:
        """Every request was answered once; after all that a good one still is."""
        for running in list(self.rig.dispatcher._by_client.values()):
            self.rig.dispatcher._expire(running)
        await settle()
        for number in range(1, self.asked + 1):
            ends = [e for e in self.client.of(number.to_bytes(32)) if _ends(e)]
            if len(ends) != 1:
                raise AssertionError(f"a request ended {len(ends)} times")
        await self.tap.reset()
        self.engine.script = Script(b"")
        try:
            await self.worker.wait_ready(12)
        except CocoonError:
            if self.was_told_too_much():
                return  # A proxy that says less than before is refused: so it should be.
            raise
        await settle()
        request_id = self.ask(QUERY)
        for _ in range(20):
            await settle()
        (answer,) = self.client.of(request_id)
        if not isinstance(answer, AnswerStarted) or answer.final is None:
            raise AssertionError(f"an honest request ended with {answer}")

    def was_told_too_much(self) -> bool:
        """Whether the hostile proxy stated counters that the honest one does not have."""
        most = max((int(r.account.counter.max) for r in self.rig.books.workers), default=0)
        return any(int(earned.max) > most for earned in self.worker.payouts.report())


def _ends(event: object) -> bool:
    if isinstance(event, AnswerFailed):
        return True
    return isinstance(event, AnswerStarted | AnswerPart) and event.final is not None


def fuzz_one(data: bytes) -> None:
    """Every step is some bytes of the input; the engine reads its answers from it too."""
    script = Script(data)

    async def main() -> None:
        game = Play(script)
        game.client = await game.rig.client()
        await game.worker.start()
        await game.worker.wait_ready(10)
        for _ in range(MAX_STEPS):
            if not script:
                break
            await game.step()
        await game.end()
        await game.worker.close()

    play(main, VirtualClockLoop)


if __name__ == "__main__":
    from _harness import main

    main(fuzz_one)
