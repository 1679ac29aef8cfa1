"""An official client (a stand-in, see official/README.md) at our proxy and worker."""

import asyncio
import json
import time
from pathlib import Path

import pytest
from conformance_net import (
    FULL_MODEL,
    MODEL,
    PROXY_OWNER,
    SEED,
    WALLET,
    chat,
    official_root,
    open_net,
    until,
)
from official import chain
from official.client import Answer, DisagreementError, OfficialClient
from official.link import QueryFailedError
from official.tl import http_request

pytestmark = pytest.mark.anyio

PROTOS = pytest.mark.parametrize(
    "protos", [None, (1, 1), (1, 2)], ids=["proto0", "proto1", "proto2"]
)


async def run(client: OfficialClient, *, stream: bool = False, **changes: object) -> Answer:
    query = http_request(chat(stream=stream), Content_Type="application/json")
    answer = client.send(query, model=MODEL, max_tokens=100, **changes)  # type: ignore[arg-type]
    await asyncio.wait_for(answer.ended.wait(), 10)
    return answer


@PROTOS
async def test_answers_and_payment(tmp_path: Path, protos: tuple[int, int] | None) -> None:
    async with open_net(tmp_path) as net:
        proxy = await net.our_proxy()
        await net.our_worker(proxy.worker_port, proxy.client_port, dial=net.dial())
        client = await net.official_client(proxy.client_port, protos=protos)
        assert client.proto == (0 if protos is None else protos[1])
        assert client.auth == "client.proxyConnectionAuthShort"

        plain = await run(client)
        assert plain.error is None
        assert plain.head is not None
        assert plain.head["status"] == 200
        assert "X-Cocoon-Worker-Start" in plain.headers
        assert json.loads(plain.body)["usage"]["prompt_tokens"] == 8
        streamed = await run(client, stream=True)
        assert streamed.body.count(b" word") == 3
        assert streamed.body.endswith(b"data: [DONE]\n\n")
        # The official client passes framing headers on as they are: they must fit the body.
        for answer in (plain, streamed):
            assert answer.head is not None
            names = [header["name"].decode().lower() for header in answer.head["headers"]]
            assert sum(name in ("content-length", "transfer-encoding") for name in names) == 1
            assert not {"connection", "keep-alive"} & set(names)
            framing = {name.lower(): value for name, value in answer.headers.items()}
            if framing.get("transfer-encoding") != "chunked":
                assert int(framing["content-length"]) == len(answer.body)

        used = 8 + 6 + 8 + 3
        for answer, total in ((plain, 14), (streamed, 11)):
            assert answer.final is not None
            counts = answer.final if protos is None else answer.final["used"]
            assert counts["total"] == total == sum(counts[n] for n in list(counts)[:4])
        if protos == (1, 2):
            final = plain.final
            assert final is not None
            assert final["flags"] == 2
            assert abs(final["proxy_end"] - time.time()) < 60
            assert final["worker_start"] <= final["worker_end"] <= final["proxy_end"]
        elif protos is not None:
            assert plain.final is not None
            assert plain.final["flags"] == 0

        await proxy.flush()
        # On a slow machine a commit of the first answer alone may come before.
        await until(lambda: client.known == {"chain": used, "db": used, "max": used})
        status = await client.update_payments()
        assert (status["db"], status["max"]) == (used, used)
        # Verified once more from scratch: contract address and signature.
        signer = chain.Signer(SEED)
        root = official_root()
        contract = root.client(
            WALLET, root.proxy(PROXY_OWNER, signer.public_key), signer.public_key
        )
        boc = status["signed_payment"]["data"]
        assert chain.verify_payment(boc, chain.CLIENT_CHARGE, contract, signer.public_key) == used
        assert client.ignored == []
        assert client.link is not None
        assert client.link.ignored == []


@PROTOS
async def test_stream_arrives_in_pieces(tmp_path: Path, protos: tuple[int, int] | None) -> None:
    async with open_net(tmp_path) as net:
        proxy = await net.our_proxy()
        await net.our_worker(proxy.worker_port, proxy.client_port, dial=net.dial())
        client = await net.official_client(proxy.client_port, protos=protos)
        query = http_request(chat(stream=True), x_standin_delay="0.05")
        answer = client.send(query, model=MODEL, max_tokens=100)
        await until(lambda: len(answer.parts) >= 1)
        assert not answer.ended.is_set()
        await asyncio.wait_for(answer.ended.wait(), 10)
        assert answer.headers["Transfer-Encoding"] == "chunked"
        assert "Content-Length" not in answer.headers
        assert len(answer.parts) >= 3
        assert answer.body.count(b" word") == 3


