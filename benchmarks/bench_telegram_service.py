"""The whole Telegram service while very many people ask in the same moment.

A child process runs the stand-in for Telegram with Telegram's own limits; its people send one
message each, all at once. This process runs everything else: updates kept and handled, money held,
answers streamed from a scripted network, settled, remembered. The baseline is one person alone.

    python benchmarks/bench_telegram_service.py [--people 1000] [--seconds 20]
"""

import argparse
import asyncio
import contextlib
import json
import multiprocessing
import resource
import sys
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import structlog
import uvloop

import cocoon
from cocoon.accounting import Nano
from cocoon.devnet.telegram.limits import Rates
from cocoon.devnet.telegram.server import StandInTelegram
from cocoon.telegram.service.service import TelegramService
from cocoon.telegram.settings import (
    AppSettings,
    BotSettings,
    MoneySettings,
    TelegramSettings,
)
from cocoon.testing.scripted_client import EVENT_HEADERS, ScriptedClient, ScriptedResponse, Step

PIECES = 50
WORDS = "Answers of models have a **bold** word here and there, and some `code`. "
LAST_ANSWERS = 180.0
"""Seconds after the last piece in which every answer must have arrived."""


async def serve(pipe: Connection, people: int) -> None:
    """The stand-in; tells when everybody has the answer."""
    async with StandInTelegram(rates=Rates()) as telegram:
        everybody = [telegram.person(started=True) for _ in range(people)]
        pipe.send((telegram.url, telegram.token))
        while not pipe.poll():
            await asyncio.sleep(0.02)
        pipe.recv()
        asked = time.monotonic()
        waits: list[float] = []

        async def ask(person: Any) -> None:
            sent = await person.send("Tell me something long.")
            timeout = LAST_ANSWERS + 60
            await person.chat.wait(
                lambda shown: shown.id > sent.id and shown.text.endswith("the end."),
                timeout=timeout,
            )
            waits.append(time.monotonic() - asked)

        await asyncio.gather(*(ask(person) for person in everybody), return_exceptions=True)
        refused, died = sum(telegram.violations.values()), telegram.world.drafts_died
        pipe.send((waits, refused, sum(telegram.calls.values()), died))


def child(pipe: Connection, people: int) -> None:
    """The child process."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    uvloop.run(serve(pipe, people))


def answer(seconds: float) -> list[Step]:
    """A stream that takes so long."""

    def event(text: str, finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish}
        chunk = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "demo"}
        return b"data: " + json.dumps({**chunk, "choices": [choice]}).encode() + b"\n\n"

    steps: list[Step] = []
    for _ in range(PIECES):
        steps += [event(WORDS), seconds / PIECES]
    return [*steps, event("And that is the end.", "stop"), b"data: [DONE]\n\n"]


async def run(people: int, seconds: float, folder: Path) -> None:
    """One case, printed as a row."""
    pipe, far = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=child, args=(far, people))
    process.start()
    url, token = await asyncio.to_thread(pipe.recv)
    steps = answer(seconds)
    client = ScriptedClient(lambda _: ScriptedResponse(steps, headers=EVENT_HEADERS))
    settings = TelegramSettings(
        bot=BotSettings(token=token, api=url),
        store=f"sqlite:///{folder / f'{people}.sqlite'}",
        content_key=folder / "content.key",
        money=MoneySettings(free_daily=Nano(10**9)),
        app=AppSettings(port=0),
        is_stand_in=True,
    )
    service = TelegramService(settings, cocoon.AsyncClient(client=client))
    await service.start()
    began, cpu = time.monotonic(), time.process_time()
    pipe.send("go")
    waits, refused, calls, died = await asyncio.to_thread(pipe.recv)
    used, took = time.process_time() - cpu, time.monotonic() - began
    await service.close()
    process.join(10)
    waits.sort()
    three = " / ".join(
        f"{waits[min(len(waits) - 1, int(share * len(waits)))] - seconds:.1f}"
        for share in (0.5, 0.95, 0.99)
    )
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"| {people} | {len(waits)} | {calls} | {refused} | {died} | {three} "
        f"| {used * 1000 / people:.0f} | {used / took:.0%} | {memory:.0f} |",
        flush=True,
    )


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=20.0)
    wanted = parser.parse_args()
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(50),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    print(f"whole answers take {wanted.seconds:.0f} s; waits are beyond that, p50 / p95 / p99 s")
    print(
        "| people at once | answered | calls | refused (429) | drafts that died | longer than the "
        "answer | CPU ms a person | CPU | MiB |\n|---|---|---|---|---|---|---|---|---|"
    )
    with tempfile.TemporaryDirectory() as folder, contextlib.suppress(KeyboardInterrupt):
        for people in (1, wanted.people):
            uvloop.run(run(people, wanted.seconds, Path(folder)))


if __name__ == "__main__":
    main()
