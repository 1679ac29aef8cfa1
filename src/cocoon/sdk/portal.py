"""An event loop in a thread of its own, for callers without one."""

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")

STOP_TIME = 10.0
"""Seconds to wait for the thread's end."""


class Portal:
    """Runs coroutines in another thread. Made by :meth:`open`; any thread may call."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._process = os.getpid()
        self._thread = threading.Thread(target=self._serve, name="cocoon", daemon=True)

    @classmethod
    def open(cls) -> "Portal":
        """Start the thread."""
        portal = cls()
        portal._thread.start()
        return portal

    @property
    def is_ours(self) -> bool:
        """Whether its thread runs in this process: a fork copies no threads."""
        return self._process == os.getpid() and self._thread.is_alive()

    def call(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run a coroutine and wait for its result; an interrupt of this thread cancels it.

        Raises:
            RuntimeError: called from the portal's own thread, or it has stopped.
            Exception: whatever the coroutine raises.
        """
        if threading.get_ident() == self._thread.ident:
            raise RuntimeError("a synchronous client cannot be used from its own event loop")
        future = self.submit(work)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def submit(self, work: Callable[[], Coroutine[Any, Any, T]]) -> Future[T]:
        """Start a coroutine; cancelling the future cancels it.

        Raises:
            RuntimeError: it has stopped.
        """
        if not self.is_ours:
            raise RuntimeError("the connection to the network is closed")
        return asyncio.run_coroutine_threadsafe(work(), self._loop)

    def post(self, work: Callable[[], object]) -> None:
        """Call a function in the loop, soon; nothing happens once it has stopped."""
        if self.is_ours and not self._loop.is_closed():
            try:
                self._loop.call_soon_threadsafe(work)
            except RuntimeError:  # it has stopped just now
                return

    def stop(self) -> None:
        """End the thread; idempotent. In a forked process there is nothing to end."""
        if not self.is_ours:
            return
        self.post(self._stop.set)
        if threading.get_ident() != self._thread.ident:
            self._thread.join(STOP_TIME)

    def _serve(self) -> None:
        # The runner cancels what is left, and closes the loop.
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._wait())

    async def _wait(self) -> None:
        await self._stop.wait()
