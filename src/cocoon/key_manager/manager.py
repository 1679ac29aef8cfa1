"""The key manager: what it keeps, and everything that changes it.

Every change is on disk before anybody hears of it, and every release is in the audit log before the
keys leave. All methods run in the event loop; writing a small file there takes milliseconds.
"""

import os
import time
from collections.abc import Callable
from typing import Final

import structlog

from cocoon.attestation.peer import VerifiedPeer
from cocoon.chain.root_config import RootConfig
from cocoon.errors import BadRequestError, CocoonError, StoreError
from cocoon.key_manager.approval import Approval
from cocoon.key_manager.audit import AuditLog
from cocoon.key_manager.grants import add_approval, note_root, withdraw_approval
from cocoon.key_manager.master import MasterSecret
from cocoon.key_manager.records import KeyRecord, kinds_due, without_expired
from cocoon.key_manager.release import Circumstances, decide
from cocoon.key_manager.settings import KeyManagerSettings
from cocoon.key_manager.state import MAX_KEYS, ManagerState
from cocoon.key_manager.store import StateStore
from cocoon.net.root_source import RootSource
from cocoon.tl import types as t
from cocoon.wire.key_manager import KeyKind, KeyRequest
from cocoon.wire.negotiation import RefusedError

STATE_FILE: Final = "keys.state"
AUDIT_FILE: Final = "audit.jsonl"
MAX_REFUSALS: Final = 60
"""Refusals that go to the audit log in an hour; more of them only count."""
_HOUR = 3600

_log = structlog.get_logger(__name__)


