"""Every admitted request is settled once, whatever becomes of it."""

import asyncio
from typing import Any

import pytest

from cocoon.accounting import Nano
from cocoon.client.api import ClientRequest, Outcome
from cocoon.errors import UnavailableError
from cocoon.gateway import Gateway
from cocoon.gateway.gate import Caller, Demand
from cocoon.gateway.refusal import Refusal
from cocoon.testing.scripted_client import (
    EVENT_HEADERS,
    ScriptedClient,
    ScriptedResponse,
    failing,
)

pytestmark = pytest.mark.anyio

CHAT = "/v1/chat/completions"
ASK = b'{"model":"demo","messages":[{"role":"user","content":"hi"}],"max_tokens":10%s}'
EVENT = b'data: {"choices":[{"delta":{}}]}\n\n'


class CountingGate:
    """Counts permits; refuses when told to."""

    headers = ()

    def __init__(self, *, refuse: bool = False) -> None:
        self.refuse = refuse
        self.demands: list[Demand] = []
        self.settled: list[tuple[int, int]] = []
        self.extended: list[int] = []
        self.extendable = True
        self.identified: list[bytes | None] = []

    async def identify(self, credential: bytes | None) -> Caller:
        self.identified.append(credential)
        return Caller("key-1")

    async def admit(self, caller: Caller, demand: Demand) -> "CountingGate":
        if self.refuse:
            raise Refusal("budget", status=429, code="insufficient_quota")
        self.demands.append(demand)
        return self

    def check(self, caller: Caller, endpoint: str, model: str) -> None:
        if self.refuse:
            raise Refusal("not for you", status=403, code="model_not_allowed")

    def allows_model(self, caller: Caller, model: str) -> bool:
        return not self.refuse

    def extend(self, most: Nano) -> bool:
        self.extended.append(int(most))
        return self.extendable

    def settle(self, outcome: Outcome, status: int) -> None:
        self.settled.append((int(outcome.cost), status))


def gateway(client: Any, gate: CountingGate) -> Gateway:
    return Gateway(client, gate=gate)


async def test_an_answer_settles_with_its_cost(call: Any) -> None:
    gate = CountingGate()
    client = ScriptedClient(lambda _: ScriptedResponse([b"{}"]))
    answer = await call(
        gateway(client, gate), "POST", CHAT, ASK % b',"user":"u1"', {"x-api-key": "k"}
    )
    assert answer.status == 200
    assert gate.identified == [b"k"]
    assert gate.settled == [(1900, 200)]
    (demand,) = gate.demands
    assert (demand.model, demand.user, demand.max_tokens) == ("demo", "u1", 10)
    assert demand.max_cost == client.bound(client.requests[0])
    assert demand.endpoint == CHAT


async def test_a_failure_settles_with_its_status(call: Any) -> None:
    gate = CountingGate()
    answer = await call(gateway(failing(UnavailableError("gone")), gate), "POST", CHAT, ASK % b"")
    assert gate.settled == [(0, answer.status)] == [(0, 502)]


async def test_a_stream_that_breaks_off_settles(call: Any) -> None:
    gate = CountingGate()
    steps = [EVENT, UnavailableError("gone")]
    client = ScriptedClient(lambda _: ScriptedResponse(steps, headers=EVENT_HEADERS))
    await call(gateway(client, gate), "POST", CHAT, ASK % b',"stream":true')
    assert gate.settled == [(1900, 502)]


async def test_a_caller_that_goes_away_settles(call: Any) -> None:
    gate = CountingGate()
    client = ScriptedClient(lambda _: ScriptedResponse([EVENT, 30.0], headers=EVENT_HEADERS))
    await call(gateway(client, gate), "POST", CHAT, ASK % b',"stream":true', gone_after=0.05)
    assert gate.settled == [(1900, 499)]


async def test_the_cost_may_come_after_the_caller_has_gone(call: Any) -> None:
    gate = CountingGate()
    requests: list[ClientRequest] = []

    class Late(ScriptedClient):
        async def run(self, request: ClientRequest) -> Any:
            requests.append(request)
            await asyncio.Event().wait()

    app = gateway(Late(lambda _: ScriptedResponse([])), gate)
    await call(app, "POST", CHAT, ASK % b"", gone_after=0.05)
    assert gate.settled == []
    told = requests[0].on_settled
    assert told is not None
    most = gate.demands[0].max_cost
    told(Outcome(most, told=False))
    assert gate.settled == [(int(most), 499)]


async def test_what_the_gate_refuses_is_never_sent(call: Any) -> None:
    gate = CountingGate(refuse=True)
    client = ScriptedClient(lambda _: ScriptedResponse([b"{}"]))
    answer = await call(gateway(client, gate), "POST", CHAT, ASK % b"")
    assert answer.status == 429
    assert client.requests == []
    assert gate.settled == []


async def test_a_request_above_its_own_limit_is_refused_before_the_gate(call: Any) -> None:
    gate = CountingGate()
    client = ScriptedClient(lambda _: ScriptedResponse([b"{}"]))
    answer = await call(gateway(client, gate), "POST", CHAT, ASK % b',"max_cost":1')
    assert answer.status == 402
    assert b"max_cost" in answer.body
    assert (client.requests, gate.demands) == ([], [])


async def test_prompt_caches_are_apart_by_key_and_end_user(call: Any) -> None:
    gate = CountingGate()
    client = ScriptedClient(lambda _: ScriptedResponse([b"{}"]))
    app = gateway(client, gate)
    for user in (b"", b',"user":"a"', b',"user":"b"', b',"user":"a"'):
        await call(app, "POST", CHAT, ASK % user)
    await call(Gateway(client), "POST", CHAT, ASK % b"")
    none, a, b, again, alone = [request.cache_scope for request in client.requests]
    assert len({none, a, b}) == 3
    assert a == again
    assert {len(none), len(a)} == {32}
    assert alone == b""


@pytest.mark.parametrize("factor", [None, 1, 2])
async def test_another_attempt_must_be_allowed_by_the_caller_and_the_budgets(
    call: Any, factor: int | None
) -> None:
    gate = CountingGate()
    client = ScriptedClient(lambda _: ScriptedResponse([b"{}"]))
    await call(gateway(client, gate), "POST", CHAT, ASK % b"")
    most = int(gate.demands[0].max_cost)
    body = ASK % (b"" if factor is None else b',"max_cost":%d' % (factor * most))
    await call(gateway(client, gate), "POST", CHAT, body)
    may_cost = client.requests[1].may_cost
    assert may_cost is not None
    allowed = factor != 1
    for gate.extendable in (False, True):
        assert may_cost(Nano(most))
        assert may_cost(Nano(most + 1)) == (allowed and gate.extendable)
    assert gate.extended == ([most + 1] * 2 if allowed else [])
    assert may_cost(Nano(2 * most)) == allowed
    assert may_cost(Nano(2 * most + 1)) == (factor is None)
    assert may_cost(Nano(2 * most)) == allowed  # is reserved already
    assert len(gate.extended) == {None: 4, 1: 0, 2: 3}[factor]
