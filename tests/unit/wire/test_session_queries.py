"""Requests, answers, payments and notices of vectors/wire, both legs, versions 0, 1 and 2."""

import json
from pathlib import Path

import pytest

from cocoon import tl
from cocoon.errors import RemoteProtocolError
from cocoon.testing.sessions import ready_client_pair, ready_worker_pair
from cocoon.tl.types import TokensUsed
from cocoon.wire import events

VECTORS = Path(__file__).parents[3] / "vectors/wire"
QUERIES = json.loads((VECTORS / "session_queries.json").read_text("utf-8"))
BINARY = {"request_id", "query", "payment", "response", "data"}
FROM_PROXY = {
    "client": {"AnswerStarted", "AnswerPart", "AnswerFailed", "PaymentUpdated"},
    "worker": {"WorkerQuery", "PaymentUpdated"},
}


def build(form):
    fields = {
        name: bytes.fromhex(value) if name in BINARY and value is not None else value
        for name, value in form.items()
        if name != "type"
    }
    if fields.get("final") is not None:
        usage = TokensUsed(*fields["final"]["usage"])
        fields["final"] = events.FinalInfo(**{**fields["final"], "usage": usage})
    return getattr(events, form["type"])(**fields)


def sent_by_proxy(vector, name):
    """Whose message it is; for those that must fail the name of the combinator tells."""
    if vector["event"] is None or vector["event"]["type"] == "QueryRejected":
        leg = vector["leg"]
        to_peer = ("client.queryAnswer", "proxy.clientRequest", "proxy.runQuery", "proxy.workerR")
        return name.startswith(to_peer) if leg == "client" else name.startswith(to_peer[2:])
    return vector["event"]["type"] in FROM_PROXY[vector["leg"]]


def send(session, event, started):
    kind = type(event).__name__
    if kind == "AnswerFailed":
        return session.answer_failed(event, started=started)
    methods = {
        "RunQuery": "run_query",
        "WorkerQuery": "run_query",
        "AnswerStarted": "answer_started",
        "AnswerPart": "answer_part",
        "PaymentUpdated": "payment_updated",
        "AvailabilityChanged": "availability_changed",
        "CoefficientChanged": "coefficient_changed",
    }
    return getattr(session, methods[kind])(event)


@pytest.mark.parametrize("vector", QUERIES, ids=lambda v: v["name"])
def test_message(vector):
    pair = ready_client_pair if vector["leg"] == "client" else ready_worker_pair
    outer, proxy = pair(vector["version"])
    message = tl.decode(bytes.fromhex(vector["bytes"]))
    by_proxy = sent_by_proxy(vector, message.NAME)
    sender, receiver = (proxy, outer) if by_proxy else (outer, proxy)
    if vector["expect"] == "RemoteProtocolError":
        with pytest.raises(RemoteProtocolError):
            receiver.receive_message(message)
        assert receiver.state.name == "FAILED"
        return
    event = receiver.receive_message(message)
    if vector["event"]["type"] == "QueryRejected":
        assert isinstance(event, events.QueryRejected)
        assert event.code == vector["event"]["code"]
        assert event.request_id.hex() == vector["event"]["request_id"]
    else:
        assert event == build(vector["event"])
    assert receiver.state.name == "READY"
    if not vector.get("decode_only"):
        built = send(sender, build(vector["event"]), vector.get("started", False))
        assert built.to_bytes().hex() == vector["bytes"]
