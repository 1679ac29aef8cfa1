"""Options, costs, quotes and what is exported."""

import subprocess
import sys
from types import SimpleNamespace

import pytest

import cocoon
from cocoon.accounting import Nano
from cocoon.client.api import WorkerInfo
from cocoon.errors import ConfigError, UpstreamError
from cocoon.sdk.balance import Balance, ProxyBalance
from cocoon.sdk.connecting import connect_to
from cocoon.sdk.verification import Verification
from cocoon.testing.scripted_client import ScriptedClient, ScriptedResponse

BLOCK = {
    "cost_nanoton": 5_200_000,
    "tokens": {"prompt": 32, "cached": 0, "completion": 20, "reasoning": 0, "total": 52},
    "proxy": {"image": "ab" * 32, "evidence": "tdx", "address": "EQ"},
    "worker": None,
    "timings": {"first_byte": 0.1, "total": 0.4},
}


def test_importing_the_package_stays_light():
    code = (
        "import sys, cocoon; assert 'openai' not in sys.modules and 'asyncio' not in sys.modules;"
        "import cocoon.worker, cocoon.proxy, cocoon.gateway; assert 'openai' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_every_exported_name_is_there():
    for name in cocoon.__all__:
        assert getattr(cocoon, name) is not None
        assert name in dir(cocoon)
    with pytest.raises(AttributeError):
        cocoon.nothing  # noqa: B018


def test_options_leave_out_what_is_not_said():
    assert cocoon.options() == {}
    assert cocoon.options(
        max_cost=Nano(7), max_coefficient=1500, timeout=2.5, pin_images=["ab"], user="u"
    ) == {
        "max_cost": 7,
        "max_coefficient": 1500,
        "timeout": 2.5,
        "pin": {"proxy_images": ["ab"]},
        "user": "u",
    }


def test_the_cost_of_an_answer():
    cost = cocoon.cost_of(SimpleNamespace(model_extra={"cocoon": BLOCK}))
    assert cost.nano == Nano(5_200_000)
    assert cost.worker is None
    assert str(cost).startswith("0.0052 TON for 52 adjusted tokens")
    assert cocoon.cost_of(SimpleNamespace(model_extra={})) is None
    inside = SimpleNamespace(response=SimpleNamespace(model_extra={"cocoon": BLOCK}))
    assert cocoon.cost_of(inside) == cost
    with pytest.raises(UpstreamError):
        cocoon.cost_of(SimpleNamespace(model_extra={"cocoon": {"cost_nanoton": "x"}}))


def test_a_quote_is_typed_and_sends_nothing():
    client = ScriptedClient(lambda _: ScriptedResponse([]))
    with cocoon.Client(client=client) as ai:
        quote = ai.quote(
            model="demo",
            messages=[{"role": "user", "content": "Hello"}],
            max_tokens=10,
            extra_body=cocoon.options(max_coefficient=1000),
        )
        assert quote.max_cost > Nano(0)
        assert quote.model == "demo"
        assert quote.max_tokens == 10
        assert quote.max_coefficient == 1000
        assert "at most" in str(quote)
        assert ai.quote(endpoint="/embeddings", model="demo", input="x").endpoint
        with pytest.raises(ConfigError):
            ai.balance()
        with pytest.raises(ConfigError):
            ai.verify()
    assert client.requests == []


def test_a_balance_adds_up():
    one = ProxyBalance("P", "C", True, Nano(10**9), Nano(3), Nano(5))
    other = ProxyBalance("Q", "D", False, None, Nano(4), None)
    balance = Balance((one, other))
    assert (balance.used, balance.free, len(balance)) == (Nano(7), Nano(5), 2)
    assert "P (connected): prepaid 1 TON, 0.000000005 TON of it free; used so far" in str(balance)
    assert "Q (not connected): prepaid simulated; used so far" in str(balance)
    assert balance.__rich__().row_count == 2
    assert str(Balance(()))


def test_nothing_connected_is_not_verified():
    nothing = Verification(())
    assert not nothing.verified
    assert "nothing" in str(nothing)
    told = Verification((), (WorkerInfo(1000, 0, 1, "m", "ab", "tdx-simulated"),))
    assert told.simulated
    assert str(told).startswith("SIMULATED")


def test_what_to_connect_to_is_said_once(tmp_path, monkeypatch):
    with pytest.raises(ConfigError, match="one of"):
        connect_to(devnet=tmp_path, config=tmp_path)
    with pytest.raises(ConfigError, match="no network runs"):
        cocoon.transport(devnet=tmp_path)
    with pytest.raises(ConfigError, match="cannot read"):
        cocoon.transport(config=tmp_path / "nothing.toml")
    monkeypatch.setenv("COCOON_CONFIG", str(tmp_path / "other.toml"))
    with pytest.raises(ConfigError, match=r"other\.toml"):
        cocoon.Client()
