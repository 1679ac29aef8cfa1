"""Where a role gets its root configuration from: a fixed value, or the root contract.

A source only ever moves forward: a version that is not greater is never adopted (``onchain.md`` §3,
§9). Whoever opens a session takes :attr:`RootSource.current` once and keeps it for that session, so
that one session never mixes two versions.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeAlias

import structlog

from cocoon.chain.address import Address
from cocoon.chain.backend import ChainBackend
from cocoon.chain.root_config import RootConfig
from cocoon.chain.root_contract import read_root
from cocoon.errors import ChainError, CocoonError, ConfigError, where

_random = random.SystemRandom()  # leaves the state of the shared generator alone

READ_INTERVAL = (30.0, 60.0)
"""Seconds between reads of the root contract, random in this range (``onchain.md`` §9)."""
STALE_AFTER = 7200.0
"""Seconds after which a root configuration is too old to be trusted blindly (``onchain.md`` §9)."""

ReadRoot: TypeAlias = Callable[[ChainBackend, Address], Awaitable[RootConfig]]
OnChange: TypeAlias = Callable[[RootConfig, RootConfig], None]
"""Called with the old and the new configuration, in the event loop; must not raise."""

_log = structlog.get_logger(__name__)


class RootSource(Protocol):
    """Gives the root configuration; see :class:`FixedRoot` and :class:`ChainRoot`."""

    @property
    def current(self) -> RootConfig:
        """The newest version that was adopted.

        Raises:
            ChainError: none was read yet.
        """
        ...

    @property
    def age(self) -> float:
        """Seconds since the block of the last successful read; 0 for a fixed configuration."""
        ...

    @property
    def is_fresh(self) -> bool:
        """Whether it was read recently enough; a node that is not fresh is not healthy."""
        ...

    def on_change(self, callback: OnChange) -> None:
        """Call this whenever a greater version was adopted."""
        ...

    async def start(self) -> None:
        """Read it, then keep reading in the background."""
        ...

    async def close(self) -> None:
        """Stop reading."""
        ...


class FixedRoot:
    """A root configuration that never changes: simulated TON, and tests.

    Args:
        root: the configuration.
    """

    def __init__(self, root: RootConfig) -> None:
        self._root = root
        self._callbacks: list[OnChange] = []

    @property
    def current(self) -> RootConfig:
        """The configuration."""
        return self._root

    @property
    def age(self) -> float:
        """Nothing to read again."""
        return 0.0

    @property
    def is_fresh(self) -> bool:
        """Always."""
        return True

    def on_change(self, callback: OnChange) -> None:
        """Never calls it, except through :meth:`replace`."""
        self._callbacks.append(callback)

    def replace(self, root: RootConfig) -> None:
        """Adopt another configuration; for tests of what a change does."""
        before, self._root = self._root, root
        for callback in self._callbacks:
            callback(before, root)

    async def start(self) -> None:
        """Nothing to do."""

    async def close(self) -> None:
        """Nothing to do."""


class ChainRoot:
    """The root contract, read again and again.

    Args:
        backend: a started connection to TON; not closed here.
        address: the root contract.
        interval: shortest and longest wait between reads, seconds.
        initial: a version that was read before, so that :attr:`current` works at once.
        read: reads the contract; for tests.
        clock: Unix seconds.
    """

    def __init__(
        self,
        backend: ChainBackend,
        address: Address,
        interval: tuple[float, float] = READ_INTERVAL,
        *,
        initial: RootConfig | None = None,
        read: ReadRoot = read_root,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._backend = backend
        self._address = address
        self._interval = interval
        self._root = initial
        self._read = read
        self._clock = clock
        self._read_at: float | None = None
        self._warned = False
        self._callbacks: list[OnChange] = []
        self._task: asyncio.Task[None] | None = None

    @property
    def current(self) -> RootConfig:
        """The newest version that was adopted.

        Raises:
            ChainError: none was read yet.
        """
        if self._root is None:
            raise ChainError(f"root contract {self._address}: not read yet")
        return self._root

    @property
    def age(self) -> float:
        """Seconds since the block that was read last; infinite before the first read."""
        return float("inf") if self._read_at is None else self._clock() - self._read_at

    @property
    def is_fresh(self) -> bool:
        """Whether the last read is younger than ``STALE_AFTER``."""
        return self.age < STALE_AFTER

    def on_change(self, callback: OnChange) -> None:
        """Call this whenever a greater version was adopted."""
        self._callbacks.append(callback)

    async def start(self) -> None:
        """Read once, then go on in the background.

        Raises:
            ChainError: TON cannot be reached and there is no initial version, or there is no root
                contract at this address.
        """
        try:
            await self.refresh()
        except ChainError as error:
            if self._root is None:
                raise
            _log.warning("the root contract cannot be read, going on with what is known",
                         reason=str(error))  # fmt: skip
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        """Stop reading."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def refresh(self) -> RootConfig:
        """Read now and adopt what is newer.

        Raises:
            ChainError: it cannot be read, or is not a root contract; what is known stays.
        """
        head = await self._backend.head()
        root = await self._read(self._backend, self._address)
        if root.address != self._address:
            raise ConfigError("the configuration that was read is of another root contract")
        if self._root is not None and root.params.is_test != self._root.params.is_test:
            raise ConfigError("the network has changed its kind (is_test): restart on purpose")
        self._read_at = float(head.time)
        self._check_age()
        before = self._root
        if before is not None and not root.supersedes(before):
            return before
        self._root = root
        if before is not None:
            self._announce(before, root)
        return root

    def _announce(self, before: RootConfig, root: RootConfig) -> None:
        _log.info(
            "root configuration changed",
            version=root.version,
            params_version=root.params.params_version,
        )
        for callback in self._callbacks:
            callback(before, root)

    def _check_age(self) -> None:
        if self.is_fresh:
            self._warned = False
        elif not self._warned:
            self._warned = True
            _log.error(
                "the root configuration is too old: is the connection to TON stalled?",
                seconds=int(min(self.age, 1e9)),
            )

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(_random.uniform(*self._interval))
            try:
                await self.refresh()
            except CocoonError as error:
                _log.warning("the root contract cannot be read", reason=str(error))
                self._check_age()
            except Exception as error:
                # Boundary: a bug in one read must not end all later ones.
                _log.error(
                    "reading the root contract failed by a bug",
                    error=type(error).__name__,
                    where=where(error),
                )
