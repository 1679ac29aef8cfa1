"""Pairs of sessions that have finished their handshake with each other, for tests."""

from cocoon.wire.client_peer_session import ClientPeerSession
from cocoon.wire.client_session import ClientSession
from cocoon.wire.events import ConnectRequest, Counters, PaymentUpdated, WorkerConnectRequest
from cocoon.wire.greeting import ProxyIdentity
from cocoon.wire.negotiation import VersionRange
from cocoon.wire.worker_peer_session import WorkerPeerSession
from cocoon.wire.worker_session import WorkerParams, WorkerSession

OWNER = "UQ-owner"
OUR_CONTRACT = "UQ-our-contract"
PROXY = ProxyIdentity(bytes(range(32)), "UQ-proxy-owner", "UQ-proxy-contract", is_test=False)
WORKER = WorkerParams(OWNER, "model@commit:hash", 1000, False, 1, 10)


def new_client_pair(version: int) -> tuple[ClientSession, ClientPeerSession]:
    """Return both halves before their handshake; they will agree on ``version``."""
    versions = VersionRange(version, version)
    return ClientSession(OWNER, is_test=False, versions=versions), ClientPeerSession(PROXY)


def ready_client_pair(version: int) -> tuple[ClientSession, ClientPeerSession]:
    """Return both halves after a handshake with on-chain registration."""
    ours, theirs = new_client_pair(version)
    request = theirs.receive_query(ours.connect(0))
    assert isinstance(request, ConnectRequest)
    answer = theirs.greet(
        client_contract=OUR_CONTRACT,
        secret_hash=None,
        nonce=1,
        payment=None,
        active_config_version=0,
    )
    greeting = ours.receive_connected(answer)
    ours.accept_greeting(
        greeting, proxy_contract=PROXY.contract_address, client_contract=OUR_CONTRACT
    )
    query, _ = ours.authorize(b"")
    theirs.receive_query(query)
    ours.receive_authorization(theirs.authorized(PaymentUpdated(None, None, 0, 0)))
    return ours, theirs


def new_worker_pair(version: int) -> tuple[WorkerSession, WorkerPeerSession]:
    """Return both halves before their handshake; they will agree on ``version``."""
    versions = VersionRange(version, version)
    return WorkerSession(WORKER, versions=versions), WorkerPeerSession(PROXY)


def ready_worker_pair(version: int) -> tuple[WorkerSession, WorkerPeerSession]:
    """Return both halves after the handshake of a worker that was never there before."""
    ours, theirs = new_worker_pair(version)
    request = theirs.receive_query(ours.connect())
    assert isinstance(request, WorkerConnectRequest)
    greeting = ours.receive_connected(theirs.greet(worker_contract=OUR_CONTRACT))
    ours.accept_greeting(
        greeting, proxy_contract=PROXY.contract_address, worker_contract=OUR_CONTRACT
    )
    theirs.receive_query(ours.compare(Counters(0, 0, 0)))
    comparison = ours.receive_comparison(theirs.compared(None, Counters(0, 0, 0)))
    ours.accept_comparison(comparison, 0)
    theirs.receive_query(ours.complete(disabled=False))
    ours.receive_completed(theirs.completed())
    return ours, theirs
