"""Verify again, step by step, the proxies that a client is connected to."""

import asyncio
import time
from dataclasses import replace

from cocoon.attestation.evidence import EvidenceKind
from cocoon.attestation.peer import PeerSource, VerifiedPeer
from cocoon.attestation.report import Report
from cocoon.attestation.verify import PeerRole, verify_peer
from cocoon.client.api import WorkerInfo
from cocoon.client.connection import ProxyConnection
from cocoon.errors import AttestationError, CocoonError
from cocoon.net.dialing import DialSettings, RatlsDial
from cocoon.net.ratls_probe import fetch_certificate
from cocoon.sdk.balance import network_client
from cocoon.sdk.session import Session
from cocoon.sdk.verification import ProxyVerification, Verification


async def verify_session(session: Session) -> Verification:
    """Verify the connected proxies now, and ask them for the workers behind them.

    Each proxy is dialled once more, shown nothing, and judged by the client's own policy.

    Raises:
        ConfigError: the client is not a client of the network, such as one of a test.
    """
    client = network_client(session)
    dial = client.dial_settings
    proxies = await asyncio.gather(*(_proxy(item, dial) for item in client.proxies))
    notes = () if session.connection is None else session.connection.notes
    return Verification(
        tuple(item for item in proxies if item is not None), await _workers(session), notes
    )


async def _proxy(connection: ProxyConnection, dial: DialSettings) -> ProxyVerification | None:
    peer, target = connection.peer, connection.target
    if peer is None:
        return None
    known = _known(peer, connection.proxy_address)
    if target is None or not isinstance(dial, RatlsDial) or peer.source is PeerSource.ROUTER:
        return known
    report = Report()
    try:
        der = await fetch_certificate(
            target.host,
            target.port,
            max_pow_difficulty=dial.max_pow_difficulty,
            timeouts=dial.timeouts,
        )
        now = await asyncio.to_thread(
            verify_peer, der, dial.policy, int(time.time()), role=PeerRole.SERVER, report=report
        )
    except CocoonError as error:
        failure = f"it cannot be verified now: {error}"
        if isinstance(error, AttestationError):
            failure = str(error)
        return replace(known, endpoint=str(target), steps=tuple(report.steps), failure=failure)
    other = now.image_hash != peer.image_hash
    return replace(
        known,
        endpoint=str(target),
        steps=tuple(report.steps),
        claims=now.claims.items,
        same_key=now.public_key == peer.public_key,
        failure="another node answers there: its image is not the connection's" if other else "",
    )


def _known(peer: VerifiedPeer, address: str) -> ProxyVerification:
    """What the connection itself was verified to be."""
    return ProxyVerification(
        address=address,
        endpoint="",
        kind=peer.kind.value,
        simulated=peer.kind.is_simulated or peer.kind is EvidenceKind.FAKE_TDX,
        image_hash=peer.image_hash.hex(),
        public_key=peer.public_key.hex(),
        platform_id="" if peer.platform_id is None else peer.platform_id.hex(),
        policy=peer.policy_name,
        verified_at=peer.verified_at,
        expires_at=peer.expires_at,
        claims=peer.claims.items,
    )


async def _workers(session: Session) -> tuple[WorkerInfo, ...]:
    models = await session.client.models()
    return tuple(
        replace(worker, model=worker.model or model.name)
        for model in models
        for worker in model.workers
    )
