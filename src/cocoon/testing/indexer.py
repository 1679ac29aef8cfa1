"""An HTTP indexer of the toncenter kind on loopback that misbehaves on demand.

It shows what a test puts in, truthful or not; what it does with single requests is told by
:attr:`FalseIndexer.faults`. How an honest indexer behaves is tested against the embedded chain.
"""

import asyncio
import base64
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from cocoon.chain.address import Address
from cocoon.chain.boc import to_boc
from cocoon.chain.cells import Cell
from cocoon.chain.evidence import TESTNET_ID, TESTNET_ZERO_STATE
from cocoon.chain.transaction import parse_transaction

HUGE = 64 * 1024 * 1024


@dataclass(slots=True)
class Fault:
    """What to do with one request instead of answering it.

    Args:
        status: HTTP status to answer with.
        body: what to answer.
        headers: of that answer.
        kind: ``answer``; ``truncate`` the true answer; ``huge``: send without end; ``hang`` without
            any answer; ``close`` the connection; ``after``: do what is asked, then fail.
    """

    status: int = 500
    body: bytes = b'{"ok":false,"error":"made to fail","code":500}'
    headers: Mapping[str, str] = field(default_factory=dict)
    kind: str = "answer"


@dataclass(slots=True)
class Shown:
    """An account as it is shown.

    Args:
        balance: nanoTON.
        state: in words of the v2 API.
        code: code cell.
        data: data cell.
        history: transactions, newest first.
        last: logical time and hash of the last transaction, where not that of the history.
    """

    balance: int = 0
    state: str = "uninitialized"
    code: Cell | None = None
    data: Cell | None = None
    history: list[Cell] = field(default_factory=list)
    last: tuple[int, bytes] | None = None

    def last_transaction(self) -> tuple[int, bytes]:
        """Logical time and hash."""
        if self.last is not None:
            return self.last
        if not self.history:
            return 0, bytes(32)
        return parse_transaction(self.history[0]).lt, self.history[0].hash


