"""Requests through the proxy's dispatcher: every one ends once, and the books always add up."""

import asyncio

import pytest

from cocoon.accounting import Funds, Nano
from cocoon.chain.address import Address
from cocoon.errors import RemoteProtocolError, RequestError
from cocoon.testing.proxy_rig import CLIENT, WORKER, Rig, until, used
from cocoon.wire.events import AnswerFailed, AnswerPart, AnswerStarted, Counters, PaymentUpdated

pytestmark = pytest.mark.anyio
A, B = b"a" * 32, b"b" * 32


def ended(events: list[object]) -> bool:
    return bool(events) and (
        isinstance(events[-1], AnswerFailed)
        or (isinstance(events[-1], AnswerStarted | AnswerPart) and events[-1].final is not None)
    )


async def test_answer_is_charged_and_signed_after_commit() -> None:
    rig = Rig()
    client, worker = await rig.client(), await rig.worker()
    client.run(A)
    await until(lambda: worker.queries)
    assert rig.reserved > 0
    (query,) = worker.queries
    assert query.request_id != A
    assert query.query == b"q" * 100
    assert query.timeout == pytest.approx(30 * 0.95, rel=0.01)
    worker.start(query)
    worker.part(query, b"body", used(7))
    await until(lambda: ended(client.of(A)))
    started, part = client.of(A)
    assert (started.response, part.data) == (b"head", b"body")
    assert part.final.usage.total_tokens_used == 7
    assert rig.reserved == 0
    (record,) = rig.books.clients
    assert record.account.counter.max == 7
    assert record.account.counter.chain == 0
    assert record.signer.signed == 0
    rig.commit()
    await until(lambda: len(client.of(A)) == 3)
    payment = client.of(A)[-1]
    assert isinstance(payment, PaymentUpdated)
    assert (payment.db_tokens, payment.max_tokens, payment.request_tokens) == (7, 7, 7)
    assert record.signer.signed == 7
    await until(lambda: worker.events)
    assert worker.events[-1].max_tokens == 7


async def test_usage_between_batch_and_announcement_is_announced_by_the_next() -> None:
    rig = Rig()
    client, worker = await rig.client(), await rig.worker()
    client.run(A)
    await until(lambda: worker.queries)
    worker.start(worker.queries[0], used(5))
    await until(lambda: ended(client.of(A)))
    ledger = rig.books.ledger
    batch = ledger.take_batch()  # goes to the store ...
    client.run(B)
    await until(lambda: len(worker.queries) == 2)
    worker.start(worker.queries[1], used(3))
    await until(lambda: ended(client.of(B)))  # ... while another request ends
    ledger.committed(batch)
    for account in ledger.confirmed(batch.seqno):
        rig.client_side.announce_payments(account)
        rig.worker_side.announce_payments(account)
    rig.commit()
    await until(lambda: worker.events and worker.events[-1].db_tokens == 8)
    assert [(e.db_tokens, e.max_tokens) for e in worker.events] == [(5, 8), (8, 8)]
    assert [e.db_tokens for e in client.of(B)[1:]] == [5, 8]


async def test_tiny_answer_in_one_message() -> None:
    rig = Rig()
    client, worker = await rig.client(), await rig.worker()
    client.run(A)
    await until(lambda: worker.queries)
    worker.start(worker.queries[0], used(3))
    await until(lambda: ended(client.of(A)))
    assert len(client.of(A)) == 1


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"model": "other"}, 703, "no worker here"),
        ({"max_tokens": -1}, 602, "negative"),
        ({"max_coefficient": -1}, 602, "negative"),
        ({"timeout": float("nan")}, 602, "timeout"),
        ({"timeout": 0.0}, 701, "timeout"),
        ({"max_tokens": 2**31 - 1}, 701, "max_tokens"),
        ({"max_coefficient": 2**31 - 1, "max_tokens": 10**7}, 702, "balance"),
        ({"min_config_version": 4}, 701, "root configuration"),
        ({"max_coefficient": 999}, 705, "coefficient=1000"),
        ({"model": ""}, 701, "model name"),
    ],
)
async def test_refusals(changes: dict[str, object], code: int, words: str) -> None:
    rig = Rig()
    client, worker = await rig.client(), await rig.worker()
    for record in rig.books.clients:
        record.account.funds = Funds(Nano(10**12), Nano(10**12))
    client.run(A, **changes)
    await until(lambda: client.of(A))
    (refusal,) = client.of(A)
    assert isinstance(refusal, AnswerFailed)
    assert refusal.code == code
    assert words in refusal.message
    assert rig.reserved == 0
    assert worker.queries == []


