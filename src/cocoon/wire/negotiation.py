"""Protocol versions, refusals and the state machine that all sessions share.

Version 0 has the old messages, 1 the ``…Ex`` messages, 2 adds times to the final info
(``wire-protocol.md`` §3); 3 is ours. A peer that names no versions counts as 0..0.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import Enum
from typing import Generic, NamedTuple, TypeVar

from cocoon.errors import (
    WIRE_ERROR,
    WIRE_PROTOCOL_VIOLATION,
    LocalProtocolError,
    RemoteProtocolError,
)

FLAG_IS_TEST = 1
FLAG_VERSIONS = 2


class RefusedError(RemoteProtocolError):
    """A handshake is refused: tell the peer ``code`` and the text, then close the connection."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class VersionRange(NamedTuple):
    """The protocol versions that one side speaks, both ends included."""

    min: int
    max: int


CLIENT_VERSIONS = VersionRange(1, 3)
WORKER_VERSIONS = VersionRange(1, 3)
PROXY_VERSIONS = VersionRange(0, 3)
OURS = 3
"""The first version that official peers do not speak (``docs/reference/protocol.md``)."""


def negotiate(ours: VersionRange, their_min: int | None, their_max: int | None) -> int:
    """Return the highest version that both sides speak (the proxy decides).

    Raises:
        RefusedError: the ranges do not overlap, or theirs is no range.
    """
    low, high = their_min or 0, their_max or 0
    version = min(ours.max, high)
    if low < 0 or low > high or version < max(ours.min, low):
        raise RefusedError(
            WIRE_PROTOCOL_VIOLATION,
            f"protocol versions {low}..{high} do not overlap with {ours.min}..{ours.max}",
        )
    return version


def check_agreed(ours: VersionRange, agreed: int | None) -> int:
    """Return the version that the proxy chose, if it is one we offered.

    Raises:
        RemoteProtocolError: it is not; the official runners only notice that it is too high.
    """
    version = agreed or 0
    if not ours.min <= version <= ours.max:
        raise RemoteProtocolError(f"proxy chose version {version}, offered {ours.min}..{ours.max}")
    return version


def check_network(flags: int, their_is_test: bool | None, *, is_test: bool) -> None:
    """Check that a connecting peer names its network and that it is ours (§3.1, §4.1).

    Raises:
        RefusedError: code 602.
    """
    if not flags & FLAG_IS_TEST:
        raise RefusedError(WIRE_ERROR, "the network (is_test) is not named")
    if their_is_test is not is_test:
        raise RefusedError(WIRE_ERROR, f"is_test is {their_is_test}, here it is {is_test}")


def params_flags(versions: VersionRange) -> int:
    """Return the flags of our own params: versions are left out by a peer that speaks only 0."""
    return FLAG_IS_TEST | (FLAG_VERSIONS if versions.max > 0 else 0)


def amount(value: int, name: str) -> int:
    """Return a counter that a peer sent, if it is not negative.

    Raises:
        RemoteProtocolError: it is.
    """
    if value < 0:
        raise RemoteProtocolError(f"{name} is negative")
    return value


StateT = TypeVar("StateT", bound=Enum)
StepT = TypeVar("StepT", bound=Enum)


class StateMachine(Generic[StateT, StepT]):
    """A state and the table that says which step leads from it where.

    A step that the table does not have changes nothing when we tried it ourselves, and leads to
    ``failed`` when the peer made it.
    """

    def __init__(
        self,
        table: Mapping[tuple[StateT, StepT], StateT],
        initial: StateT,
        failed: StateT,
    ) -> None:
        self.state = initial
        self._table = table
        self._failed = failed

    def ours(self, step: StepT) -> None:
        """Take a step of our own.

        Raises:
            LocalProtocolError: not legal in this state.
        """
        after = self._table.get((self.state, step))
        if after is None:
            raise LocalProtocolError(f"{step.name} in state {self.state.name}")
        self.state = after

    def theirs(self, step: StepT) -> None:
        """Take a step of the peer's.

        Raises:
            RemoteProtocolError: not legal in this state; the state is then ``failed``.
        """
        after = self._table.get((self.state, step))
        if after is None:
            message = f"{step.name} in state {self.state.name}"
            self.fail()
            raise RemoteProtocolError(message)
        self.state = after

    def require_ours(self, state: StateT) -> None:
        """Check that we may do what is legal in ``state`` only.

        Raises:
            LocalProtocolError: the session is in another state.
        """
        if self.state is not state:
            raise LocalProtocolError(f"only possible in {state.name}, not in {self.state.name}")

    def require_theirs(self, state: StateT, what: str) -> None:
        """Check that the peer may do ``what``, which is legal in ``state`` only.

        Raises:
            RemoteProtocolError: the session is in another state; it is then ``failed``.
        """
        if self.state is not state:
            before = self.state
            self.fail()
            raise RemoteProtocolError(f"{what} in state {before.name}")

    def broken(self, message: str) -> RemoteProtocolError:
        """Fail, and return the error to raise for what the peer did."""
        self.fail()
        return RemoteProtocolError(message)

    def refused(self, code: int, message: str) -> RefusedError:
        """Fail, and return the refusal to raise."""
        self.fail()
        return RefusedError(code, message)

    @contextmanager
    def failing(self) -> Iterator[None]:
        """Fail the session when the block raises a :class:`RemoteProtocolError`."""
        try:
            yield
        except RemoteProtocolError:
            self.fail()
            raise

    def fail(self) -> None:
        """Give the session up, whatever its state."""
        self.state = self._failed