class FalseIndexer:
    """The server; use it in an ``async with`` block.

    Attributes:
        seqno, time: the newest block.
        zero_state, network_id: which network it pretends to be.
        accounts: what it shows.
        faults: what it does with the next requests, first first; then it answers.
        requests: name of each method asked for, as they came.
        keys: the API key that came with each.
        sent: messages handed over, as text.
        method: what a get-method returns.
    """

    def __init__(self, time: int = 1_800_000_000) -> None:
        self.seqno = 100
        self.time = time
        self.zero_state = TESTNET_ZERO_STATE
        self.network_id = TESTNET_ID
        self.accounts: dict[Address, Shown] = {}
        self.faults: deque[Fault] = deque()
        self.requests: list[str] = []
        self.keys: list[str | None] = []
        self.sent: list[str] = []
        self.method: dict[str, Any] = {"exit_code": 0, "stack": [], "gas_used": 100}
        self.url = ""
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=HUGE)
        app.router.add_route("*", "/api/{version}/{method}", self._serve)
        # A request that hangs on purpose ends when its sender gives up.
        self._runner = web.AppRunner(app, shutdown_timeout=0.0, handler_cancellation=True)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        version, method = request.match_info["version"], request.match_info["method"]
        self.requests.append(method)
        self.keys.append(request.headers.get("X-API-Key"))
        asked: dict[str, Any] = dict(request.query)
        if request.method == "POST":
            asked = await request.json()
        fault = self.faults.popleft() if self.faults else None
        if fault is None or fault.kind in ("truncate", "after"):
            value = self._v2(method, asked) if version == "v2" else self._v3(method, asked)
            if fault is None:
                return web.json_response(value)
        return await self._misbehave(request, fault, method, asked)

    async def _misbehave(
        self, request: web.Request, fault: Fault, method: str, asked: dict[str, Any]
    ) -> web.StreamResponse:
        if fault.kind == "hang":
            await asyncio.Event().wait()
        if fault.kind == "close" and request.transport is not None:
            request.transport.close()
        if fault.kind == "truncate":
            text = web.json_response(self._v2(method, asked)).body
            assert isinstance(text, bytes)
            return web.Response(body=text[: len(text) // 2], content_type="application/json")
        if fault.kind == "huge":
            stream = web.StreamResponse()
            await stream.prepare(request)
            for _ in range(HUGE // 2**16):
                await stream.write(bytes(2**16))
            return stream
        return web.Response(status=fault.status, body=fault.body, headers=dict(fault.headers))

    def _v2(self, method: str, asked: dict[str, Any]) -> Any:
        match method:
            case "getMasterchainInfo":
                last = {"shard": "-9223372036854775808", "seqno": self.seqno, "root_hash": _b64()}
                init = {"shard": "0", "seqno": 0, "root_hash": _b64(self.zero_state)}
                return _ok({"last": last, "init": init})
            case "getBlockHeader":
                return _ok({"gen_utime": self.time, "global_id": self.network_id})
            case "getAddressInformation":
                return _ok(self._account(Address.parse(asked["address"])))
            case "getTransactions":
                return _ok(self._transactions(asked))
            case "sendBoc":
                self.sent.append(asked["boc"])
                return _ok({"@type": "ok"})
            case "runGetMethod":
                return _ok(self.method)
        raise web.HTTPNotFound

    def _v3(self, method: str, asked: dict[str, Any]) -> Any:
        match method:
            case "masterchainInfo":
                block = {"seqno": self.seqno, "gen_utime": str(self.time)}
                return {"last": block | {"global_id": self.network_id}}
            case "accountStates":
                return {"accounts": self._v3_accounts(Address.parse(asked["address"]))}
            case "message":
                self.sent.append(asked["boc"])
                return {"message_hash": _b64()}
            case "runGetMethod":
                return self.method
        raise web.HTTPNotFound

    def _account(self, address: Address) -> dict[str, Any]:
        shown = self.accounts.get(address, Shown())
        lt, last = shown.last_transaction()
        return {
            "balance": str(shown.balance),
            "state": shown.state,
            "code": _boc(shown.code),
            "data": _boc(shown.data),
            "last_transaction_id": {"lt": str(lt), "hash": _b64(last)},
            "sync_utime": self.time,
            "frozen_hash": "",
        }

    def _v3_accounts(self, address: Address) -> list[dict[str, Any]]:
        shown = self.accounts.get(address)
        if shown is None:
            return []
        lt, last = shown.last_transaction()
        return [
            {
                "address": address.raw().upper(),
                "balance": str(shown.balance),
                "status": shown.state,
                "code_boc": _boc(shown.code) or None,
                "data_boc": _boc(shown.data) or None,
                "code_hash": None if shown.code is None else _b64(shown.code.hash),
                "data_hash": None if shown.data is None else _b64(shown.data.hash),
                "last_transaction_lt": str(lt),
                "last_transaction_hash": _b64(last),
            }
        ]

    def _transactions(self, asked: dict[str, Any]) -> list[dict[str, Any]]:
        cells = self.accounts.get(Address.parse(asked["address"]), Shown()).history
        start = int(asked["lt"]) if "lt" in asked else None
        parsed = [(parse_transaction(cell), cell) for cell in cells]
        found = [item for item in parsed if start is None or item[0].lt <= start]
        return [
            {
                "data": _boc(cell),
                "transaction_id": {"lt": str(item.lt), "hash": _b64(item.hash)},
            }
            for item, cell in found[: int(asked["limit"])]
        ]


def _ok(result: Any) -> dict[str, Any]:
    return {"ok": True, "result": result}


def _b64(data: bytes = bytes(32)) -> str:
    return base64.b64encode(data).decode()


def _boc(cell: Cell | None) -> str:
    return "" if cell is None else _b64(to_boc(cell))
