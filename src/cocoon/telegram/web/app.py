"""The server of a Telegram service as one ASGI application."""

import time

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from cocoon.net.page_guard import PageGuard
from cocoon.telegram.auth.init_data import PRODUCTION_KEY, InitDataKeys
from cocoon.telegram.auth.login import Login
from cocoon.telegram.auth.sessions import Sessions, session_key
from cocoon.telegram.settings import TelegramSettings
from cocoon.telegram.vault import Vault
from cocoon.telegram.web.api import Api
from cocoon.telegram.web.calls import HEADERS, Call, Endpoint, Front, Handler, Journal
from cocoon.telegram.web.chat import Chat
from cocoon.telegram.web.deps import WebDeps
from cocoon.telegram.web.failures import ApiError, failure
from cocoon.telegram.web.files import Files, read_files
from cocoon.telegram.web.headers import page_headers, wallet_origins
from cocoon.telegram.web.ledger import LedgerExport
from cocoon.telegram.web.limits import Places, Rates
from cocoon.telegram.web.operator import OperatorPage
from cocoon.telegram.web.pages import ICON, Pages

API = "/app/api"
WALLETS = "wallets.json"
"""The app's list of wallets, among its files."""
BODY_MEMORY = 256 * 2**20
"""Bytes of questions that are being sent or answered at a time."""


def web_app(deps: WebDeps) -> Starlette:
    """The application: the Mini App and its API, webhook, operators' page, health.

    ``app.state.journal.counts`` counts refusals and failures by code, ``app.state.places.running``
    answers that are running.

    Raises:
        ConfigError: a setting cannot be used, such as a stand-in's wallet that is not on loopback.
    """
    journal = Journal(time.monotonic)
    settings = deps.settings
    front = Front(
        _login(deps), Rates(settings.limits.api_calls_per_minute, time.monotonic), journal
    )
    limits = settings.limits
    places = Places(limits.answers_at_once, limits.answers_in_all, BODY_MEMORY)
    app = Starlette(
        routes=[
            *_api(deps, front, places),
            *_pages(deps, journal),
            *_operator(deps, journal),
            *_files(settings),
        ],
        exception_handlers={HTTPException: _no_route},
    )
    app.router.redirect_slashes = False
    app.state.journal = journal
    app.state.places = places
    return app


def _login(deps: WebDeps) -> Login:
    settings = deps.settings
    token = settings.bot.token
    keys = InitDataKeys.of_bot(token, settings.app.telegram_key or PRODUCTION_KEY)
    secret = Vault.open(settings.content_key).key_for("sessions")
    sessions = Sessions(session_key(token, secret), settings.app.session_seconds)
    return Login(keys, sessions, deps.accounts, settings.app.init_data_seconds, deps.clock)


def _api(deps: WebDeps, front: Front, places: Places) -> list[Route]:
    api, chat, ledger = Api(deps, front), Chat(deps, front, places), LedgerExport(deps, front)

    def route(method: str, path: str, handle: Handler, *, logging_in: bool = False) -> Route:
        endpoint = Endpoint(handle, front.journal, logging_in=logging_in)
        return Route(f"{API}/{path}", endpoint, methods=[method])

    return [
        route("POST", "session", api.session, logging_in=True),
        route("GET", "me", api.me),
        route("GET", "models", api.models),
        route("POST", "chat", chat.handle),
        route("GET", "answers/{id}", api.answer),
        route("GET", "trust", api.trust),
        route("GET", "usage", api.usage),
        route("GET", "ledger", ledger.handle),
        Route(
            f"{API}/topups",
            Endpoint(_by_method(api), front.journal),
            methods=["GET", "POST"],
        ),
        route("GET", "topups/{id}", api.topup),
        route("POST", "topups/{id}/refund", api.refund),
        route("DELETE", "me/data", api.forget),
        Route(f"{API}/{{rest:path}}", Endpoint(_nothing, front.journal)),
    ]


def _by_method(api: Api) -> Handler:
    async def handle(call: Call) -> None:
        await (api.new_topup(call) if call.method == "POST" else api.topups(call))

    return handle


async def _nothing(call: Call) -> None:  # noqa: ARG001
    raise ApiError("not_found", "the API has no such call", status=404, action=None)


def _pages(deps: WebDeps, journal: Journal) -> list[Route]:
    pages = Pages(deps, journal)

    def route(path: str, handle: Handler) -> Route:
        return Route(path, Endpoint(handle, journal), methods=["GET"])

    routes = [
        route("/app/config.json", pages.config),
        route("/app/tonconnect-manifest.json", pages.manifest),
        route("/healthz", pages.health),
    ]
    if deps.metrics is not None:
        guarded = PageGuard(Endpoint(pages.metrics, journal), "127.0.0.1")
        routes.append(Route("/metrics", guarded, methods=["GET"]))
    hook = deps.webhook
    if hook is not None:

        async def take(call: Call) -> None:
            await pages.webhook(call, hook, call.secret)

        routes.append(Route("/telegram/webhook", Endpoint(take, journal), methods=["POST"]))
    return routes


def _operator(deps: WebDeps, journal: Journal) -> list[Route]:
    if not deps.settings.app.operator_token:
        return []
    page = OperatorPage(deps, journal)
    host = deps.settings.app.host
    return [
        Route(path, PageGuard(Endpoint(handle, journal), host), methods=["GET"])
        for path, handle in (("/operator", page.page), ("/operator/data", page.data))
    ]


def _files(settings: TelegramSettings) -> list[Route]:
    found = read_files()
    wallets = wallet_origins(found[WALLETS].forms[""]) if WALLETS in found else ()
    files = Files(found, page_headers(settings, wallets), frozenset({ICON}))

    async def to_folder(request: Request) -> Response:
        asked = request.url.query
        return RedirectResponse("/app/" + (f"?{asked}" if asked else ""), 308)

    return [
        Route("/app", to_folder),
        Route("/app/{path:path}", files, methods=["GET"]),
    ]


async def _no_route(request: Request, error: Exception) -> Response:  # noqa: ARG001
    """What Starlette itself refuses: no such path, or another method."""
    assert isinstance(error, HTTPException)
    status = error.status_code
    text = "this path does not have this method" if status == 405 else "there is nothing here"
    code = "invalid" if status == 405 else "not_found"
    told = failure(ApiError(code, text, status=status, action=None))
    headers = {name.decode(): value.decode() for name, value in HEADERS} | dict(error.headers or {})
    return Response(told.json, status, headers, "application/json")
