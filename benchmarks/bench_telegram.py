"""A thousand Telegram chats that watch their answers grow, on one bot process within the limits.

A child process runs the stand-in for Telegram's Bot API with Telegram's own limits, or with higher
ones as Telegram grants them to large bots. This process runs the bot's delivery over real aiogram.
Answers come from a script: words at a steady pace. Baseline in the same run: the bot that sends
every piece as it comes.

    python benchmarks/bench_telegram.py [--chats 1000] [--seconds 60] [--fast 100]
"""

import argparse
import asyncio
import contextlib
import itertools
import multiprocessing
import time
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

import uvloop
from aiogram import Bot
from aiogram.client.session.middlewares.base import BaseRequestMiddleware
from aiogram.exceptions import TelegramAPIError

from cocoon.devnet.telegram.limits import Rates
from cocoon.devnet.telegram.server import StandInTelegram
from cocoon.telegram.bot.delivery import Delivery, Pacer, Speed, Where
from cocoon.telegram.bot.session import make_bot
from cocoon.telegram.settings import BotSettings

FIRST = 100_000
"""Id of the first person."""
PIECE = 0.1
"""Seconds between two pieces of an answer."""
PARAGRAPH = """\
Answers of models have a **bold** word here and there, some `code`, and for the rest they are \
sentences such as this one, which goes on for a while and then ends.

"""
WORDS = PARAGRAPH.split(" ")
LONE = 40
"""Chats that are measured one by one."""


async def serve(pipe: Connection, chats: int, rates: Rates) -> None:
    async with StandInTelegram(rates=rates) as telegram:
        for number in range(chats):
            telegram.person(id=FIRST + number, started=True)
        pipe.send((telegram.url, telegram.token))
        while not pipe.poll():
            await asyncio.sleep(0.05)
        pipe.recv()
        refused = sum(telegram.violations.values())
        pipe.send((refused, sum(telegram.calls.values()), telegram.world.drafts_died))


def child(pipe: Connection, chats: int, rates: Rates) -> None:
    uvloop.run(serve(pipe, chats, rates))


class Record(BaseRequestMiddleware):
    """When which chat was shown something, and what."""

    def __init__(self) -> None:
        self.shown: dict[int, list[float]] = {}

    async def __call__(self, make_request: Any, bot: Bot, method: Any) -> Any:
        answer = await make_request(bot, method)
        if getattr(method, "text", None):
            self.shown.setdefault(method.chat_id, []).append(time.perf_counter())
        return answer


@dataclass
class Run:
    """What one way of sending did.

    Attributes:
        shown: moments, by chat.
        began: moment of each chat's first piece.
        ended: seconds between an answer's last piece and its arrival, of those that arrived.
        refused: calls that Telegram answered with 429, of all ``calls``.
        died: drafts that were gone before they were renewed.
        cpu: seconds of this process, of ``seconds``.
    """

    shown: dict[int, list[float]] = field(default_factory=dict)
    began: dict[int, float] = field(default_factory=dict)
    ended: list[float] = field(default_factory=list)
    refused: int = 0
    calls: int = 0
    died: int = 0
    cpu: float = 0.0
    seconds: float = 0.0


