"""A client with a hostile proxy: every request ends, and an honest proxy is used again later."""

import asyncio

from _inputs import Script, play
from _member import BODY, HEAD, MAX_STEPS, Wiretap, root_with_proxy, settle

from cocoon.client import Client, ClientRequest, ClientSettings
from cocoon.errors import CocoonError, RequestError
from cocoon.net.dialing import SocksDial
from cocoon.testing.proxy_rig import CLIENT, Rig, WorkerPeer, used
from cocoon.testing.streams import VirtualClockLoop
from cocoon.wire.events import AnswerStarted, FinalInfo, WorkerQuery

FROM_PROXY = (
    *("client.queryAnswer", "client.queryAnswerEx", "client.queryAnswerPart"),
    *("client.queryAnswerPartEx", "client.queryAnswerError", "client.queryAnswerErrorEx"),
    *("client.queryAnswerPartError", "proxy.clientRequestPayment", "client.connectedToProxy"),
    *("client.paymentStatus", "client.refund", "tcp.pong", "test.query"),
)


class Play:
    """A client of ours, a proxy rig with a worker, and the requests that run."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.rig = Rig()
        self.tap = Wiretap(self.rig.client_side)
        settings = ClientSettings(
            wallet=CLIENT.friendly(testnet=True), root=root_with_proxy(), dial=SocksDial()
        )
        self.client = Client(settings, dial=self.tap.dial)
        self.tasks: list[asyncio.Task[int]] = []
        self.begun: list[WorkerQuery] = []
        self.worker: WorkerPeer

    async def ask(self) -> int:
        """One request to its end: the status, or 0 for an honest error."""
        request = ClientRequest("m", "/v1/chat/completions", BODY, max_tokens=50, timeout=30.0)
        try:
            async with await self.client.run(request) as response:
                await response.read()
                return response.status
        except RequestError:
            return 0

    def answer_all(self) -> None:
        """The worker answers everything that it was asked."""
        for query in self.begun:
            self.worker.part(query, b"the rest", used(2))
        for query in self.worker.queries:
            self.begin(query, used(3))
        self.worker.queries.clear()
        self.begun.clear()

    def begin(self, query: WorkerQuery, final: FinalInfo | None = None) -> None:
        """The head of an answer."""
        event = AnswerStarted(query.request_id, HEAD, final)
        self.worker.send(self.worker.session.answer_started(event))

    async def step(self) -> None:
        """One act."""
        script = self.script
        match script.byte() % 8:
            case 0 | 1:
                self.tasks.append(asyncio.ensure_future(self.ask()))
            case 2:
                self.answer_all()
            case 3:
                self.rig.commit()
            case 4:
                if self.worker.queries:
                    self.begun.append(self.worker.queries.pop())
                    self.begin(self.begun[-1])
            case _:
                ids = [key[1] for key in self.rig.dispatcher._by_client]
                self.tap.disturb(script, FROM_PROXY, ids[:8])
        await settle()

    async def end(self) -> None:
        """Everything that was asked ends, and the client can be used again."""
        for task in self.tasks:
            await asyncio.wait_for(task, 60)
        await self.tap.reset()
        for running in list(self.rig.dispatcher._by_client.values()):
            self.rig.dispatcher._expire(running)
        try:
            await self.client.wait_ready(12)
        except CocoonError:
            if not self.was_told_too_much():
                raise
            return  # A proxy that says less than before is refused: so it should be.
        task = asyncio.ensure_future(self.ask())
        await settle()
        self.answer_all()
        status = await task
        if status != 200 and not self.was_told_too_much():
            raise AssertionError(f"an honest proxy's answer had status {status}")

    def was_told_too_much(self) -> bool:
        """Whether the hostile proxy stated counters that the honest one does not have."""
        known = [account.channel.known for account in self.client._wallet._accounts.values()]
        ours = [record.account.counter.max for record in self.rig.books.clients]
        return any(int(claim.max) > int(most) for claim in known for most in ours)


def fuzz_one(data: bytes) -> None:
    """Every step is some bytes of the input."""
    script = Script(data)

    async def main() -> None:
        game = Play(script)
        game.worker = await game.rig.worker()
        await game.client.start()
        await game.client.wait_ready(10)
        for _ in range(MAX_STEPS):
            if not script:
                break
            await game.step()
        await game.end()
        await game.client.close()

    play(main, VirtualClockLoop)


if __name__ == "__main__":
    from _harness import main

    main(fuzz_one)
