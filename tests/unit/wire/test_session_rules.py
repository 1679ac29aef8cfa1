"""Single rules of the sessions that vectors do not show."""

import pytest

from cocoon.errors import LocalProtocolError, RemoteProtocolError
from cocoon.testing.sessions import (
    OUR_CONTRACT,
    PROXY,
    new_client_pair,
    new_worker_pair,
    ready_client_pair,
    ready_worker_pair,
)
from cocoon.tl import types as t
from cocoon.wire.client_session import ClientState
from cocoon.wire.events import (
    AnswerFailed,
    AnswerPart,
    AnswerStarted,
    AvailabilityChanged,
    Capabilities,
    CoefficientChanged,
    CompareRequest,
    Counters,
    FinalInfo,
    ModelsRequest,
    PaymentStatusRequest,
    PaymentUpdated,
    RunQuery,
    WorkerOffer,
    WorkerQuery,
)
from cocoon.wire.negotiation import RefusedError, VersionRange, negotiate
from cocoon.wire.worker_peer_session import WorkerPeerState

RID = bytes(32)
EMPTY = t.ProxySignedPaymentEmpty()


# --- versions ---


@pytest.mark.parametrize(
    ("ours", "low", "high", "agreed"),
    [
        ((0, 2), 1, 2, 2),
        ((0, 2), 1, 1, 1),
        ((0, 2), None, None, 0),
        ((0, 2), 1, 9, 2),
        ((0, 3), 0, 3, 3),
        ((1, 2), 0, 1, 1),
    ],
)
def test_negotiation(ours, low, high, agreed):
    assert negotiate(VersionRange(*ours), low, high) == agreed


@pytest.mark.parametrize(
    ("ours", "low", "high"),
    [((1, 2), None, None), ((0, 2), 3, 4), ((0, 2), 2, 1), ((0, 2), -1, 1), ((2, 3), 0, 1)],
)
def test_no_common_version(ours, low, high):
    with pytest.raises(RefusedError) as caught:
        negotiate(VersionRange(*ours), low, high)
    assert caught.value.code == 621


# --- authorization ---


def greeted_client(secret_hash):
    client, proxy = new_client_pair(2)
    proxy.receive_query(client.connect(0))
    client.receive_connected(
        proxy.greet(
            client_contract=OUR_CONTRACT,
            secret_hash=secret_hash,
            nonce=5,
            payment=None,
            active_config_version=0,
        )
    )
    return client, proxy


def test_a_wrong_secret_is_refused():
    _, proxy = greeted_client(bytes(32))
    with pytest.raises(RefusedError, match="secret does not match") as caught:
        proxy.receive_query(t.ClientAuthorizeWithProxyShort(b"guess"))
    assert caught.value.code == 602


def test_a_secret_is_refused_when_none_was_asked_for():
    _, proxy = greeted_client(None)
    with pytest.raises(RefusedError, match="no secret is known"):
        proxy.receive_query(t.ClientAuthorizeWithProxyShort(b""))


def test_a_second_long_authorization_is_an_error():
    _, proxy = greeted_client(None)
    proxy.receive_query(t.ClientAuthorizeWithProxyLong())
    with pytest.raises(RemoteProtocolError):
        proxy.receive_query(t.ClientAuthorizeWithProxyLong())


def test_an_authorization_that_fails_in_words():
    client, _ = greeted_client(None)
    client._machine.state = ClientState.AUTHORIZING
    with pytest.raises(RefusedError, match="sorry") as caught:
        client.receive_authorization(t.ClientAuthorizationWithProxyFailed(651, "sorry"))
    assert caught.value.code == 651
    assert client.state is ClientState.FAILED


def test_a_proxy_must_not_change_its_key():
    client, proxy = new_client_pair(2)
    proxy.receive_query(client.connect(0))
    greeting = client.receive_connected(
        proxy.greet(
            client_contract=OUR_CONTRACT,
            secret_hash=None,
            nonce=5,
            payment=None,
            active_config_version=0,
        )
    )
    with pytest.raises(RemoteProtocolError, match="changed its public key"):
        client.accept_greeting(
            greeting,
            proxy_contract=PROXY.contract_address,
            client_contract=OUR_CONTRACT,
            known_public_key=bytes(32),
        )


# --- compare ---


def comparing_worker(claimed):
    worker, proxy = new_worker_pair(2)
    proxy.receive_query(worker.connect())
    greeting = worker.receive_connected(proxy.greet(worker_contract=OUR_CONTRACT))
    worker.accept_greeting(
        greeting, proxy_contract=PROXY.contract_address, worker_contract=OUR_CONTRACT
    )
    request = proxy.receive_query(worker.compare(claimed))
    assert request == CompareRequest(claimed)
    return worker, proxy


