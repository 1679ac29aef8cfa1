"""The official worker runner, as far as the wire goes (wire-protocol.md §4, §6)."""

import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from official import chain
from official.chain import WORKER_PAYOUT, Root
from official.client import DisagreementError
from official.link import Link, Transcript
from official.router import HOST, socks_connect
from official.tl import Obj, decode, tokens
from official.validate import RefusedBodyError, validate


@dataclass
class EngineAnswer:
    """What the model server says; ``body`` as it is read from its socket."""

    status: int = 200
    reason: str = "OK"
    headers: list[tuple[str, str]] = field(
        default_factory=lambda: [("Content-Type", "application/json"), ("Connection", "Close")]
    )
    body: list[bytes] = field(default_factory=list)


class Counter:
    """Counts tokens and cuts the body into JSON values, as ``CountTokens`` does (§6.1)."""

    def __init__(self) -> None:
        self.rest = b""
        self.prompt = self.cached = self.completion = self.reasoning = 0

    def feed(self, data: bytes) -> bytes:
        """The values that are complete; nothing of a body that does not begin as JSON."""
        self.rest += data
        out = b""
        decoder = json.JSONDecoder()
        while True:
            text = self.rest.decode("latin-1").lstrip()
            try:
                value, end = decoder.raw_decode(text)
            except ValueError:
                return out
            self.rest = text[end:].encode("latin-1")
            if isinstance(value, dict) and isinstance(value.get("usage"), dict):
                self._usage(value["usage"])
            out += json.dumps(value, sort_keys=True, separators=(",", ":")).encode() + b"\n"

    def _usage(self, usage: dict[str, Any]) -> None:
        self.prompt = max(self.prompt, usage.get("prompt_tokens", 0))
        self.completion = max(self.completion, usage.get("completion_tokens", 0))
        cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens", 0)
        reasoning = (usage.get("completion_tokens_details") or {}).get("reasoning_tokens", 0)
        self.cached, self.reasoning = max(self.cached, cached), max(self.reasoning, reasoning)

    def adjusted(self, coefficient: int) -> Obj:
        """Adjusted tokens; all multipliers are 10000 in simulated TON."""

        def one(n: int) -> int:
            return math.trunc(((n * (coefficient * 0.001)) * 10000) * 0.0001)

        return tokens(
            one(self.prompt - self.cached),
            one(self.cached),
            one(self.completion - self.reasoning),
            one(self.reasoning),
        )