@pytest.mark.parametrize(
    ("terms", "words"), [({"enabled": False}, "disabled"), ({"storable": False}, "store")]
)
async def test_a_proxy_that_takes_nothing(terms: dict[str, bool], words: str) -> None:
    rig = Rig()
    client = await rig.client()
    await rig.worker()
    for name, value in terms.items():
        setattr(rig.dispatcher.terms, name, value)
    client.run(A)
    await until(lambda: client.of(A))
    assert words in client.of(A)[0].message


async def test_worker_limit() -> None:
    rig = Rig()
    client, worker = await rig.client(), await rig.worker(max_active_requests=1)
    client.run(A)
    client.run(B)
    await until(lambda: client.of(B))
    assert "busy" in client.of(B)[0].message
    assert len(worker.queries) == 1


async def test_dead_worker_fails_what_it_had_begun_and_moves_the_rest() -> None:
    rig = Rig()
    client, first = await rig.client(), await rig.worker()
    client.run(A)
    client.run(B)
    await until(lambda: len(first.queries) == 2)
    first.start(first.queries[0])
    await until(lambda: client.of(A))
    second = await rig.worker(Address(bytes([0x45]) * 32))
    assert first.link is not None
    first.link.close()
    await until(lambda: ended(client.of(A)))
    failure = client.of(A)[-1]
    assert isinstance(failure, AnswerFailed)
    assert failure.code == 651
    await until(lambda: second.queries)
    second.start(second.queries[0], used(4))
    await until(lambda: ended(client.of(B)))
    assert isinstance(client.of(B)[-1], AnswerStarted)
    assert rig.reserved == 0
    earned = {str(r.account.owner)[2:4]: int(r.account.counter.max) for r in rig.books.workers}
    assert earned == {"44": 0, "45": 4}


async def test_worker_that_is_cut_off_by_the_very_request() -> None:
    """It reads nothing: the request that overflows its link closes it; another one takes over."""
    rig = Rig()
    client, first = await rig.client(), await rig.worker()
    second = await rig.worker(Address(bytes([0x45]) * 32))
    for link in rig.worker_side._links:
        if link.context.owner == str(WORKER):
            stuck = link
    stuck._paused = True
    stuck._max_unsent = 10
    client.run(A)
    await until(lambda: second.queries)
    assert first.queries == []
    second.start(second.queries[0], used(2))
    await until(lambda: ended(client.of(A)))
    assert isinstance(client.of(A)[-1], AnswerStarted)
    assert client.closed == "open"
    assert rig.reserved == 0


async def test_dead_worker_with_nobody_else() -> None:
    rig = Rig()
    client, worker = await rig.client(), await rig.worker()
    client.run(A)
    await until(lambda: worker.queries)
    assert worker.link is not None
    worker.link.close()
    await until(lambda: ended(client.of(A)))
    assert client.of(A)[-1].code == 651
    assert rig.reserved == 0
    assert rig.dispatcher.running == 0


