"""Watches the engine and says when it becomes usable or stops being so (§4.4)."""

import asyncio
import random
from collections.abc import Callable

import structlog

from cocoon.engine.base import Engine, EngineHealth

CHECK_TIMEOUT = 40.0
"""Seconds for one check: 10 for the head and 30 for the body (§4.4)."""
CHECK_PERIOD = (1.0, 2.0)
"""Seconds between checks, random in this range."""

_log = structlog.get_logger(__name__)


class EngineMonitor:
    """Checks the engine again and again.

    Args:
        engine: what to check.
        model: name that it must answer to; an engine that names none of its models is taken as is.
        on_change: called with the new state whenever it changes; the first state is "down".
    """

    def __init__(self, engine: Engine, model: str, on_change: Callable[[bool], None]) -> None:
        self._engine = engine
        self._model = model
        self._on_change = on_change
        self._hurry = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.health = EngineHealth(False, reason="not checked yet")

    @property
    def ready(self) -> bool:
        """Whether the last check succeeded."""
        return self.health.ready

    def start(self) -> None:
        """Check from now on."""
        self._task = asyncio.get_running_loop().create_task(self._watch())

    async def close(self) -> None:
        """Stop checking."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    def hurry(self) -> None:
        """Check at once: a request has just failed."""
        self._hurry.set()

    async def check(self) -> EngineHealth:
        """Check once."""
        try:
            async with asyncio.timeout(CHECK_TIMEOUT):
                health = await self._engine.check()
        except TimeoutError:
            health = EngineHealth(False, reason="the engine did not answer a check in time")
        if health.ready and health.models and self._model not in health.models:
            health = EngineHealth(
                False, health.models, f"the engine does not serve {self._model!r}"
            )
        before, self.health = self.health, health
        if health.ready and not before.ready:
            _log.info("engine is ready")
        elif not health.ready and health.reason != before.reason:
            _log.warning("engine is not ready", reason=health.reason)
        if health.ready != before.ready:
            self._on_change(health.ready)
        return health

    async def _watch(self) -> None:
        while True:
            self._hurry.clear()
            await self.check()
            try:
                async with asyncio.timeout(random.uniform(*CHECK_PERIOD)):  # noqa: S311
                    await self._hurry.wait()
            except TimeoutError:
                pass
            else:
                await asyncio.sleep(0.1)  # a burst of failures is one reason to look, not many
