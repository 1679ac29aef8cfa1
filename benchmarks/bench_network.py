"""The whole path on one machine against the engine alone, in the same run, RA-TLS on.

Load generator, gateway with client, proxy, worker and engine stand-in are processes of their own.
The stand-in answers at once, so what is measured is everything around an engine.

    python benchmarks/bench_network.py [--seconds 5] [--markdown] [--json FILE]

The official node's figures (two cores, plain TCP instead of TLS, same kind of stand-in) stand
beside ours where there are any; they were measured elsewhere and are a yardstick, not a baseline.
"""

import argparse
import asyncio
import json
import math
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psutil
import uvloop
from load import Load, Result, percentile
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from cocoon.devnet.network import Network
from cocoon.devnet.options import DevnetOptions

MESSAGES = b'"messages":[{"role":"user","content":"Hi"}],"max_tokens":%d'
CHUNKS = 200
PACE = 0.01
"""Seconds between the chunks of a paced stream."""


@dataclass(frozen=True)
class Case:
    """One row: what is asked, how often, and what the official node did."""

    name: str
    stream: bool
    concurrency: int
    paced: bool = False
    official_rate: float | None = None
    official_p50_ms: float | None = None

    def body(self, model: str) -> bytes:
        """The JSON to send."""
        tokens = CHUNKS if self.stream else 16
        extra = b',"stream":true' if self.stream else b""
        return b'{"model":"%s",%s%s}' % (model.encode(), MESSAGES % tokens, extra)


CASES = (
    Case("tiny, 1 at a time", False, 1, official_rate=370, official_p50_ms=2.4),
    Case("tiny, 64 at a time", False, 64, official_rate=923, official_p50_ms=65),
    Case("200 chunks at once, 1", True, 1, official_rate=224),
    Case("200 chunks at once, 8", True, 8),
    Case("200 chunks at once, 64", True, 64, official_rate=636),
    Case("200 chunks 10 ms apart, 64", True, 64, paced=True),
)


@dataclass
class Row:
    """One measured case."""

    case: Case
    rate: float
    p50_ms: float
    p99_ms: float
    first_p50_ms: float
    first_p99_ms: float
    alone_rate: float
    alone_p50_ms: float
    alone_first_p50_ms: float
    failures: int
    cpu_ms: dict[str, float] = field(default_factory=dict)
    memory_mb: dict[str, float] = field(default_factory=dict)


def engine(port: int, delay: float) -> subprocess.Popen[bytes]:
    """Start an engine stand-in."""
    command = [sys.executable, "-m", "cocoon.testing.engine_standin", "--port", str(port)]
    return subprocess.Popen([*command, "--chunks", str(CHUNKS), "--delay", str(delay)])


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def listening(port: int) -> None:
    """Wait until something accepts connections."""
    for _ in range(200):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.05)
        else:
            writer.close()
            return
    raise TimeoutError(f"nothing listens on port {port}")


def cpu(processes: dict[str, psutil.Process]) -> dict[str, float]:
    """CPU seconds used so far by each process."""
    times = {name: process.cpu_times() for name, process in processes.items()}
    return {name: used.user + used.system for name, used in times.items()}


async def measure(case: Case, port: int, model: str, seconds: float) -> Result:
    """Warm up, then measure one case against one port."""
    body, streams = case.body(model), case.concurrency
    await Load(port, body, streams * 2, streams, 2.0).run()
    if not case.paced:
        return await Load(port, body, 10**9, streams, seconds).run()
    length = CHUNKS * PACE
    return await Load(port, body, 10**9, streams, seconds + 2 * length, spread=length).run()


def row(
    case: Case,
    ours: Result,
    alone: Result,
    used: dict[str, float],
    processes: dict[str, psutil.Process],
) -> Row:
    """Sum a case up."""
    done = max(len(ours.latency), 1)
    return Row(
        case=case,
        rate=ours.rate,
        p50_ms=percentile(ours.latency, 0.5) * 1e3,
        p99_ms=percentile(ours.latency, 0.99) * 1e3,
        first_p50_ms=percentile(ours.first_byte, 0.5) * 1e3,
        first_p99_ms=percentile(ours.first_byte, 0.99) * 1e3,
        alone_rate=alone.rate,
        alone_p50_ms=percentile(alone.latency, 0.5) * 1e3,
        alone_first_p50_ms=percentile(alone.first_byte, 0.5) * 1e3,
        failures=ours.failures + alone.failures,
        cpu_ms={name: seconds / done * 1e3 for name, seconds in used.items()},
        memory_mb={n: p.memory_info().rss / 2**20 for n, p in processes.items()},
    )