@pytest.mark.parametrize("claimed", [Counters(6, 0, 0), Counters(0, 11, 0), Counters(6, 11, 99)])
def test_inflated_claims_are_refused(claimed):
    _, proxy = comparing_worker(claimed)
    with pytest.raises(RefusedError, match="more tokens claimed"):
        proxy.compared(b"payment", Counters(5, 10, 20))
    assert proxy.state is WorkerPeerState.FAILED


def test_negative_claims_are_refused():
    worker, proxy = new_worker_pair(2)
    proxy.receive_query(worker.connect())
    proxy.greet(worker_contract=OUR_CONTRACT)
    with pytest.raises(RefusedError, match="negative"):
        proxy.receive_query(t.WorkerCompareBalanceWithProxy(0, -1, 0))


@pytest.mark.parametrize("proxys", [Counters(4, 10, 20), Counters(5, 9, 20)])
def test_a_worker_leaves_a_proxy_that_was_rolled_back(proxys):
    worker, _ = comparing_worker(Counters(5, 10, 20))
    comparison = worker.receive_comparison(
        t.WorkerCompareBalanceWithProxyResult(EMPTY, proxys.db, proxys.max, 0)
    )
    with pytest.raises(RemoteProtocolError, match="less than it had promised"):
        worker.accept_comparison(comparison, proxys.signed)


def test_a_refused_extended_compare():
    worker, _ = comparing_worker(Counters(0, 0, 1))
    comparison = worker.receive_comparison(t.WorkerCompareBalanceWithProxyResult(EMPTY, 0, 0, 1))
    assert worker.accept_comparison(comparison, 0)
    worker.extended_compare()
    with pytest.raises(RefusedError) as caught:
        worker.receive_extended(t.WorkerExtendedCompareBalanceWithProxyResult(3))
    assert caught.value.code == 3


def test_the_extended_compare_cannot_be_skipped_or_repeated():
    _, proxy = comparing_worker(Counters(0, 0, 1))
    proxy.compared(None, Counters(0, 0, 0))
    with pytest.raises(RemoteProtocolError):
        proxy.receive_query(t.WorkerProxyHandshakeComplete(False))


@pytest.mark.parametrize("db_tokens", [-1, 11])
def test_an_inflated_extended_compare_is_refused(db_tokens):
    _, proxy = comparing_worker(Counters(0, 0, 21))
    proxy.compared(None, Counters(0, 10, 20))
    with pytest.raises(RefusedError, match="more tokens claimed"):
        proxy.receive_query(t.WorkerExtendedCompareBalanceWithProxy(db_tokens, b""))


# --- in session ---


def test_counters_of_a_worker_never_go_back():
    worker, proxy = ready_worker_pair(2)
    update = PaymentUpdated(RID, b"p", 10, 20, 5, "UQ-client")
    assert worker.receive_message(proxy.payment_updated(update)) == update
    later = PaymentUpdated(None, None, 10, 21)
    assert worker.receive_payment_status(proxy.payment_status(later)) == later
    for older in (PaymentUpdated(RID, b"p", 9, 21, 5), PaymentUpdated(RID, b"p", 10, 20, 5)):
        worker, proxy = ready_worker_pair(2)
        worker.receive_payment_status(proxy.payment_status(later))
        with pytest.raises(RemoteProtocolError, match="went back"):
            worker.receive_message(proxy.payment_updated(older))


def test_payment_status_of_a_client():
    client, proxy = ready_client_pair(1)
    assert proxy.receive_query(client.update_payment_status()) == PaymentStatusRequest()
    status = PaymentUpdated(None, b"p", 1, 2)
    assert client.receive_payment_status(proxy.payment_status(status)) == status


def test_models_of_version_3_tell_everything():
    client, proxy = ready_client_pair(3)
    can = Capabilities("vllm", 4096, ("chat", "tools"))
    offer = WorkerOffer(1000, 0, 2, "b@1:2", bytes(range(32)), "tdx", can)
    request = proxy.receive_query(client.get_models())
    assert request == ModelsRequest(3)
    (model,) = client.receive_models(proxy.models(request, {"b": [offer]}))
    assert (model.name, model.workers) == ("b", (offer,))


