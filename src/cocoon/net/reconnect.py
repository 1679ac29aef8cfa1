"""Keep sessions with a number of proxies alive: who to try next, and when.

The rules are data and pure values (:class:`Backoff`, :func:`choose_target`); :class:`SessionKeeper`
runs one task for each wanted session. Time and randomness are arguments, so tests are exact.

Differences from the official runner (``wire-protocol.md`` §2.7): the first retry comes after a
fraction of a second instead of a fixed 10 s, later ones back off with jitter, so that a restarted
proxy is found at once and a dead one is not hammered.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog

from cocoon.errors import CocoonError, RequestError, where

_random = random.SystemRandom()  # leaves the state of the shared generator alone

REPLACE_AFTER = 300.0
"""Seconds without a ready session after which another proxy is tried (§2.7)."""
STABLE_AFTER = 2.0
"""Seconds that a session must have been ready before waits begin small again."""
RESCAN_INTERVAL = 1.0
"""Seconds between looks at the registry while it holds no proxy to use."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Target:
    """One registered proxy: its number in the root contract and where it listens for us."""

    seqno: int
    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class BackoffRule:
    """How waits grow.

    Attributes:
        first: longest wait before the first retry, seconds.
        factor: growth from one retry to the next.
        cap: longest wait at all; the official fixed interval.
        jitter: part of a wait that is random: 0.5 waits between half and all of it.
    """

    first: float = 0.2
    factor: float = 2.0
    cap: float = 10.0
    jitter: float = 0.5


class Backoff:
    """Waits of one target; :meth:`reset` after a success.

    Args:
        rule: how they grow.
        uniform: returns a random number in [0, 1).
    """

    __slots__ = ("_next", "_rule", "_uniform")

    def __init__(self, rule: BackoffRule, uniform: Callable[[], float]) -> None:
        self._rule = rule
        self._uniform = uniform
        self._next = rule.first

    def reset(self) -> None:
        """Begin with the shortest wait again."""
        self._next = self._rule.first

    def next_wait(self) -> float:
        """Seconds to wait now; the next call returns a longer wait, up to the cap."""
        longest = self._next
        self._next = min(longest * self._rule.factor, self._rule.cap)
        return longest * (1.0 - self._rule.jitter * self._uniform())


def choose_target(
    registered: Sequence[Target],
    used: Iterable[Target],
    avoid: Target | None,
    uniform: Callable[[], float],
) -> Target | None:
    """A random registered proxy that no session uses.

    Args:
        registered: from the root contract.
        used: those that other sessions hold.
        avoid: the one that just failed; chosen only when there is no other.
        uniform: returns a random number in [0, 1).

    Returns:
        The choice, or None when all are in use.
    """
    taken = set(used)
    free = [target for target in registered if target not in taken]
    choices = [target for target in free if target != avoid] or free
    if not choices:
        return None
    return choices[min(int(uniform() * len(choices)), len(choices) - 1)]


class RunSession(Protocol):
    """Connects to a target and stays until the session ends."""

    async def __call__(self, target: Target, on_ready: Callable[[], None]) -> None:
        """Dial, shake hands, call ``on_ready``, and return or raise CocoonError at the end."""
        ...


class SessionKeeper:
    """Holds up to ``count`` sessions, each with another proxy.

    Args:
        registered: returns the proxies of the root config, asked again for every choice.
        count: sessions wanted.
        run_session: one session from dialling to its end.
        clock: seconds, monotonic.
        sleep: as ``asyncio.sleep``.
        uniform: returns a random number in [0, 1).
        rule: waits between tries of one proxy.
    """

    def __init__(
        self,
        registered: Callable[[], Sequence[Target]],
        count: int,
        run_session: RunSession,
        *,
        clock: Callable[[], float] | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        uniform: Callable[[], float] = _random.random,
        rule: BackoffRule | None = None,
    ) -> None:
        self._registered = registered
        self._count = count
        self._run_session = run_session
        self._clock = clock or asyncio.get_running_loop().time
        self._sleep = sleep
        self._uniform = uniform
        self._rule = rule or BackoffRule()
        self._used: dict[int, Target] = {}
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def targets(self) -> tuple[Target, ...]:
        """The proxies in use now, connected or being tried."""
        return tuple(self._used.values())

    def start(self) -> None:
        """Start the tasks."""
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._keep(slot)) for slot in range(self._count)]

    async def close(self) -> None:
        """End all sessions and wait for their tasks."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    async def _keep(self, slot: int) -> None:
        failed: Target | None = None
        while True:
            target = choose_target(self._registered(), self._used.values(), failed, self._uniform)
            if target is None:
                await self._sleep(RESCAN_INTERVAL)
                continue
            self._used[slot] = target
            try:
                await self._keep_target(target)
            finally:
                del self._used[slot]
            failed = target

    async def _keep_target(self, target: Target) -> None:
        """Connect again and again, until the proxy was not ready for too long or is gone."""
        backoff = Backoff(self._rule, self._uniform)
        tries = _Tries(backoff, self._clock)
        while True:
            await self._try(target, tries)
            if tries.not_ready_for() >= REPLACE_AFTER:
                _log.warning("proxy is not ready for too long, trying another", proxy=str(target))
                return
            if target not in self._registered():
                _log.info("proxy is no longer registered", proxy=str(target))
                return
            await self._sleep(backoff.next_wait())

    async def _try(self, target: Target, tries: "_Tries") -> None:
        try:
            await self._run_session(target, tries.on_ready)
        except RequestError as error:
            _log.info("proxy session ended", proxy=str(target), reason=str(error))
        except CocoonError as error:
            # Not the network: the proxy is not trusted, breaks the protocol or pays wrongly.
            kind = type(error).__name__
            _log.warning("proxy session failed", proxy=str(target), kind=kind, reason=str(error))
        except OSError as error:
            _log.info("proxy session ended", proxy=str(target), reason=error.strerror)
        except Exception as error:
            # Boundary: a bug in one session must not end the attempts to have one.
            kind = type(error).__name__
            _log.error("proxy session failed", proxy=str(target), error=kind, where=where(error))
        tries.on_end()


class _Tries:
    """When a target was last ready."""

    def __init__(self, backoff: Backoff, clock: Callable[[], float]) -> None:
        self._since = clock()
        self._ready_since: float | None = None
        self._backoff = backoff
        self._clock = clock

    def on_ready(self) -> None:
        self._ready_since = self._clock()

    def on_end(self) -> None:
        if self._ready_since is None:
            return
        self._since = self._clock()
        if self._since - self._ready_since >= STABLE_AFTER:
            self._backoff.reset()
        self._ready_since = None

    def not_ready_for(self) -> float:
        return self._clock() - self._since
