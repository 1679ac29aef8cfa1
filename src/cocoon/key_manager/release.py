"""May this peer have keys now, and which? Pure.

An image hash alone is not enough: this process itself must have verified the evidence behind it,
recently, and it must be real where TON is real, whatever the listening policy says.
"""

from dataclasses import dataclass

from cocoon.attestation.evidence import EvidenceKind
from cocoon.attestation.peer import PeerSource, VerifiedPeer
from cocoon.chain.root_config import RootConfig
from cocoon.errors import WIRE_ERROR, WIRE_NOT_READY
from cocoon.key_manager.records import KeyRecord
from cocoon.key_manager.state import ManagerState
from cocoon.tl import types as t
from cocoon.wire.key_manager import KeyKind, KeyManagerPeerSession, KeyRequest
from cocoon.wire.negotiation import RefusedError


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a decision depends on besides peer and request.

    Attributes:
        root: the root configuration.
        root_is_fresh: whether it was read recently enough.
        now: unix seconds.
        production: whether simulated and fake evidence counts for nothing.
    """

    root: RootConfig
    root_is_fresh: bool
    now: int
    production: bool


def decide(
    request: KeyRequest, peer: VerifiedPeer, state: ManagerState, where: Circumstances
) -> tuple[t.KeyManagerPrivateKeys, tuple[KeyRecord, ...]]:
    """The answer, and the keys in it.

    Raises:
        RefusedError: the peer gets nothing; official codes and texts where there are some.
    """
    if state.successor is not None:
        raise RefusedError(WIRE_NOT_READY, "this key manager has handed over to another one")
    if not where.root_is_fresh or where.root.version < state.root_version:
        raise RefusedError(WIRE_NOT_READY, "the root configuration is too old")
    check_evidence(peer, where.now, production=where.production)
    live = tuple(
        record
        for record in state.records()
        if record.serves(request.kind) and record.is_live(where.now, where.root.version)
    )
    proxy = request.kind is KeyKind.PROXY
    allows = where.root.allows_proxy if proxy else where.root.allows_worker
    answer = KeyManagerPeerSession().answer(
        request,
        [record.managed() for record in live],
        allowed=allows(peer.image_hash),
        active_config_version=where.root.version,
    )
    return answer, live


def check_evidence(peer: VerifiedPeer, now: int, *, production: bool) -> None:
    """Require evidence that secrets can be given for.

    Raises:
        RefusedError: says what is wrong with it.
    """
    if peer.source is not PeerSource.VERIFIED:
        raise RefusedError(WIRE_ERROR, "only what this process verified itself counts")
    if peer.kind is EvidenceKind.NONE:
        raise RefusedError(WIRE_ERROR, "no evidence, no keys")
    if production and not peer.kind.is_real:
        raise RefusedError(WIRE_ERROR, f"{peer.kind.value} evidence proves nothing here")
    if now > peer.expires_at:
        raise RefusedError(WIRE_NOT_READY, "the evidence is too old: connect again")
