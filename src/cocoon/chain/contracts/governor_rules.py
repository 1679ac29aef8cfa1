"""Rules of a governor: who decides, and how."""

from dataclasses import dataclass

from cocoon.chain.address import Address
from cocoon.chain.cells import Builder, Cell, Reader
from cocoon.chain.hashmap import read_hashmap, write_hashmap
from cocoon.errors import ConfigError, DecodeError

MAX_OWNERS = 16
MAX_DELAY = 14 * 86400
"""Seconds."""
MIN_DELAY = 3600
"""Seconds; tools refuse less in a network that is not a test, of which the contract cannot know."""

_ADDRESS_BITS = 267
_ADDRESS_PREFIX = 0b100 << 264


@dataclass(frozen=True, slots=True)
class Rules:
    """Who decides, and how.

    Args:
        version: grows with every change; approvals count under one version only.
        owners: in the order of their indices.
        threshold: how many must approve.
        revoke_threshold: how many must approve what only takes trust away.
        delay: seconds from the last needed approval to the execution.
    """

    version: int
    owners: tuple[Address, ...]
    threshold: int
    revoke_threshold: int
    delay: int

    def check(self) -> None:
        """Refuse rules that the contract would refuse.

        Raises:
            ConfigError: says what is wrong.
        """
        count = len(self.owners)
        if not 1 <= count <= MAX_OWNERS:
            raise ConfigError(f"a governor has 1 to {MAX_OWNERS} owners, not {count}")
        if len(set(self.owners)) != count:
            raise ConfigError("an owner is named twice")
        if not 1 <= self.threshold <= count:
            raise ConfigError(f"the threshold must be 1 to {count}, the number of owners")
        if not 1 <= self.revoke_threshold <= self.threshold:
            raise ConfigError(f"the threshold of revocations must be 1 to {self.threshold}")
        if not 0 <= self.delay <= MAX_DELAY:
            raise ConfigError(f"the delay must be 0 to {MAX_DELAY} seconds")

    def cell(self) -> Cell:
        """As in the governor's data.

        Raises:
            DecodeError: a value does not fit.
        """
        indices = {
            _ADDRESS_PREFIX | int.from_bytes(owner.account, "big"): Builder().uint(index, 8).cell()
            for index, owner in enumerate(self.owners)
        }
        out = Builder().uint(self.version, 32).uint(self.threshold, 8)
        out.uint(self.revoke_threshold, 8).uint(self.delay, 32)
        return out.maybe_ref(write_hashmap(indices, _ADDRESS_BITS)).cell()

    @classmethod
    def from_cell(cls, cell: Cell) -> "Rules":
        """Read them.

        Raises:
            DecodeError: malformed.
        """
        read = Reader(cell)
        version, threshold, revoke = read.uint(32), read.uint(8), read.uint(8)
        delay, owners = read.uint(32), read.maybe_ref()
        read.end()
        found = read_hashmap(owners, _ADDRESS_BITS, lambda r: r.uint(8), max_entries=MAX_OWNERS)
        by_index = {index: _address(key) for key, index in found.items()}
        if sorted(by_index) != list(range(len(found))):
            raise DecodeError("owners of the governor are not numbered without gaps")
        ordered = tuple(by_index[index] for index in range(len(found)))
        return cls(version, ordered, threshold, revoke, delay)


def check_delay(delay: int, *, is_test: bool) -> None:
    """Refuse a delay that is only for tests.

    Args:
        delay: seconds.
        is_test: what the root's parameters say of the network.

    Raises:
        ConfigError: too short.
    """
    if not is_test and delay < MIN_DELAY:
        raise ConfigError(
            f"the delay must be at least {MIN_DELAY} seconds: this network is not a test, and who "
            "uses it needs time to leave before a decision takes effect"
        )


def _address(key: int) -> Address:
    if key >> 256 != _ADDRESS_PREFIX >> 256:
        raise DecodeError("an owner of the governor is not in workchain 0")
    return Address((key & ((1 << 256) - 1)).to_bytes(32, "big"))
