"""The page on which a person without an account of Telegram's talks to the bot.

It is served by the stand-in itself, on loopback, and says on every screen that it is a stand-in.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from importlib.resources import files
from typing import Any

import msgspec
from aiohttp import web

from cocoon.devnet.telegram.answers import BotApiError, Json
from cocoon.devnet.telegram.browser_actions import BrowserActions, BrowserOptions
from cocoon.devnet.telegram.browser_state import Stream
from cocoon.devnet.telegram.server import StandInTelegram
from cocoon.errors import BadRequestError, CocoonError

__all__ = ["WALLET_SCRIPT", "BrowserOptions", "demo_people", "mount_page"]

WALLET_SCRIPT = "/wallet.js"
"""Path of the script with TON Connect's JS bridge, for Mini Apps in the page's frame."""
MAX_JSON = 256 * 1024
MAX_FILE = 20 << 20

_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "media-src 'self' blob:",
        "connect-src 'self'",
        # Bots name any address for a Mini App, a stand-in's mostly one on this machine.
        "frame-src http: https:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_TYPES = {
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".html": "text/html",
}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def mount_page(standin: StandInTelegram, options: BrowserOptions) -> None:
    """Add the page to a stand-in that has not started yet.

    Args:
        standin: people and groups may be added later too.
        options: the Mini App and the wallet.
    """
    page = _Page(standin, options)
    routes = standin.app.router
    routes.add_get("/", page.index)
    routes.add_get("/page/{name}", page.static)
    routes.add_get(WALLET_SCRIPT, page.wallet_script)
    routes.add_get("/ui/events", page.events)
    routes.add_get("/ui/file/{id}", page.file)
    routes.add_post("/ui/upload", page.upload)
    routes.add_post("/ui/{action:[a-z/]+}", page.act)
    standin.app.on_cleanup.append(page.close)
    standin.app.on_shutdown.append(page.stop_streams)


def _refused(status: int, why: str) -> web.Response:
    return web.json_response({"error": why}, status=status, headers=_HEADERS)


class _Page:
    def __init__(self, standin: StandInTelegram, options: BrowserOptions) -> None:
        self._standin = standin
        self._actions = BrowserActions(standin, options)
        self._streams: set[asyncio.Task[Any]] = set()

    async def close(self, _: web.Application) -> None:
        await self._actions.close()

    async def stop_streams(self, _: web.Application) -> None:
        for stream in self._streams:
            stream.cancel()

    async def index(self, request: web.Request) -> web.Response:
        """The page, under the one address that Mini Apps are told of."""
        own = self._standin.url.partition("//")[2]
        if request.host != own:
            raise web.HTTPFound(f"http://{own}{request.path_qs}")
        return _packaged("index.html")

    async def static(self, request: web.Request) -> web.Response:
        return _packaged(request.match_info["name"])

    async def wallet_script(self, _: web.Request) -> web.Response:
        """The one thing here that other origins may load: there is nothing secret in it."""
        answer = _packaged("injected_wallet.js")
        answer.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        return answer

    async def file(self, request: web.Request) -> web.Response:
        stored = self._standin.world.files.by_id(request.match_info["id"])
        if stored is None:
            return _refused(404, "there is no such file")
        kind = stored.content_type or "application/octet-stream"
        shown = kind.startswith(("image/", "audio/")) and kind != "image/svg+xml"
        headers = _HEADERS | {"Content-Security-Policy": "default-src 'none'; sandbox"}
        if not shown:
            kind, headers["Content-Disposition"] = "application/octet-stream", "attachment"
        headers["Content-Type"] = kind.partition(";")[0]
        return web.Response(body=stored.data, headers=headers)

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Server-sent events: the state, then what changes."""
        try:
            person = self._actions.person(request.query.get("as", ""))
        except BadRequestError as error:
            return _refused(404, str(error))
        answer = web.StreamResponse(headers=_HEADERS | {"Content-Type": "text/event-stream"})
        await answer.prepare(request)
        stream = Stream(
            self._standin.world,
            person,
            self._standin.people,
            lambda: self._actions.shown(person),
        )
        task = asyncio.ensure_future(_write(answer, stream.frames()))
        self._streams.add(task)
        try:
            await task
        except asyncio.CancelledError:
            task.cancel()
        finally:
            self._streams.discard(task)
        return answer

    async def act(self, request: web.Request) -> web.Response:
        """One action; JSON both ways."""
        action = self._actions.by_name.get(request.match_info["action"])
        if action is None:
            return _refused(404, "the page has no such action")
        if request.content_type != "application/json":
            return _refused(415, "actions are JSON")

        async def do() -> Json:
            if (request.content_length or 0) > MAX_JSON:
                raise BadRequestError("the request is too large")
            body = _read_json(await request.read())
            person = self._actions.person(str(body.get("as", "")))
            return await action(person, body)

        return await _answered(request, do)

    async def upload(self, request: web.Request) -> web.Response:
        """A message with a file, as a form."""

        async def do() -> Json:
            fields, upload = await _read_form(request)
            data = await asyncio.to_thread(upload.file.read, MAX_FILE + 1)
            if len(data) > MAX_FILE:
                raise BadRequestError("files have at most 20 MiB")
            person = self._actions.person(str(fields.get("as", "")))
            return await self._actions.upload(
                person, fields, data, upload.filename, upload.content_type
            )

        return await _answered(request, do)


