"""Whole handshakes and refusals of vectors/wire, both halves, byte for byte."""

import json
from pathlib import Path

import pytest

from cocoon import tl
from cocoon.errors import RemoteProtocolError
from cocoon.wire.client_session import ClientPeerSession, ClientSession
from cocoon.wire.events import (
    AuthorizedBySecret,
    AuthorizeOnChain,
    CompareRequest,
    Counters,
    ExtendedCompareRequest,
    PaymentUpdated,
    WorkerReady,
)
from cocoon.wire.greeting import ProxyIdentity
from cocoon.wire.negotiation import RefusedError, VersionRange
from cocoon.wire.worker_session import WorkerParams, WorkerPeerSession, WorkerSession

VECTORS = Path(__file__).parents[3] / "vectors/wire"
HANDSHAKES = json.loads((VECTORS / "session_handshakes.json").read_text("utf-8"))
REFUSALS = json.loads((VECTORS / "session_refusals.json").read_text("utf-8"))


class Transcript:
    """The recorded bytes; every step must be exactly the next of them."""

    def __init__(self, steps):
        self.steps = list(steps)

    def crosses(self, sender, kind, value):
        step = self.steps.pop(0)
        assert (step["from"], step["kind"]) == (sender, kind)
        assert value.to_bytes().hex() == step["bytes"]
        return tl.decode(bytes.fromhex(step["bytes"]))


def maybe_bytes(text):
    return None if text is None else bytes.fromhex(text)


def proxy_identity(given):
    proxy = given["proxy"]
    key = bytes.fromhex(proxy["public_key"])
    return ProxyIdentity(key, proxy["owner"], proxy["contract"], given["is_test"])


@pytest.mark.parametrize(
    "vector", [v for v in HANDSHAKES if v["half"] == "client"], ids=lambda v: v["name"]
)
def test_client_handshake(vector):
    given, transcript = vector["inputs"], Transcript(vector["transcript"])
    versions, payment = VersionRange(*given["versions"]), maybe_bytes(given["payment"])
    client = ClientSession(given["owner"], is_test=given["is_test"], versions=versions)
    proxy = ClientPeerSession(proxy_identity(given))

    query = transcript.crosses("client", "query", client.connect(given["min_config_version"]))
    request = proxy.receive_query(query)
    assert request.owner_address == given["owner"]
    assert request.version == vector["version"]
    answer = proxy.greet(
        client_contract=given["our_contract"],
        secret_hash=maybe_bytes(given["secret_hash"]),
        nonce=given["nonce"],
        payment=payment,
        active_config_version=given["config_version"],
    )
    greeting = client.receive_connected(transcript.crosses("proxy", "answer", answer))
    client.accept_greeting(
        greeting,
        proxy_contract=given["proxy"]["contract"],
        client_contract=given["our_contract"],
        known_public_key=bytes.fromhex(given["proxy"]["public_key"]),
    )
    assert client.payment == payment
    query, nonce = client.authorize(bytes.fromhex(given["secret"]))
    assert nonce == vector["register_nonce"]
    request = proxy.receive_query(transcript.crosses("client", "query", query))
    assert request == (AuthorizedBySecret() if nonce is None else AuthorizeOnChain(nonce))
    status = PaymentUpdated(None, payment, given["db_tokens"], given["max_tokens"])
    answer = transcript.crosses("proxy", "answer", proxy.authorized(status))
    assert client.receive_authorization(answer) == status
    assert client.version == proxy.version == vector["version"]
    assert (client.state.name, proxy.state.name) == ("READY", "READY")
    assert not transcript.steps


