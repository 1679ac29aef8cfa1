"""The HTTP interface of an embedded chain as one ASGI application.

``/api/v2`` and ``/api/v3`` speak as the public indexers do, so that TON's ordinary SDKs work
unchanged; ``/devnet`` is ours; ``/`` is a page for people. Nothing here asks for a password: who
serves it listens on a loopback address and keeps web pages away.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import structlog

from cocoon.chain.embedded.chain import EmbeddedChain
from cocoon.chain.embedded.http import control, explorer, page, v2, v3
from cocoon.chain.embedded.http.arguments import Arguments
from cocoon.chain.embedded.http.call import (
    HTML,
    Answer,
    Call,
    Receive,
    Scope,
    Send,
    json_answer,
    json_object,
    query_arguments,
    read_call,
    send_answer,
)
from cocoon.chain.embedded.http.refusal import INVALID, RefusedCallError
from cocoon.errors import (
    BadRequestError,
    ChainError,
    CocoonError,
    DecodeError,
    MessageRejectedError,
    where,
)

HEALTH = "/health"
MAX_WAITING = 512
"""Calls at a time; more are asked to come back."""
V2 = "/api/v2/"
V3 = "/api/v3/"
DEVNET = "/devnet/"
REJECTED = "LITE_SERVER_UNKNOWN: cannot apply external message to current state : "
"""How the public indexers begin to tell of a message that its contract did not accept."""

_SENDING = frozenset({"sendBoc", "sendBocReturnHash", "sendQuery", "message"})
"""Calls that change something: by ``POST`` only, as browsers send a ``GET`` for any page."""

log = structlog.get_logger("cocoon.chain")

Handler = Callable[[EmbeddedChain, Arguments], Any]
Lookup = Callable[[EmbeddedChain, str], Any]

READING: dict[str, Handler] = {
    "status": control.status,
    "time": control.clock,
    "snapshots": control.snapshots,
    "transactions": explorer.transactions,
    "blocks": explorer.blocks,
    "accounts": explorer.accounts,
}
LOOKUPS: dict[str, Lookup] = {
    "transaction": explorer.one_transaction,
    "block": explorer.one_block,
    "account": explorer.one_account,
}
CHANGING: dict[str, Handler] = {
    "faucet": control.faucet,
    "time": control.set_clock,
    "snapshots/save": control.save,
    "snapshots/restore": control.restore,
    "library": control.publish_library,
    "block": control.make_block,
}


class ChainApi:
    """The application.

    Args:
        chain: stays the caller's, who closes it after the last call.
        control: whether callers may change more than by sending messages.
    """

    def __init__(self, chain: EmbeddedChain, *, control: bool = True) -> None:
        self._chain = chain
        self._control = control
        self._running = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call; whatever the caller sent, it gets an answer."""
        if scope["type"] != "http":
            return
        try:
            call = await read_call(scope, receive)
        except RefusedCallError as refusal:
            await send_answer(send, _error(scope["path"], refusal.status, str(refusal)))
            return
        await send_answer(send, await self._in_thread(call), with_body=call.method != "HEAD")

    async def _in_thread(self, call: Call) -> Answer:
        """The chain runs for milliseconds and waits for its file: not in the event loop."""
        if self._running >= MAX_WAITING:
            return _error(call.path, 429, "too many calls at a time")
        self._running += 1
        try:
            return await asyncio.to_thread(self.answer, call)
        finally:
            self._running -= 1

    def answer(self, call: Call) -> Answer:
        """Answer a call that was read; raises nothing."""
        try:
            return self._route(call)
        except CocoonError as error:
            status, text = _describe(error)
        except Exception as error:  # the outermost boundary
            log.exception("call failed", path=call.path, at=where(error), exc_info=False)
            status, text = 500, "internal error"
        return _error(call.path, status, text)

    def _route(self, call: Call) -> Answer:
        if call.method not in ("GET", "HEAD", "POST"):
            raise RefusedCallError("only GET and POST are answered", 405)
        if call.path == HEALTH:
            return json_answer({"status": "ok", "seqno": self._chain.head().seqno})
        if call.path == "/":
            return Answer(200, page.render(self._chain).encode(), HTML, page.HEADERS)
        if call.path.startswith(V2):
            return self._v2(call, call.path.removeprefix(V2))
        if call.path.startswith(V3):
            handler = _method(v3.METHODS, call.path.removeprefix(V3), call)
            return json_answer(handler(self._chain, _arguments(call)))
        if call.path.startswith(DEVNET):
            return json_answer(self._devnet(call, call.path.removeprefix(DEVNET)))
        raise RefusedCallError("there is nothing at this path", 404)

    def _v2(self, call: Call, name: str) -> Answer:
        if name == "jsonRPC":
            return self._json_rpc(call)
        handler = _method(v2.METHODS, name, call)
        return _success(handler(self._chain, _arguments(call)))

    def _json_rpc(self, call: Call) -> Answer:
        request = json_object(call.body)
        mark = request.get("id")
        extra = {"jsonrpc": "2.0", "id": mark if isinstance(mark, (int, str)) else None}
        try:
            name, params = request.get("method"), request.get("params") or {}
            if not isinstance(name, str) or not isinstance(params, dict):
                raise RefusedCallError("give a method's name and its params as an object")
            handler = _method(v2.METHODS, name, call)
            return _success(handler(self._chain, Arguments(params)), extra)
        except CocoonError as error:
            status, text = _describe(error)
            return json_answer({"ok": False, "error": text, "code": status} | extra, status)

    def _devnet(self, call: Call, name: str) -> Any:
        if call.method == "POST":
            changing = CHANGING.get(name)
            if changing is None:
                raise RefusedCallError("there is nothing to POST to at this path", 404)
            if not self._control:
                raise RefusedCallError("this chain is not controlled from outside", 403)
            return changing(self._chain, _arguments(call))
        reading = READING.get(name)
        if reading is not None:
            return reading(self._chain, _arguments(call))
        kind, _, key = name.partition("/")
        if kind in LOOKUPS and key:
            return LOOKUPS[kind](self._chain, key)
        raise RefusedCallError("there is nothing at this path", 404)


