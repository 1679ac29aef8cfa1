"""Child processes of a devnet: started, watched, and gone when this process is gone.

Nothing is restarted: a process that ends by itself is reported. Children sit in sessions of their
own, so that Ctrl-C reaches only us and they stop in order. Each holds the reading end of a pipe
whose writing end only we have: should we be killed, it closes and they stop by themselves.
"""

import asyncio
import contextlib
import os
import signal
import time
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO

from cocoon.devnet.http import get_status
from cocoon.devnet.plan import ProcessSpec
from cocoon.errors import UnavailableError

PARENT_PIPE_VARIABLE = "COCOON_PARENT_PIPE"
"""Tells a child the descriptor of its pipe's end."""
STOP_TIMEOUT = 4.0
"""Seconds between SIGTERM and SIGKILL."""
POLL_INTERVAL = 0.05
PROBE_TIMEOUT = 5.0
LOG_TAIL = 20
MAX_TAIL_BYTES = 16_384

Report = Callable[[str, str], None]
"""Called with the name of a process and ``starting``, ``ready`` or ``stopped``."""


class ChildProcess:
    """One running child.

    Attributes:
        spec: what was started.
        began: ``time.monotonic()`` of its start.
    """

    def __init__(self, spec: ProcessSpec, process: asyncio.subprocess.Process) -> None:
        self.spec = spec
        self.began = time.monotonic()
        self._process = process
        self._group_killed = False

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self._process.returncode is None

    async def wait(self) -> None:
        """Wait until it has ended."""
        await self._process.wait()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to it and whatever it has started, if it still runs."""
        if self.alive:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)

    def kill_group(self) -> None:
        """End it and what it started at once; does nothing the second time.

        Later its process id may belong to somebody else.
        """
        if not self._group_killed:
            self._group_killed = True
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def death(self) -> str:
        """One sentence about how it ended, with the last thing that it said.

        Whoever is killed says nothing about it: what its log ends with is not why.
        """
        code = self._process.returncode
        if code is not None and code < 0:
            how = f"was killed by {signal.Signals(-code).name}"
        else:
            said = last_line(self.spec.log)
            how = f"ended with exit code {code}{f': {said}' if said else ''}"
        return f"{self.spec.name} {how} (log: {self.spec.log})"


class Supervisor:
    """Starts and stops the children of one network."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._children: list[ChildProcess] = []
        self._told: list[ChildProcess] = []
        self._read_end, self._write_end = os.pipe()

    @property
    def children(self) -> list[ChildProcess]:
        """Everything that was started and has not been stopped."""
        return list(self._children)

    async def start(self, specs: Iterable[ProcessSpec]) -> None:
        """Start processes together and wait until each is ready.

        Raises:
            UnavailableError: one ended or was not ready in time; says which and why.
        """
        started = [await self._spawn(spec) for spec in specs]
        waiting = [asyncio.create_task(self._wait_ready(child)) for child in started]
        try:
            await asyncio.gather(*waiting)
        finally:
            for task in waiting:
                task.cancel()

    async def next_death(self) -> str:
        """Wait until a child ends by itself; each is told once, in a sentence that says how."""
        candidates = [child for child in self._children if child not in self._told]
        waiting = {asyncio.create_task(child.wait()): child for child in candidates}
        try:
            done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()
        child = waiting[done.pop()]
        self._told.append(child)
        child.kill_group()  # what it has started does not outlive it
        return child.death()

    def living(self, role: str) -> int:
        """How many processes of a role still run."""
        return sum(child.alive and child.spec.role == role for child in self._children)

    async def stop(self, role: str | None = None) -> None:
        """Stop the children, or those of one role; what does not stop is killed."""
        wanted = [child for child in self._children if role in (None, child.spec.role)]
        for batch in _batches(wanted):
            for child in batch:
                child.signal(signal.SIGTERM)
            ended = asyncio.gather(*(child.wait() for child in batch))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(ended, STOP_TIMEOUT)
            for child in batch:
                child.kill_group()
                await child.wait()
                self._report(child.spec.name, "stopped")
        self._children = [child for child in self._children if child not in wanted]

    def close(self) -> None:
        """Give the pipe free; children that still run stop by themselves."""
        for end in (self._read_end, self._write_end):
            with contextlib.suppress(OSError):
                os.close(end)

    async def _spawn(self, spec: ProcessSpec) -> ChildProcess:
        self._report(spec.name, "starting")
        with open_log(spec.log) as log:
            process = await asyncio.create_subprocess_exec(
                *spec.command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                pass_fds=(self._read_end,),
                env={**os.environ, PARENT_PIPE_VARIABLE: str(self._read_end)},
            )
        child = ChildProcess(spec, process)
        self._children.append(child)
        return child

    async def _wait_ready(self, child: ChildProcess) -> None:
        spec, limit = child.spec, child.began + child.spec.start_timeout
        while child.alive:
            if await get_status(spec.http + spec.ready_path, PROBE_TIMEOUT) == 200:
                self._report(spec.name, "ready")
                return
            if time.monotonic() > limit:
                said = last_line(spec.log)
                raise UnavailableError(
                    f"{spec.name} was not ready after {spec.start_timeout:.0f} s"
                    f"{f': {said}' if said else ''} (log: {spec.log})"
                )
            await asyncio.sleep(POLL_INTERVAL)
        raise UnavailableError(child.death())


def _batches(children: list[ChildProcess]) -> list[list[ChildProcess]]:
    """The client first, so that it does not see the rest go; the chain last."""
    order = {"client": 0, "chain": 2}
    batches: list[list[ChildProcess]] = [[], [], []]
    for child in children:
        batches[order.get(child.spec.role, 1)].append(child)
    return [batch for batch in batches if batch]


def open_log(path: Path) -> IO[bytes]:
    """A log file to append to, readable by its owner only."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")


def last_line(path: Path) -> str:
    """The last line of a log that is not empty, without the ``cocoon:`` of an error."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - MAX_TAIL_BYTES))
            lines = deque(file.read().decode(errors="replace").splitlines(), LOG_TAIL)
    except OSError:
        return ""
    for line in reversed(lines):
        if line.strip():
            return line.strip().removeprefix("cocoon: ")
    return ""
