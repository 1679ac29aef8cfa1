"""Which worker a pinned request may go to."""

from typing import Any

import pytest

from cocoon.errors import OverloadedError, PriceError, UnavailableError, UnknownModelError
from cocoon.proxy.registry import Registry, Worker
from cocoon.proxy.scheduler.least_loaded import least_loaded

ONE, TWO = "a/m@c1:" + "1" * 64, "a/m@c2:" + "2" * 64


def registry(*models: str) -> tuple[Registry, list[Worker]]:
    made = Registry()
    nothing: Any = None
    workers = [
        Worker(
            connection_id=number,
            record=nothing,
            peer=nothing,
            model=model,
            coefficient=1000,
            limit=1,
        )
        for number, model in enumerate(models)
    ]
    for worker in workers:
        worker.disabled = False
        made.add(worker)
    return made, workers


def test_a_pinned_request_goes_to_exactly_this_model() -> None:
    made, (first, second, bare) = registry(ONE, TWO, "a/m")
    assert made.choose(ONE, 1000, least_loaded) is first
    assert made.choose(TWO, 1000, least_loaded) is second
    first.running = second.running = 1
    assert made.choose("a/m", 1000, least_loaded) is bare


@pytest.mark.parametrize("model", ["a/m@", "a/m@c1", "a/m@c1:", ONE[:-1], ONE + "1", ONE.upper()])
def test_no_other_name_is_near_enough(model: str) -> None:
    made, _ = registry(ONE, "a/m")
    with pytest.raises(UnknownModelError):
        made.choose(model, 1000, least_loaded)


def test_a_model_that_is_away_or_busy_has_no_replacement() -> None:
    made, (first, _) = registry(ONE, TWO)
    first.running = 1
    with pytest.raises(OverloadedError, match="busy"):
        made.choose(ONE, 1000, least_loaded)
    first.running = 0
    with pytest.raises(PriceError, match="coefficient=1000"):
        made.choose(ONE, 999, least_loaded)
    first.revoked = True
    with pytest.raises(UnavailableError):
        made.choose(ONE, 1000, least_loaded)
    made.remove(first)
    with pytest.raises(UnknownModelError, match="exactly the pinned model"):
        made.choose(ONE, 1000, least_loaded)