def create_app(chain: EmbeddedChain, *, control: bool = True) -> ChainApi:
    """The ASGI application; arguments as :class:`ChainApi`."""
    return ChainApi(chain, control=control)


def _arguments(call: Call) -> Arguments:
    values = query_arguments(call.query)
    if call.method == "POST":
        values |= json_object(call.body)
    return Arguments(values)


def _method(table: dict[str, Handler], name: str, call: Call) -> Handler:
    handler = table.get(name)
    if handler is None:
        raise RefusedCallError("there is no such method", 404)
    if name in _SENDING and call.method != "POST":
        raise RefusedCallError(f"{name} needs POST", 405)
    return handler


def _success(result: Any, extra: dict[str, Any] | None = None) -> Answer:
    return json_answer(
        {"ok": True, "result": result, "@extra": f"{time.time()}:0:0"} | (extra or {})
    )


def _describe(error: CocoonError) -> tuple[int, str]:
    """Status and text of an error."""
    if isinstance(error, RefusedCallError):
        return error.status, str(error)
    if isinstance(error, MessageRejectedError):
        return 500, f"{REJECTED}External message was not accepted\n{_reason(error)}"
    if isinstance(error, (BadRequestError, ChainError, DecodeError)):
        return INVALID, str(error)  # what the chain refuses is what the call asked for
    log.error("call failed", error=str(error), at=where(error))
    return 500, str(error)


def _reason(error: MessageRejectedError) -> str:
    code = error.contract_exit_code
    return str(error) if code is None else f"{error}\nexitcode={code}"


def _error(path: str, status: int, text: str) -> Answer:
    """An error in the form of the interface that was called."""
    if path.startswith(V2):
        return json_answer({"ok": False, "error": text, "code": status}, status)
    return json_answer({"error": text, "code": status}, status)
