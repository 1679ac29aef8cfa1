"""Gas of the root: what official tools attach is enough. All snapshots are checked elsewhere."""

from cocoon.testing.governance_costs import governance_gas


def test_official_tools_attach_enough() -> None:
    """0.01 TON buys 25,000 units of gas at the network's price (``onchain.md`` §4)."""
    gas = governance_gas()["root"]
    assert max(used for name, used in gas.items() if "upgrade_full" not in name) < 20_000