@pytest.mark.parametrize("version", [0, 1, 2])
def test_models(version):
    client, proxy = ready_client_pair(version)
    request = proxy.receive_query(client.get_models())
    assert request == ModelsRequest(min(version, 1))
    offers = {"b": [WorkerOffer(2000, 1, 4), WorkerOffer(1000, 0, 2)], "a": []}
    first, second = client.receive_models(proxy.models(request, offers))
    assert (first.name, first.active_workers, first.coefficient_min) == ("b", 2, 1000)
    assert first.coefficient_median == 2000
    assert (second.name, second.active_workers) == ("a", 0)
    if version == 0:
        assert first.workers is None
        assert first.coefficient_max == second.coefficient_min == 2**31 - 1
    else:
        assert first.workers == (WorkerOffer(1000, 0, 2), WorkerOffer(2000, 1, 4))
        assert first.coefficient_max == 2000
        assert second.workers == ()


@pytest.mark.parametrize(
    "answer",
    [
        t.TcpPing(1),
        t.ClientWorkerTypes((t.ClientWorkerType("m", -1, 0, 0, 0),)),
        t.ClientWorkerTypesV2(
            (t.ClientWorkerTypeV2("m", (t.ClientWorkerInstanceV2(0, 0, -1, 0),)),)
        ),
    ],
)
def test_models_that_make_no_sense(answer):
    client, _ = ready_client_pair(2)
    with pytest.raises(RemoteProtocolError):
        client.receive_models(answer)


def test_notices_count_during_the_handshake_too():
    worker, proxy = new_worker_pair(2)
    assert proxy.receive_message(t.WorkerEnabledDisabled(1)) is None
    proxy.receive_query(worker.connect())
    proxy.greet(worker_contract=OUR_CONTRACT)
    assert proxy.receive_message(t.WorkerEnabledDisabled(7)) == AvailabilityChanged(True)
    assert proxy.receive_message(t.WorkerNewCoefficient(5)) == CoefficientChanged(5)


def test_unknown_messages_and_queries_are_ignored_in_every_state():
    for pair in (new_client_pair, new_worker_pair, ready_client_pair, ready_worker_pair):
        outer, proxy = pair(2)
        assert outer.receive_message(t.TestAnswer(1)) is None
        assert proxy.receive_message(t.TestAnswer(1)) is None
        assert proxy.receive_query(t.TestQuery(1)) is None
        assert proxy.receive_query(t.ClientRequestRefund()) is None


def test_nothing_can_be_sent_before_ready():
    client, client_peer = new_client_pair(2)
    worker, worker_peer = new_worker_pair(2)
    final = FinalInfo()
    attempts = [
        lambda: client.run_query(RunQuery(RID, "m", b"", 1, 1, 1.0, 0)),
        client.update_payment_status,
        client.get_models,
        lambda: client.authorize(b""),
        lambda: client_peer.answer_started(AnswerStarted(RID, b"")),
        lambda: client_peer.answer_part(AnswerPart(RID, b"", final)),
        lambda: client_peer.answer_failed(AnswerFailed(RID, 1, ""), started=False),
        lambda: client_peer.payment_updated(PaymentUpdated(RID, b"", 0, 0, 0)),
        lambda: client_peer.payment_status(PaymentUpdated(None, b"", 0, 0)),
        lambda: client_peer.models(ModelsRequest(True), {}),
        lambda: client_peer.authorized(PaymentUpdated(None, b"", 0, 0)),
        lambda: worker.answer_started(AnswerStarted(RID, b"")),
        lambda: worker.answer_part(AnswerPart(RID, b"")),
        lambda: worker.answer_failed(AnswerFailed(RID, 1, ""), started=True),
        lambda: worker.availability_changed(AvailabilityChanged(True)),
        lambda: worker.coefficient_changed(CoefficientChanged(1)),
        worker.update_payment_status,
        worker.extended_compare,
        lambda: worker_peer.run_query(WorkerQuery(RID, b"", None, 1, 1.0)),
        lambda: worker_peer.payment_updated(PaymentUpdated(RID, b"", 0, 0, 0)),
        worker_peer.completed,
        worker_peer.extended,
    ]
    for attempt in attempts:
        with pytest.raises(LocalProtocolError):
            attempt()
    assert client.state.name == client_peer.state.name == "NEW"


def test_a_payment_message_needs_its_request():
    _, proxy = ready_client_pair(2)
    with pytest.raises(LocalProtocolError, match="id of its request"):
        proxy.payment_updated(PaymentUpdated(None, b"", 0, 0))


def test_repr_of_events_hides_content():
    query = RunQuery(RID, "m", b"secret prompt", 1, 1, 1.0, 0)
    assert "secret" not in repr(query)
    assert "<13 bytes>" in repr(query)
    assert "secret" not in repr(AnswerFailed(RID, 1, "secret", None))
