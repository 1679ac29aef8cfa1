"""Status, metrics and control of money over the HTTP ports of a client and a worker."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from cocoon.chain.contracts.fields import ContractPhase
from cocoon.cli.client_role import ClientRole
from cocoon.client import ClientSettings
from cocoon.engine.openai_http import OpenAIHttpEngine
from cocoon.gateway import GatewaySettings
from cocoon.net.dialing import SocksDial
from cocoon.testing.chain import TON
from cocoon.testing.client_onchain import ClientWorld, make_client_world, settle
from cocoon.testing.onchain import CLIENT_DELAY, CLIENT_STAKE, FEE
from cocoon.testing.worker_onchain import WORKER_OWNER, WorkerWorld
from cocoon.worker import Worker, WorkerSettings

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def client_role(
    world: ClientWorld, host: str = "127.0.0.1"
) -> AsyncIterator[tuple[ClientRole, str]]:
    settings = ClientSettings(
        wallet=world.wallet.address.friendly(testnet=True),
        root=world.world.root,
        dial=SocksDial("127.0.0.1", 1),  # nobody is there
        chain=world.access().settings,
    )
    role = ClientRole(settings, GatewaySettings(), host, 0)
    await role.start()
    try:
        yield role, f"http://127.0.0.1:{role.port}"
    finally:
        await role.close()


async def call(method: str, url: str) -> tuple[int, Any]:
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, url) as response,
    ):
        kind = response.content_type
        return response.status, await (response.json() if "json" in kind else response.text())


async def test_a_clients_money_can_be_seen_and_moved(tmp_path: Path) -> None:
    world = make_client_world(tmp_path)
    async with client_role(world) as (role, url):
        money = role._client.money
        assert money is not None
        await world.onboard(money)
        proxy = world.proxy.friendly(testnet=True)

        status, page = await call("GET", f"{url}/jsonstats")
        assert status == 200
        assert page["status"]["wallet_balance"] > 90 * TON
        assert page["status"]["ton_last_synced_at"] > 0
        assert page["wallet"]["address"] == world.wallet.address.friendly(testnet=True)
        [entry] = page["proxies"]
        assert entry["proxy_sc_address"] == proxy
        assert entry["state"] == "open"
        assert entry["balance"] == CLIENT_STAKE
        assert entry["tokens_payed"] * 20 == CLIENT_STAKE
        assert len(entry["last_transaction"]) == 64

        _, metrics = await call("GET", f"{url}/metrics")
        assert f'cocoon_client_balance_nanoton{{proxy="{proxy}"}} 2e+09' in metrics
        assert "cocoon_client_root_is_fresh 1.0" in metrics

        _, outlook = await call("GET", f"{url}/request/topup?proxy={proxy}&amount={TON}")
        assert outlook["attached"] > TON
        assert world.client().balance == CLIENT_STAKE
        status, done = await call("POST", f"{url}/request/topup?proxy={proxy}&amount={TON}")
        assert status == 200, done
        assert done["done"][0]["amount"] == TON
        await settle(money)
        assert world.client().balance == CLIENT_STAKE + TON

        _, done = await call("POST", f"{url}/request/withdraw?proxy={proxy}")
        assert [one["step"] for one in done["done"]] == ["withdraw what is above the stake"]
        _, done = await call("POST", f"{url}/request/charge?proxy={proxy}")
        assert done == {
            "done": [],
            "finished": True,
            "next": "nothing to charge",
            "until": None,
            "blocked": False,
        }
        _, outlook = await call("GET", f"{url}/request/close?proxy={proxy}")
        assert outlook["returns_later"] == CLIENT_STAKE
        _, done = await call("POST", f"{url}/request/close?proxy={proxy}&force=1")
        assert done["until"] > 0
        world.advance(CLIENT_DELAY + 2)
        await settle(money)
        assert world.client().phase is ContractPhase.CLOSED
        _, done = await call("POST", f"{url}/request/reopen?proxy={proxy}&amount={TON}")
        assert done["done"][0]["step"] == "open again and deposit"
        await settle(money)
        assert world.client().phase is ContractPhase.OPEN
    world.world.chain.close()


@pytest.mark.parametrize(
    "query",
    ["topup", "topup?proxy=x", "topup?proxy=PROXY", "topup?proxy=PROXY&amount=-1",
     "topup?proxy=PROXY&amount=1e9", "topup?proxy=PROXY&amount=" + "9" * 30,
     "close?proxy=0:" + "11" * 32],
)  # fmt: skip
async def test_a_wrong_order_is_refused_and_moves_nothing(tmp_path: Path, query: str) -> None:
    world = make_client_world(tmp_path)
    async with client_role(world) as (role, url):
        money = role._client.money
        assert money is not None
        await world.onboard(money)
        before = world.money()
        path = query.replace("PROXY", world.proxy.friendly(testnet=True))
        status, answer = await call("POST", f"{url}/request/{path}")
        assert status == 400, answer
        assert world.money() == before
    world.world.chain.close()


async def test_money_is_not_moved_from_other_machines_without_a_key(tmp_path: Path) -> None:
    world = make_client_world(tmp_path)
    async with client_role(world, "0.0.0.0") as (_, url):
        status, _ = await call("POST", f"{url}/request/close?proxy=x")
        assert status == 404
    world.world.chain.close()


async def test_a_worker_pays_out_on_demand(tmp_path: Path) -> None:
    base = make_client_world(tmp_path / "chain", ton=10)
    world = WorkerWorld(base, tmp_path)
    settings = WorkerSettings(
        owner=WORKER_OWNER.friendly(testnet=True),
        model="m",
        root=base.world.root,
        engine=OpenAIHttpEngine("http://127.0.0.1:1"),
        dial=SocksDial("127.0.0.1", 1),
        http_port=0,
        chain=base.access().settings,
    )
    worker = Worker(settings)
    await worker.start()
    try:
        url = f"http://127.0.0.1:{worker.http_port}"
        money = worker.money
        assert money is not None
        key = base.key.public_key
        money.note(contract=world.contract, proxy=base.proxy, proxy_key=key)
        world.charge_client(1000)
        world.signs(1000)
        channel = worker.payouts.channel(proxy=base.proxy, contract=world.contract, public_key=key)
        channel.begin(_statement(world))
        proxy = base.proxy.friendly(testnet=True)
        status, answer = await call("POST", f"{url}/request/payout?proxy={proxy}")
        assert status == 200, answer
        assert answer["paid"][0]["nanoton"] == 1000 * FEE
        assert world.earned() == 1000 * FEE
        status, answer = await call("POST", f"{url}/request/payout")
        assert (status, answer) == (402, "failed: nothing is due\n")
        status, answer = await call("POST", f"{url}/request/payout?proxy=x")
        assert status == 400
        _, page = await call("GET", f"{url}/jsonstats")
        [entry] = page["proxies"]
        assert entry["cached_out_tokens"] == 1000
        assert entry["running_request"] is False
        assert page["wallet"]["balance"] > 9 * TON
        _, metrics = await call("GET", f"{url}/metrics")
        assert "cocoon_worker_paid_tokens 1000.0" in metrics
    finally:
        await worker.close()
        base.world.chain.close()


def _statement(world: WorkerWorld) -> Any:
    from cocoon.wire.events import PaymentUpdated

    claim = world.claim
    return PaymentUpdated(None, claim.envelope, int(claim.db), int(claim.max))
