"""The new key manager's half of a handover: ask, keep, confirm."""

import os
from collections.abc import Callable

import structlog

from cocoon.errors import PolicyError, RemoteProtocolError
from cocoon.key_manager.handover import (
    MAX_MESSAGE,
    NONCE_BYTES,
    Ask,
    Done,
    Give,
    Retired,
    accept_gift,
    check_retired,
    done_proof,
)
from cocoon.key_manager.master import MasterSecret
from cocoon.key_manager.pipe import HandoverPipe
from cocoon.key_manager.settings import Predecessor
from cocoon.key_manager.state import ManagerState
from cocoon.net.identity import Identity
from cocoon.net.ratls import dial_ratls

ANSWER_TIMEOUT = 30.0
LIFETIME = 120.0

Keep = Callable[[MasterSecret, ManagerState], None]
"""Seals and stores what came; returns when it is on disk."""

_log = structlog.get_logger(__name__)


async def take_over(
    predecessor: Predecessor, identity: Identity, keep: Keep, *, known: ManagerState | None = None
) -> tuple[MasterSecret, ManagerState]:
    """Get master secret and state, keep them, and have the old one retire.

    Args:
        predecessor: the old one.
        identity: our key and certificate.
        keep: called before the old one is told that it may retire.
        known: what we have already; an older state is refused.

    Raises:
        AttestationError: the old one is not trusted, or refuses us (PolicyError).
        RequestError: it cannot be reached in time (a subclass).
        RemoteProtocolError: it breaks the protocol, or gives something old.
    """
    pipe = await _dial(predecessor, identity)
    try:
        nonce = os.urandom(NONCE_BYTES)
        pipe.send(Ask(nonce, predecessor.manager_id or b""))
        gift = await pipe.receive(ANSWER_TIMEOUT)
        if not isinstance(gift, Give):
            raise RemoteProtocolError("the old key manager did not give its secret")
        master, state = accept_gift(gift, nonce, predecessor.manager_id)
        if known is not None and state.generation <= known.generation:
            raise RemoteProtocolError("the state that was handed over is older than ours")
        keep(master, state)
        await _confirm(pipe, master, state)
    finally:
        pipe.close()
    return master, state.next(confirmed=True)


async def confirm(
    predecessor: Predecessor, identity: Identity, master: MasterSecret, state: ManagerState
) -> ManagerState:
    """Tell the old one again that we have taken over; it had not heard, or we had not.

    Raises:
        PolicyError: it goes on without us: ask it for everything again.
        CocoonError: as :func:`take_over`.
    """
    pipe = await _dial(predecessor, identity)
    try:
        await _confirm(pipe, master, state)
    finally:
        pipe.close()
    return state.next(confirmed=True)


async def confirm_or_take_over(
    predecessor: Predecessor,
    identity: Identity,
    keep: Keep,
    master: MasterSecret,
    state: ManagerState,
) -> tuple[MasterSecret, ManagerState]:
    """Finish a handover that was cut off; arguments and errors as above."""
    try:
        return master, await confirm(predecessor, identity, master, state)
    except PolicyError as error:
        _log.info("the handover begins again", reason=str(error))
    return await take_over(predecessor, identity, keep)


async def _dial(predecessor: Predecessor, identity: Identity) -> HandoverPipe:
    _, app = await dial_ratls(
        lambda: HandoverPipe(MAX_MESSAGE, LIFETIME),
        predecessor.host,
        predecessor.port,
        identity=identity,
        policy=predecessor.policy,
        max_pow_difficulty=predecessor.max_pow_difficulty,
    )
    assert isinstance(app, HandoverPipe)  # what the factory made
    return app


async def _confirm(pipe: HandoverPipe, master: MasterSecret, state: ManagerState) -> None:
    nonce, generation = state.handover_nonce, state.generation
    pipe.send(Done(nonce, generation, done_proof(master, nonce, generation)))
    answer = await pipe.receive(ANSWER_TIMEOUT)
    if not isinstance(answer, Retired):
        raise RemoteProtocolError("the old key manager did not retire")
    check_retired(answer, master, nonce)
