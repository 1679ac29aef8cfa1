"""A proxy among hostile clients and workers: it never fails, its books add up, others are served.

Peers do what the input says: any TL object, any frame, any bytes, with or without a handshake. A
client that keeps the rules has a request running all the while and gets its answer.
"""

import asyncio
import contextlib

from _inputs import Script, play, tl_object

from cocoon.chain.address import Address
from cocoon.errors import CocoonError
from cocoon.net.link import Link, random_id
from cocoon.testing.proxy_rig import ClientPeer, Rig, WorkerPeer, until, used
from cocoon.testing.streams import connect
from cocoon.wire.client_session import ClientSession, ClientState
from cocoon.wire.connection import Role
from cocoon.wire.events import AnswerPart, AnswerStarted, WorkerQuery
from cocoon.wire.worker_session import WorkerParams, WorkerSession, WorkerState

FROM_CLIENTS = (
    *("client.connectToProxy", "client.authorizeWithProxyShort", "client.authorizeWithProxyLong"),
    *("client.runQuery", "client.runQueryEx", "client.updatePaymentStatus"),
    *("client.getWorkerTypes", "client.getWorkerTypesV2", "client.requestRefund", "tcp.ping"),
    *("client.runQueryV3", "client.cancelQuery", "client.getWorkerTypesV3"),
)
FROM_WORKERS = (
    *(
        "worker.connectToProxy",
        "worker.compareBalanceWithProxy",
        "worker.extendedCompareBalanceWithProxy",
    ),
    *("worker.proxyHandshakeComplete", "worker.updatePaymentStatus", "proxy.workerRequestPayment"),
    *(
        "proxy.queryAnswer",
        "proxy.queryAnswerEx",
        "proxy.queryAnswerPart",
        "proxy.queryAnswerPartEx",
    ),
    *("proxy.queryAnswerError", "proxy.queryAnswerErrorEx", "proxy.queryAnswerPartError"),
    *("worker.enabledDisabled", "worker.newCoefficient", "test.query", "worker.capabilities"),
)
ACTS = (
    *("client joins", "client joins", "worker joins", "worker joins"),
    *("client appears", "worker appears", "bytes", "frame", "leave", "commit", "deadline"),
    *("cancel", "declare"),
    *("ask", "ask", "ask", "ask", "ask", "start", "start", "start", "part", "part", "fail"),
    *("object", "object", "object", "object", "object", "object"),
)
NAME = "bystander"
QUESTION = b"what a bystander asks"
MAX_STEPS = 64