async def _write(answer: web.StreamResponse, frames: AsyncIterator[Json | None]) -> None:
    async with contextlib.aclosing(frames) as each:  # type: ignore[type-var]
        async for frame in each:
            text = b":\n\n" if frame is None else b"data: " + msgspec.json.encode(frame) + b"\n\n"
            try:
                await answer.write(text)
            except OSError:
                return


async def _answered(request: web.Request, do: Callable[[], Awaitable[Json]]) -> web.Response:
    """Do something unless another site asks for it; errors become words for the person."""
    origin = request.headers.get("Origin")
    if origin is not None and origin != f"http://{request.host}":
        return _refused(403, "only the stand-in's own page may do that")
    try:
        return web.json_response(await do(), headers=_HEADERS, dumps=_dumps)
    except BotApiError as error:
        return _refused(error.code, error.description)
    except CocoonError as error:
        return _refused(error.http_status if error.http_status < 500 else 502, str(error))
    except TimeoutError:
        return _refused(504, "the bot did not answer in time")
    except LookupError as error:
        return _refused(404, str(error.args[0]) if error.args else "it is not there")


def _dumps(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _read_json(raw: bytes) -> Json:
    if len(raw) > MAX_JSON:
        raise BadRequestError("the request is too large")
    try:
        body = msgspec.json.decode(raw)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        raise BadRequestError("the request is not JSON") from None
    if not isinstance(body, dict):
        raise BadRequestError("the request is not a JSON object")
    return body


async def _read_form(request: web.Request) -> tuple[Json, web.FileField]:
    try:
        form = await request.post()
    except (ValueError, AssertionError, RuntimeError):
        raise BadRequestError("the form cannot be read") from None
    fields: Json = {}
    upload: web.FileField | None = None
    for name, value in form.items():
        if isinstance(value, web.FileField):
            upload = value
        elif isinstance(value, str):
            fields[name] = value
    if upload is None:
        raise BadRequestError("there is no file")
    for name in ("chat", "thread", "reply_to"):
        if name in fields:
            fields[name] = _integer(fields[name], name)
    return fields, upload


def _integer(text: str, name: str) -> int:
    try:
        return int(text[:20])
    except ValueError:
        raise BadRequestError(f"{name} is a number") from None


def _packaged(name: str) -> web.Response:
    """A file of the page; names with slashes reach no route."""
    ending = name[name.rfind(".") :]
    path = files("cocoon.devnet.telegram") / "page" / name
    if ending not in _TYPES or "/" in name or "\\" in name or not path.is_file():
        return _refused(404, "the page has no such file")
    kind = f"{_TYPES[ending]}; charset=utf-8"
    return web.Response(body=path.read_bytes(), headers=_HEADERS | {"Content-Type": kind})


async def demo_people(standin: StandInTelegram) -> None:
    """Two people, a group and a group with topics, for somebody who wants to look around."""
    ada = standin.person("Ada", username="ada_stand_in", stars=500)
    ben = standin.person("Ben", username="ben_stand_in", stars=500)
    standin.group("Friends", people=(ada, ben))
    forum = standin.group("Project", people=(ada, ben), forum=True)
    await forum.topic(ada, "Ideas")
