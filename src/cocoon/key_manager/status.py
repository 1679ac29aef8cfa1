"""A key manager's status and control pages (``wire-protocol.md`` §5.3), on loopback only.

Paths and arguments are the official ones; what changes something is POST. No page shows a secret.
"""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from cocoon.errors import BadRequestError, CocoonError
from cocoon.key_manager.approval import MAX_FILE_BYTES, Approval
from cocoon.key_manager.records import OFFICIAL_LIFETIME
from cocoon.key_manager.state import parse_seen
from cocoon.net.page_guard import PageGuard
from cocoon.wire.key_manager import KeyKind

if TYPE_CHECKING:
    from cocoon.key_manager.role import KeyManagerRole

TYPES: Final = {
    "worker": (KeyKind.WORKER,),
    "proxy": (KeyKind.PROXY,),
    "proxyworker": (KeyKind.PROXY, KeyKind.WORKER),
}
"""The official values of ``type``."""
MAX_DIGITS: Final = 16


def status_app(role: "KeyManagerRole") -> Starlette:
    """The ASGI application for a key manager's HTTP port."""

    async def health(_request: Request) -> Response:
        good = role.manager.healthy
        return PlainTextResponse("ok\n" if good else "store fails\n", 200 if good else 503)

    async def ready(_request: Request) -> Response:
        text = "ready\n" if role.ready else "not ready\n"
        return PlainTextResponse(text, 200 if role.ready else 503)

    async def metrics(_request: Request) -> Response:
        return Response(_metrics(role), media_type="text/plain; version=0.0.4")

    async def jsonstats(_request: Request) -> Response:
        return JSONResponse(json_status(role))

    async def generate(request: Request) -> str:
        kinds = TYPES.get(request.query_params.get("type", ""))
        if kinds is None:
            raise BadRequestError(f"type must be one of {', '.join(TYPES)}")
        seconds = _number(request.query_params.get("lifetime", str(OFFICIAL_LIFETIME)))
        return role.manager.generate(kinds, seconds).public_key.hex()

    async def remove(request: Request) -> str:
        role.manager.remove(_key(request.query_params.get("key", "")))
        return "removed"

    async def approve(request: Request) -> str:
        body = b""
        async for piece in request.stream():
            body += piece
            if len(body) > MAX_FILE_BYTES:
                raise BadRequestError(f"an approval has at most {MAX_FILE_BYTES} bytes")
        role.manager.approve(Approval.from_json(body))
        return "noted"

    async def withdraw(request: Request) -> str:
        role.manager.withdraw(_number(request.query_params.get("serial", "")))
        return "withdrawn"

    page = role.settings.attestation
    return Starlette(
        routes=[
            *([] if page is None else [page.route()]),
            Route("/health", health),
            Route("/ready", ready),
            Route("/metrics", metrics),
            Route("/jsonstats", jsonstats),
            Route("/request/generatekey", _action(generate), methods=["POST"]),
            Route("/request/removekey", _action(remove), methods=["POST"]),
            Route("/request/approve", _action(approve), methods=["POST"]),
            Route("/request/withdraw", _action(withdraw), methods=["POST"]),
        ],
        middleware=[Middleware(PageGuard, host=role.settings.http_host)],
    )


def json_status(role: "KeyManagerRole") -> dict[str, Any]:
    """Everything that an operator may see."""
    manager, settings = role.manager, role.settings
    state, lock = manager.state, settings.rules.time_lock
    approvals = []
    for item in state.approvals:
        approval = parse_seen(item)
        approvals.append(
            {
                "image_hash": approval.image_hash.hex(),
                "serial": approval.serial,
                "opens_at": max(item.seen_at + lock, approval.not_before),
                "not_after": approval.not_after,
                "owners": [key.hex() for key, _ in approval.signatures],
            }
        )
    return {
        "status": {
            "manager_id": manager.master.manager_id.hex(),
            "actual_image_hash": "" if settings.image_hash is None else settings.image_hash.hex(),
            "is_test": settings.is_test,
            "terms": state.terms.hex(),
            "active": state.successor is None,
            "successor": "" if state.successor is None else state.successor.hex(),
            "generation": state.generation,
            "root_version": manager.root.current.version,
            "audit_records": manager.audit.count,
        },
        "keys": [
            {
                "public_key": record.public_key.hex(),
                "for_proxies": record.for_proxies,
                "for_workers": record.for_workers,
                "valid_since_config_version": record.since_version,
                "valid_since_utime": record.valid_since,
                "valid_until_utime": record.valid_until,
            }
            for record in state.records()
        ],
        "approvals": approvals,
        "last_serial": state.last_serial,
    }


def _metrics(role: "KeyManagerRole") -> str:
    manager = role.manager
    gauges = {
        "keys": len(manager.state.keys),
        "connections": role.connections,
        "refusals": manager.refusals,
        "audit_records": manager.audit.count,
        "active": int(manager.state.successor is None),
        "root_version": manager.root.current.version,
        "root_is_fresh": int(manager.root.is_fresh),
    }
    return "".join(f"cocoon_key_manager_{name} {value}\n" for name, value in gauges.items())


def _action(act: Callable[[Request], Awaitable[str]]) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            return PlainTextResponse(await act(request) + "\n")
        except CocoonError as error:
            status = error.http_status if error.exit_code == 1 else 400
            return PlainTextResponse(f"failed: {error}\n", status)

    return endpoint


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < MAX_DIGITS):
        raise BadRequestError("not a whole number")
    return int(text)


def _key(text: str) -> bytes:
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != 32:
        raise BadRequestError("a key is named by 64 hex digits")
    return key
