"""Tariffs: weights of the token classes that change without a change of addresses.

The governor keeps one (defect D12, ``onchain.md`` §18). Prices per token and the weights in the
root's parameters are part of every contract's address; the tariff is not. A raise is announced with
the time from which it holds.
"""

from dataclasses import dataclass

from cocoon.chain.cells import Builder, Cell, Reader
from cocoon.errors import DecodeError

MAX_MULTIPLIER = 10_000_000
"""Weight x1000."""


@dataclass(frozen=True, slots=True)
class Multipliers:
    """Weights of the four classes of tokens, 10000 = x1.0.

    Args:
        prompt: tokens of the prompt that were not cached.
        cached: those that were.
        completion: generated tokens without reasoning.
        reasoning: generated tokens of reasoning.
    """

    prompt: int
    cached: int
    completion: int
    reasoning: int

    def write(self, out: Builder) -> Builder:
        """Append 128 bits."""
        out.uint(self.prompt, 32).uint(self.cached, 32)
        return out.uint(self.completion, 32).uint(self.reasoning, 32)

    @classmethod
    def read(cls, read: Reader) -> "Multipliers":
        """Take 128 bits."""
        return cls(read.uint(32), read.uint(32), read.uint(32), read.uint(32))

    def is_at_most(self, other: "Multipliers") -> bool:
        """Whether none of the four is greater."""
        return (
            self.prompt <= other.prompt
            and self.cached <= other.cached
            and self.completion <= other.completion
            and self.reasoning <= other.reasoning
        )


@dataclass(frozen=True, slots=True)
class TariffStep:
    """Weights from some time on.

    Args:
        version: grows with every step; 0 means that none was ever set.
        effective_at: Unix seconds.
        multipliers: the weights.
    """

    version: int
    effective_at: int
    multipliers: Multipliers

    def write(self, out: Builder) -> Builder:
        """Append 192 bits."""
        return self.multipliers.write(out.uint(self.version, 32).uint(self.effective_at, 32))

    @classmethod
    def read(cls, read: Reader) -> "TariffStep":
        """Take 192 bits."""
        return cls(read.uint(32), read.uint(32), Multipliers.read(read))


@dataclass(frozen=True, slots=True)
class Tariff:
    """The tariff as the governor keeps it.

    Args:
        current: what held when it was last changed.
        next: what is announced, or holds since its time has come.
    """

    current: TariffStep
    next: TariffStep | None = None

    def tariff_at(self, time: int) -> TariffStep | None:
        """What holds at a time, Unix seconds; None if the root's parameters do.

        Pure: nodes that know the same tariff change over at the same second.
        """
        if self.next is not None and self.next.effective_at <= time:
            return self.next
        return self.current if self.current.version else None

    def change_after(self, time: int) -> TariffStep | None:
        """The announced step that does not hold yet at a time; None if there is none."""
        ahead = self.next is not None and self.next.effective_at > time
        return self.next if ahead else None

    @property
    def version(self) -> int:
        """Of the newest step, announced ones included; a greater one is newer."""
        return self.current.version if self.next is None else self.next.version

    def cell(self) -> Cell:
        """As in the governor's data.

        Raises:
            DecodeError: a value does not fit.
        """
        following = None if self.next is None else self.next.write(Builder()).cell()
        return self.current.write(Builder()).maybe_ref(following).cell()

    @classmethod
    def from_cell(cls, cell: Cell) -> "Tariff":
        """Read it.

        Raises:
            DecodeError: malformed.
        """
        read = Reader(cell)
        current, following = TariffStep.read(read), read.maybe_ref()
        read.end()
        return cls(current, None if following is None else _read_step(following))


NO_TARIFF = Tariff(TariffStep(0, 0, Multipliers(0, 0, 0, 0)))
"""A governor that has never set one: the root's parameters hold."""


def check_multipliers(multipliers: Multipliers) -> None:
    """Refuse what the governor would refuse.

    Raises:
        DecodeError: a weight is out of range.
    """
    for weight in (
        multipliers.prompt,
        multipliers.cached,
        multipliers.completion,
        multipliers.reasoning,
    ):
        if not 0 <= weight <= MAX_MULTIPLIER:
            raise DecodeError(f"price multiplier out of range: {weight}")


def _read_step(cell: Cell) -> TariffStep:
    read = Reader(cell)
    step = TariffStep.read(read)
    read.end()
    return step
