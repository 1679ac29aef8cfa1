"""Commands in the foreground of a terminal: one coroutine that signals cancel."""

import asyncio
import signal
from collections.abc import Coroutine

EXIT_TERMINATED = 143
"""Exit code after SIGTERM, as shells expect it."""


def run(main: Coroutine[object, object, None]) -> None:
    """Run until it ends; Ctrl-C, SIGTERM and a closed terminal cancel it.

    A coroutine that takes its cancellation as the normal end returns normally. A second Ctrl-C ends
    the process at once; children of a devnet then stop by themselves.

    Raises:
        KeyboardInterrupt: it was interrupted.
        SystemExit: it was terminated.
    """
    try:
        asyncio.run(_cancellable(main))
    except asyncio.CancelledError:
        raise SystemExit(EXIT_TERMINATED) from None


async def _cancellable(main: Coroutine[object, object, None]) -> None:
    task = asyncio.current_task()
    if task is None:
        raise RuntimeError("runs as a task")
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, task.cancel)
    await main
