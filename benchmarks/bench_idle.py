"""Memory of a proxy that holds idle clients and workers over attested TLS.

The proxy is ``cocoon proxy`` in a process of its own; the peers, each with a certificate and
simulated TDX evidence of its own, are in another.

    python benchmarks/bench_idle.py [--steps 0 100 1000] [--markdown]
"""

import argparse
import asyncio
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
import uvloop
from rich.console import Console
from rich.table import Table

from cocoon.devnet.options import DevnetOptions
from cocoon.testing.processes import ProcessNetwork

SETTLE = 3.0
"""Seconds of idleness before memory is read."""
HEADINGS = ("clients", "workers", "memory MB", "KB a connection", "connected in s", "idle CPU %")


@dataclass(frozen=True)
class Row:
    """A measured step; ``peers`` of each kind."""

    peers: int
    memory: int
    seconds: float
    cpu: float


async def measure(peers: int) -> Row:
    """Start a proxy, connect so many clients and as many workers, and look."""
    with tempfile.TemporaryDirectory() as state:
        options = DevnetOptions(state=Path(state), pow_difficulty=0, log_level="warning")
        async with ProcessNetwork(options) as network:
            await network.start("proxy-1")
            proxy = psutil.Process(network.pid("proxy-1"))
            ports = network.ports.proxies[0]
            began = time.monotonic()
            crowd = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "cocoon.testing.dialling", "--state", state),
                *("--client-port", str(ports.clients), "--worker-port", str(ports.workers)),
                *("--clients", str(peers), "--workers", str(peers)),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
            assert crowd.stdin is not None
            assert crowd.stdout is not None
            try:
                if await crowd.stdout.readline() != b"ready\n":
                    raise RuntimeError("the peers could not connect")
                seconds = time.monotonic() - began
                cpu = await asyncio.to_thread(proxy.cpu_percent, SETTLE)
                return Row(peers, proxy.memory_info().rss, seconds, cpu)
            finally:
                crowd.stdin.close()
                await crowd.wait()


def cells(row: Row, empty: Row) -> list[str]:
    """One row of the table; ``empty`` is the proxy without peers."""
    each = "–"
    if row.peers:
        each = f"{(row.memory - empty.memory) / row.peers / 2 / 1024:.0f}"
    return [
        *(str(row.peers), str(row.peers), f"{row.memory / 1e6:.0f}", each),
        *(f"{row.seconds:.1f}", f"{row.cpu:.1f}"),
    ]


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, nargs="+", default=[100, 1000])
    parser.add_argument("--markdown", action="store_true")
    options = parser.parse_args()
    rows = [uvloop.run(measure(peers)) for peers in [0, *options.steps]]
    if options.markdown:
        print("| " + " | ".join(HEADINGS) + " |\n|" + "---|" * len(HEADINGS))
        for row in rows:
            print("| " + " | ".join(cells(row, rows[0])) + " |")
        return 0
    table = Table(*HEADINGS, title="A proxy with idle peers")
    for row in rows:
        table.add_row(*cells(row, rows[0]))
    Console().print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
