"""What accounts, bot and Telegram's draft add to an answer of the gateway.

Two child processes: the gateway over a scripted client, and the stand-in for Telegram with its own
limits. This process asks the gateway with the ``openai`` package (the baseline), and then the same
through the assistant, which holds and settles a user's money in SQLite, and the delivery, which
shows a draft and sends the message. One question at a time, each in a chat of its own.

    python benchmarks/bench_telegram_latency.py [--questions 60]
"""

import argparse
import asyncio
import json
import multiprocessing
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import openai
import uvloop
from bench_telegram import FIRST, Record, child, three

from cocoon.accounting import Nano
from cocoon.client.api import ModelInfo, WorkerInfo
from cocoon.devnet.telegram.limits import Rates
from cocoon.gateway import Gateway, GatewayServer
from cocoon.store import sqlite_url
from cocoon.telegram.accounts import AccountPolicy, Accounts
from cocoon.telegram.assistant.network import NetworkAssistant
from cocoon.telegram.assistant.values import Delta, Question, Turn
from cocoon.telegram.bot.delivery import Delivery, Pacer, Where
from cocoon.telegram.bot.session import make_bot
from cocoon.telegram.settings import AssistantSettings, BotSettings
from cocoon.testing.scripted_client import EVENT_HEADERS, ScriptedClient, ScriptedResponse

PIECES = 50
PERIOD = 0.01
"""Seconds between two pieces."""
MODELS = (ModelInfo("demo", (WorkerInfo(1000, 0, 8),)),)


def event(choices: list[dict[str, Any]], **more: Any) -> bytes:
    head = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "demo"}
    return b"data: " + json.dumps(head | {"choices": choices} | more).encode() + b"\n\n"


def script(_: Any) -> ScriptedResponse:
    piece = event([{"index": 0, "delta": {"content": "some words "}, "finish_reason": None}])
    end = event([{"index": 0, "delta": {}, "finish_reason": "stop"}])
    usage = event([], usage={"prompt_tokens": 9, "completion_tokens": 99, "total_tokens": 108})
    steps = [piece, *[PERIOD, piece] * PIECES, end, usage, b"data: [DONE]\n\n"]
    return ScriptedResponse(steps, headers=EVENT_HEADERS)


def gateway_child(pipe: Connection) -> None:
    async def serve() -> None:
        server = GatewayServer(Gateway(ScriptedClient(script, models=MODELS)), port=0)
        await server.start()
        pipe.send(server.port)
        await asyncio.Event().wait()

    uvloop.run(serve())


async def direct(ai: openai.AsyncOpenAI) -> tuple[float, float]:
    """Seconds until the first piece and until the end, as the gateway gives them."""
    began, first = time.perf_counter(), 0.0
    stream = await ai.chat.completions.create(
        model="demo", stream=True, messages=[{"role": "user", "content": "hello"}]
    )
    async for chunk in stream:
        if not first and chunk.choices and chunk.choices[0].delta.content:
            first = time.perf_counter() - began
    return first, time.perf_counter() - began


async def shown(
    assistant: NetworkAssistant, delivery: Delivery, record: Record, chat: int
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Seconds until the assistant, and until Telegram, has the first words and the whole answer."""
    began, heard, text = time.perf_counter(), 0.0, ""
    live = delivery.live(Where(chat))
    question = Question(
        user=chat, reference=f"chat:{chat}:1", chat=str(chat), turns=(Turn("user", "hello"),)
    )
    async for found in assistant.answer(question):
        if isinstance(found, Delta):
            heard = heard or time.perf_counter()
            text += found.text
            await live.update(text)
    read = time.perf_counter()
    await live.finish(text)
    moments = record.shown[chat]
    return (heard - began, read - began), (moments[0] - began, moments[-1] - began)


async def main(questions: int) -> None:
    context = multiprocessing.get_context("spawn")
    of_gateway, theirs = context.Pipe()
    of_telegram, telegrams = context.Pipe()
    context.Process(target=gateway_child, args=(theirs,), daemon=True).start()
    context.Process(target=child, args=(telegrams, questions, Rates()), daemon=True).start()
    port = await asyncio.to_thread(of_gateway.recv)
    url, token = await asyncio.to_thread(of_telegram.recv)
    pacer, record = Pacer(), Record()
    bot = make_bot(BotSettings(token=token, api=url), pacer)
    bot.session.middleware(record)
    ai = openai.AsyncOpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="unused")
    with tempfile.TemporaryDirectory() as folder:
        store = sqlite_url(Path(folder) / "accounts.sqlite")
        accounts = Accounts(store, AccountPolicy(free_daily=Nano(10**12)))
        await accounts.start()
        assistant = NetworkAssistant(ai, accounts, AssistantSettings())
        await direct(ai)
        plain = [await direct(ai) for _ in range(questions)]
        delivery = Delivery(bot, pacer)
        ours = [
            await shown(assistant, delivery, record, FIRST + number) for number in range(questions)
        ]
        await assistant.close()
        await accounts.close()
    await delivery.close()
    await bot.session.close()
    print("| way | first words ms p50 / p95 / p99 | whole answer ms |\n|---|---|---|")
    heard, seen = zip(*ours, strict=True)
    for name, found in (("gateway", plain), ("assistant", heard), ("Telegram", seen)):
        columns = [three(list(column), 1000) for column in zip(*found, strict=True)]
        print(f"| {name} | {columns[0]} | {columns[1]} |")
    of_telegram.send("stop")
    refused = (await asyncio.to_thread(of_telegram.recv))[0]
    print(f"\ncalls refused (429): {refused}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--questions", type=int, default=60)
    uvloop.run(main(parser.parse_args().questions))
