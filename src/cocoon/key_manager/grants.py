"""Who may take over the master secret now: owners' approvals and the root contract's list. Pure.

The root contract has no list for key managers, and an image of a proxy must never get the master
secret because it is listed as a proxy. So what is listed for a key manager is not its image hash
but a *marker*, a hash of it under a label: no image has a marker as its hash, so the entry lets
nobody in as a proxy, and the root contract's owners, votes and delays govern it.
"""

import hashlib
from dataclasses import dataclass
from typing import Final

from cocoon.chain.root_config import RootConfig
from cocoon.errors import PolicyError
from cocoon.key_manager.approval import Approval, ApprovalRules, check_signatures
from cocoon.key_manager.state import (
    MAX_APPROVALS,
    MAX_LISTED,
    ManagerState,
    SeenApproval,
    parse_seen,
)

_MARKER: Final = b"cocoon-key-manager-image-v1\0"


@dataclass(frozen=True, slots=True)
class Grant:
    """A permission that holds now.

    Attributes:
        image_hash: who may take over.
        serial: of the owners' approval; 0 when the root contract's list permits it.
        terms: new terms of the successor; empty for the present ones.
    """

    image_hash: bytes
    serial: int
    terms: bytes = b""


def root_marker(image_hash: bytes) -> bytes:
    """What the root contract's proxy list holds to permit an image to take over; 32 bytes."""
    return hashlib.sha256(_MARKER + image_hash).digest()


def add_approval(
    state: ManagerState, approval: Approval, rules: ApprovalRules, manager_id: bytes, now: int
) -> ManagerState:
    """Take note of an approval; its time lock begins now, unless it was seen before.

    Raises:
        PolicyError: it is for another key manager, too few owners signed, its serial was used, or
            it is over.
    """
    if approval.manager_id != manager_id:
        raise PolicyError(f"this approval is for key manager {approval.manager_id.hex()}")
    check_signatures(approval, rules)
    if approval.serial <= state.last_serial:
        raise PolicyError(
            f"serial {approval.serial} is used up: the next approval needs at least "
            f"{state.last_serial + 1}"
        )
    if now >= approval.not_after:
        raise PolicyError("this approval is over")
    kept = []
    for item in state.approvals:
        known = parse_seen(item)
        if known.statement() == approval.statement():
            return state
        if known.serial == approval.serial:
            raise PolicyError(f"another approval with serial {approval.serial} is waiting")
        if now < known.not_after:
            kept.append(item)
    if len(kept) >= MAX_APPROVALS:
        raise PolicyError("too many approvals are waiting: withdraw some")
    return state.next(approvals=(*kept, SeenApproval(approval.to_json(), now)))


def withdraw_approval(state: ManagerState, serial: int) -> ManagerState:
    """Use up a serial, and every smaller one, without a handover."""
    kept = tuple(item for item in state.approvals if parse_seen(item).serial > serial)
    return state.next(approvals=kept, last_serial=max(state.last_serial, serial))


def note_root(state: ManagerState, root: RootConfig, now: int) -> ManagerState:
    """Take note of a version of the root configuration and of what it lists.

    An older version than one that was seen changes nothing.
    """
    if root.version < state.root_version:
        return state
    hashes = sorted(root.proxy_hashes)[:MAX_LISTED]
    listed = {item: state.listed.get(item, now) for item in hashes}
    used = tuple(item for item in state.used_listings if item in listed)
    if (listed, used, root.version) == (state.listed, state.used_listings, state.root_version):
        return state
    return state.next(listed=listed, used_listings=used, root_version=root.version)


def find_grant(
    state: ManagerState, image_hash: bytes, rules: ApprovalRules, root: RootConfig, now: int
) -> Grant:
    """The permission of an image to take over, if it has one now.

    Raises:
        PolicyError: it has none; says why and what can be done.
    """
    reasons = []
    for item in state.approvals:
        approval = parse_seen(item)
        if approval.image_hash != image_hash or now >= approval.not_after:
            continue
        try:
            check_signatures(approval, rules)  # the rules may have changed since it was seen
        except PolicyError as error:
            reasons.append(f"approval {approval.serial}: {error}")
            continue
        opens = max(item.seen_at + rules.time_lock, approval.not_before)
        if approval.serial > state.last_serial and now >= opens:
            return Grant(image_hash, approval.serial, approval.terms)
        reasons.append(f"approval {approval.serial} holds only in {opens - now} s")
    if rules.root_list:
        marker = root_marker(image_hash)
        if marker in root.proxy_hashes and marker not in state.used_listings:
            opens = state.listed.get(marker, now) + rules.time_lock
            if now >= opens:
                return Grant(image_hash, 0)
            reasons.append(f"its entry in the root contract holds only in {opens - now} s")
    why = "; ".join(reasons) or "nobody approved it: see `cocoon key-manager approve`"
    raise PolicyError(f"image {image_hash.hex()} may not take over: {why}")


def use_grant(state: ManagerState, grant: Grant, nonce: bytes, now: int) -> ManagerState:
    """Retire in favour of the image; the permission is used up.

    Args:
        state: of the key manager that retires.
        grant: what permits it.
        nonce: of the handover, 32 bytes.
        now: unix seconds.
    """
    # Either way one generation: what was given under one permission and is confirmed under another
    # must not pass for the newest state, if that has changed meanwhile.
    state = withdraw_approval(state, grant.serial) if grant.serial else state.next()
    used = state.used_listings
    if not grant.serial:
        used = (*used, root_marker(grant.image_hash))
    return state.next(
        successor=grant.image_hash, retired_at=now, used_listings=used, handover_nonce=nonce
    )


def inheritance(state: ManagerState, grant: Grant, nonce: bytes, now: int) -> ManagerState:
    """The state that the successor goes on from: everything, with this permission used up."""
    used = use_grant(state, grant, nonce, now)
    return used.next(
        successor=None,
        retired_at=0,
        confirmed=False,
        terms=grant.terms or state.terms,
        audit_count=0,
        audit_mac=b"",
    )
