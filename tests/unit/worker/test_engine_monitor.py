"""The engine monitor: what it tells the worker, and what it tells its operator."""

from collections.abc import Iterable
from typing import cast

import pytest
from structlog.testing import capture_logs

from cocoon.engine.base import Engine, EngineCapabilities, EngineHealth, EngineLoad
from cocoon.errors import EngineError
from cocoon.worker.engine_monitor import EngineMonitor

DOWN = EngineHealth(False, reason="connection refused")
UP = EngineHealth(True, models=("m",))


class ScriptedEngine:
    """Answers checks with the given states, one after the other."""

    def __init__(
        self,
        states: Iterable[EngineHealth],
        found: Iterable[EngineCapabilities | EngineError] = (),
    ) -> None:
        self._states = iter(states)
        self._found = iter(found)
        self.asked: list[str] = []

    async def check(self) -> EngineHealth:
        return next(self._states)

    async def capabilities(self, model: str = "") -> EngineCapabilities:
        self.asked.append(model)
        found = next(self._found, EngineCapabilities())
        if isinstance(found, EngineError):
            raise found
        return found


@pytest.mark.anyio
async def test_each_change_is_told_and_logged_once_with_its_reason() -> None:
    other = EngineHealth(True, models=("other",))
    states = [DOWN, DOWN, UP, UP, DOWN, other]
    changes: list[bool] = []
    engine = cast("Engine", ScriptedEngine(states))
    monitor = EngineMonitor(engine, "m", changes.append)
    with capture_logs() as logs:
        for _ in states:
            await monitor.check()
    assert changes == [True, False]
    assert [(entry["event"], entry.get("reason")) for entry in logs] == [
        ("engine is not ready", "connection refused"),
        ("engine is ready", None),
        ("engine is not ready", "connection refused"),
        ("engine is not ready", "the engine does not serve 'm'"),
    ]


@pytest.mark.anyio
async def test_what_the_engine_can_do_is_asked_when_it_comes_and_told_when_it_changes() -> None:
    first = EngineCapabilities("vllm", "0.10.1", 4096, ("chat",))
    second = EngineCapabilities("vllm", "0.11.0", 8192, ("chat", "tools"))
    engine = ScriptedEngine([UP, UP, DOWN, UP, UP], [first, second])
    told: list[EngineCapabilities | bool] = []
    monitor = EngineMonitor(cast("Engine", engine), "m", told.append, told.append)
    for _ in range(5):
        await monitor.check()
    assert told == [first, True, False, second, True]
    assert engine.asked == ["m", "m"]
    assert monitor.capabilities == second


@pytest.mark.anyio
async def test_an_engine_that_does_not_say_or_must_not_serve_is_not_ready() -> None:
    shares = EngineCapabilities("ollama", shares_prompt_cache=True, refusal="clients would share")
    engine = ScriptedEngine([UP, UP, UP], [EngineError("nonsense"), shares])
    changes: list[bool] = []
    monitor = EngineMonitor(cast("Engine", engine), "m", changes.append)
    assert (await monitor.check()).reason == "nonsense"
    assert (await monitor.check()).reason == "clients would share"
    assert monitor.capabilities == EngineCapabilities()
    assert (await monitor.check()).ready
    assert changes == [True]


@pytest.mark.anyio
async def test_load_is_the_last_one_told() -> None:
    busy = EngineHealth(True, ("m",), load=EngineLoad(3, 1, 0.5))
    monitor = EngineMonitor(cast("Engine", ScriptedEngine([busy, DOWN])), "m", lambda _ready: None)
    await monitor.check()
    assert monitor.load == EngineLoad(3, 1, 0.5)
    await monitor.check()
    assert monitor.load is None