class Play:
    """The rig, those who keep the rules, and those who do not.

    Peers of a game may cancel what never was: the ids of others, and of requests that have ended.
    """

    def __init__(self, script: Script) -> None:
        self.script = script
        self.rig = Rig(max_running_per_client=5)
        self.peers: list[ClientPeer | WorkerPeer] = []
        self.ids: list[bytes] = [b"?" * 32]

    async def begin(self) -> None:
        """The bystanders, with an answer that has begun."""
        self.client = await self.rig.client(Address(b"\xbb" * 32))
        self.worker = await self.rig.worker(Address(b"\xbc" * 32), model=NAME)
        self.client.run(b"A" * 32, model=NAME, query=QUESTION)
        await until(self.asked)
        self.worker.start(self.asked()[0])

    def asked(self) -> list[WorkerQuery]:
        """What the bystanders' worker was asked by the right one."""
        return [query for query in self.worker.queries if query.query == QUESTION]

    async def end(self) -> None:
        """What had begun goes on, and a new request works."""
        self.worker.part(self.asked()[0], b"rest", used(1))
        await until(lambda: len(self.client.of(b"A" * 32)) == 2)
        for peer in self.peers:
            if peer.link is not None:
                peer.link.close()
        await settle()
        self.client.run(b"B" * 32, model=NAME, query=QUESTION)
        await until(lambda: len(self.asked()) == 2)
        self.worker.start(self.asked()[1], used(2))
        await until(lambda: self.client.of(b"B" * 32))
        events = [*self.client.of(b"A" * 32), *self.client.of(b"B" * 32)]
        kinds = [type(event) for event in events]
        if kinds != [AnswerStarted, AnswerPart, AnswerStarted]:
            raise AssertionError(f"the bystander got {kinds}")

    async def step(self) -> None:
        """One act of a hostile peer."""
        script = self.script
        act = script.pick(ACTS)
        if act.endswith(("joins", "appears")):
            await self.join(worker="worker" in act, greets="joins" in act)
        elif act == "commit":
            self.rig.commit()
        elif act == "deadline":
            running = [r for r in self.rig.dispatcher._by_client.values() if r.query.model != NAME]
            if running:
                self.rig.dispatcher._expire(script.pick(running))
        else:
            fitting = [peer for peer in self.peers if _can(peer, act)]
            if fitting:
                self.act(act, script.pick(fitting))
                if script.byte() < 64:
                    return  # what the same peer sends next arrives together with this
        await settle()

    async def join(self, *, worker: bool, greets: bool) -> None:
        """A new hostile peer; one that greets does its whole handshake in order."""
        if len(self.peers) >= 8:
            return
        number = self.script.byte()
        owner = Address(bytes([number]) * 32)
        if greets:
            join = self.rig.worker if worker else self.rig.client
            self.peers.append(await join(owner))
            return
        params = WorkerParams(owner.friendly(testnet=True), "m", 1000, True, 1, 4)
        peer: ClientPeer | WorkerPeer = (
            WorkerPeer(WorkerSession(params))
            if worker
            else ClientPeer(ClientSession(params.owner_address, is_test=True))
        )
        link = Link(Role.CONNECTOR, peer)
        side = self.rig.worker_side if worker else self.rig.client_side
        connect(link, Link(Role.ACCEPTOR, side))
        await settle()
        peer.link = link
        self.peers.append(peer)

    def act(self, act: str, peer: ClientPeer | WorkerPeer) -> None:
        """Send something."""
        script, link = self.script, peer.link
        if act == "bytes":
            link._transport.write(script.blob())
        elif act == "frame":
            with contextlib.suppress(CocoonError):
                link._connection._put(script.blob())
                link._schedule_flush()
        elif act == "leave":
            link.close()
        elif act == "ask":
            self.ids.append(len(self.ids).to_bytes(32))
            needs = script.pick(((), (), ("chat",), ("tools",)))
            peer.run(self.ids[-1], max_tokens=script.byte(), requires=needs)
        elif act == "cancel":
            message = peer.session.cancel_query(script.pick(self.ids))
            if message is not None:
                link.send(message)
        elif act == "declare":
            peer.declare(*script.pick(((), ("chat",), ("chat", "tools"))))
        elif act == "object":
            worker = isinstance(peer, WorkerPeer)
            known = [query.request_id for query in peer.queries] if worker else self.ids
            names = FROM_WORKERS if worker else FROM_CLIENTS
            self.send_object(link, tl_object(script, names, known[-8:]))
        else:
            query = script.pick(peer.queries)
            final = used(script.integer(32)) if script.byte() & 1 else None
            if act == "start":
                peer.start(query, final)
            elif act == "part":
                peer.part(query, b"x", final)
            else:
                code = 653 if script.byte() & 1 else script.integer(32)
                peer.fail(query, code, final=final)

    def send_object(self, link: Link, obj: object) -> None:
        """As a query or as a message, whatever it is."""
        connection = link._connection
        with contextlib.suppress(CocoonError):
            if self.script.byte() & 1:
                query_id = random_id()
                connection.send_query(query_id, obj)
                connection.forget_query(query_id)
            else:
                connection.send_message(obj)
            link._schedule_flush()

    def check(self) -> None:
        """The books add up."""
        rig = self.rig
        spent = sum(int(record.account.counter.max) for record in rig.books.clients)
        earned = sum(int(record.account.counter.max) for record in rig.books.workers)
        running = list(rig.dispatcher._by_client.values())
        facts = (
            spent == earned,
            rig.reserved == sum(int(r.reservation.tokens) for r in running),
            sum(worker.running for worker in rig.registry) == len(running),
            all(_in_order(record) for record in rig.books.clients),
            all(_in_order(record) for record in rig.books.workers),
        )
        if not all(facts):
            raise AssertionError(f"the books do not add up: {facts}")


def _in_order(record: object) -> bool:
    counter = record.account.counter
    return record.signer.signed <= counter.chain <= counter.db <= counter.max


def _can(peer: ClientPeer | WorkerPeer, act: str) -> bool:
    if peer.link is None or not peer.link.is_open:
        return False
    if act == "ask":
        return isinstance(peer, ClientPeer)
    if act == "cancel":
        return isinstance(peer, ClientPeer) and peer.session.state is ClientState.READY
    if act == "declare":
        return isinstance(peer, WorkerPeer) and peer.session.state is WorkerState.READY
    if act in {"start", "part", "fail"}:
        return isinstance(peer, WorkerPeer) and bool(peer.queries)
    return True


async def settle() -> None:
    """Let what was sent arrive and be answered."""
    for _ in range(6):
        await asyncio.sleep(0)


def fuzz_one(data: bytes) -> None:
    """Every step is some bytes of the input."""
    script = Script(data)

    async def main() -> None:
        game = Play(script)
        await game.begin()
        for _ in range(MAX_STEPS):
            if not script:
                break
            # A hostile peer may find its connection closed, or be refused in its handshake.
            with contextlib.suppress(CocoonError):
                await game.step()
            game.check()
        await game.end()
        for running in list(game.rig.dispatcher._by_client.values()):
            game.rig.dispatcher._expire(running)
        await settle()
        game.check()
        if game.rig.reserved:
            raise AssertionError(f"{game.rig.reserved} tokens stay reserved")

    play(main)


if __name__ == "__main__":
    from _harness import main

    main(fuzz_one)
