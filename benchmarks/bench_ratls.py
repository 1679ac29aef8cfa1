"""RA-TLS against the standard library's TLS over loopback, in one run.

Prints handshakes per second (with evidence verified anew and from the cache; per second of CPU on
the listening side, where the goal is 300), round trips of 1 KiB
and throughput of small and large writes, each as a ratio to ``ssl``. Server and client run in two
processes; ``ssl`` gets the same Ed25519 certificate without a client certificate, because it
cannot accept an attested client at all, so its handshakes do less work::

    python benchmarks/bench_ratls.py [--rounds 3] [--loop uvloop]
"""

import argparse
import asyncio
import multiprocessing
import ssl
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import uvloop
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from cocoon.attestation.cache import VerificationCache
from cocoon.devnet.tee import SimulatedTdx, SimulatedTee
from cocoon.net.identity import Identity
from cocoon.net.ratls import dial_ratls, listen_ratls

HOST = "127.0.0.1"
MODES = ("plain", "ssl", "ratls")
LARGE, SMALL = 65_536, 1024


class Counter(asyncio.Protocol):
    """Answers one byte when as many bytes have come as the first eight said."""

    def __init__(self) -> None:
        self.expected = self.seen = 0

    def connection_made(self, transport: Any) -> None:
        """Keep the transport."""
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Count."""
        if not self.expected:
            self.expected, self.seen = int.from_bytes(data[:8], "big"), 0
        self.seen += len(data)
        if self.seen >= self.expected:
            self.expected = 0
            self.transport.write(b"k")


class Caller(asyncio.Protocol):
    """Waits for that byte."""

    def __init__(self) -> None:
        self.answered: asyncio.Future[None] | None = None
        self.writable = asyncio.Event()
        self.writable.set()

    def connection_made(self, transport: Any) -> None:
        """Keep the transport."""
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Wake the sender; what came does not matter."""
        if self.answered is not None and not self.answered.done():
            self.answered.set_result(None)

    def pause_writing(self) -> None:
        """Stop sending."""
        self.writable.clear()

    def resume_writing(self) -> None:
        """Send again."""
        self.writable.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail the sender."""
        if self.answered is not None and not self.answered.done():
            self.answered.set_exception(exc or ConnectionError("closed"))

    async def send(self, total: int, step: int) -> None:
        """Send ``total`` bytes in writes of ``step`` and wait for the answer."""
        self.answered = asyncio.get_running_loop().create_future()
        block = bytes(step)
        self.transport.write(total.to_bytes(8, "big") + block[8:])
        for _ in range(total // step - 1):
            if not self.writable.is_set():
                await self.writable.wait()
            self.transport.write(block)
        await self.answered


class Setup:
    """Everything both processes need, made from one directory."""

    def __init__(self, folder: Path) -> None:
        now = int(time.time())
        tee = SimulatedTee(folder / "tee", now)
        self.identity = Identity.generate(SimulatedTdx(tee, "benchmark"))
        self.policy = tee.policy(now)
        mine = self.identity.current()
        key = mine.private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        pem = ssl.DER_cert_to_PEM_cert(mine.certificate_der).encode()
        with tempfile.NamedTemporaryFile() as file:
            file.write(pem + key)
            file.flush()
            self.server_ssl = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.server_ssl.load_cert_chain(file.name)
        self.client_ssl = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.client_ssl.check_hostname = False
        self.client_ssl.verify_mode = ssl.CERT_NONE
        for context in (self.server_ssl, self.client_ssl):
            context.minimum_version = ssl.TLSVersion.TLSv1_3
        self.server_ssl.num_tickets = 0


async def serve(folder: Path, pipe: Connection) -> None:
    setup, loop = Setup(folder), asyncio.get_running_loop()
    plain = await loop.create_server(Counter, HOST, 0)
    secure = await loop.create_server(Counter, HOST, 0, ssl=setup.server_ssl)
    attested = await listen_ratls(
        Counter, HOST, 0, identity=setup.identity, policy=setup.policy, pow_difficulty=0
    )
    pipe.send(
        {
            "plain": plain.sockets[0].getsockname()[1],
            "ssl": secure.sockets[0].getsockname()[1],
            "ratls": attested.port,
        }
    )
    while await asyncio.to_thread(pipe.poll, 3600):
        pipe.recv()
        pipe.send(time.process_time())


class Bench:
    """The client's side."""

    def __init__(self, setup: Setup, pipe: Connection) -> None:
        self.setup = setup
        self.pipe = pipe
        self.ports: dict[str, int] = pipe.recv()

    async def listeners_cpu(self) -> float:
        """Seconds of CPU that the listening process has used."""
        self.pipe.send("cpu")
        used: float = await asyncio.to_thread(self.pipe.recv)
        return used

    async def connect(self, mode: str) -> Caller:
        """Open one connection."""
        port, loop = self.ports[mode], asyncio.get_running_loop()
        if mode == "ratls":
            identity, policy = self.setup.identity, self.setup.policy
            _, app = await dial_ratls(Caller, HOST, port, identity=identity, policy=policy)
        else:
            context = self.setup.client_ssl if mode == "ssl" else None
            _, app = await loop.create_connection(Caller, HOST, port, ssl=context)
        assert isinstance(app, Caller)
        return app

    async def handshakes(self, mode: str, count: int = 100) -> float:
        """Connections per second, one after the other."""
        started = time.perf_counter()
        for _ in range(count):
            app = await self.connect(mode)
            await app.send(8, 8)
            app.transport.abort()
        return count / (time.perf_counter() - started)

    async def handshakes_listening(self, mode: str, count: int = 200) -> float:
        """Connections per second of CPU on the listening side, from TCP's first packet on."""
        before = await self.listeners_cpu()
        await self.handshakes(mode, count)
        return count / (await self.listeners_cpu() - before)

    async def handshakes_uncached(self, mode: str) -> float:
        """The dialing side verifies the quote each time; the listener still has it cached."""
        contexts = self.setup.identity.contexts
        kept, contexts._cache = contexts._cache, _NoCache()
        contexts._contexts.clear()
        try:
            return await self.handshakes(mode)
        finally:
            contexts._cache = kept
            contexts._contexts.clear()

    async def round_trips(self, mode: str, count: int = 2000) -> float:
        """Answers per second."""
        app = await self.connect(mode)
        started = time.perf_counter()
        for _ in range(count):
            await app.send(SMALL, SMALL)
        took = time.perf_counter() - started
        app.transport.abort()
        return count / took

    async def throughput(self, mode: str, total: int, step: int) -> float:
        """Megabytes per second."""
        app = await self.connect(mode)
        started = time.perf_counter()
        await app.send(total, step)
        took = time.perf_counter() - started
        app.transport.abort()
        return total / took / 1e6

    async def large(self, mode: str) -> float:
        """Writes of 64 KiB."""
        return await self.throughput(mode, 128 << 20, LARGE)

    async def small(self, mode: str) -> float:
        """Writes of 1 KiB."""
        return await self.throughput(mode, 16 << 20, SMALL)


