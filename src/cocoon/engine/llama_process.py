"""One child process of the embedded engine: started, watched, started again, stopped."""

import asyncio
import contextlib
import os
import sys
from collections.abc import Callable

import msgspec

from cocoon.engine.llama_child import ChildSettings
from cocoon.errors import EngineError

#: Seconds until the next start after a crash: doubled each time until a child has run well.
FIRST_BACKOFF = 0.5
LAST_BACKOFF = 30.0
START_TIMEOUT = 120.0
STOP_TIMEOUT = 5.0

#: Told "verifying", "loading" and "ready" while the engine starts.
Progress = Callable[[str], None]


class LlamaProcess:
    """Keeps one `cocoon.engine.llama_child` running.

    Args:
        make: what to tell the child, asked for before every start. May raise EngineError.
        on_progress: called with the stages of every start.

    Attributes:
        state: ``ready``, or what it is instead.
        restarts: since `start`.
    """

    def __init__(self, make: Callable[[], ChildSettings], on_progress: Progress) -> None:
        self.state = "not started"
        self.restarts = 0
        self._make = make
        self._on_progress = on_progress
        self._process: asyncio.subprocess.Process | None = None
        self._keeper: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """Process id of the running child."""
        return self._process.pid if self._process is not None else None

    async def start(self) -> None:
        """Start the child and wait until the model is loaded.

        Raises:
            EngineError: it does not start.
        """
        try:
            await self._spawn()
        except BaseException:
            await self.close()
            raise
        self._keeper = asyncio.get_running_loop().create_task(self._keep_running())

    async def close(self) -> None:
        """Stop the child."""
        self.state = "closed"
        if self._keeper is not None:
            self._keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeper
            self._keeper = None
        await self._stop_child()

    async def _keep_running(self) -> None:
        """Restart the child whenever it ends."""
        loop = asyncio.get_running_loop()
        backoff = FIRST_BACKOFF
        while True:
            if self._process is not None and self.state == "ready":
                began = loop.time()
                code = await self._process.wait()
                if loop.time() - began > LAST_BACKOFF:
                    backoff = FIRST_BACKOFF
                self.state = f"restarting after it ended with code {code}"
            await asyncio.sleep(backoff)
            backoff = min(2 * backoff, LAST_BACKOFF)
            self.restarts += 1
            try:
                await self._spawn()
            except (EngineError, OSError) as exc:
                self.state = f"restarting; the last attempt failed: {exc}"

    async def _spawn(self) -> None:
        await self._stop_child()
        settings = self._make()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(settings.socket_path)
        command = [sys.executable, "-m", "cocoon.engine.llama_child"]
        self._process = await asyncio.create_subprocess_exec(
            *command,
            msgspec.json.encode(settings).decode(),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={**os.environ, "OMP_WAIT_POLICY": "passive"},
            start_new_session=True,  # Ctrl-C is for us; we stop the child in order
        )
        try:
            async with asyncio.timeout(START_TIMEOUT):
                await self._follow_start(self._process)
        except TimeoutError:
            await self._stop_child()
            raise EngineError("the embedded engine did not start in time") from None
        self.state = "ready"

    async def _follow_start(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        while line := await process.stdout.readline():
            try:
                report = msgspec.json.decode(line, type=dict[str, str])
                stage = report["stage"]
            except (msgspec.MsgspecError, UnicodeDecodeError, KeyError):  # cut off when killed
                raise EngineError("the embedded engine does not report its start") from None
            if stage == "failed":
                raise EngineError(f"the embedded engine does not start: {report.get('error')}")
            self._on_progress(stage)
            if stage == "ready":
                return
            self.state = stage
        code = await process.wait()
        raise EngineError(f"the embedded engine ended with code {code} while it started")

    async def _stop_child(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        process.stdin.close()  # tells it to end
        try:
            async with asyncio.timeout(STOP_TIMEOUT):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