class OfficialWorker:
    """A worker with one proxy connection.

    Args:
        root: the root configuration.
        owner: account that payouts go to.
        model: full name.
        engine: makes the model server's answer to an ``http.request``; an EngineAnswer, or a
            ``(code, text)`` of a failure.

    Attributes:
        report: changes what a request is said to have used.
        validates: whether bodies must be what §5.4 lists.
        known: remembered counters of this proxy; a restart forgets them.
        left: why it has left, if it has.
    """

    def __init__(
        self,
        root: Root,
        owner: bytes,
        *,
        model: str,
        engine: Callable[[Obj], EngineAnswer | tuple[int, str]],
        coefficient: int = 1000,
        max_active: int = 60,
        proxy_cnt: int = 1,
        protos: tuple[int, int] | None = (1, 2),
        testnet: bool = True,
        check_hashes: bool = False,
        transcript: Transcript | None = None,
    ) -> None:
        self.root, self.owner, self.model, self.engine = root, owner, model, engine
        self.coefficient, self.max_active, self.proxy_cnt = coefficient, max_active, proxy_cnt
        self.protos, self.testnet, self.check_hashes = protos, testnet, check_hashes
        self.transcript = transcript
        self.known = {"chain": 0, "db": 0, "max": 0}
        self.report: Callable[[Obj], Obj] = lambda used: used
        self.validates = True
        self.link: Link | None = None
        self.proto = 0
        self.left = ""
        self.queries: list[Obj] = []
        self.payments: list[Obj] = []

    # --- handshake ---

    async def dial(self, router: int, port: int) -> None:
        """Connect through the router, which a worker always needs, and become ready."""
        reader, writer = await socks_connect(router, HOST, port)
        self.link = Link(reader, writer, connector=True, record=True, transcript=self.transcript)
        self.link.on_message = self._message
        try:
            await self._handshake(self.link)
        except BaseException:
            self.link.close()
            raise

    async def _handshake(self, link: Link) -> None:
        fields: dict[str, Any] = {
            "owner": chain.friendly(self.owner, testnet=self.testnet),
            "model": self.model,
            "coefficient": self.coefficient,
            "is_test": True,
            "proxy_cnt": self.proxy_cnt,
            "max_active_requests": self.max_active,
            "flags": 1,
        }
        if self.protos is not None:
            fields |= {"flags": 3, "min_proto": self.protos[0], "max_proto": self.protos[1]}
        connected = await link.query(
            Obj("worker.connectToProxy", params=Obj("worker.params", **fields))
        )
        if self.check_hashes:
            assert link.peer is not None
            if link.peer.image_hash not in self.root.hashes("proxy_hashes"):
                raise DisagreementError("unknown proxy image")
        self._check_greeting(connected)
        result = await link.query(Obj("worker.compareBalanceWithProxy", **self.known))
        signed = self._signed(result["signed_payment"])
        if signed < self.known["chain"] or result["db"] < self.known["db"]:
            raise DisagreementError("the proxy was rolled back")
        self.known = {"chain": signed, "db": result["db"], "max": result["max"]}
        if result["error_code"]:
            more = Obj("worker.extendedCompareBalanceWithProxy", db=self.known["db"], other=b"")
            if (await link.query(more))["error_code"]:
                raise DisagreementError("extended compare")
        await link.query(Obj("worker.proxyHandshakeComplete", is_disabled=False))

    def _check_greeting(self, connected: Obj) -> None:
        params = connected["params"]
        if not params["flags"] & 3 or params.get("is_test") is not True:
            raise DisagreementError("flags or is_test")
        owner, self.key = chain.account(params["owner"]), params["public_key"]
        proxy = self.root.proxy(owner, self.key)
        if params["sc_address"].decode() != chain.friendly(proxy, testnet=self.testnet):
            raise DisagreementError("proxy contract address")
        self.contract = self.root.worker(self.owner, proxy, self.key)
        if connected["sc_address"].decode() != chain.friendly(self.contract, testnet=self.testnet):
            raise DisagreementError("worker contract address")
        self.proto = params.get("proto", 0)

    # --- payments ---

    def _signed(self, payment: Obj) -> int:
        if payment.name == "proxy.signedPaymentEmpty":
            return 0
        return chain.verify_payment(payment["data"], WORKER_PAYOUT, self.contract, self.key)

    def _payment(self, obj: Obj) -> None:
        """Lower than known, or Empty: disconnect, and so force a new compare."""
        if obj["signed_payment"].name == "proxy.signedPaymentEmpty":
            self._leave("empty payment")
            return
        new = {"chain": self._signed(obj["signed_payment"]), "db": obj["db"], "max": obj["max"]}
        if any(new[name] < self.known[name] for name in new):
            self._leave(f"went back from {self.known} to {new}")
            return
        self.known = new

    async def update_payments(self) -> None:
        """``worker.updatePaymentStatus``."""
        assert self.link is not None
        self._payment(await self.link.query(Obj("worker.updatePaymentStatus")))

    def _leave(self, reason: str) -> None:
        assert self.link is not None
        self.left = reason
        self.link.close()

    # --- requests ---

    def _message(self, obj: Obj) -> None:
        if obj.name == "proxy.workerRequestPayment":
            self.payments.append(obj)
            self._payment(obj)
        elif obj.name in ("proxy.runQuery", "proxy.runQueryEx"):
            self.queries.append(obj)
            self._run(obj)

    def _run(self, query: Obj) -> None:
        started = time.time()
        number = query["request_id"]
        debug = query.get("debug", False)
        answer = self._ask_engine(decode(query["query"]))
        if not isinstance(answer, EngineAnswer):
            self._send("Error", number, tokens(), started, debug, error=answer)
            return
        head = [
            Obj("http.header", name=name, value=value)
            for name, value in answer.headers
            # Only names in exactly these lower-case forms are taken out: Content-Length goes on.
            if name not in ("content-length", "transfer-encoding", "connection")
        ]
        for name in ("X-Cocoon-Worker-Start", "X-Cocoon-Worker-End"):
            head.append(Obj("http.header", name=name, value=f"{time.time():.6f}"))
        framing = ("Transfer-Encoding", "chunked") if answer.body else ("Content-Length", "0")
        head.append(Obj("http.header", name=framing[0], value=framing[1]))
        response = Obj(
            "http.response",
            version="HTTP/1.1",
            status=answer.status,
            reason=answer.reason,
            headers=head,
            payload=b"",
        ).boxed()
        if not answer.body:
            self._send("", number, tokens(), started, debug, data=response)
            return
        self._send("", number, None, started, debug, data=response)
        counter = Counter()
        coefficient = query["coefficient"] & 0xFFFFFFFF
        for piece in answer.body[:-1]:
            data = counter.feed(piece)
            if data:
                self._send("Part", number, None, started, debug, data=data)
        last = counter.feed(answer.body[-1]) + counter.rest
        used = self.report(counter.adjusted(coefficient))
        self._send("Part", number, used, started, debug, data=last)

    def _ask_engine(self, request: Obj) -> EngineAnswer | tuple[int, str]:
        if self.validates:
            base, url = self.model.partition("@")[0], request["url"].decode()
            try:
                request["payload"] = validate(url, request["payload"], base)
            except RefusedBodyError as refusal:
                return 621, str(refusal)
        return self.engine(request)

    def _send(
        self,
        kind: str,
        number: bytes,
        used: Obj | None,
        started: float,
        debug: bool,
        *,
        data: bytes = b"",
        error: tuple[int, str] = (0, ""),
    ) -> None:
        assert self.link is not None
        fields: dict[str, Any] = {"request_id": number}
        fields |= (
            {"error_code": error[0], "error": error[1]} if kind == "Error" else {"answer": data}
        )
        if self.proto == 0:
            old = {"is_completed": used is not None, "used": used or tokens()}
            self.link.message(Obj(f"proxy.queryAnswer{kind}", **fields, **old))
            return
        fields["flags"] = int(used is not None)
        if used is not None:
            flags = int(debug) | (2 if self.proto >= 2 else 0)
            fields["final"] = Obj(
                "proxy.queryFinalInfo",
                flags=flags,
                used=used,
                worker_debug='{"stand-in":true}',
                worker_start=started,
                worker_end=time.time(),
            )
        self.link.message(Obj(f"proxy.queryAnswer{kind}Ex", **fields))

    async def close(self) -> None:
        """Disconnect."""
        if self.link is not None:
            await self.link.aclose()
