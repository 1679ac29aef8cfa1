"""The stand-in's HTTP side: ``/bot<token>/<method>`` and ``/file/bot<token>/<path>``.

Sources: https://core.telegram.org/bots/api#making-requests, #getfile.
"""

import asyncio
import hmac
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from cocoon.devnet.telegram.answers import BotApiError, bad_request
from cocoon.devnet.telegram.arguments import Upload
from cocoon.devnet.telegram.files import FileStore
from cocoon.devnet.telegram.limits import MAX_UPLOAD

LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "::1", "[::1]"})
MAX_BODY = MAX_UPLOAD + (1 << 20)
"""Bytes of a request."""
MAX_FIELDS = 64

Call = Callable[[str, Mapping[str, Any], Mapping[str, Upload]], Awaitable[Any]]
"""Makes one call: method, values, uploads."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def loopback_only(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuses requests that name another host: web pages of others cannot reach the stand-in."""
    host = request.host.rsplit(":", 1)[0] if request.host[-1:] != "]" else request.host
    if host.lower() not in LOOPBACK_NAMES:
        return web.Response(status=403, text="the stand-in answers on loopback only\n")
    return await handler(request)


class BotApiRoutes:
    """Routes of the Bot API.

    Args:
        token: the bot's token.
        call: makes one call.
        files: what can be downloaded.
    """

    def __init__(self, token: str, call: Call, files: FileStore) -> None:
        self._token = token
        self._call = call
        self._files = files

    def add_to(self, app: web.Application) -> None:
        """Adds the routes."""
        app.router.add_route("*", "/bot{token}/{method}", self._answer)
        app.router.add_get("/file/bot{token}/{path:.+}", self._download)

    def _is_ours(self, request: web.Request) -> bool:
        given = request.match_info["token"].encode(errors="replace")
        return hmac.compare_digest(given, self._token.encode())

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        try:
            if not self._is_ours(request):
                raise BotApiError(401, "Unauthorized")
            values, files = await _read(request)
            result = await self._call(request.match_info["method"], values, files)
        except BotApiError as error:
            return _json(error.body(), error.code)
        return _json({"ok": True, "result": result}, 200)

    async def _download(self, request: web.Request) -> web.StreamResponse:
        if not self._is_ours(request):
            return _json(BotApiError(401, "Unauthorized").body(), 401)
        stored = self._files.by_path(request.match_info["path"])
        if stored is None:
            return _json(BotApiError(404, "Not Found").body(), 404)
        return web.Response(body=stored.data, content_type="application/octet-stream")


def _json(body: Any, status: int) -> web.Response:
    return web.Response(
        body=msgspec.json.encode(body), status=status, content_type="application/json"
    )


async def _read(request: web.Request) -> tuple[dict[str, Any], dict[str, Upload]]:
    values: dict[str, Any] = dict(request.query)
    if request.method == "GET" or not request.can_read_body:
        return values, {}
    if request.content_type == "application/json":
        return values | await _read_json(request), {}
    files: dict[str, Upload] = {}
    try:
        form = await request.post()
    except web.HTTPRequestEntityTooLarge as error:
        raise BotApiError(413, "Request Entity Too Large") from error
    except (ValueError, LookupError, AssertionError, RuntimeError, HttpProcessingError) as error:
        raise bad_request("can't parse the request's form") from error
    if len(form) > MAX_FIELDS:
        raise bad_request("too many parameters")
    for name, value in form.items():
        if isinstance(value, web.FileField):
            data = await asyncio.to_thread(value.file.read)
            files[name] = Upload(value.filename, value.content_type, data)
        else:
            values[name] = (
                value if isinstance(value, str) else bytes(value).decode(errors="replace")
            )
    return values, files


async def _read_json(request: web.Request) -> dict[str, Any]:
    try:
        decoded = msgspec.json.decode(await request.read())
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise bad_request("can't parse JSON object") from error
    if not isinstance(decoded, dict):
        raise bad_request("can't parse JSON object")
    return decoded