class _NoCache(VerificationCache):
    def get(self, key: bytes, now: int) -> None:
        """Nothing, ever."""
        return


def print_table(results: dict[str, dict[str, list[float]]]) -> None:
    print(f"{'':34}{'plain':>10}{'ssl':>10}{'ratls':>10}{'ratls/ssl':>11}")
    for name, by_mode in results.items():
        middle = {mode: statistics.median(values) for mode, values in by_mode.items()}
        ratios = [a / b for a, b in zip(by_mode["ratls"], by_mode["ssl"], strict=True)]
        cells = "".join(f"{middle[mode]:10.0f}" for mode in MODES)
        print(f"{name:34}{cells}{statistics.median(ratios):11.2f}")


async def measure(bench: Bench, rounds: int) -> dict[str, dict[str, list[float]]]:
    tests: dict[str, Callable[[str], Awaitable[float]]] = {
        "handshakes/s, evidence cached": bench.handshakes,
        "handshakes/CPU s, listening side": bench.handshakes_listening,
        "handshakes/s, evidence verified": bench.handshakes_uncached,
        "1 KiB round trips/s": bench.round_trips,
        "64 KiB writes, MB/s": bench.large,
        "1 KiB writes, MB/s": bench.small,
    }
    results: dict[str, dict[str, list[float]]] = {
        name: {mode: [] for mode in MODES} for name in tests
    }
    for _ in range(rounds):
        for name, test in tests.items():
            for mode in MODES:
                results[name][mode].append(await test(mode))
    return results


def run_server(folder: Path, pipe: Connection, loop: str) -> None:
    factory = uvloop.new_event_loop if loop == "uvloop" else None
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(serve(folder, pipe))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--loop", choices=("asyncio", "uvloop"), default="uvloop")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        setup = Setup(folder)
        ours, theirs = multiprocessing.Pipe()
        process = multiprocessing.Process(
            target=run_server, args=(folder, theirs, options.loop), daemon=True
        )
        process.start()
        factory = uvloop.new_event_loop if options.loop == "uvloop" else None
        with asyncio.Runner(loop_factory=factory) as runner:
            results = runner.run(measure(Bench(setup, ours), options.rounds))
        process.terminate()
    print(f"{options.loop}, medians of {options.rounds} interleaved rounds")
    print_table(results)


if __name__ == "__main__":
    main()
