"""Money over a real devnet: deposit, work, charge, payout, close; and when the proxy is gone."""

import contextlib
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from openai import OpenAI

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

Start = Callable[..., Any]
TON = 10**9
STAKE = 20 * TON
PRICE, FEE = 100_000, 80_000


def cocoon(state: Path, *words: str, code: int = 0) -> str:
    """Run a command about the devnet; its standard output."""
    done = subprocess.run(
        [sys.executable, "-m", "cocoon", *words, "--state", str(state)],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    return done.stdout if code == 0 else done.stderr


def order(state: Path, *words: str) -> dict[str, Any]:
    """Run a command that moves money."""
    return json.loads(cocoon(state, *words, "--yes", "--json"))  # type: ignore[no-any-return]


def ask(url: str) -> int:
    """One answer; its tokens."""
    with OpenAI(base_url=url, api_key="unused", max_retries=0) as client:
        answer = client.chat.completions.create(
            model="SmolLM2-135M-Instruct",
            messages=[{"role": "user", "content": "Say hello."}],
            max_tokens=12,
        )
    assert answer.usage is not None
    return answer.usage.total_tokens


def client_page(network: Any) -> dict[str, Any]:
    return network.stats(network.url.removesuffix("/v1"))["proxies"][0]  # type: ignore[no-any-return]


def wait_for(condition: Callable[[], bool], timeout: float = 30.0) -> None:
    limit = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.1)


def wait_charged(network: Any, tokens: int) -> None:
    """Both sides hold signatures, and the charge is on chain: a devnet's proxy does not wait."""
    wait_for(lambda: network.signed() == (tokens, tokens))
    wait_for(lambda: client_page(network)["tokens_charged"] == tokens)


def holdings(state: Path) -> dict[str, int]:
    listed = json.loads(cocoon(state, "balance", "--json"))
    assert listed["supply"]["missing"] == 0
    return {f"{one['node']} {one['what']}": one["nanoton"] for one in listed["holdings"]}


def kill(network: Any, member: str) -> None:
    for process in psutil.Process(network.process.pid).children():
        with contextlib.suppress(psutil.NoSuchProcess):
            if f"{member}/config" in " ".join(process.cmdline()):
                process.send_signal(signal.SIGKILL)


def test_every_coin_comes_back_or_was_work(start_up: Start) -> None:
    network = start_up()
    state = network.state
    assert client_page(network)["balance"] == STAKE
    deposited = order(state, "deposit", "5")
    assert deposited["contract"]["balance"] == STAKE + 5 * TON
    assert deposited["done"][0]["amount"] == 5 * TON
    used = ask(network.url)
    wait_charged(network, used)
    paid = order(state, "payout")
    assert sum(one["amount"] for one in paid["done"]) == used * FEE
    withdrawn = order(state, "withdraw")
    assert withdrawn["contract"]["balance"] == STAKE
    closed = order(state, "close")
    assert closed["statement"] == {
        "deposited": STAKE + 5 * TON,
        "charged": used * PRICE,
        "returned": STAKE + 5 * TON - used * PRICE,
        "left": 0,
    }
    assert closed["supply"]["missing"] == 0
    commission = order(state, "payout", "--role", "proxy")
    assert commission["done"][0]["amount"] == used * (PRICE - FEE)
    found = holdings(state)
    assert found["proxy-1 held for clients"] == 0
    assert found["proxy-1 held for workers and itself"] == 0
    assert found["proxy-1 stake (open)"] == 10 * TON
    # A closed account refuses work with words; a deposit opens it again.
    reopened = order(state, "deposit", "25")
    assert reopened["contract"]["balance"] == 25 * TON
    assert ask(network.url) > 0
    network.interrupt()


