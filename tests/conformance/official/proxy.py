"""The official proxy runner, as far as the wire goes (wire-protocol.md §3, §4, §7)."""

import asyncio
import hashlib
import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from official import chain
from official.chain import CLIENT_CHARGE, EMPTY_SECRET_HASH, WORKER_PAYOUT, Root, Signer
from official.link import Link, RefuseError, Transcript
from official.router import HOST
from official.tl import Obj, ParseError, tokens

INT_MAX = 2**31 - 1


@dataclass
class Account:
    """A client's or worker's counters; ``chain`` is what may be signed."""

    contract: bytes
    op: int
    max: int = 0
    db: int = 0
    chain: int = 0

    def use(self, used: int) -> None:
        """Count."""
        self.max += used

    def commit(self) -> None:
        """As after the save-state of a flush."""
        self.db = self.chain = self.max


@dataclass
class Peer:
    """One connection and where its handshake stands."""

    link: Link
    kind: str
    state: str = "None"
    proto: int = 0
    account: Account | None = None
    owner: str = ""
    model: str = ""
    coefficient: int = 0
    limit: int = 0
    disabled: bool = True
    running: dict[bytes, tuple["Peer", Obj, bool]] = field(default_factory=dict)


class OfficialProxy:
    """Two plain ports behind a router; every connection begins with the router's record.

    Args:
        root: the root configuration.
        owner: account of its operator, printed with the bounce flag of ``bounceable_owner``.
        seed: of its machine key.
        protos: versions it speaks.
        transcripts: by ``client`` and ``worker``.

    Attributes:
        script: called instead of forwarding, with the client's Peer and the query.
        disabled: finishes ``tcp.connected``, then closes.
        unknown_is_empty: greet unknown clients with long authorization and an Empty payment.
        aborted: set where the official process would abort, with the reason.
    """

    def __init__(
        self,
        root: Root,
        owner: bytes,
        seed: bytes,
        *,
        protos: tuple[int, int] = (0, 2),
        testnet: bool = True,
        bounceable_owner: bool = False,
        check_hashes: bool = False,
        transcripts: dict[str, Transcript] | None = None,
    ) -> None:
        self.root, self.owner, self.signer = root, owner, Signer(seed)
        self.protos, self.testnet, self.check_hashes = protos, testnet, check_hashes
        self.owner_text = chain.friendly(owner, testnet=testnet, bounceable=bounceable_owner)
        self.contract = root.proxy(owner, self.signer.public_key)
        self.transcripts = transcripts or {}
        self.script: Callable[[Peer, Obj], None] | None = None
        self.disabled = False
        self.unknown_is_empty = False
        self.aborted = ""
        self.clients: dict[bytes, Account] = {}
        self.workers: dict[bytes, Account] = {}
        self.peers: list[Peer] = []
        self.errors: list[str] = []
        self._servers: list[asyncio.Server] = []

    # --- life ---

    async def start(self) -> None:
        """Listen for clients and workers, on loopback only."""
        for kind in ("client", "worker"):
            server = await asyncio.start_server(self._acceptor(kind), HOST, 0)
            self._servers.append(server)
        self.client_port, self.worker_port = (
            server.sockets[0].getsockname()[1] for server in self._servers
        )

    async def close(self) -> None:
        """Stop, and drop every connection."""
        for server in self._servers:
            server.close()
        for peer in self.peers:
            await peer.link.aclose()

    def _acceptor(self, kind: str) -> Callable[..., Any]:
        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            link = Link(
                reader, writer, connector=False, record=True, transcript=self.transcripts.get(kind)
            )
            peer = Peer(link, kind)
            self.peers.append(peer)
            link.on_message = lambda obj: self._message(peer, obj)
            link.on_query = lambda obj: self._query(peer, obj)
            if self.disabled:
                await link.opened.wait()
                link.close()

        return accept

    # --- handshakes ---

    async def _query(self, peer: Peer, query: Obj) -> Obj:
        handler = {
            "client.connectToProxy": self._connect_client,
            "client.authorizeWithProxyShort": self._authorize,
            "client.authorizeWithProxyLong": self._authorize,
            "client.updatePaymentStatus": self._status,
            "client.getWorkerTypes": self._types,
            "client.getWorkerTypesV2": self._types_v2,
            "worker.connectToProxy": self._connect_worker,
            "worker.compareBalanceWithProxy": self._compare,
            "worker.extendedCompareBalanceWithProxy": self._extended,
            "worker.proxyHandshakeComplete": self._complete,
            "worker.updatePaymentStatus": self._status,
        }.get(query.name)
        if handler is None or not query.name.startswith(peer.kind):
            raise ParseError("unknown query")
        return handler(peer, query)

    def _negotiate(self, params: Obj) -> int:
        low, high = params.get("min_proto", 0), params.get("max_proto", 0)
        proto = min(high, self.protos[1])
        if proto < max(low, self.protos[0]):
            raise RefuseError(621, "protocol versions do not overlap")
        return proto

    def _common(self, params: Obj) -> None:
        if not params["flags"] & 1:
            raise RefuseError(602, "is_test is not set")
        if params["is_test"] is not True:
            raise RefuseError(602, "is_test mismatch")

    def _params(self, proto: int) -> Obj:
        fields: dict[str, Any] = {"proto": proto} if proto > 0 else {}
        return Obj(
            "proxy.params",
            flags=3 if proto > 0 else 1,
            public_key=self.signer.public_key,
            owner=self.owner_text,
            sc_address=chain.friendly(self.contract, testnet=self.testnet),
            is_test=True,
            **fields,
        )

    def _connect_client(self, peer: Peer, query: Obj) -> Obj:
        params = query["params"]
        self._common(params)
        try:
            owner = chain.account(params["owner"])
        except ValueError:
            raise RefuseError(602, "bad address") from None
        if query["min_config_version"] > self.root.version:
            raise RefuseError(602, "unknown config version")
        peer.proto = self._negotiate(params)
        known = owner in self.clients
        if not known:
            contract = self.root.client(owner, self.contract, self.signer.public_key)
            self.clients[owner] = Account(contract, CLIENT_CHARGE)
        peer.account = self.clients[owner]
        peer.state, peer.owner = "Auth", params["owner"].decode()
        long = self.unknown_is_empty and not known
        name = "Long" if long else "Short"
        auth: dict[str, Any] = {} if long else {"secret_hash": EMPTY_SECRET_HASH}
        return Obj(
            "client.connectedToProxy",
            params=self._params(peer.proto),
            sc_address=chain.friendly(peer.account.contract, testnet=self.testnet),
            auth=Obj(f"client.proxyConnectionAuth{name}", nonce=0, **auth),
            signed_payment=Obj("proxy.signedPaymentEmpty") if long else self._signed(peer.account),
        )

    def _authorize(self, peer: Peer, query: Obj) -> Obj:
        if peer.state != "Auth" or peer.account is None:
            raise RefuseError(621, "not in handshake")
        short = query.name.endswith("Short")
        if short and hashlib.sha256(query["data"]).digest() != EMPTY_SECRET_HASH:
            raise RefuseError(602, "secret mismatch")
        peer.state = "Ok"
        return Obj("client.authorizationWithProxySuccess", **self._counters(peer.account))

    def _connect_worker(self, peer: Peer, query: Obj) -> Obj:
        params = query["params"]
        if self.check_hashes:
            assert peer.link.peer is not None
            if peer.link.peer.image_hash not in self.root.hashes("worker_hashes"):
                raise RefuseError(621, "unknown worker hash")
            if hashlib.sha256(params["model"]).digest() not in self.root.models:
                raise RefuseError(621, "unknown model hash")
        self._common(params)
        count, most = params.get("proxy_cnt", 0), params.get("max_active_requests", 0)
        if not params["model"] or not 0 <= params["coefficient"] < 10**9 or count < 1 or most < 1:
            raise RefuseError(602, "bad params")
        peer.proto = self._negotiate(params)
        owner = chain.account(params["owner"])
        if owner not in self.workers:
            contract = self.root.worker(owner, self.contract, self.signer.public_key)
            self.workers[owner] = Account(contract, WORKER_PAYOUT)
        peer.account, peer.state = self.workers[owner], "Compare"
        peer.model = params["model"].decode()
        peer.coefficient, peer.limit = params["coefficient"], -(-most // count)
        return Obj(
            "worker.connectedToProxy",
            params=self._params(peer.proto),
            sc_address=chain.friendly(peer.account.contract, testnet=self.testnet),
        )

    def _compare(self, peer: Peer, query: Obj) -> Obj:
        if peer.state != "Compare" or peer.account is None:
            raise RefuseError(621, "not in compare")
        account = peer.account
        if query["chain"] > account.chain or query["db"] > account.db:
            self._abort("the worker claims more committed tokens than there are")
            raise RefuseError(601, "aborted")
        behind = query["max"] > account.max
        peer.state = "CompareExt" if behind else "Complete"
        return Obj(
            "worker.compareBalanceWithProxyResult",
            **self._counters(account),
            error_code=int(behind),
        )

    def _extended(self, peer: Peer, query: Obj) -> Obj:
        if peer.state != "CompareExt":
            raise RefuseError(621, "not in extended compare")
        return Obj("worker.extendedCompareBalanceWithProxyResult", error_code=0)

    def _complete(self, peer: Peer, query: Obj) -> Obj:
        if peer.state != "Complete":
            # Still in CompareExt after an extended compare: this is parsed as another one.
            raise RefuseError(621, "cannot parse extended compare")
        peer.state, peer.disabled = "Ok", query["is_disabled"]
        return Obj("worker.proxyHandshakeCompleted")

    # --- money ---

    def _signed(self, account: Account) -> Obj:
        boc = self.signer.payment(account.op, account.chain, account.contract, self.owner)
        return Obj("proxy.signedPayment", data=boc)

    def _counters(self, account: Account) -> dict[str, Any]:
        return {"signed_payment": self._signed(account), "db": account.db, "max": account.max}

    def _status(self, peer: Peer, query: Obj) -> Obj:
        if peer.state != "Ok" or peer.account is None:
            raise RefuseError(621, "not ready")
        return Obj(f"{peer.kind}.paymentStatus", **self._counters(peer.account))

    def commit(self) -> None:
        """A flush whose save-state was seen on chain: now all of it may be signed."""
        for account in (*self.clients.values(), *self.workers.values()):
            account.commit()

    # --- models ---

    def _offers(self) -> dict[str, list[Peer]]:
        offers: dict[str, list[Peer]] = {}
        for peer in self.peers:
            if peer.kind == "worker" and peer.state == "Ok":
                offers.setdefault(peer.model.partition("@")[0], []).append(peer)
        return offers

    def _types(self, peer: Peer, query: Obj) -> Obj:
        types = []
        for name, workers in self._offers().items():
            values = sorted([worker.coefficient for worker in workers] + [INT_MAX])
            types.append(
                Obj(
                    "client.workerType",
                    name=name,
                    active_workers=len(workers),
                    min=values[0],
                    bucket50=values[len(values) // 2],
                    max=values[-1],
                )
            )
        return Obj("client.workerTypes", types=types)

    def _types_v2(self, peer: Peer, query: Obj) -> Obj:
        types = []
        for name, workers in self._offers().items():
            usable = sorted(
                (worker for worker in workers if not worker.disabled and _open(worker)),
                key=lambda worker: worker.coefficient,
            )
            listed = [
                Obj(
                    "client.workerInstanceV2",
                    flags=0,
                    coefficient=worker.coefficient,
                    active=len(worker.running),
                    max_active=worker.limit,
                )
                for worker in usable
            ]
            types.append(Obj("client.workerTypeV2", name=name, workers=listed))
        return Obj("client.workerTypesV2", types=types)

    # --- requests ---

    def _message(self, peer: Peer, obj: Obj) -> None:
        if peer.kind == "client":
            if peer.state == "Ok" and obj.name.startswith("client.runQuery"):
                (self.script or self._forward)(peer, obj)
        elif obj.name == "worker.enabledDisabled":
            if peer.state == "Ok":  # lost during the handshake
                peer.disabled = obj["disabled"] != 0
        elif obj.name == "worker.newCoefficient":
            peer.coefficient = obj["coefficient"]
        elif obj.name.startswith("proxy.queryAnswer"):
            self._answered(peer, obj)

    def reject(self, client: Peer, query: Obj, code: int, text: str, *, part: bool = False) -> None:
        """An error of our own: the old form, whatever the client's version."""
        name = "client.queryAnswerPartError" if part else "client.queryAnswerError"
        client.link.message(
            Obj(name, error_code=code, error=text, request_id=query["request_id"], used=tokens())
        )

    def _forward(self, client: Peer, query: Obj) -> None:
        workers = self._offers().get(query["model"].decode())
        if workers is None:
            self.reject(client, query, 621, "unknown model")
            return
        ready = [w for w in workers if not w.disabled and len(w.running) < w.limit and _open(w)]
        if not ready:
            self.reject(client, query, 651, "no ready workers for model")
            return
        cheap = [w for w in ready if w.coefficient <= query["max_coefficient"]]
        if not cheap:
            text = f"can run this query with coefficient={min(w.coefficient for w in ready)}"
            self.reject(client, query, 651, text)
            return
        worker = cheap[0]
        assert worker.account is not None
        number = os.urandom(32)
        debug = query.get("debug", False)
        worker.running[number] = (client, query, False)
        fields: dict[str, Any] = {
            "query": query["query"],
            "signed_payment": self._signed(worker.account),
            "coefficient": worker.coefficient,
            "timeout": 0.95 * query["timeout"],
            "request_id": number,
        }
        if worker.proto:
            worker.link.message(Obj("proxy.runQueryEx", **fields, flags=1, debug=debug))
        else:
            worker.link.message(Obj("proxy.runQuery", **fields))

    def _answered(self, worker: Peer, obj: Obj) -> None:
        number = obj["request_id"]
        if number not in worker.running:
            return  # late
        client, query, started = worker.running[number]
        old, error = not obj.name.endswith("Ex"), "Error" in obj.name
        if old:
            done, used, final = obj.get("is_completed", True), obj["used"], None
        else:
            done, final = bool(obj["flags"] & 1), obj.get("final")
            used = final["used"] if final is not None else tokens()
            if error and final is None:
                self._abort("a worker's error without final info is dereferenced")
                return
        worker.running[number] = (client, query, True)
        if done or error:
            del worker.running[number]
        if error:
            self.answer(
                client, query, "Error", final=(tokens(), final),
                error_code=obj["error_code"], error=obj["error"],
            )  # fmt: skip
        else:
            kind = "Part" if started else ""
            self.answer(
                client, query, kind, final=(used, final) if done else None, answer=obj["answer"]
            )
        if done or error:
            self._settle(worker, client, number, query, 0 if error else used["total"])

    def answer(
        self,
        client: Peer,
        query: Obj,
        kind: str,
        *,
        final: tuple[Obj, Obj | None] | None,
        **fields: Any,
    ) -> None:
        """Part of an answer in the client's form; ``final``: used tokens and the worker's info."""
        fields["request_id"] = query["request_id"]
        if client.proto == 0:
            old = {"used": final[0] if final else tokens()}
            if kind != "Error":
                old["is_completed"] = final is not None
            client.link.message(Obj(f"client.queryAnswer{kind}", **fields, **old))
            return
        fields["flags"] = int(final is not None)
        if final is not None:
            used, worker = final
            debug = query.get("debug", False)
            now = time.time()
            fields["final"] = Obj(
                "client.queryFinalInfo",
                flags=int(debug) | (2 if client.proto >= 2 else 0),
                used=used,
                worker_debug=(worker or {}).get("worker_debug", b""),
                proxy_debug=b"{}",
                proxy_start=now,
                proxy_end=now,
                worker_start=(worker or {}).get("worker_start", 0.0),
                worker_end=(worker or {}).get("worker_end", 0.0),
            )
        client.link.message(Obj(f"client.queryAnswer{kind}Ex", **fields))

    def _settle(self, worker: Peer, client: Peer, number: bytes, query: Obj, used: int) -> None:
        assert worker.account is not None
        worker.account.use(used)
        self.charge(client, query, used)
        with suppress(ConnectionError):
            worker.link.message(
                Obj(
                    "proxy.workerRequestPayment",
                    request_id=number,
                    **self._counters(worker.account),
                    request_tokens=used,
                    client_owner=client.owner,
                )
            )

    def charge(self, client: Peer, query: Obj, used: int) -> None:
        """Count, and tell: the signed amount lags behind until the next commit."""
        assert client.account is not None
        client.account.use(used)
        client.link.message(
            Obj(
                "proxy.clientRequestPayment",
                request_id=query["request_id"],
                **self._counters(client.account),
                request_tokens=used,
            )
        )

    def _abort(self, reason: str) -> None:
        self.aborted = reason
        for peer in self.peers:
            peer.link.close()


def _open(peer: Peer) -> bool:
    return not peer.link.closed.is_set()
