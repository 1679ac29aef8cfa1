"""Watches the engine and says when it becomes usable or stops being so (§4.4)."""

import asyncio
import random
from collections.abc import Callable

import structlog

from cocoon.engine.base import Engine, EngineCapabilities, EngineHealth, EngineLoad
from cocoon.errors import EngineError

_random = random.SystemRandom()  # leaves the state of the shared generator alone

CHECK_TIMEOUT = 40.0
"""Seconds for one check: 10 for the head and 30 for the body (§4.4)."""
CHECK_PERIOD = (1.0, 2.0)
"""Seconds between checks, random in this range."""
CAPABILITIES_TIMEOUT = 60.0
"""Seconds to find out what an engine is and can do: a few requests, some for one token."""

_NO_CAPABILITIES = EngineCapabilities()
_log = structlog.get_logger(__name__)


class EngineMonitor:
    """Checks the engine again and again.

    What it is and can do is asked whenever it becomes usable, and again when its list of models
    changes: an engine does not change otherwise without going away in between.

    Args:
        engine: what to check.
        model: name that it must answer to; an engine that names none of its models is taken as is.
        on_change: called with the new state whenever it changes; the first state is "down".
        on_capabilities: called with what the engine can do whenever that changes, before
            `on_change`; the first is that nothing is known.

    Attributes:
        health: of the last check.
        capabilities: what the engine was last found to do; kept while it is down.
    """

    def __init__(
        self,
        engine: Engine,
        model: str,
        on_change: Callable[[bool], None],
        on_capabilities: Callable[[EngineCapabilities], None] | None = None,
    ) -> None:
        self._engine = engine
        self._model = model
        self._on_change = on_change
        self._on_capabilities = on_capabilities or (lambda _what: None)
        self._hurry = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.health = EngineHealth(False, reason="not checked yet")
        self.capabilities = _NO_CAPABILITIES

    @property
    def ready(self) -> bool:
        """Whether the last check succeeded."""
        return self.health.ready

    @property
    def load(self) -> EngineLoad | None:
        """How busy the engine said it was, if it tells."""
        return self.health.load

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
        before = self.health
        if health.ready and not (before.ready and before.models == health.models):
            health = await self._with_capabilities(health)
        self.health = health
        if health.ready and not before.ready:
            can = self.capabilities
            _log.info("engine is ready", engine=can.engine, version=can.version)
            if can.shares_prompt_cache:
                _log.warning("clients share the engine's prompt cache: the operator accepts it")
        elif not health.ready and health.reason != before.reason:
            _log.warning("engine is not ready", reason=health.reason)
        if health.ready != before.ready:
            self._on_change(health.ready)
        return health

    async def _with_capabilities(self, health: EngineHealth) -> EngineHealth:
        """Ask what the engine can do; without an answer, or with a bad one, it is not ready."""
        try:
            async with asyncio.timeout(CAPABILITIES_TIMEOUT):
                found = await self._engine.capabilities(self._model)
        except EngineError as error:
            return EngineHealth(False, health.models, str(error))
        except TimeoutError:
            return EngineHealth(
                False, health.models, "the engine did not say in time what it can do"
            )
        if found.refusal:
            return EngineHealth(False, health.models, found.refusal)
        if found != self.capabilities:
            self.capabilities = found
            self._on_capabilities(found)
        return health

    async def _watch(self) -> None:
        while True:
            self._hurry.clear()
            await self.check()
            try:
                async with asyncio.timeout(_random.uniform(*CHECK_PERIOD)):
                    await self._hurry.wait()
            except TimeoutError:
                pass
            else:
                await asyncio.sleep(0.1)  # a burst of failures is one reason to look, not many
