"""Updates are kept before they are confirmed, handled once, and again after a crash."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from cocoon.errors import BadRequestError, OverloadedError, StoreError
from cocoon.store import sqlite_url
from cocoon.telegram.accounts import Store
from cocoon.telegram.service import inbox as module
from cocoon.telegram.service.inbox import MAX_TRIES, Inbox, update_id
from cocoon.telegram.store.schema import inbox as table
from cocoon.telegram.vault import Vault

pytestmark = pytest.mark.anyio
KEY = bytes(range(32))


def update(number: int, text: str = "hello") -> bytes:
    return json.dumps({"update_id": number, "message": {"text": text}}).encode()


class Handler:
    """Handles as it is told, and notes what it saw."""

    def __init__(self) -> None:
        self.seen: list[int] = []
        self.failures: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.error: Exception | None = None

    async def handle(self, update: dict) -> None:
        self.seen.append(update["update_id"])
        await self.gate.wait()
        if self.error is not None:
            raise self.error

    async def failed(self, code: str) -> None:
        self.failures.append(code)


@asynccontextmanager
async def running(
    folder: Path, handler: Handler, *, key: bytes = KEY, grace: float = 5.0
) -> AsyncIterator[Inbox]:
    store = Store(sqlite_url(folder / "t.sqlite"))
    await store.open()
    inbox = Inbox(store, Vault(key), handler.handle, handler.failed)
    try:
        await inbox.start()
        yield inbox
    finally:
        await inbox.close(grace)
        await store.close()


async def idle(inbox: Inbox) -> None:
    async with asyncio.timeout(5):
        while inbox.running:  # noqa: ASYNC110
            await asyncio.sleep(0.005)


def rows(folder: Path) -> list[sa.Row]:
    engine = sa.create_engine(sqlite_url(folder / "t.sqlite"))
    with engine.connect() as on:
        found = list(on.execute(sa.select(table).order_by(table.c.id)))
    engine.dispose()
    return found


async def test_updates_are_handled_once_however_often_they_come(tmp_path: Path):
    handler = Handler()
    async with running(tmp_path, handler) as inbox:
        await inbox.take(update(2), update(1), update(2))
        await inbox.take(update(2))
        await idle(inbox)
        await inbox.take(update(1), update(3))
        await idle(inbox)
    async with running(tmp_path, handler) as inbox:
        await inbox.take(update(3))
        await idle(inbox)
    assert handler.seen == [1, 2, 3]
    assert all(row.sealed is None for row in rows(tmp_path))


async def test_what_was_not_handled_is_handled_after_a_start(tmp_path: Path):
    handler = Handler()
    handler.gate.clear()
    async with running(tmp_path, handler, grace=0.01) as inbox:
        await inbox.take(update(1, "the secret 4711"), update(2))
        await asyncio.sleep(0.01)
    kept = rows(tmp_path)
    assert [row.id for row in kept] == [1, 2]
    assert all(row.sealed and b"4711" not in row.sealed for row in kept)
    handler.gate.set()
    async with running(tmp_path, handler) as inbox:
        await idle(inbox)
    assert handler.seen == [1, 2, 1, 2]
    assert all(row.sealed is None for row in rows(tmp_path))


async def test_what_the_service_dies_on_is_given_up(tmp_path: Path):
    handler = Handler()
    handler.gate.clear()
    async with running(tmp_path, handler, grace=0.01) as inbox:
        await inbox.take(update(1))
    for _ in range(MAX_TRIES + 1):
        async with running(tmp_path, handler, grace=0.01):
            await asyncio.sleep(0.01)
    assert len(handler.seen) == MAX_TRIES
    assert rows(tmp_path)[0].sealed is None


async def test_an_update_whose_commit_only_seemed_to_fail_is_handled_when_it_comes_again(
    tmp_path: Path,
):
    handler = Handler()
    async with running(tmp_path, handler) as inbox:
        run = inbox._store.run

        async def breaks(work: object, *, write: bool = False) -> None:
            await run(work, write=write)
            raise StoreError("the connection broke during the commit")

        inbox._store.run = breaks
        with pytest.raises(StoreError):
            await inbox.take(update(1))
        inbox._store.run = run
        assert handler.seen == []
        await inbox.take(update(1))
        await idle(inbox)
        await inbox.take(update(1))
        await idle(inbox)
    assert handler.seen == [1]


async def test_an_update_that_comes_again_while_it_is_handled(tmp_path: Path):
    handler = Handler()
    handler.gate.clear()
    async with running(tmp_path, handler) as inbox:
        await inbox.take(update(1))
        await asyncio.gather(inbox.take(update(1)), inbox.take(update(2)), inbox.take(update(2)))
        handler.gate.set()
        await idle(inbox)
    assert sorted(handler.seen) == [1, 2]


async def test_a_handler_that_fails_ends_that_one_update(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    handler = Handler()
    handler.error = ValueError("the secret 4711")
    async with running(tmp_path, handler) as inbox:
        await inbox.take(update(1))
        await idle(inbox)
        handler.error = None
        await inbox.take(update(2))
        await idle(inbox)
    assert handler.seen == [1, 2]
    assert handler.failures == ["update"]
    shown = capsys.readouterr()
    assert "4711" not in shown.out + shown.err


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"{}",
        b'{"update_id":"1"}',
        b'{"update_id":-1}',
        b'{"update_id":1e300}',
        b'{"update_id":99999999999999999999}',
        b'{"update_id":1,"x":}',
        b'{"update_id":1,"x":"\xff"}',
        b'{"update_id":1,"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"update_id":1,"x":"' + b"y" * module.MAX_UPDATE + b'"}',
    ],
)
async def test_what_is_no_update_is_refused_and_nothing_kept(tmp_path: Path, raw: bytes):
    handler = Handler()
    async with running(tmp_path, handler) as inbox:
        with pytest.raises(BadRequestError):
            await inbox.take(update(1), raw)
    assert handler.seen == []
    assert rows(tmp_path) == []
    with pytest.raises(BadRequestError):
        update_id(raw)


async def test_too_many_and_those_after_the_end_stay_at_telegram(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(module, "MAX_RUNNING", 2)
    handler = Handler()
    handler.gate.clear()
    async with running(tmp_path, handler, grace=0.01) as inbox:
        await inbox.take(update(1), update(2))
        with pytest.raises(OverloadedError):
            await inbox.take(update(3))
        await inbox.close(0.01)
        with pytest.raises(OverloadedError):
            await inbox.take(update(4))
    assert [row.id for row in rows(tmp_path)] == [1, 2]


async def test_another_content_key_is_noticed(tmp_path: Path):
    handler = Handler()
    handler.gate.clear()
    async with running(tmp_path, handler, grace=0.01) as inbox:
        await inbox.take(update(1))
    with pytest.raises(StoreError, match="content key"):
        async with running(tmp_path, handler, key=bytes(32)):
            pass


async def test_numbers_are_forgotten_when_telegram_cannot_repeat_them(tmp_path: Path):
    now = 1_000_000.0
    handler = Handler()
    store = Store(sqlite_url(tmp_path / "t.sqlite"))
    await store.open()
    inbox = Inbox(store, Vault(KEY), handler.handle, handler.failed, clock=lambda: now)
    await inbox.take(update(1))
    await idle(inbox)
    now += module.REMEMBER_SECONDS + module.CLEAN_SECONDS
    await inbox.take(update(2))
    await idle(inbox)
    await inbox.close(1)
    await store.close()
    assert [row.id for row in rows(tmp_path)] == [2]
