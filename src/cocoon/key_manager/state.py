"""Everything that a key manager keeps, as one value. Pure; :mod:`.store` encrypts it.

Each change makes a new value of the next generation.
"""

from typing import Final

import msgspec

from cocoon.errors import ConfigError, DecodeError
from cocoon.key_manager.approval import MAX_NUMBER, Approval
from cocoon.key_manager.records import KeyRecord
from cocoon.tl import Reticent

MAX_STATE_BYTES: Final = 1 << 20
MAX_KEYS: Final = 1024
MAX_APPROVALS: Final = 32
MAX_LISTED: Final = 4096
HASH_BYTES: Final = 32


class SeenApproval(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An approval whose signatures were checked, and when this key manager first saw it.

    Attributes:
        document: its JSON.
        seen_at: unix seconds.
    """

    document: bytes
    seen_at: int


class ManagerState(Reticent, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is kept.

    Attributes:
        generation: grows with every change.
        keys: boxed ``keyManagerDb.key``, see :class:`~.records.KeyRecord`.
        root_version: newest root config version that was ever adopted.
        approvals: those that were not used, withdrawn or outlived.
        last_serial: largest serial of an approval that was used or withdrawn.
        listed: hashes that the root contract's proxy list holds, and when each was first seen
            there (unix seconds).
        used_listings: listed hashes that a handover has used; forgotten when unlisted.
        successor: image hash that took over; None while this key manager is the active one.
        retired_at: unix seconds of that, or 0.
        confirmed: whether the predecessor knows that we took over; True without one.
        handover_nonce: of the last handover, given or taken; empty without any.
        terms: what this key manager must be configured with (:mod:`.terms`), 32 bytes.
        audit_count: records in the audit log when this was written.
        audit_mac: MAC of the last of them, empty without any.
    """

    generation: int = 0
    keys: tuple[bytes, ...] = ()
    root_version: int = 0
    approvals: tuple[SeenApproval, ...] = ()
    last_serial: int = 0
    listed: dict[bytes, int] = msgspec.field(default_factory=dict)
    used_listings: tuple[bytes, ...] = ()
    successor: bytes | None = None
    retired_at: int = 0
    confirmed: bool = True
    handover_nonce: bytes = b""
    terms: bytes = b""
    audit_count: int = 0
    audit_mac: bytes = b""

    def records(self) -> tuple[KeyRecord, ...]:
        """The keys, oldest first."""
        return tuple(KeyRecord.from_bytes(item) for item in self.keys)

    def next(self, **changes: object) -> "ManagerState":
        """The next generation with these changes; after a handover generations stand still.

        So whatever comes back from a successor is newer than what was handed over.
        """
        step = int(self.successor is None)
        return msgspec.structs.replace(self, generation=self.generation + step, **changes)

    def to_bytes(self) -> bytes:
        """As JSON; holds secrets."""
        return msgspec.json.encode(self)

    @classmethod
    def from_bytes(cls, data: bytes) -> "ManagerState":
        """Read it back, every part checked.

        Raises:
            DecodeError: it is not that, or a part of it makes no sense.
        """
        if len(data) > MAX_STATE_BYTES:
            raise DecodeError(f"a key manager's state of {len(data)} bytes")
        try:
            state = msgspec.json.decode(data, type=cls)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            raise DecodeError("not a key manager's state") from None
        state._check()
        return state

    def _check(self) -> None:
        sizes = (
            (len(self.keys), MAX_KEYS),
            (len(self.approvals), MAX_APPROVALS),
            (len(self.listed), MAX_LISTED),
            (len(self.used_listings), MAX_LISTED),
        )
        if any(size > limit for size, limit in sizes):
            raise DecodeError("a key manager's state holds too much")
        numbers = (
            self.generation,
            self.last_serial,
            self.retired_at,
            self.audit_count,
            *self.listed.values(),
            *(item.seen_at for item in self.approvals),
        )
        if any(not 0 <= number <= MAX_NUMBER for number in numbers):
            raise DecodeError("a number in a key manager's state is out of range")
        hashes = (*self.listed, *self.used_listings, *([self.successor] if self.successor else ()))
        if any(len(item) != HASH_BYTES for item in hashes):
            raise DecodeError("a hash in a key manager's state has a wrong length")
        optional = (self.audit_mac, self.handover_nonce, self.terms)
        if any(len(item) not in (0, HASH_BYTES) for item in optional) or self.successor == b"":
            raise DecodeError("a key manager's state has a part of a wrong length")
        self.records()
        for item in self.approvals:
            _ = parse_seen(item)


def parse_seen(item: SeenApproval) -> Approval:
    """The approval in an entry.

    Raises:
        DecodeError: it holds none.
    """
    try:
        return Approval.from_json(item.document)
    except ConfigError as error:
        raise DecodeError(str(error)) from None
