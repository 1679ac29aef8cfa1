"""A client's money for Prometheus: gauges, with one series a contract and a bounded number."""

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from cocoon.client.chain.money import ClientMoney
from cocoon.client.chain.report import ContractReport
from cocoon.net.chain_access import ChainAccess

MAX_CONTRACTS = 100
"""Contracts with series of their own: those used last."""

_GAUGES = {
    "balance_nanoton": "Prepaid and not charged.",
    "stake_nanoton": "Floor of withdrawals.",
    "unspent_nanoton": "What still pays for work.",
    "debt_nanoton": "Charged beyond the balance.",
    "in_flight_nanoton": "A deposit on its way.",
    "charged_tokens": "Tokens charged on chain.",
    "used_tokens": "Tokens that the proxy has counted.",
}


class MoneyCollector(Collector):
    """Shows what was last seen; asks nobody.

    Args:
        money: the client's.
        access: its connection to TON.
    """

    def __init__(self, money: ClientMoney, access: ChainAccess) -> None:
        self._money = money
        self._access = access

    def collect(self) -> list[Metric]:
        """All metrics now."""
        reports = [one for one in self._money.report() if not one.finished][-MAX_CONTRACTS:]
        families: list[Metric] = [
            GaugeMetricFamily(f"cocoon_client_{name}", name.replace("_", " "), value=value)
            for name, value in self._access.gauges().items()
        ]
        for name, text in _GAUGES.items():
            family = GaugeMetricFamily(f"cocoon_client_{name}", text, labels=["proxy"])
            for one in reports:
                family.add_metric([one.proxy], _value(one, name))
            families.append(family)
        return families


def _value(one: ContractReport, name: str) -> int:
    values = {
        "balance_nanoton": one.balance,
        "stake_nanoton": one.stake,
        "unspent_nanoton": one.unspent,
        "debt_nanoton": one.debt,
        "in_flight_nanoton": one.in_flight,
        "charged_tokens": one.charged,
        "used_tokens": one.used,
    }
    return values[name]
