"""The official proxy runner, as far as the wire goes (wire-protocol.md §3, §4, §7)."""

import asyncio
import hashlib
from collections.abc import Callable
from typing import Any

from official import chain
from official.chain import CLIENT_CHARGE, EMPTY_SECRET_HASH, WORKER_PAYOUT, Root, Signer
from official.link import Link, RefuseError, Transcript
from official.proxy_requests import Account, Peer, ProxyRequests
from official.router import HOST
from official.tl import Obj, ParseError

__all__ = ["Account", "OfficialProxy", "Peer"]


class OfficialProxy(ProxyRequests):
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

    # --- payments ---

    def _status(self, peer: Peer, query: Obj) -> Obj:
        if peer.state != "Ok" or peer.account is None:
            raise RefuseError(621, "not ready")
        return Obj(f"{peer.kind}.paymentStatus", **self._counters(peer.account))

    def commit(self) -> None:
        """A flush whose save-state was seen on chain: now all of it may be signed."""
        for account in (*self.clients.values(), *self.workers.values()):
            account.commit()
