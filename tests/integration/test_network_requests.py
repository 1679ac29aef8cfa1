"""Requests through a whole network in one process, over real attested connections."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cocoon.chain.contracts.tariff import Multipliers, Tariff, TariffStep
from cocoon.chain.root_config import RootConfig
from cocoon.client import Client, ClientRequest
from cocoon.errors import (
    BadRequestError,
    CocoonError,
    DeadlineError,
    RequestError,
    UnavailableError,
    UnknownModelError,
)
from cocoon.testing.engine_standin import MODEL
from cocoon.testing.network import InMemoryNetwork
from cocoon.testing.network import test_root as root_config

pytestmark = pytest.mark.anyio

BODY = b'{"model":"%s","messages":[{"role":"user","content":"%s"}],"max_tokens":500}'
PATH = "/v1/chat/completions"
SENTINEL = b"SENTINEL-7f3a"


def request(
    stream: bool = False,
    model: str = MODEL,
    headers: tuple[tuple[str, str], ...] = (),
    extra: bytes = b"",
    **changes: Any,
) -> ClientRequest:
    body = BODY % (model.encode(), SENTINEL)
    body = body[:-1] + (b',"stream":true' if stream else b"") + extra + b"}"
    defaults: dict[str, Any] = {"max_tokens": 500, "timeout": 20.0}
    all_headers = (("Content-Type", "application/json"), *headers)
    return ClientRequest(model, PATH, body, headers=all_headers, **{**defaults, **changes})


async def until(condition: Callable[[], bool], timeout: float = 10.0) -> None:
    async with asyncio.timeout(timeout):
        while not condition():  # noqa: ASYNC110  many small conditions, none with an event
            await asyncio.sleep(0.005)


async def ask(client: Client, **changes: Any) -> bytes:
    async with await client.run(request(**changes)) as response:
        return await response.read()


async def test_one_request(tmp_path: Path) -> None:
    async with InMemoryNetwork(tmp_path) as network:
        proxy = await network.add_proxy()
        worker = await network.add_worker()
        client = await network.add_client()
        async with await client.run(request(debug=True)) as response:
            body = await response.read()
        assert response.status == 200
        assert b"Hello from a stand-in." in body
        headers = dict(response.headers)
        assert headers["content-type"] == "application/json"
        assert "X-Cocoon-Worker-Start" in headers
        assert "X-Cocoon-Proxy-Start" in headers
        summary = response.summary
        assert summary is not None
        assert (summary.prompt, summary.completion, summary.total) == (8, 6, 14)
        assert summary.cost == 14 * 20
        assert summary.proxy.evidence == "tdx-simulated"
        assert bytes.fromhex(summary.proxy.image_hash) in network.root.proxy_hashes
        assert summary.proxy.address == proxy.contract_text
        assert summary.worker is not None
        assert bytes.fromhex(summary.worker.image_hash) in network.root.worker_hashes
        assert summary.worker.evidence == "tdx-simulated"
        assert summary.worker_debug is not None
        assert '"prompt":8' in summary.worker_debug
        assert summary.first_byte is not None
        assert 0 < summary.first_byte <= summary.duration
        assert worker.statistics.succeeded == 1


async def test_streaming_arrives_bit_by_bit(tmp_path: Path) -> None:
    async with InMemoryNetwork(tmp_path) as network:
        await network.add_proxy()
        await network.add_worker()
        client = await network.add_client()
        slow = (("x-standin-chunks", "5"), ("x-standin-delay", "0.05"))
        async with await client.run(request(stream=True, headers=slow)) as response:
            pieces = [piece async for piece in response]
        assert len(pieces) >= 5
        text = b"".join(pieces)
        assert text.count(b" word") == 5
        assert text.endswith(b"data: [DONE]\n\n")
        assert b'"total_cost":%d' % (13 * 20) in text
        assert response.summary is not None
        assert response.summary.completion == 5
        assert response.summary.first_byte is not None
        assert response.summary.first_byte < response.summary.duration - 0.1


async def test_long_answer_is_cut_into_parts(tmp_path: Path) -> None:
    async with InMemoryNetwork(tmp_path) as network:
        await network.add_proxy()
        await network.add_worker()
        client = await network.add_client()
        many = (("x-standin-chunks", "6000"),)
        body = await ask(client, stream=True, headers=many, max_tokens=10_000)
        assert body.count(b" word") == 6000


async def test_many_at_once(tmp_path: Path) -> None:
    async with InMemoryNetwork(tmp_path) as network:
        proxy = await network.add_proxy()
        worker = await network.add_worker()
        client = await network.add_client()
        bodies = await asyncio.gather(*(ask(client, stream=n % 2 == 0) for n in range(60)))
        assert all(b"data: [DONE]" in body for body in bodies[::2])
        assert all(b"Hello" in body for body in bodies[1::2])
        assert worker.statistics.active == 0
        await proxy.flush()
        (account,) = await client.payment_status()
        used = 30 * (8 + 200) + 30 * 14
        assert account.max == account.signed == used
        assert account.signed_cost == used * 20
        assert account.unexplained == 0


async def test_two_models_two_workers(tmp_path: Path) -> None:
    async with InMemoryNetwork(tmp_path, models=("one@c1:h1", "two")) as network:
        await network.add_proxy()
        await network.add_worker(model="one@c1:h1", engine=None)
        await network.add_worker(model="two", coefficient=2000)
        client = await network.add_client()
        assert b'"model":"one"' in await ask(client, model="one")
        async with await client.run(request(model="two")) as response:
            assert b'"model":"two"' in await response.read()
        assert response.summary is not None
        assert response.summary.total == 28
        models = await client.models()
        assert [(m.name, len(m.workers)) for m in models] == [("one", 1), ("two", 1)]
        assert models[1].workers[0].coefficient == 2000
        with pytest.raises(UnknownModelError):
            await ask(client, model="three")
        with pytest.raises(RequestError):
            await ask(client, model="two", max_coefficient=1999)


async def test_two_proxies_two_clients_share_the_load(tmp_path: Path) -> None:
    async with InMemoryNetwork(tmp_path) as network:
        first, second = await network.add_proxy(), await network.add_proxy()
        worker = await network.add_worker()
        clients = [await network.add_client(), await network.add_client()]
        slow = (("x-standin-chunks", "3"), ("x-standin-delay", "0.05"))
        await asyncio.gather(
            *(ask(client, stream=True, headers=slow) for client in clients for _ in range(10))
        )
        assert worker.connections == 2
        assert first.statistics.succeeded == second.statistics.succeeded == 10
        for proxy in (first, second):
            await proxy.flush()
        for client in clients:
            accounts = await client.payment_status()
            assert [int(account.signed) for account in accounts] == [55, 55]
        await worker.update_payments()
        assert [int(earned.signed) for earned in worker.payouts.report()] == [110, 110]
        assert [int(earned.signed_fee) for earned in worker.payouts.report()] == [1100, 1100]


async def test_payments_are_kept_over_restarts(tmp_path: Path) -> None:
    async with InMemoryNetwork(tmp_path) as network:
        proxy = await network.add_proxy()
        worker = await network.add_worker()
        client = await network.add_client()
        await ask(client)
        await proxy.flush()
        await client.payment_status()
        await worker.update_payments()
        await worker.close()
        await client.close()
        network.workers.clear()
        network.clients.clear()
        worker = await network.add_worker()
        client = await network.add_client()
        (earned,) = worker.payouts.report()
        assert earned.signed == 14
        await network.restart_proxy(0)
        await worker.wait_ready(20)
        await client.wait_ready(20)
        await ask(client)
        await network.proxies[0].flush()
        (account,) = await client.payment_status()
        await worker.update_payments()
        (earned,) = worker.payouts.report()
        assert (account.signed, earned.signed) == (28, 28)


# --- failures ---


async def test_engine_errors_are_answers(tmp_path: Path) -> None:
    async with InMemoryNetwork(tmp_path) as network:
        await network.add_proxy()
        await network.add_worker()
        client = await network.add_client()
        failing = (("x-standin-mode", "status-500"),)
        async with await client.run(request(headers=failing)) as response:
            assert response.status == 500
            assert b"stand-in failure" in await response.read()
        assert response.summary is not None
        assert response.summary.total == 0


async def test_engine_that_breaks_off(tmp_path: Path) -> None:
    async with InMemoryNetwork(tmp_path) as network:
        await network.add_proxy()
        worker = await network.add_worker()
        client = await network.add_client()
        cut = (("x-standin-mode", "cut"),)
        with pytest.raises(RequestError):
            await ask(client, headers=cut)
        with pytest.raises(RequestError):
            await ask(client, stream=True, headers=cut)
        assert b"Hello" in await ask(client)
        assert worker.statistics.failed >= 2


async def test_engine_that_never_answers(tmp_path: Path) -> None:
    async with InMemoryNetwork(tmp_path) as network:
        await network.add_proxy()
        worker = await network.add_worker()
        client = await network.add_client()
        with pytest.raises(DeadlineError):
            await ask(client, headers=(("x-standin-mode", "silent"),), timeout=0.5)
        await until(lambda: worker.statistics.active == 0)
        assert b"Hello" in await ask(client)


async def test_wrong_bodies_are_refused_by_the_worker(tmp_path: Path) -> None:
    async with InMemoryNetwork(tmp_path) as network:
        await network.add_proxy()
        await network.add_worker()
        client = await network.add_client()
        with pytest.raises(BadRequestError, match="unknown option 'web_search_options'"):
            await ask(client, extra=b',"web_search_options":{}')
        with pytest.raises(BadRequestError) as refused:
            await ask(client, extra=b',"temperature":"%s"' % SENTINEL)
        assert "temperature" in str(refused.value)
        assert SENTINEL.decode() not in str(refused.value)


async def test_no_worker(tmp_path: Path) -> None:
    async with InMemoryNetwork(tmp_path) as network:
        await network.add_proxy()
        client = await network.add_client()
        with pytest.raises(RequestError):
            await ask(client)


async def test_no_proxy(tmp_path: Path) -> None:
    async with InMemoryNetwork(tmp_path) as network:
        await network.add_proxy()
        client = await network.add_client()
        await network.proxies[0].close()
        network.proxies.clear()
        await until(lambda: not client.ready)
        with pytest.raises(UnavailableError):
            await ask(client)


async def test_one_of_two_workers_is_killed_in_mid_stream(tmp_path: Path) -> None:
    async with InMemoryNetwork(tmp_path) as network:
        await network.add_proxy()
        workers = [await network.add_worker(), await network.add_worker()]
        client = await network.add_client()
        slow = (("x-standin-chunks", "20"), ("x-standin-delay", "0.03"))
        # `run` returns when an answer has begun: from then on no other worker can take over.
        begun = [await client.run(request(stream=True, headers=slow)) for _ in range(6)]
        tasks = [asyncio.create_task(response.read()) for response in begun]
        assert [worker.statistics.active for worker in workers] == [3, 3]
        loop = asyncio.get_running_loop()
        killed_at = loop.time()
        for uplink in workers[0].uplinks:
            uplink.close()
        await workers[0].close()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        failed = [result for result in results if isinstance(result, CocoonError)]
        done = [result for result in results if isinstance(result, bytes)]
        assert len(failed) == 3
        assert all(isinstance(error, RequestError) for error in failed)
        assert len(done) == 3
        assert all(b"[DONE]" in body for body in done)
        assert loop.time() - killed_at < 5
        assert network.standins[0].cancelled == 3
        assert b"Hello" in await ask(client)


async def test_client_vanishes(tmp_path: Path) -> None:
    async with InMemoryNetwork(tmp_path) as network:
        proxy = await network.add_proxy()
        worker = await network.add_worker()
        client, other = await network.add_client(), await network.add_client()
        slow = (("x-standin-chunks", "10"), ("x-standin-delay", "0.02"))
        response = await client.run(request(stream=True, headers=slow))
        await client.close()
        with pytest.raises(UnavailableError):
            await response.read()
        assert b"Hello" in await ask(other)
        await until(lambda: not worker.statistics.active and not proxy.dispatcher.running)


async def test_proxy_dies_in_mid_stream(tmp_path: Path) -> None:
    async with InMemoryNetwork(tmp_path) as network:
        proxy = await network.add_proxy()
        worker = await network.add_worker()
        client = await network.add_client()
        slow = (("x-standin-chunks", "50"), ("x-standin-delay", "0.05"))
        response = await client.run(request(stream=True, headers=slow))
        await network.restart_proxy(0)
        with pytest.raises(RequestError):
            await response.read()
        await until(lambda: network.standins[0].cancelled == 1)
        assert worker.statistics.cancelled == 1
        await worker.wait_ready(20)
        await client.wait_ready(20)
        assert b"Hello" in await ask(client)
        assert network.proxies[0] is not proxy


async def test_another_proxy_takes_over(tmp_path: Path) -> None:
    async with InMemoryNetwork(tmp_path) as network:
        await network.add_proxy()
        await network.add_proxy()
        both = network.root
        network.root = replace(both, proxies=both.proxies[1:])
        await network.add_worker()  # at the second proxy only; the first knows no model
        network.root = both
        client = await network.add_client()
        for _ in range(4):
            assert b"Hello" in await ask(client)


async def test_operator_switch_and_price(tmp_path: Path) -> None:
    async with InMemoryNetwork(tmp_path) as network:
        await network.add_proxy()
        worker = await network.add_worker()
        client = await network.add_client()
        worker.set_enabled(False)
        await asyncio.sleep(0.05)
        with pytest.raises(RequestError):
            await ask(client)
        worker.set_enabled(True)
        worker.change_coefficient(3000)
        await asyncio.sleep(0.05)
        async with await client.run(request()) as response:
            await response.read()
        assert response.summary is not None
        assert response.summary.total == 14 * 3


async def test_content_is_nowhere(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(0)
    async with InMemoryNetwork(tmp_path) as network:
        proxy = await network.add_proxy()
        worker = await network.add_worker()
        client = await network.add_client()
        call = request(debug=True)
        response = await client.run(call)
        shown = [repr(call), repr(response), repr(response.summary)]
        await response.read()
        shown += [repr(response), repr(response.summary)]
        for extra in (b',"%s":1' % SENTINEL, b',"n":"%s"' % SENTINEL):
            with pytest.raises(BadRequestError) as refused:
                await ask(client, extra=extra)
            # A field name that looks like one may be repeated to its author, not to anybody else.
            if extra.startswith(b',"n"'):
                shown.append(str(refused.value))
        with pytest.raises(RequestError) as broken:
            await ask(client, headers=(("x-standin-mode", "cut"),))
        shown.append(repr(broken.value))
        from cocoon.worker.statistics import prometheus_text
        from cocoon.worker.status import json_status

        shown.append(repr(prometheus_text(worker.statistics, {})))
        shown.append(repr(json_status(worker)))
        await proxy.flush()
    output = capsys.readouterr()
    files = [path for path in tmp_path.rglob("*") if path.is_file()]  # noqa: ASYNC240
    stored = b"".join(path.read_bytes() for path in files)
    text = "".join([*shown, caplog.text])
    for secret in ("SENTINEL", "Hello from a stand-in"):
        assert secret not in text
        assert secret.encode() not in stored
    assert "Hello from a stand-in" not in output.out + output.err
    assert "SENTINEL" not in output.out + output.err


async def test_a_tariff_changes_what_a_request_costs(tmp_path: Path) -> None:
    async def used(root: RootConfig, directory: Path) -> int:
        async with InMemoryNetwork(directory, root) as network:
            proxy = await network.add_proxy()
            await network.add_worker()
            client = await network.add_client()
            async with await client.run(request()) as response:
                await response.read()
            return sum(int(record.account.counter.max) for record in proxy.books.clients)

    double = Multipliers(20_000, 20_000, 20_000, 20_000)
    tariff = Tariff(TariffStep(1, 0, double))
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    plain = await used(root_config(), tmp_path / "a")
    assert await used(root_config(tariff=tariff), tmp_path / "b") == 2 * plain
