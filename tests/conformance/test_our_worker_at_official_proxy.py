"""Our worker at an official proxy (a stand-in, see official/README.md), behind its router."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from conformance_net import (
    FULL_MODEL,
    MODEL,
    WORKER_OWNER,
    Net,
    chat,
    official_root,
    open_net,
    our_root,
    registered,
    until,
)
from official import chain
from official.client import Answer, OfficialClient
from official.proxy import OfficialProxy
from official.tl import Obj, http_request

from cocoon.worker import Worker

pytestmark = pytest.mark.anyio


async def at_official_proxy(
    net: Net, *, worker: dict[str, Any] | None = None, **changes: Any
) -> tuple[OfficialProxy, Worker, OfficialClient]:
    """Our worker over RA-TLS, an official client, and the proxy behind official routers."""
    proxy = await net.official_proxy(**changes)
    back = await net.reverse(proxy.worker_port)
    front = await net.reverse(proxy.client_port, "any")
    ours = await net.our_worker(back.port, front.port, dial=net.dial(), **(worker or {}))
    client = await net.official_client(front.port)
    return proxy, ours, client


async def run(client: OfficialClient, body: bytes = b"", **changes: Any) -> Answer:
    headers = changes.pop("headers", {})
    query = http_request(body or chat(), Content_Type="application/json", **headers)
    answer = client.send(query, model=MODEL, max_tokens=100, **changes)
    await asyncio.wait_for(answer.ended.wait(), 10)
    return answer


@pytest.mark.parametrize("protos", [(0, 1), (0, 2), (1, 2)], ids=str)
async def test_handshake_answers_payments(tmp_path: Path, protos: tuple[int, int]) -> None:
    async with open_net(tmp_path) as net:
        changes = {"coefficient": 1500, "max_active_requests": 9}
        proxy, worker, client = await at_official_proxy(net, worker=changes, protos=protos)
        peer = next(peer for peer in proxy.peers if peer.kind == "worker")
        greeting, compare, complete = peer.link.received[:3]
        params = greeting["params"]
        assert params["flags"] == 3
        assert params["owner"].decode() == chain.friendly(WORKER_OWNER)
        assert params["model"].decode() == FULL_MODEL
        assert (params["coefficient"], params["max_active_requests"]) == (1500, 9)
        assert (params["min_proto"], params["max_proto"]) == (1, 3)
        assert dict(compare) == {"chain": 0, "db": 0, "max": 0}
        assert complete["is_disabled"] is False

        plain = await run(client, debug=True)
        assert plain.head is not None
        assert plain.head["status"] == 200
        content = json.loads(plain.body)
        # 8 prompt and 6 completion tokens at 1.5, price 2.
        assert content["usage"]["total_cost"] == 42
        assert plain.final is not None
        assert plain.final["used"]["total"] == 21
        assert json.loads(plain.final["worker_debug"])["coefficient"] == 1500
        streamed = await run(client, chat(stream=True))
        assert streamed.final is not None
        assert streamed.final["used"]["total"] == 16  # 8 * 1.5 + trunc(3 * 1.5)
        assert streamed.body.endswith(b"data: [DONE]\n\n")

        # Final info always comes, with times from version 2 on.
        for obj in peer.link.received:
            if obj.name == "proxy.queryAnswerPartEx" and obj["flags"]:
                assert obj["final"]["flags"] & 2 == (2 if protos[1] == 2 else 0)
        (before,) = worker.payouts.report()
        assert (before.signed, before.max) == (0, 37)
        proxy.commit()
        await worker.update_payments()
        (after,) = worker.payouts.report()
        assert (after.signed, after.db, after.max) == (37, 37, 37)
        assert after.signed_fee == 37
        assert worker.connections == 1
        assert proxy.aborted == ""


async def test_errors_carry_final_info(tmp_path: Path) -> None:
    """The official proxy dereferences it."""
    async with open_net(tmp_path) as net:
        proxy, worker, client = await at_official_proxy(net, worker={"max_active_requests": 1})
        unlisted = chat()[:-1] + b',"web_search_options":{}}'
        for body in (b"no json", b"[]", b'{"model":"other","messages":[]}', unlisted):
            answer = await run(client, body)
            assert answer.error is not None
            assert answer.error[0] == 621
        answer = await run(client, headers={"x_standin_mode": "cut"})
        assert answer.error is not None
        answer = await run(client, headers={"x_standin_mode": "silent"}, timeout=0.6)
        assert answer.error is not None
        assert answer.error[0] == 652
        assert proxy.aborted == ""
        assert worker.connections == 1
        await until(lambda: worker.ready)
        assert (await run(client)).error is None


async def test_too_many(tmp_path: Path) -> None:
    """The worker's own limit holds over all proxies; it answers 602 then."""
    async with open_net(tmp_path) as net:
        proxy, _, client = await at_official_proxy(net, worker={"max_active_requests": 2})
        peer = next(peer for peer in proxy.peers if peer.kind == "worker")
        peer.limit = 100  # a proxy that sends more than it may
        slow = {"headers": {"x_standin_mode": "silent"}, "timeout": 1.0}
        answers = await asyncio.gather(*(run(client, **slow) for _ in range(3)))
        errors = sorted(answer.error for answer in answers if answer.error)
        assert [code for code, _ in errors] == [602, 652, 652]
        assert errors[0][1] == "too many active queries"
        assert proxy.aborted == ""


