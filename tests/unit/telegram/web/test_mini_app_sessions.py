"""Sessions of a server: who makes them, and how long they last."""

import hashlib
import hmac
import time
from pathlib import Path

import pytest

from cocoon.telegram.auth.sessions import Sessions, session_key
from cocoon.testing.served_mini_app import TOKEN, served, settings

pytestmark = pytest.mark.anyio


async def test_the_bots_token_alone_makes_no_session(tmp_path: Path):
    base = settings(tmp_path)
    store = base.store.encode()
    label = b"cocoon telegram session v1\0"
    guesses = [session_key(TOKEN, secret) for secret in (b"", store, TOKEN.encode())]
    guesses.append(hmac.digest(TOKEN.encode(), label + store, hashlib.sha256))
    async with served(tmp_path, base=base) as app:
        for key in guesses:
            token, _ = Sessions(key, 60.0).issue(42, time.time())
            await app.get("me", {"authorization": f"Bearer {token}"}, 401)


async def test_sessions_outlive_a_restart_as_long_as_the_content_key_stays(tmp_path: Path):
    base = settings(tmp_path)
    async with served(tmp_path, base=base) as app:
        session = await app.login()
    async with served(tmp_path, base=base) as app:
        await app.get("me", session)
    base.content_key.unlink()
    async with served(tmp_path, base=base) as app:
        await app.get("me", session, 401)
