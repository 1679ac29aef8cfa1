"""Gas and fees are what is written down: a change of either is a change to commit."""

import importlib.util
from pathlib import Path

import pytest

from cocoon.testing.contract_costs import Costs, measure

TOOL = Path(__file__).parents[3] / "tools" / "measure_contracts.py"


@pytest.fixture(scope="module")
def costs() -> Costs:
    return measure()


def test_snapshots_are_current(costs: Costs) -> None:
    spec = importlib.util.spec_from_file_location("measure_contracts", TOOL)
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    for path, text in tool.outputs(costs).items():
        assert path.read_text() == text, "run: python tools/measure_contracts.py"


def test_no_operation_comes_near_what_it_must_pay_for(costs: Costs) -> None:
    """Each transaction costs less gas than a hop has, and what the dearest flows cost is far below
    the least value of an operation."""
    for kind in ("client", "proxy", "worker"):
        assert max(costs.gas[kind].values()) < 19_000  # HOP_GAS is 20 000
    assert max(flow.fees for flow in costs.flows) < 30_000_000


def test_every_operation_is_measured(costs: Costs) -> None:
    assert len(costs.gas["client"]) == 18
    assert len(costs.gas["proxy"]) == 18
    assert len(costs.gas["worker"]) == 6
