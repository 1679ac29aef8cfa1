"""Gas of root, governor and wallet is as recorded beside their sources."""

import json
from pathlib import Path

from cocoon.testing.governance_costs import governance_gas

CONTRACTS = Path(__file__).parents[3] / "contracts"


def test_gas_is_as_recorded() -> None:
    """After a wanted change: ``python tools/measure_contracts.py``."""
    for kind, gas in governance_gas().items():
        assert json.loads((CONTRACTS / kind / "gas.json").read_text()) == gas


def test_official_tools_attach_enough() -> None:
    """0.01 TON buys 25,000 units of gas at the network's price (``onchain.md`` §4)."""
    gas = governance_gas()["root"]
    assert max(used for name, used in gas.items() if "upgrade_full" not in name) < 20_000
