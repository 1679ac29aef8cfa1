"""Scripted clients and workers that dial a real proxy of a devnet over attested TLS.

Run as a program it holds many idle ones, for measurements: ``python -m cocoon.testing.dialling
--state DIR --client-port N --worker-port N --clients N --workers N`` prints ``ready`` and keeps
them connected until its standard input ends. Its workers answer requests.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cocoon.chain.address import Address
from cocoon.devnet.options import DEMONSTRATION_MODEL
from cocoon.devnet.tee import SimulatedTdx, SimulatedTee
from cocoon.net.dialing import RatlsDial, dial
from cocoon.net.identity import Identity
from cocoon.net.link import Link
from cocoon.testing.proxy_rig import ClientPeer, WorkerPeer, used
from cocoon.tl import TLObject
from cocoon.wire.client_session import ClientSession
from cocoon.wire.connection import Role
from cocoon.wire.events import AnswerStarted
from cocoon.wire.worker_session import WorkerParams, WorkerSession

HOST = "127.0.0.1"
ANSWER = b"an answer at once"
TOKENS = 3
"""What each such answer costs."""
POLL_INTERVAL = 0.002
AT_ONCE = 16
"""Handshakes that run at a time while many peers connect."""


class _AnsweringWorker(WorkerPeer):
    """Answers every request at once."""

    def on_message(self, link: Link, obj: TLObject) -> None:
        """Answer, and keep nothing."""
        super().on_message(link, obj)
        for query in self.queries:
            event = AnswerStarted(query.request_id, ANSWER, used(TOKENS))
            self.send(self.session.answer_started(event))
        self.queries.clear()


class Dialling:
    """Makes scripted peers of one devnet.

    Args:
        state: state directory of the devnet; its simulated machine makes the peers' evidence.
        model: full model name that workers offer.
    """

    def __init__(self, state: Path, model: str = DEMONSTRATION_MODEL) -> None:
        self._tee = SimulatedTee(state / "tee", int(time.time()))
        proxy = SimulatedTdx(self._tee, "proxy").image_hash
        self._policy = self._tee.policy(int(time.time()), image_hashes={proxy})
        self.model = model

    def settings(self, image: str) -> RatlsDial:
        """How a new peer with this image dials; each call makes a new identity."""
        identity = Identity.generate(SimulatedTdx(self._tee, image))
        return RatlsDial(identity, self._policy)

    async def client(self, port: int, number: int = 0) -> ClientPeer:
        """A client that has done its handshake; ``number`` tells owners apart."""
        session = ClientSession(owner("client", number), is_test=True)
        peer = ClientPeer(session)
        await self._connect(peer, "client", port)
        return peer

    async def worker(
        self, port: int, number: int = 0, requests: int = 4, *, answers: bool = False
    ) -> WorkerPeer:
        """A worker that has done its handshake and takes so many requests at a time.

        With ``answers`` it answers each request at once, with :data:`ANSWER`.
        """
        params = WorkerParams(owner("worker", number), self.model, 1000, True, 1, requests)
        kind = _AnsweringWorker if answers else WorkerPeer
        peer = kind(WorkerSession(params))
        await self._connect(peer, "worker", port)
        return peer

    async def _connect(self, peer: ClientPeer | WorkerPeer, image: str, port: int) -> None:
        link = await self.link(peer, image, port)
        await link.wait_open()
        await peer.handshake()

    async def link(self, peer: ClientPeer | WorkerPeer, image: str, port: int) -> Link:
        """A link whose TLS is done and nothing else."""
        return await dial(self.settings(image), HOST, port, lambda: Link(Role.CONNECTOR, peer))


def owner(kind: str, number: int) -> str:
    """The address of an invented owner."""
    first = {"client": 0x33, "worker": 0x44}[kind]
    return Address(bytes([first]) * 24 + number.to_bytes(8)).friendly(testnet=True)


async def eventually(condition: Callable[[], Any], timeout: float = 20.0) -> None:
    """Wait, in real time, until something is so.

    Raises:
        TimeoutError: it was not in time.
    """
    async with asyncio.timeout(timeout):
        while not condition():  # noqa: ASYNC110 - any condition at all
            await asyncio.sleep(POLL_INTERVAL)


async def connect_many(
    dialling: Dialling, client_port: int, worker_port: int, clients: int, workers: int
) -> list[ClientPeer | WorkerPeer]:
    """So many idle peers, each with an owner and a certificate of its own."""
    limit = asyncio.Semaphore(AT_ONCE)

    async def one(kind: str, number: int) -> ClientPeer | WorkerPeer:
        async with limit:
            if kind == "client":
                return await dialling.client(client_port, number)
            return await dialling.worker(worker_port, number, answers=True)

    wanted = [("client", n) for n in range(clients)] + [("worker", n) for n in range(workers)]
    return list(await asyncio.gather(*(one(kind, number) for kind, number in wanted)))


def main() -> None:
    """Hold idle peers until standard input ends; prints how many are still open then."""
    parser = argparse.ArgumentParser(prog="python -m cocoon.testing.dialling")
    parser.add_argument("--state", type=Path, required=True)
    for name in ("--client-port", "--worker-port", "--clients", "--workers"):
        parser.add_argument(name, type=int, required=True)
    options = parser.parse_args()

    async def run() -> None:
        peers = await connect_many(
            Dialling(options.state),
            options.client_port,
            options.worker_port,
            options.clients,
            options.workers,
        )
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
        still_open = sum(peer.closed == "open" for peer in peers)
        sys.stdout.write(f"open {still_open}\n")

    import uvloop  # noqa: PLC0415 - only this program needs it

    uvloop.run(run())


if __name__ == "__main__":
    main()