async def test_client_that_vanishes_is_charged_for_what_runs_to_its_end() -> None:
    rig = Rig()
    client, worker = await rig.client(), await rig.worker()
    client.run(A)
    await until(lambda: worker.queries)
    assert client.link is not None
    client.link.close()
    await asyncio.sleep(0)
    worker.start(worker.queries[0], used(5))
    await until(lambda: rig.dispatcher.running == 0)
    (record,) = rig.books.clients
    assert record.account.counter.max == 5
    assert rig.reserved == 0


async def test_deadline() -> None:
    rig = Rig()
    client, worker = await rig.client(), await rig.worker()
    client.run(A, timeout=0.02)
    await asyncio.sleep(0.05)
    await until(lambda: ended(client.of(A)))
    assert client.of(A)[-1].code == 652
    assert rig.reserved == 0
    # The late answer changes nothing.
    worker.start(worker.queries[0], used(9))
    await asyncio.sleep(0.01)
    (record,) = rig.books.clients
    assert record.account.counter.max == 0
    assert worker.closed == "open"


async def test_worker_error_costs_nothing() -> None:
    rig = Rig()
    client, worker = await rig.client(), await rig.worker()
    client.run(A)
    await until(lambda: worker.queries)
    worker.fail(worker.queries[0], 621, "unsupported")
    await until(lambda: ended(client.of(A)))
    assert (client.of(A)[0].code, client.of(A)[0].message) == (621, "unsupported")
    assert rig.reserved == 0


async def test_worker_cannot_charge_more_than_was_reserved() -> None:
    rig = Rig()
    client, worker = await rig.client(), await rig.worker()
    client.run(A)
    await until(lambda: worker.queries)
    held = rig.reserved
    worker.start(worker.queries[0], used(10**15))
    await until(lambda: ended(client.of(A)))
    assert client.of(A)[0].final.usage.total_tokens_used == held
    (record,) = rig.books.clients
    assert record.account.counter.max == held


async def test_usage_that_does_not_add_up_closes_that_worker_only() -> None:
    rig = Rig()
    client, liar = await rig.client(), await rig.worker()
    client.run(A)
    await until(lambda: liar.queries)
    from cocoon.tl import types as t

    bad = t.ProxyQueryFinalInfo(0, t.TokensUsed(1, 2, 3, 4, 5))
    liar.send(t.ProxyQueryAnswerEx(liar.queries[0].request_id, b"head", 1, bad))
    await until(lambda: ended(client.of(A)))
    assert client.of(A)[-1].code == 651
    await until(lambda: liar.closed != "open")
    assert client.closed == "open"
    assert rig.reserved == 0


@pytest.mark.parametrize("twice", ["start", "part first"])
async def test_answers_out_of_order(twice: str) -> None:
    rig = Rig()
    client, worker = await rig.client(), await rig.worker()
    client.run(A)
    await until(lambda: worker.queries)
    if twice == "start":
        worker.start(worker.queries[0])
        worker.start(worker.queries[0])
    else:
        worker.part(worker.queries[0], b"x")
    await until(lambda: worker.closed != "open")
    await until(lambda: ended(client.of(A)))
    assert rig.reserved == 0


async def test_same_id_twice_closes_the_client() -> None:
    rig = Rig()
    client, worker = await rig.client(), await rig.worker()
    client.run(A)
    client.run(A)
    await until(lambda: client.closed != "open")
    await until(lambda: worker.queries)
    worker.start(worker.queries[0], used(2))
    await until(lambda: rig.dispatcher.running == 0)
    assert rig.reserved == 0


async def test_least_loaded_spreads_from_the_first_request() -> None:
    rig = Rig()
    client = await rig.client()
    workers = [await rig.worker(), await rig.worker(), await rig.worker()]
    for number in range(6):
        client.run(bytes([number]) * 32)
    await until(lambda: sum(len(w.queries) for w in workers) == 6)
    assert [len(w.queries) for w in workers] == [2, 2, 2]


