"""What version 3 adds at the proxy: cancelling, choosing by features, and whose cache it is."""

import asyncio

import pytest

from cocoon.chain.address import Address
from cocoon.errors import WIRE_CANCELLED, WIRE_TIMEOUT, WIRE_UNSUPPORTED, RemoteProtocolError
from cocoon.proxy.worker_side import WorkerConnection
from cocoon.testing.proxy_rig import ClientPeer, Rig, WorkerPeer, until, used
from cocoon.wire.events import AnswerFailed, FinalInfo, QueryCancelled, WorkerQuery
from cocoon.wire.negotiation import VersionRange

pytestmark = pytest.mark.anyio
A, B = b"a" * 32, b"b" * 32
OLD = VersionRange(2, 2)


def cancel(client: ClientPeer, request_id: bytes) -> None:
    assert client.link is not None
    message = client.session.cancel_query(request_id)
    assert message is not None
    client.link.send(message)


async def running(rig: Rig, client: ClientPeer, worker: WorkerPeer) -> WorkerQuery:
    client.run(A)
    await until(lambda: worker.queries)
    return worker.queries[-1]


def cancelled(worker: WorkerPeer) -> list[QueryCancelled]:
    return [event for event in worker.events if isinstance(event, QueryCancelled)]


async def test_a_cancelled_request_is_stopped_and_charged_what_it_used() -> None:
    rig = Rig()
    client, worker = await rig.client(), await rig.worker()
    query = await running(rig, client, worker)
    worker.start(query)
    cancel(client, A)
    cancel(client, A)  # once is enough
    cancel(client, B)  # nobody knows it
    await until(lambda: cancelled(worker))
    worker.fail(query, WIRE_CANCELLED, "cancelled", used(7))
    await until(lambda: isinstance(client.of(A)[-1], AnswerFailed))
    failed = client.of(A)[-1]
    assert (failed.code, failed.final.usage.total_tokens_used) == (WIRE_CANCELLED, 7)
    assert [event.request_id for event in cancelled(worker)] == [query.request_id]
    (record,) = rig.books.clients
    assert record.account.counter.max == 7
    assert rig.reserved == 0
    assert rig.dispatcher.running == 0


async def test_no_more_than_the_reservation_is_charged_for_a_cancelled_request() -> None:
    rig = Rig()
    client, worker = await rig.client(), await rig.worker()
    query = await running(rig, client, worker)
    most = rig.reserved
    cancel(client, A)
    await until(lambda: cancelled(worker))
    worker.fail(query, WIRE_CANCELLED, "cancelled", used(10**9))
    await until(lambda: client.of(A))
    (record,) = rig.books.clients
    assert record.account.counter.max == most


async def test_usage_in_an_error_counts_only_for_what_was_cancelled() -> None:
    rig = Rig()
    client, worker = await rig.client(), await rig.worker()
    query = await running(rig, client, worker)
    worker.fail(query, WIRE_CANCELLED, "cancelled", used(7))
    await until(lambda: client.of(A))
    (record,) = rig.books.clients
    assert record.account.counter.max == 0
    assert client.of(A)[-1].final.usage.total_tokens_used == 0


async def test_a_cancelled_request_that_fails_otherwise_costs_nothing() -> None:
    rig = Rig()
    client, worker = await rig.client(), await rig.worker()
    query = await running(rig, client, worker)
    cancel(client, A)
    await until(lambda: cancelled(worker))
    worker.fail(query, 601, "the engine broke", used(7))
    await until(lambda: client.of(A))
    assert client.of(A)[-1].final.usage.total_tokens_used == 0
    (record,) = rig.books.clients
    assert record.account.counter.max == 0


async def test_an_answer_that_wins_the_race_is_an_answer() -> None:
    rig = Rig()
    client, worker = await rig.client(), await rig.worker()
    query = await running(rig, client, worker)
    cancel(client, A)
    await until(lambda: cancelled(worker))
    worker.start(query, used(3))
    await until(lambda: client.of(A))
    assert client.of(A)[0].final.usage.total_tokens_used == 3
    worker.fail(query, WIRE_CANCELLED, "cancelled", used(7))  # late, and ignored
    await asyncio.sleep(0.01)
    (record,) = rig.books.clients
    assert record.account.counter.max == 3


