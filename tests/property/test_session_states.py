"""Any message in any state: understood, ignored, or refused with the session given up."""

import copy
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cocoon.errors import LocalProtocolError, RemoteProtocolError
from cocoon.testing.sessions import (
    OUR_CONTRACT,
    PROXY,
    new_client_pair,
    new_worker_pair,
)
from cocoon.wire.client_peer_session import CLIENT_PEER_TABLE, ClientPeerState
from cocoon.wire.client_session import CLIENT_TABLE, ClientState
from cocoon.wire.events import Comparison, Counters, PaymentUpdated, ProxyGreeting
from cocoon.wire.worker_peer_session import WORKER_PEER_TABLE, WorkerPeerState
from cocoon.wire.worker_session import WORKER_TABLE, WorkerState

sys.path.insert(0, str(Path(__file__).parent))
from tl_strategies import ANY_OBJECT, CLASSES, build

TABLES = {
    "client": (CLIENT_TABLE, ClientState),
    "client_peer": (CLIENT_PEER_TABLE, ClientPeerState),
    "worker": (WORKER_TABLE, WorkerState),
    "worker_peer": (WORKER_PEER_TABLE, WorkerPeerState),
}
STATES = [(half, state) for half, (_, states) in TABLES.items() for state in states]
RECEIVERS = {
    "client": [
        "receive_message",
        "receive_connected",
        "receive_authorization",
        "receive_payment_status",
        "receive_models",
    ],
    "client_peer": ["receive_message", "receive_query"],
    "worker": [
        "receive_message",
        "receive_connected",
        "receive_comparison",
        "receive_extended",
        "receive_completed",
        "receive_payment_status",
    ],
    "worker_peer": ["receive_message", "receive_query"],
}


def session_in(half, state):
    """A session that was put into ``state``; its own data is that of a fresh one."""
    client, client_peer = new_client_pair(2)
    worker, worker_peer = new_worker_pair(2)
    session = {
        "client": client,
        "client_peer": client_peer,
        "worker": worker,
        "worker_peer": worker_peer,
    }[half]
    session._machine.state = state
    return session


@pytest.mark.parametrize("half", TABLES)
def test_tables_lead_from_new_to_ready_and_nowhere_else(half):
    table, states = TABLES[half]
    reached = {states.NEW}
    for _ in states:
        reached |= {after for (before, _), after in table.items() if before in reached}
    assert reached == set(states) - {states.FAILED}
    assert states.READY in reached
    assert not any(before in {states.READY, states.FAILED} for before, _ in table)


@pytest.mark.parametrize(("half", "state"), STATES, ids=str)
def test_every_combinator_in_every_state(half, state):
    @settings(max_examples=1, deadline=None, database=None)
    @given(st.fixed_dictionaries({name: build(name) for name in CLASSES}))
    def check(objects):
        for value in objects.values():
            for receiver in RECEIVERS[half]:
                session = session_in(half, state)
                try:
                    getattr(session, receiver)(value)
                except RemoteProtocolError:
                    assert session.state.name == "FAILED"
                else:
                    table, _ = TABLES[half]
                    allowed = {after for (before, _), after in table.items() if before is state}
                    assert session.state in allowed | {state}

    check()


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(STATES), ANY_OBJECT, st.data())
def test_any_object_in_any_state(place, value, data):
    half, state = place
    session = session_in(half, state)
    before = copy.copy(session.__dict__)
    try:
        getattr(session, data.draw(st.sampled_from(RECEIVERS[half])))(value)
    except RemoteProtocolError:
        assert session.state.name == "FAILED"
    assert set(session.__dict__) == set(before)


STATUS = PaymentUpdated(None, None, 0, 0)
OWN_STEPS = {
    "client": [
        lambda s: s.connect(0),
        lambda s: s.accept_greeting(
            ProxyGreeting(bytes(32), "", PROXY.contract_address, OUR_CONTRACT, 2),
            proxy_contract=PROXY.contract_address,
            client_contract=OUR_CONTRACT,
        ),
        lambda s: s.authorize(b""),
        lambda s: s.update_payment_status(),
        lambda s: s.get_models(),
    ],
    "client_peer": [
        lambda s: s.greet(
            client_contract=OUR_CONTRACT,
            secret_hash=None,
            nonce=1,
            payment=None,
            active_config_version=2**31,
        ),
        lambda s: s.authorized(STATUS),
        lambda s: s.payment_status(STATUS),
    ],
    "worker": [
        lambda s: s.connect(),
        lambda s: s.accept_greeting(
            ProxyGreeting(bytes(32), "", PROXY.contract_address, OUR_CONTRACT, 2),
            proxy_contract=PROXY.contract_address,
            worker_contract=OUR_CONTRACT,
        ),
        lambda s: s.compare(Counters(0, 0, 0)),
        lambda s: s.accept_comparison(Comparison(None, 0, 0, 0), 0),
        lambda s: s.accept_comparison(Comparison(None, 0, 0, 1), 0),
        lambda s: s.extended_compare(),
        lambda s: s.complete(disabled=False),
        lambda s: s.update_payment_status(),
    ],
    "worker_peer": [
        lambda s: s.greet(worker_contract=OUR_CONTRACT),
        lambda s: s.compared(None, Counters(0, 0, 0)),
        lambda s: s.extended(),
        lambda s: s.completed(),
        lambda s: s.payment_status(STATUS),
    ],
}


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(TABLES)), st.data())
def test_random_walks(half, data):
    """Our own steps and the peer's objects in any order never break the machine."""
    table, states = TABLES[half]
    session = session_in(half, states.NEW)
    for _ in range(data.draw(st.integers(1, 12))):
        before = session.state
        try:
            if data.draw(st.booleans()):
                data.draw(st.sampled_from(OWN_STEPS[half]))(session)
            else:
                receiver = data.draw(st.sampled_from(RECEIVERS[half]))
                getattr(session, receiver)(data.draw(ANY_OBJECT))
        except LocalProtocolError:
            assert session.state is before
        except RemoteProtocolError:
            assert session.state is states.FAILED
        else:
            legal = {after for (state, _), after in table.items() if state is before}
            assert session.state in legal | {before}
