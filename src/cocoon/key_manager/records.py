"""One managed key, and when a new one is due. Pure: time comes in as an argument.

The stored form is the official ``keyManagerDb.key`` (``wire-protocol.md`` §1.3). The official key
manager swaps ``for_proxies`` and ``for_workers`` when it stores a key, and never rotates: both are
right here (``attestation.md`` §10.4).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cocoon.errors import ConfigError, DecodeError
from cocoon.tl import types as t
from cocoon.wire.key_manager import KeyKind, ManagedKey

OFFICIAL_LIFETIME: Final = 86_400
"""Seconds."""
MAX_TIME: Final = 2**31 - 1
"""The protocol's times are int32: a key without an end is valid until then."""
SEED_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """A private key, whom it is for and when it is valid.

    Attributes:
        private_key: Ed25519 seed, 32 bytes; never printed.
        for_proxies: given to proxies.
        for_workers: given to workers.
        since_version: root config version from which it is given out.
        valid_since: unix seconds.
        valid_until: unix seconds, exclusive.
    """

    private_key: bytes = field(repr=False)
    for_proxies: bool
    for_workers: bool
    since_version: int
    valid_since: int
    valid_until: int

    def __post_init__(self) -> None:
        if len(self.private_key) != SEED_BYTES:
            raise ConfigError(f"a managed key has {SEED_BYTES} bytes")
        if not (self.for_proxies or self.for_workers):
            raise ConfigError("a managed key is for proxies, for workers, or for both")
        if not 0 <= self.valid_since < self.valid_until <= MAX_TIME:
            raise ConfigError("a managed key's times are out of order or out of range")
        if not -(2**31) <= self.since_version < 2**31:
            raise ConfigError("a managed key's root config version is out of range")

    @property
    def public_key(self) -> bytes:
        """The public half, 32 bytes; how people name the key."""
        return (
            Ed25519PrivateKey.from_private_bytes(self.private_key).public_key().public_bytes_raw()
        )

    def serves(self, kind: KeyKind) -> bool:
        """Whether peers of this kind get it."""
        return self.for_proxies if kind is KeyKind.PROXY else self.for_workers

    def is_live(self, now: int, root_version: int) -> bool:
        """Whether it is given out at a time and under a version of the root configuration."""
        return self.valid_since <= now < self.valid_until and self.since_version <= root_version

    def managed(self) -> ManagedKey:
        """The part that goes to peers."""
        return ManagedKey(self.private_key, self.valid_until)

    def to_bytes(self) -> bytes:
        """The official boxed form."""
        return t.KeyManagerDbKey(
            private_key=self.private_key,
            for_proxies=self.for_proxies,
            for_workers=self.for_workers,
            valid_since_config_version=self.since_version,
            valid_since_utime=self.valid_since,
            valid_until_utime=self.valid_until,
        ).to_bytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> "KeyRecord":
        """Read the official form.

        Raises:
            DecodeError: it is not that, or its values make no sense.
        """
        stored = t.KeyManagerDbKey.from_bytes(data)
        try:
            return cls(
                private_key=stored.private_key,
                for_proxies=stored.for_proxies,
                for_workers=stored.for_workers,
                since_version=stored.valid_since_config_version,
                valid_since=stored.valid_since_utime,
                valid_until=stored.valid_until_utime,
            )
        except ConfigError as error:
            raise DecodeError(str(error)) from None


@dataclass(frozen=True, slots=True)
class Rotation:
    """When keys are made without being asked for.

    Attributes:
        kinds: whose keys rotate; nobody's by default, as a proxy's address depends on its key.
        lifetime: seconds that a new key is valid.
        overlap: seconds before the newest key ends from which there is a new one beside it.
    """

    kinds: tuple[KeyKind, ...] = ()
    lifetime: int = OFFICIAL_LIFETIME
    overlap: int = OFFICIAL_LIFETIME // 4

    def __post_init__(self) -> None:
        if not 0 < self.overlap < self.lifetime <= MAX_TIME:
            raise ConfigError("rotation: 0 < overlap < lifetime")


def kinds_due(records: Iterable[KeyRecord], now: int, rotation: Rotation) -> tuple[KeyKind, ...]:
    """The kinds that need a new key now."""
    known = list(records)
    ends = {
        kind: max((record.valid_until for record in known if record.serves(kind)), default=0)
        for kind in rotation.kinds
    }
    return tuple(kind for kind, end in ends.items() if end - now <= rotation.overlap)


def without_expired(records: Sequence[KeyRecord], now: int) -> tuple[KeyRecord, ...]:
    """The records that are not over yet."""
    return tuple(record for record in records if now < record.valid_until)