async def test_what_a_client_leaves_behind_is_stopped() -> None:
    rig = Rig()
    client, worker = await rig.client(versions=OLD), await rig.worker()
    query = await running(rig, client, worker)
    assert client.link is not None
    client.link.close()
    await until(lambda: cancelled(worker))
    worker.fail(query, WIRE_CANCELLED, "cancelled", used(5))
    await until(lambda: rig.dispatcher.running == 0)
    (record,) = rig.books.clients
    assert record.account.counter.max == 5


async def test_who_leaves_stops_only_its_own_requests() -> None:
    rig = Rig()
    one, other, worker = (
        await rig.client(),
        await rig.client(Address(bytes([6]) * 32)),
        await rig.worker(max_active_requests=20),
    )
    other.run(A)
    await until(lambda: len(worker.queries) == 1)
    one.run(A)
    await until(lambda: len(worker.queries) == 2)
    assert one.link is not None
    one.link.close()
    await until(lambda: cancelled(worker))
    assert [event.request_id for event in cancelled(worker)] == [worker.queries[1].request_id]
    worker.start(worker.queries[0], used(3))
    await until(lambda: other.of(A))
    assert other.of(A)[0].final.usage.total_tokens_used == 3


async def test_an_old_worker_runs_a_cancelled_request_to_its_end() -> None:
    rig = Rig()
    client, worker = await rig.client(), await rig.worker(versions=OLD)
    query = await running(rig, client, worker)
    cancel(client, A)
    await asyncio.sleep(0.01)
    assert worker.events == []
    worker.start(query, used(9))
    await until(lambda: client.of(A))
    (record,) = rig.books.clients
    assert record.account.counter.max == 9


async def test_a_cancelled_request_does_not_move_to_another_worker() -> None:
    rig = Rig()
    client, first = await rig.client(), await rig.worker()
    await running(rig, client, first)
    second = await rig.worker(Address(bytes([5]) * 32))
    cancel(client, A)
    await until(lambda: cancelled(first))
    assert first.link is not None
    first.link.close()
    await until(lambda: client.of(A))
    assert second.queries == []
    assert rig.reserved == 0


async def test_a_deadline_stops_the_worker_too() -> None:
    rig = Rig()
    client, worker = await rig.client(), await rig.worker()
    client.run(A, timeout=0.05)
    await asyncio.sleep(0.1)
    await until(lambda: cancelled(worker))
    await until(lambda: client.of(A))
    assert rig.reserved == 0


async def test_workers_are_chosen_by_what_they_can_do() -> None:
    rig = Rig()
    client = await rig.client()
    plain, able = await rig.worker(), await rig.worker(Address(bytes([5]) * 32), coefficient=3000)
    able.declare("chat", "tools", "logprobs")
    await until(lambda: any("tools" in worker.features for worker in rig.registry))
    client.run(A, requires=("chat", "tools"))
    await until(lambda: able.queries)
    assert plain.queries == []
    client.run(B, requires=("chat", "images", "tools"))
    await until(lambda: client.of(B))
    (failed,) = client.of(B)
    assert failed.code == WIRE_UNSUPPORTED
    assert "images" in failed.message
    assert "tools" not in failed.message


async def test_old_clients_demand_nothing_and_old_workers_do_what_official_ones_do() -> None:
    rig = Rig()
    client, worker = await rig.client(), await rig.worker(versions=OLD)
    client.run(A, requires=("chat",))
    await until(lambda: worker.queries)
    client.run(B, requires=("chat", "tools"))
    await until(lambda: client.of(B))
    assert client.of(B)[0].code == WIRE_UNSUPPORTED
    old = await rig.client(Address(bytes([6]) * 32), versions=OLD)
    old.run(B, requires=("chat", "tools"))  # its version cannot say so
    await until(lambda: len(worker.queries) == 2)


async def test_strange_features_are_refused() -> None:
    rig = Rig()
    client = await rig.client()
    client.run(A, requires=("chat and more",))
    await until(lambda: client.of(A))
    assert "strange words" in client.of(A)[0].message
    client.run(B, requires=("x",) * 65)
    await until(lambda: client.of(B))
    assert "too long" in client.of(B)[0].message