async def test_worker_that_remembers_more_than_we_used_can_come_back() -> None:
    """A crash of ours lost usage that was never stored; the worker continues from what is."""
    rig = Rig()
    worker = await rig.worker(known=Counters(0, 0, 500))
    assert worker.closed == "open"


async def test_worker_that_claims_more_than_committed_is_refused() -> None:
    rig = Rig()
    with pytest.raises(Exception, match="claimed"):
        await rig.worker(known=Counters(5, 5, 5))
    await rig.worker()


async def test_wrong_secret() -> None:
    rig = Rig()
    record = rig.books.open_client(CLIENT)
    record.secret_hash = bytes(32)
    client = await rig.client()  # falls back to the long form, which this mode confirms at once
    assert client.closed == "open"


async def test_request_before_handshake() -> None:
    rig = Rig()
    client = await rig.client()
    connection = next(iter(rig.client_side._links)).context
    fresh = type(connection)(connection._link, connection.session)
    with pytest.raises(RemoteProtocolError):
        _ = fresh.record
    assert client.closed == "open"


async def test_debug_names_the_worker_and_nothing_else() -> None:
    rig = Rig()
    client, worker = await rig.client(), await rig.worker()
    client.run(A, debug=True, query=b"secret prompt")
    await until(lambda: worker.queries)
    worker.start(worker.queries[0], used(1))
    await until(lambda: ended(client.of(A)))
    debug = client.of(A)[0].final.proxy_debug
    assert '"image_hash"' in debug
    assert "secret" not in debug


async def test_announcing_to_a_client_that_reads_nothing_does_not_disturb_its_others() -> None:
    """The very announcement cuts one connection off; the owner's other connections get theirs."""
    rig = Rig()
    clients = [await rig.client() for _ in range(3)]
    worker = await rig.worker()
    for number, client in enumerate(clients):
        client.run(bytes([number]) * 32)
    await until(lambda: len(worker.queries) == 3)
    for query in worker.queries:
        worker.start(query, used(2))
    await until(lambda: all(client.events for client in clients))
    for link in [link for link in rig.client_side._links if link.peer][:2]:
        link._paused = True
        link._max_unsent = 10
    rig.commit()
    await until(lambda: sum(client.closed != "open" for client in clients) == 2)
    (left,) = [client for client in clients if client.closed == "open"]
    await until(lambda: isinstance(left.events[-1], PaymentUpdated))
    assert left.events[-1].max_tokens == 6
    assert rig.client_side.connections == 1


@pytest.mark.parametrize("model", ["m@\udcff", "m\n"])
async def test_worker_whose_model_name_fits_no_json(model: str) -> None:
    """Names are any bytes on the wire, but debug records and the status page are JSON."""
    rig = Rig()
    with pytest.raises(RequestError, match="model name"):
        await rig.worker(model=model)
    assert list(rig.books.workers) == []


async def test_error_that_does_not_fit_the_clients_frame() -> None:
    rig = Rig()
    client, worker = await rig.client(), await rig.worker()
    client.run(A, debug=True)
    await until(lambda: worker.queries)
    worker.fail(worker.queries[0], 602, "x" * (2**24 - 300))
    await until(lambda: ended(client.of(A)))
    assert client.of(A)[-1].code == 651
    assert worker.closed == "open"
    assert rig.reserved == 0


async def test_answer_that_does_not_fit_the_clients_frame_tells_what_was_charged() -> None:
    rig = Rig()
    client, worker = await rig.client(), await rig.worker()
    client.run(A, debug=True)
    await until(lambda: worker.queries)
    whole = AnswerStarted(worker.queries[0].request_id, bytes(2**24 - 300), used(3))
    worker.send(worker.session.answer_started(whole))
    await until(lambda: ended(client.of(A)))
    (failure,) = client.of(A)
    assert isinstance(failure, AnswerFailed)
    (record,) = rig.books.clients
    assert failure.final is not None
    assert failure.final.usage.total_tokens_used == int(record.account.counter.max) == 3
