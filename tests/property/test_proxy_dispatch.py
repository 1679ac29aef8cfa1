"""Whatever peers do, in whatever order: requests end once, reservations end, the books add up."""

import asyncio
import contextlib

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cocoon.chain.address import Address
from cocoon.errors import WIRE_CANCELLED, WIRE_TIMEOUT, CocoonError
from cocoon.testing.proxy_rig import ClientPeer, Rig, WorkerPeer, used
from cocoon.wire.events import AnswerFailed, AnswerPart, AnswerStarted

NAMES = (
    *("ask", "ask", "start", "start final", "part", "part final", "fail", "commit"),
    *("client leaves", "client joins", "worker leaves", "worker joins", "deadline"),
    *("cancel", "cancel", "cancelled", "late"),
)
STEP = st.tuples(st.sampled_from(NAMES), st.integers(0, 7), st.integers(0, 400))


class Play:
    """Applies steps to a rig and remembers which requests were asked by whom."""

    def __init__(self) -> None:
        self.rig = Rig(max_running_per_client=5)
        self.clients: list[ClientPeer] = []
        self.workers: list[WorkerPeer] = []
        self.asked: list[tuple[ClientPeer, bytes]] = []

    async def step(self, name: str, index: int, number: int) -> None:
        if name == "client joins" and len(self.clients) < 3:
            self.clients.append(await self.rig.client(Address(bytes([0x30 + index]) * 32)))
        elif name == "worker joins" and len(self.workers) < 3:
            self.workers.append(await self.rig.worker(Address(bytes([0x40 + index]) * 32)))
        elif name == "client leaves" and self.clients:
            link = self.clients.pop(index % len(self.clients)).link
            assert link is not None
            link.close()
        elif name == "worker leaves" and self.workers:
            link = self.workers.pop(index % len(self.workers)).link
            assert link is not None
            link.close()
        elif name == "commit":
            self.rig.commit()
        elif name == "deadline":
            running = list(self.rig.dispatcher._by_client.values())
            if running:
                self.rig.dispatcher._expire(running[index % len(running)])
        elif name == "ask" and self.clients:
            client = self.clients[index % len(self.clients)]
            request_id = len(self.asked).to_bytes(32)
            self.asked.append((client, request_id))
            client.run(request_id)
        elif name == "cancel" and self.asked:
            client, request_id = self.asked[index % len(self.asked)]
            message = client.session.cancel_query(request_id)
            assert client.link is not None
            if message is not None:
                client.link.send(message)
        else:
            self.answer(name, index, number)
        await asyncio.sleep(0)

    def answer(self, name: str, index: int, number: int) -> None:
        open_workers = [w for w in self.workers if w.closed == "open" and w.queries]
        if not open_workers:
            return
        worker = open_workers[index % len(open_workers)]
        query = worker.queries[index % len(worker.queries)]
        if name == "start":
            worker.start(query)
        elif name == "start final":
            worker.start(query, used(number))
        elif name == "part":
            worker.part(query, b"x")
        elif name == "part final":
            worker.part(query, b"x", used(number))
        elif name == "fail":
            worker.fail(query)
        elif name == "cancelled":
            worker.fail(query, WIRE_CANCELLED, "cancelled", used(number))
        elif name == "late":
            worker.fail(query, WIRE_TIMEOUT, "timeout", used(number))

    def check(self) -> None:
        rig = self.rig
        spent = sum(int(r.account.counter.max) for r in rig.books.clients)
        earned = sum(int(r.account.counter.max) for r in rig.books.workers)
        assert spent == earned
        running = rig.dispatcher._by_client.values()
        assert rig.reserved == sum(int(r.reservation.tokens) for r in running)
        assert sum(w.running for w in rig.registry) == len(running)
        for record in rig.books.clients:
            counter = record.account.counter
            assert record.signer.signed <= counter.chain <= counter.db <= counter.max

    def check_answers(self) -> None:
        for client, request_id in self.asked:
            ends = [
                event
                for event in client.of(request_id)
                if isinstance(event, AnswerFailed)
                or (isinstance(event, AnswerStarted | AnswerPart) and event.final is not None)
            ]
            assert len(ends) <= 1
            if client.closed == "open":
                assert len(ends) == 1


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(STEP, max_size=60))
def test_books_add_up_whatever_happens(steps: list[tuple[str, int, int]]) -> None:
    async def play() -> None:
        game = Play()
        game.clients.append(await game.rig.client())
        game.workers.append(await game.rig.worker())
        for step in steps:
            # A scripted peer may use a link that the proxy has closed.
            with contextlib.suppress(CocoonError):
                await game.step(*step)
            game.check()
        for worker in game.workers:
            if worker.link is not None:
                worker.link.close()
        for running in list(game.rig.dispatcher._by_client.values()):
            game.rig.dispatcher._expire(running)
        for _ in range(20):
            await asyncio.sleep(0)
        game.check()
        game.check_answers()
        assert game.rig.reserved == 0

    asyncio.run(play())