def at(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


def three(values: list[float], scale: float = 1.0) -> str:
    if not values:
        return "–"
    return " / ".join(f"{at(values, share) * scale:.1f}" for share in (0.5, 0.95, 0.99))


async def stream(delivery: Delivery, chat: int, seconds: float, run: Run) -> None:
    """One answer, from "thinking" to its end."""
    live = delivery.live(Where(chat))
    await live.update("")
    text = ""
    run.began[chat] = time.perf_counter()
    for number in range(int(seconds / PIECE)):
        text += WORDS[number % len(WORDS)] + " "
        await live.update(text)
        await asyncio.sleep(PIECE)
    asked = time.perf_counter()
    if await live.finish(text):
        run.ended.append(time.perf_counter() - asked)


async def careless(bot: Bot, chat: int, seconds: float, run: Run) -> None:
    """Every piece is sent as it comes; what is refused is left out."""
    text, until = "", time.perf_counter() + seconds
    run.began[chat] = time.perf_counter()
    number = 0
    while time.perf_counter() < until:
        text += WORDS[number % len(WORDS)] + " "
        number += 1
        with contextlib.suppress(TelegramAPIError):
            await bot.send_message_draft(chat_id=chat, draft_id=1, text=text)
        await asyncio.sleep(PIECE)
    with contextlib.suppress(TelegramAPIError):
        asked = time.perf_counter()
        await bot.send_message(chat_id=chat, text=text)
        run.ended.append(time.perf_counter() - asked)


async def measure(chats: int, seconds: float, speed: Speed, way: str) -> Run:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    rates = Rates(everywhere=int(speed.per_second))
    process = context.Process(target=child, args=(theirs, chats, rates), daemon=True)
    process.start()
    url, token = await asyncio.to_thread(ours.recv)
    # The careless bot has aiogram's own session: nothing waits for a turn.
    pacer = Pacer(speed if way != "careless" else Speed(per_second=1e6, chat_per_second=1e6))
    bot = make_bot(BotSettings(token=token, api=url), pacer)
    if way == "careless":
        bot.session.middleware.unregister(next(iter(bot.session.middleware)))
    run, record = Run(), Record()
    bot.session.middleware(record)
    delivery = Delivery(bot, pacer)
    everybody = range(FIRST, FIRST + chats)
    cpu, began = time.process_time(), time.perf_counter()
    if way == "careless":
        await asyncio.gather(*(careless(bot, chat, seconds, run) for chat in everybody))
    elif way == "alone":
        for chat in everybody:
            await stream(delivery, chat, PIECE, run)
    else:
        await asyncio.gather(*(stream(delivery, chat, seconds, run) for chat in everybody))
    run.cpu, run.seconds = time.process_time() - cpu, time.perf_counter() - began
    run.shown = record.shown
    ours.send("stop")
    run.refused, run.calls, run.died = await asyncio.to_thread(ours.recv)
    await delivery.close()
    await bot.session.close()
    process.join(10)
    return run


def row(name: str, run: Run, chats: int) -> str:
    firsts = [moments[0] - run.began[chat] for chat, moments in run.shown.items()]
    gaps = [
        later - earlier
        for moments in run.shown.values()
        for earlier, later in itertools.pairwise(moments)
    ]
    return (
        f"| {name} | {run.calls} | {run.refused} | {len(firsts)} | {three(firsts)} | {three(gaps)} "
        f"| {len(run.ended)}/{chats} | {three(run.ended)} | {run.died} "
        f"| {100 * run.cpu / run.seconds:.0f} % |"
    )


HEAD = """
| case | calls | refused (429) | chats that saw something | first words s p50 / p95 / p99 \
| between two updates s | answers that arrived | after the last word s | drafts that died | CPU |
|---|---|---|---|---|---|---|---|---|---|"""


async def main(chats: int, seconds: float, fast: int) -> None:
    print(HEAD, flush=True)
    usual, large = Speed(), Speed(per_second=float(fast), burst=max(5, fast // 10))
    cases = [
        (f"{chats} at once, 30 calls/s", chats, seconds, usual, "paced"),
        (f"{chats // 4} at once, 30 calls/s", chats // 4, seconds, usual, "paced"),
        (f"{chats} at once, {fast} calls/s", chats, seconds, large, "paced"),
        (f"{chats} at once, every piece sent (baseline)", chats, 10.0, usual, "careless"),
    ]
    for name, number, length, speed, way in cases:
        run = await measure(number, length, speed, way)
        print(row(name, run, number), flush=True)
    lone = await measure(LONE, PIECE, usual, "alone")
    firsts = [moments[0] - lone.began[chat] for chat, moments in lone.shown.items()]
    print(f"\none chat at a time: first piece at Telegram after ms {three(firsts, 1000)}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chats", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--fast", type=int, default=100)
    options = parser.parse_args()
    uvloop.run(main(options.chats, options.seconds, options.fast))