async def test_the_token_cap_reaches_the_worker() -> None:
    rig = Rig()
    client, worker = await rig.client(), await rig.worker()
    client.run(A, max_tokens=77)
    await until(lambda: worker.queries)
    assert worker.queries[0].max_tokens == 77


async def test_cache_scopes_differ_by_client_and_by_its_own_scope() -> None:
    rig = Rig()
    worker = await rig.worker(max_active_requests=20)
    one, other = await rig.client(), await rig.client(Address(bytes([6]) * 32))
    scopes = [bytes(32), bytes([1]) * 32, bytes([1]) * 32]
    for peer in (one, other):
        for number, scope in enumerate(scopes):
            peer.run(bytes([number]) * 32, cache_scope=scope)
    await until(lambda: len(worker.queries) == 6)
    seen = [query.cache_scope for query in worker.queries]
    assert len(set(seen)) == 4
    assert seen[1] == seen[2]
    assert not set(seen[:3]) & set(seen[3:])
    assert bytes(32) not in seen
    again = Rig()  # another proxy, or the same one tomorrow
    worker, client = await again.worker(), await again.client()
    client.run(A, cache_scope=scopes[1])
    await until(lambda: worker.queries)
    assert worker.queries[0].cache_scope not in seen


@pytest.mark.parametrize("version", [2, 3])
async def test_a_client_of_version_3_learns_who_answered(version: int) -> None:
    rig = Rig()
    worker = await rig.worker()
    client = await rig.client(versions=VersionRange(version, version))
    query = await running(rig, client, worker)
    worker.start(query, FinalInfo())
    await until(lambda: client.of(A))
    debug = client.of(A)[0].final.proxy_debug
    assert (debug is not None and '"image_hash"' in debug) == (version == 3)


@pytest.mark.parametrize("why", ["cancel", "deadline"])
async def test_a_worker_that_turns_out_to_be_gone_when_it_is_stopped(
    why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = Rig()
    client, first = await rig.client(), await rig.worker()
    await running(rig, client, first)
    second = await rig.worker(Address(bytes([5]) * 32))
    (one,) = rig.dispatcher._by_client.values()
    end = one.worker
    assert isinstance(end, WorkerConnection)

    def broken(self: WorkerConnection, request_id: bytes) -> bool:
        assert request_id
        self.broke(RemoteProtocolError("it does not read"))
        return True

    monkeypatch.setattr(WorkerConnection, "cancel", broken)
    if why == "cancel":
        cancel(client, A)
    else:
        rig.dispatcher._expire(one)
    await until(lambda: client.of(A))
    await asyncio.sleep(0.01)
    assert second.queries == []
    assert [type(event) for event in client.of(A)] == [AnswerFailed]
    assert (rig.reserved, rig.dispatcher.running) == (0, 0)
    assert first.closed != "open"


@pytest.mark.parametrize(
    ("waited", "begun", "code", "charged"),
    [
        (0.5, True, WIRE_TIMEOUT, 7),
        (0.0, True, WIRE_TIMEOUT, 0),
        (0.5, False, WIRE_TIMEOUT, 0),
        (0.5, True, 601, 0),
    ],
)
async def test_a_stream_cut_off_by_its_time_limit_is_charged(
    waited: float, begun: bool, code: int, charged: int
) -> None:
    rig = Rig()
    client, worker = await rig.client(), await rig.worker()
    client.run(A, timeout=0.56)
    await until(lambda: worker.queries)
    query = worker.queries[0]
    if begun:
        worker.start(query)
        await until(lambda: client.of(A))
    await asyncio.sleep(waited)  # a worker cannot call it late before it is
    worker.fail(query, code, "no more", used(7))
    await until(lambda: isinstance((client.of(A) or [None])[-1], AnswerFailed))
    failed = client.of(A)[-1]
    assert (failed.code, failed.final.usage.total_tokens_used) == (code, charged)
    (record,) = rig.books.clients
    assert record.account.counter.max == charged
    assert rig.reserved == 0
