"""What a change means, and who must not be paid, is said before anybody says yes."""

import pytest

from cocoon.chain.address import Address
from cocoon.chain.contracts import root
from cocoon.chain.contracts.governor import action_of
from cocoon.chain.contracts.root_operations import describe_action
from cocoon.cli.governance.consequences import consequences
from cocoon.cli.money import client_orders
from cocoon.cli.money.wallets import parse_receiver
from cocoon.errors import ConfigError
from cocoon.testing.onchain import small_params

ADDRESS = Address(bytes([5]) * 32)


def test_new_prices_are_shown_in_ton_beside_those_of_today() -> None:
    change = describe_action(action_of(root.change_price(0, 40, 30)))
    rows = dict(consequences(change, small_params()))
    assert rows["a token costs"].startswith("0.00000004 TON")
    assert rows["today"].startswith("0.00000002 TON")
    assert "set-tariff" in rows["consequence"]
    assert "attention" not in rows


def test_a_price_of_nothing_is_pointed_out() -> None:
    change = describe_action(action_of(root.change_price(0, 0, 0)))
    assert "nobody earns" in dict(consequences(change, small_params()))["attention"]


def test_a_revocation_needs_no_words() -> None:
    change = describe_action(action_of(root.del_worker_type(0, bytes(32))))
    assert consequences(change, small_params()) == []


def test_a_test_address_gets_no_real_money() -> None:
    text = ADDRESS.friendly(testnet=True)
    assert parse_receiver(text, testnet=True) == ADDRESS
    with pytest.raises(ConfigError, match="test networks only"):
        parse_receiver(text, testnet=False)
    assert parse_receiver(ADDRESS.friendly(testnet=False), testnet=False) == ADDRESS
    assert parse_receiver(ADDRESS.raw(), testnet=False) == ADDRESS


@pytest.mark.parametrize(("ready", "warned"), [(True, False), (False, True)])
def test_a_deposit_at_a_proxy_that_is_away_is_warned_of(*, ready: bool, warned: bool) -> None:
    contract = {"proxy_sc_address": "there", "balance": 0, "is_ready": ready}
    outlook = {
        "steps": ["deposit"],
        "fees": 1,
        "attached": 0,
        "returns_now": 0,
        "returns_later": 0,
        "warning": "",
        "latest": None,
    }
    intent = client_orders._intent("topup", contract, outlook, 5, running=True)
    assert any("not connected" in text for _, text in intent.rows) is warned