async def run_cases(cases: list[Case], delay: float, seconds: float, say: "Say") -> list[Row]:
    """Start one network over one stand-in and measure the cases that fit it."""
    port = free_port()
    rows = []
    with tempfile.TemporaryDirectory() as state, engine(port, delay) as standin:
        try:
            await listening(port)
            options = DevnetOptions(
                state=Path(state),
                port=0,
                engine_url=f"http://127.0.0.1:{port}",
                simulated_ton=True,  # deposits would bound how much runs at a time
                max_active_requests=256,
                log_level="warning",
            )
            say("starting the network")
            async with Network(options, lambda *_: None) as network:
                processes = {n: psutil.Process(pid) for n, pid in network.pids().items()}
                processes["engine"] = psutil.Process(standin.pid)
                gateway = int(network.running.gateway_url.rsplit(":")[-1].split("/")[0])
                for case in cases:
                    say(f"{case.name}: engine alone")
                    alone = await measure(case, port, "stand-in", seconds)
                    say(f"{case.name}: through the network")
                    before = cpu(processes)
                    ours = await measure(case, gateway, network.running.model, seconds)
                    after = cpu(processes)
                    used = {name: after[name] - before[name] for name in processes}
                    rows.append(row(case, ours, alone, used, processes))
        finally:
            standin.terminate()
    return rows


class Say:
    """Shows what is being done."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task = progress.add_task("")

    def __call__(self, text: str) -> None:
        """Show ``text``."""
        self._progress.update(self._task, description=text)


def number(value: float | None, digits: int = 0) -> str:
    """A figure, or a dash where there is none."""
    return "–" if value is None or math.isnan(value) else f"{value:.{digits}f}"


def times(ours: float, theirs: float | None) -> str:
    """How many times as fast."""
    return "–" if not theirs else f"{ours / theirs:.2f}×"


HEADINGS = (
    "case",
    "requests/s",
    "p50 ms",
    "p99 ms",
    "first byte p50 ms",
    "p99 ms",
    "engine alone /s",
    "ratio",
    "added to first byte ms",
    "official /s",
    "× official",
)


def cells(r: Row) -> list[str]:
    """One row of the table."""
    return [
        r.case.name,
        number(r.rate),
        number(r.p50_ms, 1),
        number(r.p99_ms, 1),
        number(r.first_p50_ms, 1),
        number(r.first_p99_ms, 1),
        number(r.alone_rate),
        number(r.rate / r.alone_rate if r.alone_rate else None, 2),
        number(r.first_p50_ms - r.alone_first_p50_ms, 1),
        number(r.case.official_rate),
        times(r.rate, r.case.official_rate),
    ]


def print_tables(rows: list[Row], console: Console) -> None:
    """Throughput and times, then what every process used."""
    table = Table(*HEADINGS, title="Whole path, RA-TLS on, against the engine alone")
    for r in rows:
        table.add_row(*cells(r))
    console.print(table)
    names = list(rows[0].cpu_ms)
    usage = Table("CPU ms a request (memory MB)", *names, "all")
    for r in rows:
        shown = [f"{r.cpu_ms[n]:.3f} ({r.memory_mb[n]:.0f})" for n in names]
        usage.add_row(r.case.name, *shown, f"{sum(r.cpu_ms.values()):.3f}")
    console.print(usage)


def print_markdown(rows: list[Row]) -> None:
    """The same as Markdown, for the documentation."""
    print("| " + " | ".join(HEADINGS) + " |")
    print("|" + "---|" * len(HEADINGS))
    for r in rows:
        print("| " + " | ".join(cells(r)) + " |")
    names = list(rows[0].cpu_ms)
    print("\n| CPU ms a request (memory MB) | " + " | ".join(names) + " | all |")
    print("|" + "---|" * (len(names) + 2))
    for r in rows:
        shown = " | ".join(f"{r.cpu_ms[n]:.3f} ({r.memory_mb[n]:.0f})" for n in names)
        print(f"| {r.case.name} | {shown} | {sum(r.cpu_ms.values()):.3f} |")


def main() -> int:
    """Measure and print; fails when a request failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=5.0, help="of each measurement")
    parser.add_argument("--markdown", action="store_true")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    console = Console(stderr=options.markdown)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        say = Say(progress)
        rows: list[Row] = []
        for paced, delay in ((False, 0.0), (True, PACE)):
            cases = [case for case in CASES if case.paced is paced]
            rows += uvloop.run(run_cases(cases, delay, options.seconds, say))
    if options.markdown:
        print_markdown(rows)
    else:
        print_tables(rows, console)
    if options.json:
        facts = {"at": int(time.time()), "rows": [asdict(r) for r in rows]}
        options.json.write_text(json.dumps(facts, indent=1))
    return 1 if any(r.failures for r in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
