"""The webhook: only Telegram's calls are read, and what cannot be kept is asked for again."""

import asyncio
import io
import json
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from cocoon.errors import BadRequestError, StoreError
from cocoon.telegram.web.deps import Webhook
from cocoon.testing.served_mini_app import SECRET, Served, served

pytestmark = pytest.mark.anyio

NAME = "x-telegram-bot-api-secret-token"
UPDATE = b'{"update_id":1,"message":{"text":"what I wrote"}}'


async def post(one: Served, data: bytes, secret: str | None = SECRET) -> int:
    headers = {} if secret is None else {NAME: secret}
    async with one.http.post(
        f"{one.url}/telegram/webhook", data=io.BytesIO(data), headers=headers
    ) as answer:
        return answer.status


async def test_updates_are_handed_on_as_they_came(tmp_path: Path) -> None:
    async with served(tmp_path) as one:
        assert await post(one, UPDATE) == 200
        assert one.updates == [UPDATE]


async def test_other_callers_are_refused(tmp_path: Path) -> None:
    wrong = (None, "", "wrong", SECRET + "x", SECRET[:-1], SECRET.upper())
    async with served(tmp_path) as one:
        with capture_logs() as logs:
            for secret in wrong:
                assert await post(one, UPDATE, secret) == 401
        assert one.updates == []
        assert one.journal.counts["webhook_secret"] == len(wrong)
        assert "what I wrote" not in json.dumps(logs)
        assert SECRET not in json.dumps(logs)


async def test_strangers_are_refused_before_their_body_is_read(tmp_path: Path) -> None:
    async with served(tmp_path) as one:
        reader, writer = await asyncio.open_connection("127.0.0.1", one.server.port)
        writer.write(
            b"POST /telegram/webhook HTTP/1.1\r\nhost: a\r\ncontent-length: 9999999\r\n\r\n"
        )
        async with asyncio.timeout(5):
            assert b" 401 " in await reader.readuntil(b"\r\n")
        writer.close()


async def test_oversized_updates_are_dropped(tmp_path: Path) -> None:
    async with served(tmp_path) as one:
        assert await post(one, b"x" * (2**20 + 1)) == 200
        assert one.updates == []
        assert one.journal.counts["update_invalid"] == 1


async def test_what_is_no_update_is_not_asked_for_again(tmp_path: Path) -> None:
    async def refuse(update: bytes) -> None:
        raise BadRequestError("no update")

    async with served(tmp_path, webhook=Webhook(SECRET, refuse)) as one:
        with capture_logs() as logs:
            assert await post(one, b"\xff{") == 200
        assert one.journal.counts["update_invalid"] == 1
        assert logs[0]["event"] == "update refused"


async def test_what_cannot_be_kept_now_is_asked_for_again(tmp_path: Path) -> None:
    async def fail(update: bytes) -> None:
        raise StoreError("the disk is full")

    async with served(tmp_path, webhook=Webhook(SECRET, fail)) as one:
        assert await post(one, UPDATE) == 503


async def test_no_webhook_no_path(tmp_path: Path) -> None:
    async with served(tmp_path, webhook=None) as one:
        assert await post(one, UPDATE) == 404
        async with one.http.get(f"{one.url}/telegram/webhook") as answer:
            assert answer.status == 404
