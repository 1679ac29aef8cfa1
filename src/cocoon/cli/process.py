"""One role as one process: start, say so, run until told to stop, stop cleanly."""

import asyncio
import contextlib
import os
import signal
import threading
from collections.abc import Awaitable, Iterable
from typing import Protocol

from cocoon.cli.logging import guard_event_loop
from cocoon.errors import CocoonError

PARENT_PIPE_VARIABLE = "COCOON_PARENT_PIPE"
"""Number of a file descriptor that closes when the process that started us is gone."""
CLOSE_TIMEOUT = 20.0
"""Seconds that a role gets to close."""
ORPHAN_GRACE = 8.0
"""Seconds that an orphaned process gets to stop by itself."""
EXIT_FORCED = 130


class Role(Protocol):
    """What can be started and closed: a client, a proxy, a worker, a gateway, a router."""

    async def start(self) -> None:
        """Begin to work."""
        ...

    async def close(self) -> None:
        """Stop, giving running work a little time."""
        ...


def run(role: Role, name: str, *, maintain: Iterable[Awaitable[None]] = ()) -> None:
    """Run a role until SIGTERM, Ctrl-C, or the death of the parent; a second signal is not polite.

    Args:
        role: started first, closed last.
        name: for the log.
        maintain: endless tasks that live as long as the role.

    Raises:
        CocoonError: it could not start, or a task of it failed.
    """
    import uvloop  # noqa: PLC0415 - only a role needs it

    _watch_parent()
    _allow_many_files()
    uvloop.run(_run(role, name, list(maintain)))


async def _run(role: Role, name: str, maintain: list[Awaitable[None]]) -> None:
    import structlog  # noqa: PLC0415

    log = structlog.get_logger("cocoon")
    guard_event_loop()
    stop = asyncio.Event()
    _handle_signals(stop)
    tasks = [asyncio.ensure_future(item) for item in maintain]
    try:
        await role.start()
        log.info("started", role=name, pid=os.getpid())
        waiting = asyncio.ensure_future(stop.wait())
        done, _ = await asyncio.wait([waiting, *tasks], return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        for task in done - {waiting}:
            task.result()  # an endless task ended: raise why
        log.info("stopping", role=name)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(role.close(), CLOSE_TIMEOUT)


def _allow_many_files() -> None:
    """Use all descriptors that the system lets us have: each connection needs one."""
    try:
        import resource  # noqa: PLC0415 - Unix only
    except ImportError:
        return
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):  # some systems promise more than they give
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _handle_signals(stop: asyncio.Event) -> None:
    def asked() -> None:
        if stop.is_set():
            os._exit(EXIT_FORCED)
        stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, asked)


def _watch_parent() -> None:
    """Stop when the parent dies, even if it was killed: its end of the pipe closes then.

    A thread, so that it works on every system and while the event loop is busy.
    """
    text = os.environ.pop(PARENT_PIPE_VARIABLE, "")
    if not text:
        return
    if not (text.isascii() and text.isdigit()):
        raise CocoonError(f"{PARENT_PIPE_VARIABLE} is not a number")
    threading.Thread(target=_wait_for_parent, args=(int(text),), daemon=True).start()


def _wait_for_parent(pipe: int) -> None:
    with contextlib.suppress(OSError):
        os.set_inheritable(pipe, False)
        os.read(pipe, 1)
    os.kill(os.getpid(), signal.SIGTERM)
    threading.Event().wait(ORPHAN_GRACE)
    os._exit(1)
