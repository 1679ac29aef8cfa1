"""The gateway alone beside LiteLLM's proxy: one engine stand-in, one load, taking turns.

There is no network behind the gateway here: it asks the engine directly, as LiteLLM does. Each of
the three is a process of its own. The gateway has keys, budgets and its ledger on, in SQLite;
LiteLLM has one master key and nothing that needs a database. The stand-in is also measured without
anything before it.

LiteLLM is no dependency of this project: install ``litellm[proxy]`` into a virtual environment of
its own and name its program.

    python benchmarks/bench_litellm.py --litellm VENV/bin/litellm [--seconds 3] [--turns 3]
"""

import argparse
import multiprocessing
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import psutil
import uvloop
from load import Load, Result, percentile
from rich.console import Console
from rich.table import Table

from cocoon.engine.openai_http import OpenAIHttpEngine
from cocoon.gateway import Gateway, GatewayServer
from cocoon.gateway.keys import KeyGate, KeysSettings, Limits
from cocoon.gateway.keys.changes import draft
from cocoon.gateway.keys.registry import Registry
from cocoon.gateway.keys.secret import new_key
from cocoon.gateway.keys.store import open_store
from cocoon.store import sqlite_url
from cocoon.testing.direct_client import DirectClient
from cocoon.testing.engine_standin import StandinOptions, serve_standin

CHUNKS = 200
MASTER_KEY = "sk-benchmark"
ASK = b'{"model":"demo","messages":[{"role":"user","content":"hi there"}],"max_tokens":300%s}'
SHAPES = (("tiny", b"", 1), ("tiny", b"", 32), ("stream", b',"stream":true', 8))
START_TIMEOUT = 120.0


async def serve_engine(pipe: Connection) -> None:
    server = await serve_standin(StandinOptions(CHUNKS, model="demo"))
    pipe.send((server.sockets[0].getsockname()[1], ""))
    await server.serve_forever()


def gateway_on(port: int, folder: str) -> Callable[[Connection], Any]:
    async def serve(pipe: Connection) -> None:
        url = sqlite_url(Path(folder) / "keys.sqlite")
        database = open_store(url)
        made = new_key()
        limits = Limits(day=10**15, month=10**16, requests=10**7, tokens=10**9)
        changes = {"name": "bench", "limits": limits}
        Registry(database).create(draft(changes, int(time.time())), made)
        database.close()
        gate = KeyGate(KeysSettings(store=url))
        await gate.start()
        engine = OpenAIHttpEngine(f"http://127.0.0.1:{port}")
        server = GatewayServer(Gateway(DirectClient(engine, "demo"), gate=gate), port=0)
        await server.start()
        pipe.send((server.port, made.text))
        await server.wait()

    return serve


def child(kind: str, pipe: Connection, port: int, folder: str) -> None:
    uvloop.run(serve_engine(pipe) if kind == "engine" else gateway_on(port, folder)(pipe))


def start(kind: str, port: int = 0, folder: str = "") -> tuple[int, int, str]:
    """Start a child; its process id, its port and the key that it wants."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=child, args=(kind, theirs, port, folder), daemon=True)
    process.start()
    listens, key = ours.recv()
    assert process.pid is not None
    return process.pid, listens, key


def start_litellm(program: str, engine: int, folder: str) -> tuple[subprocess.Popen[bytes], int]:
    config = Path(folder) / "litellm.yaml"
    config.write_text(
        "model_list:\n  - model_name: demo\n    litellm_params:\n      model: openai/demo\n"
        f"      api_base: http://127.0.0.1:{engine}/v1\n      api_key: none\n"
        f"general_settings:\n  master_key: {MASTER_KEY}\n"
        "litellm_settings:\n  telemetry: false\n"
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [program, "--config", str(config), "--host", "127.0.0.1", "--port", str(port)]
    environment = {
        **os.environ,
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_LOG": "ERROR",
        "PATH": f"{Path(program).parent}:{os.environ['PATH']}",
    }
    log = (Path(folder) / "litellm.log").open("wb")
    process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
    until = time.monotonic() + START_TIMEOUT
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health/liveliness", timeout=2).close()
        except OSError:
            if time.monotonic() > until or process.poll() is not None:
                sys.exit(f"LiteLLM does not start; see {folder}/litellm.log")
            time.sleep(0.3)
        else:
            return process, port


def turn(pid: int, port: int, key: str, body: bytes, conc: int, seconds: float) -> tuple[Any, ...]:
    process = psutil.Process(pid)
    uvloop.run(Load(port, body, 10**6, conc, 0.5, key=key).run())
    before = process.cpu_times()
    result = uvloop.run(Load(port, body, 10**6, conc, seconds, key=key).run())
    after = process.cpu_times()
    cpu = after.user + after.system - before.user - before.system
    return result, cpu / max(1, len(result.latency))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--litellm", help="LiteLLM's program; without it only ours is measured")
    parser.add_argument("--seconds", type=float, default=3.0, help="for each turn")
    parser.add_argument("--turns", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        engine = start("engine")
        servers = {"engine alone": engine, "gateway": start("gateway", engine[1], folder)}
        other = None
        if options.litellm:
            other, port = start_litellm(options.litellm, engine[1], folder)
            servers["LiteLLM"] = (other.pid, port, MASTER_KEY)
        try:
            Console().print(measure(servers, options))
            if other is None:
                print("without --litellm only ours was measured")
        finally:
            if other is not None:
                other.terminate()
                other.wait(10)


def measure(servers: dict[str, tuple[int, int, str]], options: argparse.Namespace) -> Table:
    titles = ("shape", "at", "server", "req/s", "events/s", "p50 ms", "p99 ms", "CPU µs/req")
    table = Table(*titles, "req/s, of LiteLLM", title="the best of several turns")
    for name, extra, concurrency in SHAPES:
        runs: dict[str, list[tuple[Result, float]]] = {server: [] for server in servers}
        for _ in range(options.turns):
            for server, (pid, port, key) in servers.items():
                body = ASK % extra
                runs[server].append(turn(pid, port, key, body, concurrency, options.seconds))
        base = max((r.rate for r, _ in runs.get("LiteLLM", [])), default=0.0)
        for server, results in runs.items():
            best = max((result for result, _ in results), key=lambda result: result.rate)
            if best.failures or not best.latency:
                sys.exit(f"{server}: {best.failures} requests failed")
            cpu = min(cost for _, cost in results)
            events = f"{best.rate * (CHUNKS + 2):.0f}" if name == "stream" else ""
            table.add_row(
                *(name, str(concurrency), server, f"{best.rate:.0f}", events),
                f"{percentile(best.latency, 0.5) * 1e3:.2f}",
                f"{percentile(best.latency, 0.99) * 1e3:.2f}",
                f"{cpu * 1e6:.0f}",
                f"{best.rate / base:.1f}" if base else "",
            )
    return table


if __name__ == "__main__":
    main()