async def test_models_in_both_forms(tmp_path: Path) -> None:
    async with open_net(tmp_path) as net:
        proxy = await net.our_proxy()
        ports = proxy.worker_port, proxy.client_port
        await net.our_worker(*ports, dial=net.dial(), coefficient=1500, max_active_requests=9)
        new = await net.official_client(proxy.client_port)
        (model,) = (await new.models())["types"]
        assert model["name"].decode() == MODEL
        (worker,) = model["workers"]
        assert dict(worker) == {"flags": 0, "coefficient": 1500, "active": 0, "max_active": 9}
        old = await net.official_client(proxy.client_port, protos=None, wallet=bytes([9]) * 32)
        (model,) = (await old.models())["types"]
        assert dict(model) == {
            "name": MODEL.encode(),
            "active_workers": 1,
            "min": 1500,
            "bucket50": 2**31 - 1,
            "max": 2**31 - 1,
        }


@PROTOS
async def test_errors_end_the_request(tmp_path: Path, protos: tuple[int, int] | None) -> None:
    """Our proxy's own errors too: an official client has no timer and would wait for ever."""
    async with open_net(tmp_path) as net:
        proxy = await net.our_proxy()
        await net.our_worker(proxy.worker_port, proxy.client_port, dial=net.dial())
        client = await net.official_client(proxy.client_port, protos=protos)
        query = http_request(chat())

        async def fails(**changes: object) -> tuple[int, str]:
            fields = {"model": MODEL, "max_tokens": 100, **changes}
            answer = client.send(fields.pop("query", query), **fields)  # type: ignore[arg-type]
            await asyncio.wait_for(answer.ended.wait(), 10)
            assert answer.error is not None
            assert answer.final is not None  # the official client dereferences it
            return answer.error

        assert (await fails(model="nobody has this"))[0] == 621
        assert (await fails(max_coefficient=10))[0] == 651
        assert (await fails(max_tokens=-1))[0] in (602, 621)
        assert (await fails(query=http_request(b'{"model":"%s"}' % MODEL.encode())))[0] == 621
        assert (await fails(query=http_request(chat(), url="/v1/chat/completions?x=1")))[0] == 621
        assert (await run(client)).error is None
        assert client.ignored == []


async def test_debug_is_filled_when_asked_for(tmp_path: Path) -> None:
    async with open_net(tmp_path) as net:
        proxy = await net.our_proxy()
        await net.our_worker(proxy.worker_port, proxy.client_port, dial=net.dial())
        client = await net.official_client(proxy.client_port)
        answer = await run(client, debug=True)
        assert answer.final is not None
        assert answer.final["flags"] == 3
        assert json.loads(answer.final["worker_debug"])["model"] == MODEL
        record = json.loads(answer.final["proxy_debug"])["worker"]
        assert "fake" in record["evidence"]
        assert record["model"] == FULL_MODEL


async def test_debug_texts_are_json_on_errors_too(tmp_path: Path) -> None:
    """The official client puts both texts into JSON of its own."""
    async with open_net(tmp_path) as net:
        proxy = await net.our_proxy()
        await net.our_worker(proxy.worker_port, proxy.client_port, dial=net.dial())
        client = await net.official_client(proxy.client_port)
        for changes in ({"x_standin_mode": "cut"}, {"x_standin_mode": "silent"}):
            query = http_request(chat(), **changes)
            answer = client.send(query, model=MODEL, max_tokens=100, timeout=1.0, debug=True)
            await asyncio.wait_for(answer.ended.wait(), 10)
            assert answer.error is not None
            assert answer.final is not None
            assert answer.final["flags"] & 1
            for name in ("worker_debug", "proxy_debug"):
                assert isinstance(json.loads(answer.final[name]), dict)


async def test_known_again_after_reconnect(tmp_path: Path) -> None:
    async with open_net(tmp_path) as net:
        proxy = await net.our_proxy()
        await net.our_worker(proxy.worker_port, proxy.client_port, dial=net.dial())
        first = await net.official_client(proxy.client_port)
        await run(first)
        await proxy.flush()
        await first.close()
        second = await net.official_client(proxy.client_port)
        assert second.known == {"chain": 14, "db": 14, "max": 14}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"protos": (4, 9)}, 621),
        ({"root": official_root(version=4)}, 602),
        ({"secret": b"wrong"}, None),
    ],
    ids=["versions", "config version", "secret"],
)
async def test_refusals(tmp_path: Path, changes: dict[str, object], code: int | None) -> None:
    async with open_net(tmp_path) as net:
        proxy = await net.our_proxy()
        if code is None:
            # Another secret than the one known: the long form, which simulated TON lets pass.
            client = await net.official_client(proxy.client_port, **changes)
            assert client.link is not None
            assert any(o.name == "client.authorizeWithProxyLong" for o in client.link.sent)
            return
        with pytest.raises(QueryFailedError) as caught:
            await net.official_client(proxy.client_port, **changes)
        assert caught.value.code == code


