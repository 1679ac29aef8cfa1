"""Keeps collateral current: renews it long before it expires, learns of what handshakes missed.

One refresher a vendor, so that a vendor in trouble does not hold up another. Nothing waits for it:
handshakes judge with what the books hold, and fail closed with what they do not.
"""

import asyncio
import contextlib
import random
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from cocoon.collateral.schedule import RefreshRule
from cocoon.collateral.shelf import Shelf
from cocoon.collateral.store import CollateralStore, Stored
from cocoon.collateral.wanted import Wanted
from cocoon.errors import CocoonError, CollateralError, StoreError, UnknownPlatformError, where

_random = random.SystemRandom()  # leaves the state of the shared generator alone

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Entry:
    """One key. Times are in unix seconds; ``document`` is None while it was never fetched."""

    shelf: Shelf[Any]
    key: str
    due_at: float
    noted_at: float
    configured: bool = False
    document: Any = None
    fetched_at: int = 0
    failures: int = 0


class Refresher:
    """Keeps the shelves of one vendor full.

    Args:
        vendor: its name, letters only.
        shelves: of this vendor.
        store: where documents are kept.
        wanted: what handshakes missed.
        clock: unix seconds.
        uniform: returns a random number in [0, 1).
        rule: when.
    """

    def __init__(
        self,
        vendor: str,
        shelves: Sequence[Shelf[Any]],
        store: CollateralStore,
        wanted: Wanted,
        *,
        clock: Callable[[], float] = time.time,
        uniform: Callable[[], float] = _random.random,
        rule: RefreshRule | None = None,
    ) -> None:
        self._vendor = vendor
        self._shelves = {shelf.kind: shelf for shelf in shelves}
        self._store = store
        self._wanted = wanted
        self._clock = clock
        self._uniform = uniform
        self._rule = rule or RefreshRule()
        self._entries: dict[tuple[str, str], _Entry] = {}

    def load(self, configured: Iterable[tuple[str, str]] = ()) -> None:
        """Fill the books from the store; nothing is fetched.

        Args:
            configured: kinds and keys that are fetched without anybody missing them first.
        """
        for kind, key in configured:
            self._add(kind, key, configured=True)
        for stored in sorted(self._store.all(), key=lambda item: item.fetched_at):
            if (entry := self._add(stored.kind, stored.key)) is not None:
                entry.noted_at = min(stored.fetched_at, self._clock())
                self._adopt(entry, stored)
                self._drop_if_long_gone(entry)

    @property
    def lacks(self) -> bool:
        """Whether something configured was never fetched."""
        return any(item.configured and item.document is None for item in self._entries.values())

    async def fetch(self, kind: str, key: str) -> Any:
        """Fetch one document now and keep it; for a person who asks.

        Raises:
            CollateralError: the vendor does not answer, or not with current data.
            StoreError: it cannot be stored.
        """
        shelf = self._shelves[kind]
        now = self._clock()
        entry = self._entries.get((kind, key)) or _Entry(shelf, key, now, now)
        document, stored = await self._fetch(entry)
        await asyncio.to_thread(self._store.write, stored)
        self._take(entry, document, stored.fetched_at)
        return entry.document

    async def run(self) -> None:
        """Renew until cancelled."""
        loop, wake = asyncio.get_running_loop(), asyncio.Event()

        def noted() -> None:
            loop.call_soon_threadsafe(wake.set)

        self._wanted.on_add = noted
        try:
            while True:
                wake.clear()
                pause = await self.step()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(wake.wait(), pause)
        finally:
            self._wanted.on_add = None

    async def step(self) -> float:
        """Do what is due.

        Returns:
            Seconds until there may be something to do again.
        """
        while (note := self._wanted.take()) is not None:
            self._note(*note)
        for entry in sorted(self._entries.values(), key=lambda item: item.due_at):
            if entry.due_at <= self._clock():
                await self._try(entry)
        waits = [entry.due_at - self._clock() for entry in self._entries.values()]
        if (noted := self._wanted.wait()) is not None:
            waits.append(noted)
        return min([max(0.05, wait) for wait in waits] + [self._rule.longest_pause])

    def _note(self, kind: str, key: str) -> None:
        """A verifier missed something, or found that what is here no longer counts."""
        entry = self._add(kind, key)
        if entry is not None:
            entry.noted_at = self._clock()
        if entry is not None and entry.document is not None and not entry.failures:
            entry.due_at = min(entry.due_at, entry.fetched_at + self._rule.missed_again)

    def _add(self, kind: str, key: str, *, configured: bool = False) -> _Entry | None:
        """The entry of a key, made if there is room; None for what is not of this vendor."""
        if (entry := self._entries.get((kind, key))) is not None:
            return entry
        shelf = self._shelves.get(kind)
        if shelf is None:
            return None
        if not self._make_room(shelf):
            _log.warning("too many platforms: not fetched", kind=kind, key=key[:80])
            return None
        now = self._clock()
        entry = _Entry(shelf, key, now, now, configured)
        self._entries[kind, key] = entry
        return entry

    def _make_room(self, shelf: Shelf[Any]) -> bool:
        """Whether there is room; the key that nobody missed for longest gives way.

        What it has stays in the book until it expires. If it is still used then, it is missed,
        and learned again.
        """
        own = [item for item in self._entries.values() if item.shelf is shelf]
        if len(own) < shelf.capacity:
            return True
        learned = [item for item in own if not item.configured]
        if learned:
            del self._entries[shelf.kind, min(learned, key=lambda item: item.noted_at).key]
        return bool(learned)

    def _drop_if_long_gone(self, entry: _Entry) -> None:
        """A learned platform that nothing renewed for so long is no longer anybody's."""
        document = entry.document
        if document is None or entry.configured:
            return
        if document.expires_at + self._rule.keep_expired < self._clock():
            del self._entries[entry.shelf.kind, entry.key]
            self._store.remove(entry.shelf.kind, entry.key)

    async def _try(self, entry: _Entry) -> None:
        try:
            await self._renew(entry)
        except UnknownPlatformError as error:
            self._wanted.refuse(entry.shelf.kind, entry.key)
            self._failed(entry, error, forget=not entry.configured)
        except CollateralError as error:
            self._failed(entry, error, retry_after=error.retry_after)
        except CocoonError as error:
            self._failed(entry, error)
        except Exception as error:
            # Boundary: a bug over one document must not end the renewal of the others.
            _log.error("collateral", error=type(error).__name__, where=where(error))
            self._failed(entry, CollateralError("an error of ours"))

    async def _renew(self, entry: _Entry) -> None:
        kind = entry.shelf.kind
        with self._store.lock(self._vendor) as is_ours:
            stored = await asyncio.to_thread(self._store.read, kind, entry.key)
            if stored is not None and stored.fetched_at > entry.fetched_at:
                self._adopt(entry, stored)  # another process was first
            if entry.due_at > self._clock():
                return
            if not is_ours:
                entry.due_at = self._clock() + 0.2 + self._rule.other_process * self._uniform()
                return
            document, stored = await self._fetch(entry)
            # Written first: whoever finds it in a book may end the process.
            try:
                await asyncio.to_thread(self._store.write, stored)
            except StoreError as error:  # the books are current all the same
                _log.warning("collateral not stored", reason=str(error))
            self._take(entry, document, stored.fetched_at)

    async def _fetch(self, entry: _Entry) -> tuple[Any, Stored]:
        shelf = entry.shelf
        document = await shelf.fetch(entry.key)
        now = self._clock()
        if document.expires_at <= now:
            raise CollateralError(f"{shelf.source} sends collateral that has expired")
        if self._is_older(entry, document):
            raise CollateralError(f"{shelf.source} sends collateral older than what we have")
        _log.info("collateral renewed", kind=shelf.kind, key=entry.key[:80])
        return document, Stored(
            kind=shelf.kind,
            key=entry.key,
            fetched_at=int(now),
            source=shelf.source,
            content=shelf.to_json(document),
        )

    def _is_older(self, entry: _Entry, document: Any) -> bool:
        """Whether what we have is newer, and still counts."""
        old = entry.document
        if old is None or old.expires_at <= self._clock():
            return False
        return entry.shelf.is_older(document, old)

    def _adopt(self, entry: _Entry, stored: Stored) -> None:
        """Use a document from the store; one that does not parse is as good as none."""
        try:
            document = entry.shelf.parse(stored.content)
            is_older = self._is_older(entry, document)
        except CocoonError as error:
            _log.warning("stored collateral is damaged", key=entry.key[:80], reason=str(error))
            return
        if is_older:  # somebody put an old file back, with whatever date
            _log.warning("stored collateral is older than what we have", key=entry.key[:80])
            return
        self._take(entry, document, stored.fetched_at)

    def _take(self, entry: _Entry, document: Any, fetched_at: int) -> None:
        now = self._clock()
        entry.document, entry.fetched_at, entry.failures = document, fetched_at, 0
        entry.shelf.put(document)
        entry.due_at = self._rule.renew_at(fetched_at, document.expires_at, now, self._uniform())

    def _failed(
        self, entry: _Entry, error: CocoonError, retry_after: float = 0.0, *, forget: bool = False
    ) -> None:
        kind, key = entry.shelf.kind, entry.key[:80]
        entry.failures += 1
        is_hopeless = forget or entry.failures >= self._rule.give_up_after
        if is_hopeless and entry.document is None and not entry.configured:
            self._entries.pop((entry.shelf.kind, entry.key), None)
        now = self._clock()
        wait = self._rule.retry_wait(entry.failures, retry_after, self._uniform())
        entry.due_at = now + wait
        left = None if entry.document is None else int(entry.document.expires_at - now)
        told = {"kind": kind, "key": key, "reason": str(error), "retry_in": int(wait)}
        if left is not None and left <= 0:
            _log.error("collateral has EXPIRED: its platforms are refused", **told)
        else:
            _log.warning("collateral not renewed", expires_in=left, **told)