class KeyManager:
    """Keys, permissions and the log of one key manager; :mod:`.role` gives it ports.

    Args:
        settings: of the role.
        master: the master secret.
        state: as it was stored or handed over.
        root: where root configurations come from; started.
        clock: unix seconds.

    Raises:
        StoreError: the audit log was changed, or the directory cannot be written.

    Attributes:
        state: what is kept.
        refusals: of peers, since the start.
    """

    def __init__(
        self,
        settings: KeyManagerSettings,
        master: MasterSecret,
        state: ManagerState,
        root: RootSource,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.settings = settings
        self.master = master
        self.state = state
        self.root = root
        self.clock = clock
        self.refusals = 0
        self.healthy = True
        self._logged_refusals: list[int] = []
        self._store = StateStore(settings.directory / STATE_FILE, master)
        self.audit = AuditLog(settings.directory / AUDIT_FILE, master.audit_key)
        self.audit.open(state.audit_count, state.audit_mac)
        root.on_change(self._root_changed)
        self.tick()

    # --- time and the root contract ---------------------------------------------------------

    def now(self) -> int:
        """Unix seconds."""
        return int(self.clock())

    def tick(self) -> None:
        """Whatever time makes due: rotation, keys that end, hashes that were listed.

        Raises:
            StoreError: it cannot be stored; nothing has changed then.
        """
        now = self.now()
        state = note_root(self.state, self.root.current, now)
        kept = without_expired(state.records(), now)
        if len(kept) < len(state.keys):
            state = state.next(keys=tuple(record.to_bytes() for record in kept))
        if state is not self.state:
            self.commit(state)
        if self.state.successor is None:
            for kind in kinds_due(kept, now, self.settings.rotation):
                self.generate((kind,), self.settings.rotation.lifetime)

    def _root_changed(self, _before: RootConfig, _after: RootConfig) -> None:
        try:
            self.tick()
        except CocoonError as error:
            _log.error("the new root configuration is not noted", reason=str(error))

    # --- keys -------------------------------------------------------------------------------

    def generate(self, kinds: tuple[KeyKind, ...], lifetime: int) -> KeyRecord:
        """Make a key for one or both kinds, valid from now for ``lifetime`` seconds.

        Raises:
            ConfigError: the lifetime is out of range, or the key is for nobody.
            BadRequestError: there are too many keys, or another key manager has taken over.
            StoreError: it cannot be stored.
        """
        self._require_active()
        if len(self.state.keys) >= MAX_KEYS:
            raise BadRequestError(f"there are {MAX_KEYS} keys: remove some")
        now = self.now()
        record = KeyRecord(
            private_key=os.urandom(32),
            for_proxies=KeyKind.PROXY in kinds,
            for_workers=KeyKind.WORKER in kinds,
            since_version=self.root.current.version,
            valid_since=now,
            valid_until=now + lifetime,
        )
        self._note("generated", keys=(record.public_key.hex(),))
        self.commit(self.state.next(keys=(*self.state.keys, record.to_bytes())))
        return record

    def remove(self, public_key: bytes) -> None:
        """Forget a key.

        Raises:
            BadRequestError: there is none, or another key manager has taken over.
            StoreError: it cannot be stored.
        """
        self._require_active()
        left = [record for record in self.state.records() if record.public_key != public_key]
        if len(left) == len(self.state.keys):
            raise BadRequestError("there is no such key")
        self._note("removed", keys=(public_key.hex(),))
        self.commit(self.state.next(keys=tuple(record.to_bytes() for record in left)))

    def release(self, request: KeyRequest, peer: VerifiedPeer) -> t.KeyManagerPrivateKeys:
        """The answer to a peer that asks for its keys.

        Raises:
            RefusedError: it gets nothing.
            StoreError: the release cannot be logged, so it does not happen.
        """
        where = Circumstances(
            root=self.root.current,
            root_is_fresh=self.root.is_fresh,
            now=self.now(),
            production=not self.settings.is_test,
        )
        try:
            answer, given = decide(request, peer, self.state, where)
        except RefusedError as error:
            self.refused(peer, str(error))
            raise
        self._note_peer("released", peer, keys=tuple(item.public_key.hex() for item in given))
        return answer

    # --- permissions ------------------------------------------------------------------------

    def approve(self, approval: Approval) -> None:
        """Take note of the owners' permission; its time lock begins now.

        Raises:
            PolicyError: it is not theirs, or its serial is used up.
            StoreError: it cannot be stored.
        """
        state = add_approval(
            self.state, approval, self.settings.rules, self.master.manager_id, self.now()
        )
        if state is not self.state:
            image = approval.image_hash.hex()
            self._note("approved", image_hash=image, detail=f"serial {approval.serial}")
            self.commit(state)

    def withdraw(self, serial: int) -> None:
        """Use up the serial of an approval, and all smaller ones, without a handover.

        Raises:
            StoreError: it cannot be stored.
        """
        self._note("withdrawn", detail=f"serial {serial}")
        self.commit(withdraw_approval(self.state, serial))

    # --- storing ----------------------------------------------------------------------------

    def commit(self, state: ManagerState) -> None:
        """Make this the state, on disk when it returns.

        Raises:
            StoreError: it cannot be written; the old state stays.
        """
        state = state.next(audit_count=self.audit.count, audit_mac=self.audit.mac)
        try:
            self._store.save(state)
        except StoreError:
            self.healthy = False
            raise
        self.healthy = True
        self.state = state

    def refused(self, peer: VerifiedPeer, reason: str) -> None:
        """Count a refusal, and log it while there are not too many."""
        self.refusals += 1
        now = self.now()
        self._logged_refusals = [at for at in self._logged_refusals if at > now - _HOUR]
        if len(self._logged_refusals) < MAX_REFUSALS:
            self._logged_refusals.append(now)
            self._note_peer("refused", peer, detail=reason)

    def note_handover(self, event: str, peer: VerifiedPeer, detail: str) -> None:
        """Log a step of a handover; raises StoreError."""
        self._note_peer(event, peer, detail=detail)

    def _note_peer(
        self, event: str, peer: VerifiedPeer, keys: tuple[str, ...] = (), detail: str = ""
    ) -> None:
        self._note(
            event,
            image_hash=peer.image_hash.hex(),
            evidence=peer.kind.value,
            platform_id="" if peer.platform_id is None else peer.platform_id.hex(),
            peer=peer.public_key.hex(),
            keys=keys,
            detail=detail,
        )

    def _note(self, event: str, **details: object) -> None:
        try:
            record = self.audit.append(event, self.now(), **details)
        except StoreError:
            self.healthy = False
            raise
        _log.info("audit", event_name=event, number=record.number)

    def _require_active(self) -> None:
        if self.state.successor is not None:
            raise BadRequestError("another key manager has taken over: ask that one")