def test_the_proxy_is_gone_for_good(start_up: Start) -> None:
    """Client and worker get theirs with the proxy's process, key and operator out of the game."""
    network = start_up()
    state = network.state
    used = ask(network.url)
    wait_charged(network, used)
    kill(network, "proxy-1")
    wait_for(lambda: "No proxy is left" in network.output.read_text())
    for path in (state / "proxy-1").iterdir():
        path.unlink()  # keys, store and all
    begun = order(state, "close")
    assert [one["step"] for one in begun["done"]] == ["start closing"]
    assert begun["contract"]["state"] == "closing"
    # The charge is on chain, and the worker's signed payment is all that it needs.
    paid = order(state, "payout")
    assert paid["done"][0]["amount"] == used * FEE
    cocoon(state, "chain", "time", "--advance", "301")
    wait_for(lambda: bool(client_page(network)["finished"]))
    done = order(state, "close")  # the client has done it: what became of every coin is told
    assert done["contract"]["balance"] == 0
    assert done["statement"]["charged"] == used * PRICE
    assert done["statement"]["returned"] == STAKE - used * PRICE
    assert done["supply"]["missing"] == 0
    network.interrupt()


def test_everything_is_stopped_but_the_chain(start_up: Start) -> None:
    network = start_up()
    state = network.state
    used = ask(network.url)
    wait_charged(network, used)
    port = network.facts["chain"].rpartition(":")[2]
    network.interrupt()
    refusal = cocoon(state, "close", "--yes", code=6)
    assert "no chain runs at" in refusal or "does not answer" in refusal
    database = state / "chain" / "chain.sqlite"
    words = ["chain", "up", "--database", str(database), "--port", port]
    chain = subprocess.Popen([sys.executable, "-m", "cocoon", *words], stdout=subprocess.DEVNULL)
    (state / "client" / "client-contracts.json").unlink()  # the wallet's history names them too
    try:
        wait_for((state / "chain" / "chain.json").exists)
        begun = order(state, "close", "--force")
        assert [one["step"] for one in begun["done"]] == ["start closing"]
        assert begun["contract"]["balance"] == STAKE - used * PRICE
        assert order(state, "payout")["done"][0]["amount"] == used * FEE
        cocoon(state, "chain", "time", "--advance", "301")
        done = order(state, "close", "--force")
        assert done["contract"]["balance"] == 0
        assert done["statement"]["returned"] == STAKE - used * PRICE
        # The operator's keys are enough too: stake and commission after the proxy's delay.
        cocoon(state, "close", "--role", "proxy", "--yes")
        cocoon(state, "chain", "time", "--advance", "601")
        closed = order(state, "close", "--role", "proxy")
        assert closed["done"][0]["amount"] == 10 * TON + used * (PRICE - FEE)
        assert holdings(state)["proxy-1 stake (closed)"] == 0
    finally:
        chain.terminate()
        chain.wait(10)


def test_new_prices_move_to_new_contracts(start_up: Start) -> None:
    network = start_up()
    state = network.state
    wait_charged(network, ask(network.url))
    old = client_page(network)["sc_address"]
    assert order(state, "root", "propose", "change-price", "200000", "100000")["version"] >= 2
    network.interrupt()
    again = start_up()  # the proxy closes its old contract first
    accounts = again.stats(again.url.removesuffix("/v1"))["proxies"]
    [new] = {one["sc_address"] for one in accounts} - {old}
    wait_for(lambda: _account(again, old)["state"] == "closed")
    assert _account(again, old)["balance"] == 0
    used = ask(again.url)
    wait_for(lambda: _account(again, new).get("tokens_charged") == used)
    assert _account(again, new)["balance"] == STAKE - used * 200_000
    assert holdings(state)["proxy-1 held for clients"] == STAKE - used * 200_000
    again.interrupt()


def _account(network: Any, contract: str) -> dict[str, Any]:
    """What the client says of one of its contracts."""
    accounts = network.stats(network.url.removesuffix("/v1"))["proxies"]
    return next(one for one in accounts if one["sc_address"] == contract)