@pytest.mark.parametrize(
    "vector", [v for v in HANDSHAKES if v["half"] == "worker"], ids=lambda v: v["name"]
)
def test_worker_handshake(vector):
    given, transcript = vector["inputs"], Transcript(vector["transcript"])
    params = WorkerParams(
        given["owner"],
        given["model"],
        given["coefficient"],
        given["is_test"],
        given["proxy_count"],
        given["max_active_requests"],
    )
    worker = WorkerSession(params, versions=VersionRange(*given["versions"]))
    proxy = WorkerPeerSession(proxy_identity(given))
    remembered = Counters(*given["remembered"])

    request = proxy.receive_query(transcript.crosses("worker", "query", worker.connect()))
    assert (request.model, request.base_model) == (given["model"], "Qwen/Qwen3-0.6B")
    assert request.max_requests == vector["max_requests"]
    answer = proxy.greet(worker_contract=given["our_contract"])
    greeting = worker.receive_connected(transcript.crosses("proxy", "answer", answer))
    worker.accept_greeting(
        greeting, proxy_contract=given["proxy"]["contract"], worker_contract=given["our_contract"]
    )
    query = transcript.crosses("worker", "query", worker.compare(remembered))
    assert proxy.receive_query(query) == CompareRequest(remembered)
    ours = Counters(given["signed_tokens"], given["db_tokens"], given["max_tokens"])
    answer = proxy.compared(maybe_bytes(given["payment"]), ours)
    comparison = worker.receive_comparison(transcript.crosses("proxy", "answer", answer))
    if worker.accept_comparison(comparison, given["signed_tokens"]):
        query = transcript.crosses("worker", "query", worker.extended_compare())
        request = proxy.receive_query(query)
        assert request == ExtendedCompareRequest(given["db_tokens"], b"")
        worker.receive_extended(transcript.crosses("proxy", "answer", proxy.extended()))
    query = transcript.crosses("worker", "query", worker.complete(given["disabled"]))
    assert proxy.receive_query(query) == WorkerReady(given["disabled"])
    worker.receive_completed(transcript.crosses("proxy", "answer", proxy.completed()))
    assert worker.version == proxy.version == vector["version"]
    assert (worker.state.name, proxy.state.name) == ("READY", "READY")
    assert not transcript.steps


CONTRACTS = HANDSHAKES[0]["inputs"]
IDENTITY = proxy_identity({**CONTRACTS, "is_test": False})


def refuse_at_client_peer(data, inputs):
    session = ClientPeerSession(IDENTITY)
    greet = {
        "client_contract": "UQ",
        "secret_hash": None,
        "nonce": 1,
        "payment": None,
        "active_config_version": 9,
    }
    greet.update({k: v for k, v in inputs.items() if k != "config_version"})
    return session, [
        lambda: session.receive_query(tl.decode(data)),
        lambda: session.greet(**greet),
    ]


def refuse_at_worker_peer(data, inputs):
    session = WorkerPeerSession(IDENTITY)
    return session, [
        lambda: session.receive_query(tl.decode(data)),
        lambda: session.greet(worker_contract="UQ", **inputs),
    ]


def refuse_at_client(data, _inputs):
    session = ClientSession(CONTRACTS["owner"], is_test=False)
    session.connect(0)
    return session, greeting_steps(session, data, "client_contract")


def refuse_at_worker(data, _inputs):
    session = WorkerSession(WorkerParams(CONTRACTS["owner"], "m", 1, False, 1, 1))
    session.connect()
    return session, greeting_steps(session, data, "worker_contract")


def greeting_steps(session, data, our_name):
    greeting = []
    return [
        lambda: greeting.append(session.receive_connected(tl.decode(data))),
        lambda: session.accept_greeting(
            greeting[0],
            proxy_contract=CONTRACTS["proxy"]["contract"],
            **{our_name: CONTRACTS["our_contract"]},
        ),
    ]


HALVES = {
    "client": refuse_at_client,
    "client_peer": refuse_at_client_peer,
    "worker": refuse_at_worker,
    "worker_peer": refuse_at_worker_peer,
}


def run_all(steps):
    for step in steps:
        step()


@pytest.mark.parametrize("vector", REFUSALS, ids=lambda v: v["name"])
def test_refusal(vector):
    session, steps = HALVES[vector["half"]](bytes.fromhex(vector["bytes"]), vector["inputs"])
    expected = {"RefusedError": RefusedError, "RemoteProtocolError": RemoteProtocolError}
    with pytest.raises(expected[vector["expect"]]) as caught:
        run_all(steps)
    assert session.state.name == "FAILED"
    if "code" in vector:
        assert caught.value.code == vector["code"]
