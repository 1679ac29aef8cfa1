"""What keys, budgets and the ledger cost a request: the gate with a store beside the open one.

    python benchmarks/bench_keys.py [--requests 50000] [--turns 4]

Both gates answer the same calls in the same process, in turns: identify, admit, settle. The best
turn counts. The store is SQLite; batches are written while it runs.
"""

import argparse
import asyncio
import tempfile
import time
from pathlib import Path

from cocoon.accounting import Nano
from cocoon.client.api import Outcome
from cocoon.gateway.access import hash_api_key
from cocoon.gateway.gate import Demand, Gate, OpenGate
from cocoon.gateway.keys import KeyGate, KeyRecord, KeysSettings, Limits
from cocoon.gateway.keys.registry import Registry
from cocoon.gateway.keys.secret import new_key
from cocoon.gateway.keys.store import open_store
from cocoon.store import sqlite_url

OUTCOME = Outcome(Nano(50), told=True, prompt_tokens=3, completion_tokens=5)
PAUSE_EVERY = 200
"""Requests after which the loop gets to its other work, as between two reads of a socket."""


async def turn(gate: Gate, key: bytes, requests: int, user: str) -> float:
    """Microseconds a request."""
    demand = Demand("r" * 24, "/v1/chat/completions", "demo", user, Nano(100), 80, 10)
    spent = 0.0
    for _turn in range(0, requests, PAUSE_EVERY):
        began = time.perf_counter()
        for _ in range(PAUSE_EVERY):
            caller = await gate.identify(key)
            permit = await gate.admit(caller, demand)
            permit.settle(OUTCOME, 200)
        spent += time.perf_counter() - began
        await asyncio.sleep(0)
    return spent / requests * 1e6


async def measure(folder: Path, requests: int, turns: int) -> None:
    url, made = sqlite_url(folder / "keys.sqlite"), new_key()
    limits = Limits(
        day=10**15, month=10**16, total=10**17, requests=10**9, tokens=10**12, concurrency=10**6
    )
    database = open_store(url)
    record = KeyRecord(
        key_id="", name="k", secret_hash=b"", created_at=0, limits=limits, user_limits=limits
    )
    Registry(database).create(record, made)
    database.close()
    gate, key = KeyGate(KeysSettings(store=url)), made.text.encode()
    await gate.start()
    plain = OpenGate((hash_api_key(made.text),))
    names = (("open gate", plain, ""), ("keys", gate, ""), ("keys and end user", gate, "alice"))
    best = dict.fromkeys((name for name, _, _ in names), float("inf"))
    for _ in range(turns):
        for name, which, user in names:
            best[name] = min(best[name], await turn(which, key, requests, user))
            await asyncio.sleep(0.5)
    await gate.close()
    for name, value in best.items():
        ratio = value / best["open gate"]
        print(f"{name:20} {value:7.2f} us a request   {ratio:5.1f} x the open gate")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=50_000)
    parser.add_argument("--turns", type=int, default=4)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measure(Path(folder), chosen.requests, chosen.turns))


if __name__ == "__main__":
    main()