async def test_streams_at_once(tmp_path: Path) -> None:
    async with open_net(tmp_path) as net:
        _, _, client = await at_official_proxy(net)
        query = http_request(chat(stream=True), x_standin_delay="0.05")
        answer = client.send(query, model=MODEL, max_tokens=100)
        await until(lambda: len(answer.parts) >= 1)
        assert not answer.ended.is_set()
        await asyncio.wait_for(answer.ended.wait(), 10)
        assert len(answer.parts) >= 3


async def test_stuck_extended_compare(tmp_path: Path) -> None:
    """A proxy that lost uncommitted counts never gets past its CompareExt state.

    Nothing that we could send would be taken, so we are refused; but the worker starts again with
    what that proxy has, and the next connection works.
    """
    async with open_net(tmp_path) as net:
        proxy, worker, client = await at_official_proxy(net)
        await run(client)
        (account,) = proxy.workers.values()
        assert account.max == 14
        await until(lambda: worker.payouts.report()[0].max == 14)
        account.max = 0  # it crashed before it stored anything
        before = len(proxy.peers)
        next(peer for peer in proxy.peers if peer.kind == "worker").link.close()
        await until(lambda: len(proxy.peers) > before)
        first = proxy.peers[before]
        await until(first.link.closed.is_set)
        assert "worker.extendedCompareBalanceWithProxy" in [o.name for o in first.link.received]
        assert first.state == "CompareExt"
        await worker.wait_ready(20)
        assert proxy.aborted == ""
        assert proxy.peers[-1].state == "Ok"


async def test_rolled_back_proxy_is_refused(tmp_path: Path) -> None:
    """What was signed may not be forgotten."""
    async with open_net(tmp_path) as net:
        proxy, worker, client = await at_official_proxy(net)
        await run(client)
        proxy.commit()
        await worker.update_payments()
        (account,) = proxy.workers.values()
        account.max = account.db = account.chain = 0
        before = len(proxy.peers)
        next(peer for peer in proxy.peers if peer.kind == "worker").link.close()
        await until(lambda: len(proxy.peers) > before)
        # We claim 14 committed tokens; the official proxy aborts on that claim, ours refuses.
        await until(lambda: proxy.aborted != "")
        assert worker.connections == 0