async def test_disabled_proxy_refuses(tmp_path: Path) -> None:
    async with open_net(tmp_path) as net:
        proxy = await net.our_proxy()
        proxy.set_enabled(False)
        with pytest.raises(QueryFailedError) as caught:
            await net.official_client(proxy.client_port)
        assert caught.value.code == 651


async def test_client_checks_hash_of_our_proxy(tmp_path: Path) -> None:
    """With hash checking on, our proxy's (fake) image must be the listed one."""
    async with open_net(tmp_path) as net:
        proxy = await net.our_proxy()
        await net.official_client(proxy.client_port, check_hashes=True)
        assert proxy.client_side.connections == 1


async def test_unknown_query_and_message(tmp_path: Path) -> None:
    """Lost promise for a query without a meaning here; messages of that kind are ignored."""
    from official.tl import Obj

    async with open_net(tmp_path) as net:
        proxy = await net.our_proxy()
        client = await net.official_client(proxy.client_port)
        assert client.link is not None
        with pytest.raises(QueryFailedError) as caught:
            await client.link.query(Obj("worker.updatePaymentStatus"))
        assert (caught.value.code, caught.value.message) == (0, "Lost promise")
        client.link.message(Obj("worker.enabledDisabled", disabled=1))
        await client.update_payments()
        client.link.packet(Obj("tcp.ping", id=-2))
        await until(lambda: not client.link.closed.is_set())
        await client.update_payments()


async def test_main_net_addresses(tmp_path: Path) -> None:
    """Official runners compare the text of addresses: our proxy prints the right flag."""
    async with open_net(tmp_path) as net:
        proxy = await net.our_proxy(is_testnet=False)
        client = await net.official_client(proxy.client_port, testnet=False)
        assert client.greeting is not None
        assert client.greeting["sc_address"].startswith(b"UQ")
        router = await net.socks()
        await net.official_worker(proxy.worker_port, router=router.port, testnet=False)
        with pytest.raises(DisagreementError, match="address"):
            await net.official_client(proxy.client_port, testnet=True)


async def test_requests_without_credentials_reach_only_their_own_account(tmp_path: Path) -> None:
    """Two official clients at one proxy: counters, payments and contracts are their own."""
    async with open_net(tmp_path) as net:
        proxy = await net.our_proxy()
        await net.our_worker(proxy.worker_port, proxy.client_port, dial=net.dial())
        first = await net.official_client(proxy.client_port)
        second = await net.official_client(proxy.client_port, wallet=bytes([9]) * 32)
        await run(first)
        await proxy.flush()
        await first.update_payments()
        await second.update_payments()
        assert (first.known["max"], second.known["max"]) == (14, 0)
        assert first.contract != second.contract


async def test_our_worker_takes_what_official_ones_refuse(tmp_path: Path) -> None:
    """Fields and endpoints; what it does not know either is refused as officially, and is free."""

    async def send(url: str, **fields: object) -> Answer:
        body = json.dumps({"model": MODEL, **fields}).encode()
        query = http_request(body, url, Content_Type="application/json")
        answer = client.send(query, model=MODEL, max_tokens=100)
        await asyncio.wait_for(answer.ended.wait(), 10)
        return answer

    path, messages = "/v1/chat/completions", [{"role": "user", "content": "hello"}]
    tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
    async with open_net(tmp_path) as net:
        proxy = await net.our_proxy()
        await net.our_worker(proxy.worker_port, proxy.client_port, dial=net.dial())
        client = await net.official_client(proxy.client_port)
        for answer in (
            await send(path, messages=messages, tools=[tool], seed=7, max_tokens=9),
            await send("/v1/embeddings", input="hello"),
        ):
            assert answer.error is None
            assert answer.head is not None
            assert answer.head["status"] == 200
        refused = await send(path, messages=messages, nonsense=1, max_tokens=9)
        assert refused.error is not None
        assert "unknown option 'nonsense' in request" in str(refused.error)
