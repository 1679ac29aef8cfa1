"""Updates that are posted to the bot.

Source: https://core.telegram.org/bots/api#setwebhook, #getwebhookinfo,
https://core.telegram.org/bots/webhooks. Telegram takes HTTPS on ports 443, 80, 88 and 8443 only;
the stand-in, which has no certificate for this machine, takes plain HTTP on loopback and nothing
else.
"""

import asyncio
import contextlib
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import msgspec

from cocoon.devnet.telegram.answers import BotApiError, Json, bad_request
from cocoon.devnet.telegram.arguments import Upload
from cocoon.devnet.telegram.world import World

SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 -- a header's name
_SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
POST_TIMEOUT = 60.0
"""Seconds in which a post must be answered."""
FIRST_RETRY, LAST_RETRY = 0.1, 30.0
"""Seconds between tries; they double. Telegram's are longer and not published."""
MAX_ANSWER = 1 << 20

Call = Callable[[str, Mapping[str, Any], Mapping[str, Upload]], Awaitable[Any]]


class Webhook:
    """Posts updates, oldest first in each chat, each until the bot takes it.

    Attributes:
        url: where to; empty while the bot polls.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self.url = ""
        self._secret = ""
        self._connections = 40
        self._task: asyncio.Task[None] | None = None
        self._last_error: tuple[int, str] | None = None
        self.call: Call | None = None

    def do(self, name: str, arguments: Json) -> Any:
        """``setWebhook``, ``deleteWebhook`` or ``getWebhookInfo``."""
        if name == "setWebhook":
            return self._set(arguments)
        if name == "deleteWebhook":
            return self._delete(arguments)
        if name == "getWebhookInfo":
            return self._info()
        raise BotApiError(404, "Not Found")

    def _set(self, arguments: Json) -> bool:
        url = str(arguments.get("url", ""))
        secret = str(arguments.get("secret_token", ""))
        _check_url(url)
        if secret and _SECRET.fullmatch(secret) is None:
            raise bad_request("secret token contains unallowed characters")
        connections = arguments.get("max_connections", 40)
        if not 1 <= connections <= 100:
            raise bad_request("max_connections must be between 1 and 100")
        if "allowed_updates" in arguments:
            self._world.updates.allow(arguments["allowed_updates"])
        if arguments.get("drop_pending_updates"):
            self._world.updates.drop()
        self.url, self._secret, self._connections = url, secret, connections
        self._world.updates.end_poll()
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())
        return True

    def _delete(self, arguments: Json) -> bool:
        self.url = self._secret = ""
        if arguments.get("drop_pending_updates"):
            self._world.updates.drop()
        if self._task is not None:
            self._task.cancel()
            self._task = None
        return True

    def _info(self) -> Json:
        info: Json = {
            "url": self.url,
            "has_custom_certificate": False,
            "pending_update_count": len(self._world.updates.waiting),
        }
        if self.url:
            info["max_connections"] = self._connections
        if self._world.updates.allowed:
            info["allowed_updates"] = sorted(self._world.updates.allowed)
        if self._last_error is not None:
            info["last_error_date"], info["last_error_message"] = self._last_error
        return info

    async def close(self) -> None:
        """Stops posting."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def _run(self) -> None:
        """Posts what waits: chats side by side, within a chat one after another."""
        timeout = aiohttp.ClientTimeout(total=POST_TIMEOUT)
        posts: dict[int, asyncio.Task[None]] = {}
        async with aiohttp.ClientSession(timeout=timeout) as session:
            try:
                while True:
                    seen = self._world.updates.queued
                    self._begin_posts(session, posts)
                    more = asyncio.ensure_future(self._world.updates.arrived(seen))
                    await asyncio.wait({more, *posts.values()}, return_when="FIRST_COMPLETED")
                    more.cancel()
                    for chat in [chat for chat, post in posts.items() if post.done()]:
                        posts.pop(chat).result()
            finally:
                for post in posts.values():
                    post.cancel()
                await asyncio.gather(*posts.values(), return_exceptions=True)

    def _begin_posts(
        self, session: aiohttp.ClientSession, posts: dict[int, asyncio.Task[None]]
    ) -> None:
        for update in self._world.updates.waiting:
            if len(posts) >= self._connections:
                break
            chat = chat_of(update)
            if chat not in posts:
                posts[chat] = asyncio.ensure_future(self._deliver(session, update))

    async def _deliver(self, session: aiohttp.ClientSession, update: Json) -> None:
        """Posts one update until it is taken."""
        wait = FIRST_RETRY
        while (failed := await self._post(session, update)) is not None:
            self._last_error = (self._world.now(), failed)
            await asyncio.sleep(wait)
            wait = min(LAST_RETRY, wait * 2)
        self._world.updates.remove(update)

    async def _post(self, session: aiohttp.ClientSession, update: Json) -> str | None:
        """Posts one update; gives why it was not taken."""
        headers = {"Content-Type": "application/json"}
        if self._secret:
            headers[SECRET_HEADER] = self._secret
        body = msgspec.json.encode(update)
        try:
            async with session.post(
                self.url, data=body, headers=headers, allow_redirects=False
            ) as answer:
                if not 200 <= answer.status < 300:
                    return f"Wrong response from the webhook: {answer.status} {answer.reason}"
                said = await answer.content.read(MAX_ANSWER)
        except (aiohttp.ClientError, TimeoutError) as error:
            return f"Connection failed: {type(error).__name__}"
        await self._call_from_answer(said)
        return None

    async def _call_from_answer(self, said: bytes) -> None:
        """A bot may call one method in its answer; it never learns the result."""
        try:
            call = msgspec.json.decode(said) if said else None
        except (msgspec.DecodeError, RecursionError, UnicodeError):
            return
        if self.call is None or not isinstance(call, dict) or "method" not in call:
            return
        values = {name: value for name, value in call.items() if name != "method"}
        with contextlib.suppress(BotApiError):
            await self.call(str(call["method"]), values, {})


def chat_of(update: Json) -> int:
    """What keeps updates in order: their chat, or the person where there is none."""
    content = next((c for name, c in update.items() if name != "update_id"), None)
    if not isinstance(content, dict):
        return 0
    message = content.get("message")
    for holder in (content, message if isinstance(message, dict) else {}):
        for name in ("chat", "from"):
            found = holder.get(name)
            if isinstance(found, dict) and isinstance(found.get("id"), int):
                return int(found["id"])
    return 0


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        raise bad_request("bad webhook: invalid URL") from None
    if parts.scheme not in {"http", "https"} or host not in _LOOPBACK:
        raise bad_request("bad webhook: the stand-in posts to http://127.0.0.1 only")