@pytest.mark.parametrize("how", ["empty", "lower max", "forged", "lower signed"])
async def test_wrong_payment_ends_the_connection(tmp_path: Path, how: str) -> None:
    async with open_net(tmp_path) as net:
        proxy, worker, client = await at_official_proxy(net)
        await run(client)
        proxy.commit()
        await worker.update_payments()
        peer = next(peer for peer in proxy.peers if peer.kind == "worker")
        (account,) = proxy.workers.values()
        fields = proxy._counters(account)
        if how == "empty":
            fields["signed_payment"] = Obj("proxy.signedPaymentEmpty")
        elif how == "lower max":
            fields["max"] = 1
        elif how == "forged":
            boc = proxy.signer.payment(account.op, 99, bytes(32), bytes(32))
            fields["signed_payment"] = Obj("proxy.signedPayment", data=boc)
        else:
            boc = proxy.signer.payment(account.op, 1, account.contract, bytes(32))
            fields["signed_payment"] = Obj("proxy.signedPayment", data=boc)
        peer.link.message(
            Obj(
                "proxy.workerRequestPayment",
                request_id=bytes(32),
                **fields,
                request_tokens=0,
                client_owner="",
            )
        )
        await asyncio.wait_for(peer.link.closed.wait(), 10)
        # A new compare follows by itself, and all is well again.
        await until(lambda: proxy.peers[-1] is not peer and proxy.peers[-1].state == "Ok")
        await worker.wait_ready(10)


async def test_operator_switches_are_told(tmp_path: Path) -> None:
    async with open_net(tmp_path) as net:
        proxy, worker, _ = await at_official_proxy(net)
        peer = next(peer for peer in proxy.peers if peer.kind == "worker")
        worker.set_enabled(False)
        worker.change_coefficient(2500)
        await until(lambda: peer.disabled and peer.coefficient == 2500)
        worker.set_enabled(True)
        await until(lambda: not peer.disabled)


async def test_proxy_goes_away_in_mid_answer(tmp_path: Path) -> None:
    """The work is cancelled; the engine is not kept busy for nobody."""
    async with open_net(tmp_path) as net:
        proxy, worker, client = await at_official_proxy(net)
        query = http_request(chat(stream=True), x_standin_delay="5")
        answer = client.send(query, model=MODEL, max_tokens=100)
        await until(lambda: answer.head is not None)
        next(peer for peer in proxy.peers if peer.kind == "worker").link.close()
        await until(lambda: worker.statistics.active == 0, 3)


@pytest.mark.parametrize("field", ["coefficient", "timeout"])
async def test_absurd_numbers_in_a_query(tmp_path: Path, field: str) -> None:
    async with open_net(tmp_path) as net:
        proxy, worker, _ = await at_official_proxy(net)
        peer = next(peer for peer in proxy.peers if peer.kind == "worker")
        query: dict[str, Any] = {
            "query": http_request(chat()),
            "signed_payment": Obj("proxy.signedPaymentEmpty"),
            "coefficient": 1000,
            "timeout": 5.0,
            "request_id": bytes(32),
            field: -1,
        }
        answers: list[Obj] = []
        peer.link.on_message = answers.append
        peer.link.message(Obj("proxy.runQueryEx", **query, flags=0))
        await until(lambda: bool(answers))
        assert answers[0].name == "proxy.queryAnswerErrorEx"
        assert answers[0]["final"]["used"]["total"] == 0
        assert worker.connections == 1


async def test_official_hash_checks(tmp_path: Path) -> None:
    """With ``-p`` on the official side: our fake image and our model must be listed."""
    async with open_net(tmp_path) as net:
        proxy = await net.official_proxy(root=official_root(), check_hashes=True)
        back = await net.reverse(proxy.worker_port)
        root = our_root(**registered(back.port, 9))
        changes: dict[str, Any] = {"root": root, "dial": net.dial(), "check_proxy_hashes": True}
        await net.our_worker(back.port, 9, model=MODEL, **changes)
        refused = await net.our_worker(back.port, 9, wait=False, **changes)
        await until(lambda: sum(peer.kind == "worker" for peer in proxy.peers) > 1)
        await asyncio.sleep(0.1)
        assert not refused.ready  # the full name's hash is not listed
