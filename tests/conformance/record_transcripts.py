"""Writes ``vectors/conformance/transcripts.json``. Run this file; it takes no arguments.

Each vector is one connection between one of our roles and a stand-in of an official one: every
frame, in order. ``half`` says which of our sessions took part.
"""

import asyncio
import json
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from conformance_net import (
    FULL_MODEL,
    MODEL,
    WORKER_OWNER,
    Net,
    ask,
    chat,
    json_engine,
    official_root,
    open_net,
    sse_engine,
    until,
)
from official.client import OfficialClient
from official.link import Transcript
from official.proxy import OfficialProxy, Peer
from official.tl import Obj, decode, http_request
from official.worker import OfficialWorker
from replay import Replay

from cocoon.errors import RequestError

TARGET = Path(__file__).parents[2] / "vectors" / "conformance" / "transcripts.json"
SOURCE = "recorded between our {} and a stand-in written from wire-protocol.md §2-§6"

Scenario = Callable[[Net, Transcript], Awaitable[None]]
VERSIONS: dict[int, tuple[int, int] | None] = {0: None, 1: (1, 1), 2: (1, 2)}


async def _send(client: OfficialClient, query: bytes, **changes: Any) -> None:
    answer = client.send(query, **{"model": MODEL, "max_tokens": 100, **changes})
    await asyncio.wait_for(answer.ended.wait(), 10)


def official_client(version: int) -> Scenario:
    async def run(net: Net, transcript: Transcript) -> None:
        proxy = await net.our_proxy()
        await net.our_worker(proxy.worker_port, proxy.client_port, dial=net.dial())
        client = await net.official_client(
            proxy.client_port, protos=VERSIONS[version], transcript=transcript
        )
        await client.models()
        await _send(client, http_request(chat()), debug=True)
        await _send(client, http_request(chat(stream=True), x_standin_delay="0.01"))
        await _send(client, http_request(chat()), model="unknown")
        await _send(client, http_request(b"{}"))
        await proxy.flush()
        await client.update_payments()

    return run


def official_worker(version: int) -> Scenario:
    async def run(net: Net, transcript: Transcript) -> None:
        proxy = await net.our_proxy()
        worker = await net.official_worker(
            proxy.worker_port, protos=VERSIONS[version], transcript=transcript
        )
        assert worker.link is not None
        client = await net.our_client(proxy.worker_port, proxy.client_port, dial=net.dial())
        for engine in (json_engine, sse_engine, lambda _: (621, "unknown option")):
            worker.engine = engine
            try:
                async with await client.run(ask(debug=True)) as response:
                    await response.read()
            except RequestError:
                pass
        worker.link.message(Obj("worker.newCoefficient", coefficient=1500))
        worker.link.message(Obj("worker.enabledDisabled", disabled=1))
        await proxy.flush()
        await worker.update_payments()

    return run


async def worker_with_inflated_max(net: Net, transcript: Transcript) -> None:
    proxy = await net.our_proxy()
    router = await net.socks()
    worker = OfficialWorker(
        official_root(), WORKER_OWNER, model=FULL_MODEL, engine=json_engine, transcript=transcript
    )
    worker.known["max"] = 5
    await worker.dial(router.port, proxy.worker_port)
    await worker.close()


def our_client(protos: tuple[int, int]) -> Scenario:
    async def run(net: Net, transcript: Transcript) -> None:
        proxy = await net.official_proxy(protos=protos, transcripts={"client": transcript})
        front = await net.reverse(proxy.client_port, "any")
        back = await net.reverse(proxy.worker_port)
        worker = await net.official_worker(back.port)
        client = await net.our_client(9, front.port, dial=net.dial(), max_retries=0)
        await client.models()
        async with await client.run(ask(debug=True)) as response:
            await response.read()
        worker.engine = lambda _: (621, "unknown option 'x'")
        await _fails(client)
        proxy.script = lambda peer, query: proxy.reject(peer, query, 602, "balance is too low")
        await _fails(client)
        proxy.script = lambda peer, query: _break_off(proxy, peer, query)
        await _fails(client)
        proxy.commit()
        await client.payment_status()

    return run


