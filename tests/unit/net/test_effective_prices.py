"""Everybody changes over to a new tariff at the announced second, and to nothing else."""

from dataclasses import replace

from cocoon.chain.contracts.tariff import Multipliers, Tariff, TariffStep
from cocoon.net.effective_prices import EffectivePrices
from cocoon.net.root_source import FixedRoot
from cocoon.testing.network import test_root as root_config

NOW = TariffStep(1, 100, Multipliers(1, 2, 3, 4))
LATER = TariffStep(2, 200, Multipliers(10, 20, 30, 40))


def test_without_a_tariff_the_parameters_hold() -> None:
    root = root_config()
    prices = EffectivePrices(FixedRoot(root), lambda: 0.0)()
    assert prices.prompt_multiplier == root.params.prompt_multiplier
    assert int(prices.price_per_token) == root.params.price_per_token


def test_weights_change_at_the_announced_second_and_unit_prices_never() -> None:
    root = replace(root_config(), tariff=Tariff(NOW, LATER))
    clock = [150.0]
    prices = EffectivePrices(FixedRoot(root), lambda: clock[0])
    assert prices().multipliers == (1, 2, 3, 4)
    clock[0] = 199.9
    assert prices().multipliers == (1, 2, 3, 4)
    clock[0] = 200.0
    assert prices().multipliers == (10, 20, 30, 40)
    assert int(prices().price_per_token) == root.params.price_per_token


def test_a_newly_read_configuration_counts_at_once() -> None:
    root = root_config()
    source = FixedRoot(root)
    prices = EffectivePrices(source, lambda: 150.0)
    before = prices()
    source.replace(replace(root, tariff=Tariff(NOW)))
    assert prices() != before
    assert prices().multipliers == (1, 2, 3, 4)
