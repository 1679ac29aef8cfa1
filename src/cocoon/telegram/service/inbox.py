"""Updates are kept before Telegram is told that we have them, and forgotten once handled.

Telegram gives an update away when it is confirmed: by the next ``getUpdates`` with a larger offset,
or by the answer to the webhook (core.telegram.org/bots/api#getting-updates). What is confirmed and
then lost in a crash is lost for good; here it lies encrypted in the store until its handler has
ended, and is handled again after a start. What Telegram sends twice is handled once.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
import structlog

from cocoon.errors import BadRequestError, CocoonError, OverloadedError, StoreError, where
from cocoon.telegram.accounts import Store
from cocoon.telegram.store.schema import inbox as table
from cocoon.telegram.vault import Vault

MAX_UPDATE = 4 * 1024 * 1024
"""Bytes of one update; Telegram's own are far smaller."""
MAX_ID = 2**53
MAX_RUNNING = 10_000
"""Updates that are being handled; more wait at Telegram."""
MAX_TRIES = 3
"""An update that the process died on so often is given up: it may be what it died on."""
REMEMBER_SECONDS = 3 * 86_400
"""Telegram repeats an update for 24 hours at most; so long its number is known as handled."""
CLEAN_SECONDS = 3600.0

Handle = Callable[[dict[str, Any]], Awaitable[None]]

log = structlog.get_logger("cocoon.telegram")


class _Head(msgspec.Struct):
    update_id: int


_head = msgspec.json.Decoder(_Head)
_whole = msgspec.json.Decoder(dict[str, Any])


class Inbox:
    """Takes updates, and hands each to its handler in a task of its own.

    Args:
        store: where they are kept.
        vault: what they are encrypted with.
        handle: handles one; what it raises is logged by its class only.
        failed: counts what went wrong, by a short code.
        clock: Unix seconds.
    """

    def __init__(
        self,
        store: Store,
        vault: Vault,
        handle: Handle,
        failed: Callable[[str], Awaitable[None]],
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._vault = vault
        self._handle = handle
        self._failed = failed
        self._clock = clock
        self._running: dict[int, asyncio.Task[None]] = {}
        self._closing = False
        self._cleaned = 0.0

    @property
    def running(self) -> int:
        """Updates that are being handled."""
        return len(self._running)

    async def start(self) -> None:
        """Handle again what the last process left, oldest first.

        Raises:
            StoreError: the store does not work, or the content key is another one.
        """
        for number, sealed in await self._store.run(_pending, write=True):
            self._begin(number, self._vault.open_sealed(sealed, _place(number)))

    async def take(self, *updates: bytes) -> None:
        """Keep updates and begin to handle those that are new.

        Args:
            updates: JSON as Telegram sent it.

        Raises:
            BadRequestError: one is no update; none is kept then.
            OverloadedError: too many are being handled, or the service is stopping.
            StoreError: nothing was kept; Telegram should send them again.
        """
        if self._closing or len(self._running) + len(updates) > MAX_RUNNING:
            raise OverloadedError("too many updates are being handled")
        numbered = {update_id(raw): raw for raw in updates}
        rows = [
            {
                "id": number,
                "sealed": self._vault.seal(raw, _place(number)),
                "at": int(self._clock()),
            }
            for number, raw in numbered.items()
        ]
        fresh = await self._store.run(lambda on: _keep(on, rows), write=True)
        for number in sorted(fresh - self._running.keys()):
            self._begin(number, numbered[number])
        await self._clean()

    async def close(self, grace: float) -> None:
        """Take no more, let handlers end for so many seconds, then cancel them.

        What was cancelled is handled again after the next start.
        """
        self._closing = True
        tasks = list(self._running.values())
        if tasks:
            await asyncio.wait(tasks, timeout=grace)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _begin(self, number: int, raw: bytes) -> None:
        task = asyncio.create_task(self._handled(number, raw))
        self._running[number] = task
        task.add_done_callback(lambda _: self._running.pop(number, None))

    async def _handled(self, number: int, raw: bytes) -> None:
        try:
            await self._handle(_whole.decode(raw))
        except Exception as error:  # a handler's mistake ends that one update
            log.error("an update was not handled", error=type(error).__name__, at=where(error))
            with contextlib.suppress(CocoonError):
                await self._failed("update")
        try:
            await self._store.run(lambda on: _done(on, number), write=True)
        except StoreError as error:
            log.warning("an update may be handled again", reason=str(error))

    async def _clean(self) -> None:
        """Forget numbers that Telegram cannot repeat any more."""
        now = self._clock()
        if now - self._cleaned < CLEAN_SECONDS:
            return
        self._cleaned = now
        old = (table.c.at < int(now) - REMEMBER_SECONDS) & table.c.sealed.is_(None)
        await self._store.run(lambda on: on.execute(sa.delete(table).where(old)), write=True)


def update_id(raw: bytes) -> int:
    """The number of an update, after a look at its size and form.

    Raises:
        BadRequestError: it is no update.
    """
    if len(raw) > MAX_UPDATE:
        raise BadRequestError(f"an update has more than {MAX_UPDATE} bytes")
    try:
        number = _head.decode(raw).update_id
        _whole.decode(raw)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise BadRequestError("this is not an update of the Bot API") from None
    if not 0 <= number < MAX_ID:
        raise BadRequestError("this is not an update of the Bot API")
    return number


def _place(number: int) -> str:
    return f"update:{number}"


def _keep(on: sa.Connection, rows: Sequence[dict[str, Any]]) -> set[int]:
    """Store what is new; the numbers of all that was not handled yet.

    Something may be known and not handled: its commit succeeded though we heard that it failed.
    """
    if not rows:
        return set()
    numbers = [row["id"] for row in rows]
    query = sa.select(table.c.id, table.c.sealed.is_(None)).where(table.c.id.in_(numbers))
    known = {row[0]: bool(row[1]) for row in on.execute(query)}
    fresh = [{**row, "tries": 1} for row in rows if row["id"] not in known]
    if fresh:
        on.execute(sa.insert(table), fresh)
    return {number for number in numbers if not known.get(number)}


def _pending(on: sa.Connection) -> list[tuple[int, bytes]]:
    """What was never handled; one more try is counted for each."""
    waiting = table.c.sealed.is_not(None)
    given_up = sa.update(table).where(waiting, table.c.tries >= MAX_TRIES).values(sealed=None)
    on.execute(given_up)
    on.execute(sa.update(table).where(waiting).values(tries=table.c.tries + 1))
    found = on.execute(sa.select(table.c.id, table.c.sealed).where(waiting).order_by(table.c.id))
    return [(row.id, row.sealed) for row in found]


def _done(on: sa.Connection, number: int) -> None:
    on.execute(sa.update(table).where(table.c.id == number).values(sealed=None))