def _break_off(proxy: OfficialProxy, peer: Peer, query: Obj) -> None:
    head = Obj(
        "http.response", version="HTTP/1.1", status=200, reason="OK", headers=[], payload=b""
    )
    proxy.answer(peer, query, "", final=None, answer=head.boxed())
    proxy.reject(peer, query, 652, "timeout in proxy", part=True)


async def _fails(client: Any) -> None:
    try:
        async with await client.run(ask()) as response:
            await response.read()
    except RequestError:
        return
    raise AssertionError("this request should have failed")


def our_worker(protos: tuple[int, int]) -> Scenario:
    async def run(net: Net, transcript: Transcript) -> None:
        proxy = await net.official_proxy(protos=protos, transcripts={"worker": transcript})
        back = await net.reverse(proxy.worker_port)
        front = await net.reverse(proxy.client_port, "any")
        worker = await net.our_worker(back.port, front.port, dial=net.dial())
        client = await net.official_client(front.port)
        await _send(client, http_request(chat()), debug=True)
        await _send(client, http_request(chat(stream=True), x_standin_delay="0.01"))
        await _send(client, http_request(b"{}"))
        worker.change_coefficient(1200)
        worker.set_enabled(False)
        await until(lambda: proxy.peers[0].disabled)
        proxy.commit()
        await worker.update_payments()

    return run


async def our_worker_is_ahead(net: Net, transcript: Transcript) -> None:
    proxy = await net.official_proxy()
    back = await net.reverse(proxy.worker_port)
    worker = await net.our_worker(back.port, 9, dial=net.dial())
    peer = proxy.peers[0]
    (account,) = proxy.workers.values()
    account.use(14)
    peer.link.message(
        Obj(
            "proxy.workerRequestPayment",
            request_id=bytes(32),
            **proxy._counters(account),
            request_tokens=14,
            client_owner="",
        )
    )
    await until(lambda: worker.payouts.report()[0].max == 14)
    account.max = 0
    proxy.transcripts["worker"] = transcript
    peer.link.close()
    await until(lambda: len(proxy.peers) > 1 and proxy.peers[1].link.closed.is_set())
    proxy.transcripts.clear()


SCENARIOS: dict[str, tuple[str, Scenario]] = {
    "official client, version 0": ("client_peer", official_client(0)),
    "official client, version 1": ("client_peer", official_client(1)),
    "official client, version 2": ("client_peer", official_client(2)),
    "official worker, version 0": ("worker_peer", official_worker(0)),
    "official worker, version 1": ("worker_peer", official_worker(1)),
    "official worker, version 2": ("worker_peer", official_worker(2)),
    "official worker claims a higher max": ("worker_peer", worker_with_inflated_max),
    "official proxy and our client, version 1": ("client", our_client((0, 1))),
    "official proxy and our client, version 2": ("client", our_client((0, 2))),
    "official proxy and our worker, version 1": ("worker", our_worker((0, 1))),
    "official proxy and our worker, version 2": ("worker", our_worker((0, 2))),
    "official proxy stuck in its extended compare": ("worker", our_worker_is_ahead),
}


def describe(frame: bytes) -> str:
    """Names of the packet and of what is in it."""
    packet = decode(frame[8:])
    if "data" in packet:
        return f"{packet.name} {decode(packet['data']).name}"
    return packet.name


async def record(half: str, scenario: Scenario) -> list[dict[str, str]]:
    """Run a scenario and return its frames."""
    transcript = Transcript()
    with tempfile.TemporaryDirectory() as folder:
        async with open_net(Path(folder)) as net:
            await scenario(net, transcript)
            frames = list(transcript.frames)
    return [{"from": who, "is": describe(frame), "hex": frame.hex()} for who, frame in frames]


async def main() -> None:
    """Record all."""
    vectors: list[dict[str, Any]] = []
    for name, (half, scenario) in SCENARIOS.items():
        frames = await record(half, scenario)
        source = SOURCE.format(half.replace("_peer", "'s proxy"))
        vectors.append({"name": name, "source": source, "half": half, "frames": frames})
    for vector in vectors:
        replay = Replay(vector["half"], vector["frames"])
        replay.run()
        vector |= {"expect": "ok", "events": replay.events}
    TARGET.write_text(json.dumps(vectors, indent=1) + "\n")


if __name__ == "__main__":
    asyncio.run(main())
