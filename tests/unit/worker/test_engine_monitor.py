"""The engine monitor: what it tells the worker, and what it tells its operator."""

from collections.abc import Iterable
from typing import cast

import pytest
from structlog.testing import capture_logs

from cocoon.engine.base import Engine, EngineHealth
from cocoon.worker.engine_monitor import EngineMonitor

DOWN = EngineHealth(False, reason="connection refused")
UP = EngineHealth(True, models=("m",))


class ScriptedEngine:
    """Answers checks with the given states, one after the other."""

    def __init__(self, states: Iterable[EngineHealth]) -> None:
        self._states = iter(states)

    async def check(self) -> EngineHealth:
        return next(self._states)


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
