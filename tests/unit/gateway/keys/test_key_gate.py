"""The gate over a real store: keys, limits, budgets, and what ends up in the books."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from cocoon.accounting import Nano
from cocoon.client.api import Outcome
from cocoon.gateway.gate import Permit
from cocoon.gateway.keys import KeyGate, KeysSettings, Limits, leases
from cocoon.gateway.keys.budgets import Budgets, key_account
from cocoon.gateway.keys.ledger import Ledger, UsageFilter
from cocoon.gateway.keys.registry import Registry
from cocoon.gateway.keys.store import open_store
from cocoon.gateway.refusal import Refusal, is_retryable

Make = Callable[..., Any]

pytestmark = pytest.mark.anyio


def free(permit: Permit) -> None:
    """The end of a request that cost nothing."""
    permit.settle(Outcome(Nano(0), told=True), 200)


@asynccontextmanager
async def opened(store: str, **settings: Any) -> AsyncIterator[KeyGate]:
    gate = KeyGate(KeysSettings(store=store, **settings))
    await gate.start()
    try:
        yield gate
    finally:
        await gate.close()


def spent_of(store: str, account: str) -> dict[str, tuple[int, int]]:
    database = open_store(store)
    try:
        found = Budgets(database).state(account, time.time())
    finally:
        database.close()
    return {one.budget: (one.spent, one.leased) for one in found}


async def refused(awaitable: Any) -> Refusal:
    with pytest.raises(Refusal) as caught:
        await awaitable
    return caught.value


def refused_now(call: Callable[[], None]) -> Refusal:
    with pytest.raises(Refusal) as caught:
        call()
    return caught.value


async def test_a_key_is_known_and_others_are_not(store: str, make: Make) -> None:
    record, key = make(scopes=("chat", "admin"))
    async with opened(store) as gate:
        caller = await gate.identify(key)
        assert (caller.key_id, caller.is_admin) == (record.key_id, True)
        for wrong in (None, b"", b"sk-cocoon-", key[:-1] + b"?", key + b"x", bytes(66)):
            refusal = await refused(gate.identify(wrong))
            assert (refusal.status, refusal.code) == (401, "invalid_api_key")


async def test_states_rotation_and_revocation_reach_a_running_gate(store: str, make: Make) -> None:
    record, key = make()
    _, old = make(expires_at=int(time.time()) - 1)
    async with opened(store) as gate:
        assert (await refused(gate.identify(old))).code == "api_key_expired"
        await gate.identify(key)
        database = open_store(store)
        registry, now = Registry(database), int(time.time())
        _, made = registry.rotate(record.key_id, 60, now)
        await _until(gate, made.text.encode(), None)
        await gate.identify(key)  # for a minute
        registry.rotate(record.key_id, 0, now)
        await _until(gate, key, "invalid_api_key")
        registry.revoke(record.key_id, now)
        database.close()
        _, third = make()
        await _until(gate, third, None)
        assert (await refused(gate.identify(made.text.encode()))).code == "invalid_api_key"


async def _until(gate: KeyGate, key: bytes, code: str | None) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            await gate.identify(key)
            found = None
        except Refusal as refusal:
            found = refusal.code
        if found == code:
            return
        await asyncio.sleep(0.02)
    raise AssertionError(found)


async def test_scopes_and_models(store: str, make: Make, demand: Any) -> None:
    _, key = make(scopes=("embeddings",))
    _, other = make(models=("demo*", "exact"))
    async with opened(store) as gate:
        refusal = await refused(gate.admit(await gate.identify(key), demand()))
        assert (refusal.status, refusal.code) == (403, "endpoint_not_allowed")
        caller = await gate.identify(other)
        refusal = await refused(gate.admit(caller, demand(model="big")))
        assert (refusal.status, refusal.code, refusal.param) == (403, "model_not_allowed", "model")
        refusal = refused_now(lambda: gate.check(caller, "/v1/chat/completions", "big"))
        assert (refusal.status, refusal.code) == (403, "model_not_allowed")
        narrow = await gate.identify(key)
        refusal = refused_now(lambda: gate.check(narrow, "/v1/chat/completions", "demo"))
        assert (refusal.status, refusal.code) == (403, "endpoint_not_allowed")
        gate.check(narrow, "/v1/embeddings", "demo")
        assert not gate.allows_model(caller, "big")
        for name in ("demo", "demo-2", "exact@commit:hash"):
            gate.check(caller, "/v1/chat/completions", name)
            assert gate.allows_model(caller, name)
            free(await gate.admit(caller, demand(model=name)))


async def test_a_budget_is_kept_and_the_books_agree(
    store: str, make: Make, demand: Any, outcome: Any
) -> None:
    record, key = make(limits=Limits(day=1000, total=5000))
    async with opened(store) as gate:
        caller = await gate.identify(key)
        permits = [await gate.admit(caller, demand(100)) for _ in range(10)]
        refusal = await refused(gate.admit(caller, demand(100)))
        assert (refusal.status, refusal.code) == (429, "budget_reserved")
        assert is_retryable(refusal)
        for permit in permits[:6]:
            permit.settle(outcome(50), 200)
            permit.settle(outcome(50), 200)  # the second one is ignored
            free(permit)
        for permit in permits[6:]:
            free(permit)
        again = [await gate.admit(caller, demand(100)) for _ in range(7)]
        for permit in again:
            permit.settle(outcome(100), 200)
        refusal = await refused(gate.admit(caller, demand(1)))
        assert (refusal.status, refusal.code) == (429, "insufficient_quota")
        assert not is_retryable(refusal)
        assert "daily budget" in str(refusal)
        assert "UTC" in str(refusal)
    books = spent_of(store, key_account(record.key_id))
    assert books == {"day": (1000, 0), "month": (1000, 0), "total": (1000, 0)}
    database = open_store(store)
    rows = list(Ledger(database).rows(UsageFilter(key_id=record.key_id)))
    sums = Ledger(database).summary(["key", "model"])
    database.close()
    assert len(rows) == 17
    assert sum(row.cost for row in rows) == 1000
    assert [(s.model, s.requests, s.cost, s.failed) for s in sums] == [("demo", 17, 1000, 0)]


async def test_end_users_have_budgets_and_pseudonyms(
    store: str, make: Make, demand: Any, outcome: Any
) -> None:
    record, key = make(user_limits=Limits(month=150, concurrency=1))
    async with opened(store) as gate:
        caller = await gate.identify(key)
        permit = await gate.admit(caller, demand(100, "alice\ud800"))
        assert (await refused(gate.admit(caller, demand(1, "alice\ud800")))).status == 429
        bob = await gate.admit(caller, demand(100, "bob"))
        for one in (permit, bob):
            one.settle(outcome(100, told=False), 499)
        assert "this end user" in str(await refused(gate.admit(caller, demand(100, "bob"))))
        name = gate.pseudonym("bob")
    database = open_store(store)
    rows = list(Ledger(database).rows(UsageFilter(end_user=name)))
    database.close()
    assert [(row.cost, row.told, row.status) for row in rows] == [(100, False, 499)]
    assert spent_of(store, f"{record.key_id}/{name}")["month"] == (100, 0)


async def test_rates_and_concurrency(store: str, make: Make, demand: Any, outcome: Any) -> None:
    _, slow = make(limits=Limits(requests=2))
    _, small = make(limits=Limits(tokens=50))
    _, one = make(limits=Limits(concurrency=1))
    async with opened(store) as gate:
        caller = await gate.identify(slow)
        for _ in range(2):
            (await gate.admit(caller, demand())).settle(outcome(), 200)
        refusal = await refused(gate.admit(caller, demand()))
        headers = dict(refusal.headers)
        assert refusal.code == "rate_limit_exceeded"
        assert headers[b"x-ratelimit-limit-requests"] == b"2"
        assert 1 <= int(headers[b"retry-after"]) <= 121
        caller = await gate.identify(small)
        permit = await gate.admit(caller, demand(tokens=30))
        assert (await refused(gate.admit(caller, demand(tokens=30)))).kind == "tokens"
        permit.settle(outcome(), 200)
        await gate.admit(caller, demand(tokens=30))
        caller = await gate.identify(one)
        permit = await gate.admit(caller, demand())
        assert (await refused(gate.admit(caller, demand()))).status == 429
        free(permit)
        await gate.admit(caller, demand())


async def test_what_is_left_is_told(store: str, make: Make, demand: Any, outcome: Any) -> None:
    _, key = make(
        limits=Limits(requests=9, tokens=100), user_limits=Limits(requests=2, concurrency=9)
    )
    _, free_key = make(limits=Limits(day=1000))
    async with opened(store) as gate:
        assert not (await gate.admit(await gate.identify(free_key), demand())).headers
        caller = await gate.identify(key)
        permit = await gate.admit(caller, demand(tokens=10))  # and 10 of its 40 bytes
        told = dict(permit.headers)
        reset = told.pop(b"x-ratelimit-reset-requests")
        assert told.pop(b"x-ratelimit-reset-tokens") == reset
        assert 60 <= float(reset.removesuffix(b"s")) <= 120
        assert told == {
            b"x-ratelimit-limit-requests": b"9",
            b"x-ratelimit-remaining-requests": b"8",
            b"x-ratelimit-limit-tokens": b"100",
            b"x-ratelimit-remaining-tokens": b"80",
        }
        permit.settle(outcome(), 200)  # 7 tokens
        told = dict((await gate.admit(caller, demand(user="u", tokens=10))).headers)
        assert told[b"x-ratelimit-limit-requests"] == b"2"
        assert told[b"x-ratelimit-remaining-requests"] == b"1"
        assert int(told[b"x-ratelimit-remaining-tokens"]) >= 73


async def test_a_cap_that_is_set_later_counts_what_runs(
    store: str, make: Make, demand: Any, outcome: Any
) -> None:
    record, key = make()
    async with opened(store) as gate:
        caller = await gate.identify(key)
        permit = await gate.admit(caller, demand(80))
        database = open_store(store)
        changes = {"limits": Limits(total=100)}
        Registry(database).update(record.key_id, changes, int(time.time()))
        database.close()
        for _ in range(500):
            if gate.record_of(caller).limits.total is not None:
                break
            await asyncio.sleep(0.02)
        await refused(gate.admit(caller, demand(21)))
        (await gate.admit(caller, demand(20))).settle(outcome(20), 200)
        permit.settle(outcome(80), 200)
    assert spent_of(store, record.key_id)["total"] == (100, 0)


async def test_a_cancelled_wait_leaves_nothing_reserved(
    store: str, make: Make, demand: Any
) -> None:
    record, key = make(limits=Limits(total=1000, concurrency=5))
    async with opened(store) as gate:
        caller = await gate.identify(key)
        tasks = [asyncio.create_task(gate.admit(caller, demand(900))) for _ in range(5)]
        await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        permits = [await gate.admit(caller, demand(200)) for _ in range(5)]
        for permit in permits:
            free(permit)
    assert spent_of(store, record.key_id)["total"] == (0, 0)


async def test_a_key_that_is_revoked_while_a_body_comes_in(
    store: str, make: Make, demand: Any
) -> None:
    record, key = make()
    async with opened(store) as gate:
        caller = await gate.identify(key)
        database = open_store(store)
        Registry(database).revoke(record.key_id, int(time.time()))
        database.close()
        await _until(gate, key, "api_key_revoked")
        refusal = await refused(gate.admit(caller, demand()))
        assert (refusal.status, refusal.code) == (401, "api_key_revoked")


async def test_another_attempt_reserves_what_it_can_cost(
    store: str, make: Make, demand: Any, outcome: Any
) -> None:
    record, key = make(limits=Limits(total=1000), user_limits=Limits(day=250))
    async with opened(store) as gate:
        caller = await gate.identify(key)
        permit = await gate.admit(caller, demand(100, "u"))
        other = await gate.admit(caller, demand(50, "u"))
        assert not permit.extend(Nano(201))  # the end user has 250
        user = permit._purses[-1]
        assert (user.budget, user.reserved) == ("day", 150)
        free(other)
        for purse in permit._purses:  # all of it is here
            purse.wanted += 200
        await gate.keeper.more(list(permit._purses), 0)
        for purse in permit._purses:
            purse.wanted -= 200
        assert permit.extend(Nano(200))
        assert permit.extend(Nano(250))
        assert (await refused(gate.admit(caller, demand(1, "u")))).code == "budget_reserved"
        permit.settle(outcome(240), 200)
        assert not permit.extend(Nano(1))
        free(await gate.admit(caller, demand(10, "u")))
    assert spent_of(store, record.key_id)["total"] == (240, 0)


async def test_a_lower_cap_holds_for_what_was_to_be_leased(
    store: str, make: Make, demand: Any
) -> None:
    record, key = make(limits=Limits(total=32_000))
    async with opened(store) as gate:
        caller = await gate.identify(key)
        permit = await gate.admit(caller, demand(100))
        (total,) = (purse for purse in permit._purses if purse.budget == "total")
        gate.keeper.lease_ahead(total, time.time() + 1)
        total.known_until = 0.0
        # The keeper's next turn applies this, and then leases what was asked for before.
        gate._apply(replace(record, limits=Limits(total=150)))
        await gate.keeper.more([total], 0)
        await refused(gate.admit(caller, demand(100)))
        assert total.held - total.returning <= 150
        free(permit)


async def test_end_users_who_are_gone_leave_nothing_in_memory(
    store: str, make: Make, demand: Any
) -> None:
    _, key = make(user_limits=Limits(total=100))
    async with opened(store) as gate:
        caller = await gate.identify(key)
        permit = await gate.admit(caller, demand(100, "u"))
        gate._forget_users(time.time() + 1000)
        assert len(gate.keeper._purses) == 4
        free(permit)
        for _ in range(500):
            if permit._purses[-1].is_idle():
                break
            await asyncio.sleep(0.02)
        gate._forget_users(time.time() + 1000)
        assert len(gate.keeper._purses) == 3
        free(await gate.admit(caller, demand(100, "u")))


@pytest.mark.parametrize("as_spent", [True, False])
async def test_who_was_declared_dead_loses_its_leases_and_no_spending(
    store: str,
    make: Make,
    demand: Any,
    outcome: Any,
    monkeypatch: pytest.MonkeyPatch,
    as_spent: bool,
) -> None:
    record, key = make(limits=Limits(total=1000))
    async with opened(store) as gate:
        caller = await gate.identify(key)
        written, running = [await gate.admit(caller, demand(100)) for _ in range(2)]
        written.settle(outcome(70), 200)
        keeper = gate.keeper
        keeper._batch = keeper._batch or keeper._next_batch()  # as after a failed attempt
        database = open_store(store)
        with monkeypatch.context() as patch:
            patch.setattr(leases, "DEAD_SECONDS", -10)
            lost = Budgets(database).reconcile(time.time(), as_spent=as_spent)
        database.close()
        assert lost >= 200
        for _ in range(500):
            if keeper._batch is None and not keeper._dirty:
                break
            await asyncio.sleep(0.02)
        running.settle(outcome(80), 200)
        (await gate.admit(caller, demand(300))).settle(outcome(300), 200)
    spent, leased = spent_of(store, record.key_id)["total"]
    assert (spent, leased) == (450 + (lost if as_spent else 0), 0)


async def test_what_an_end_user_is_refused_is_not_counted_for_its_key(
    store: str, make: Make, demand: Any, outcome: Any
) -> None:
    limits = Limits(requests=2, tokens=60, concurrency=2, total=150)
    _, key = make(limits=limits, user_limits=Limits(concurrency=0))
    async with opened(store) as gate:
        caller = await gate.identify(key)
        for _ in range(5):
            assert (await refused(gate.admit(caller, demand(100, "u")))).code != "budget_reserved"
        for _ in range(5):  # too dear: is counted in, and out again
            assert (await refused(gate.admit(caller, demand(151)))).status == 429
        permits = [await gate.admit(caller, demand(75)) for _ in range(2)]
        for permit in permits:
            permit.settle(outcome(0), 502)
