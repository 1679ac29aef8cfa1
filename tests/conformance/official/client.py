"""The official client runner, as far as the wire goes (wire-protocol.md §3)."""

import asyncio
import hashlib
import os
from typing import Any

from official import chain, tls
from official.attested import PeerInfo
from official.certs import Certificate
from official.chain import CLIENT_CHARGE, Root
from official.link import Link, Transcript
from official.router import HOST, socks_connect
from official.tl import Obj, decode

OLD_ANSWERS = {
    "client.queryAnswer",
    "client.queryAnswerPart",
    "client.queryAnswerError",
    "client.queryAnswerPartError",
}


class DisagreementError(Exception):
    """A check of the handshake failed; the official runner drops the connection."""


class Answer:
    """What has arrived for one request."""

    def __init__(self) -> None:
        self.head: Obj | None = None
        self.parts: list[bytes] = []
        self.error: tuple[int, str] | None = None
        self.final: Obj | None = None
        self.ended = asyncio.Event()
        self.payments: list[Obj] = []
        self.paid = asyncio.Event()

    @property
    def body(self) -> bytes:
        """Everything that came."""
        assert self.head is not None
        return bytes(self.head["payload"]) + b"".join(self.parts)

    @property
    def headers(self) -> dict[str, str]:
        """Of the head; the last of equal names."""
        assert self.head is not None
        return {h["name"].decode(): h["value"].decode() for h in self.head["headers"]}


class OfficialClient:
    """A client with one proxy connection.

    Args:
        root: the root configuration.
        wallet: account of its cocoon wallet, the owner on the wire.
        secret: ``secret_string``.
        protos: versions it offers; None for a client older than versions.
        check_hashes: the proxy's image must be listed.
    """

    def __init__(
        self,
        root: Root,
        wallet: bytes,
        *,
        secret: bytes = b"",
        protos: tuple[int, int] | None = (1, 2),
        testnet: bool = True,
        check_hashes: bool = False,
        transcript: Transcript | None = None,
    ) -> None:
        self.root, self.wallet, self.secret = root, wallet, secret
        self.protos, self.testnet, self.check_hashes = protos, testnet, check_hashes
        self.transcript = transcript
        self.link: Link | None = None
        self.proto = 0
        self.greeting: Obj | None = None
        self.auth = ""
        self.known = {"chain": 0, "db": 0, "max": 0}
        self.answers: dict[bytes, Answer] = {}
        self.ignored: list[str] = []

    # --- connecting ---

    async def dial_direct(self, port: int, certificate: Certificate, policy: str) -> None:
        """Do proof of work and TLS itself, as without ``connect_to_proxy_via``."""
        reader, writer, info = await tls.dial(HOST, port, certificate, policy)
        self.link = Link(reader, writer, connector=True, record=False, transcript=self.transcript)
        self.link.peer = info
        await self._begin()

    async def dial_socks(self, router: int, port: int) -> None:
        """Go through a local router."""
        reader, writer = await socks_connect(router, HOST, port)
        self.link = Link(reader, writer, connector=True, record=True, transcript=self.transcript)
        await self._begin()

    async def _begin(self) -> None:
        assert self.link is not None
        self.link.on_message = self._message
        try:
            await self._handshake(self.link)
        except BaseException:
            self.link.close()
            raise

    async def _handshake(self, link: Link) -> None:
        fields: dict[str, Any] = {"owner": self._text(self.wallet), "is_test": True, "flags": 1}
        if self.protos is not None:
            fields |= {"flags": 3, "min_proto": self.protos[0], "max_proto": self.protos[1]}
        connected = await link.query(
            Obj(
                "client.connectToProxy",
                params=Obj("client.params", **fields),
                min_config_version=self.root.version,
            )
        )
        # The record has come before this answer.
        self._check_image(link.peer)
        self._check_greeting(connected)
        auth = connected["auth"]
        self.auth = auth.name
        short = auth.name == "client.proxyConnectionAuthShort"
        if short and hashlib.sha256(self.secret).digest() == auth["secret_hash"]:
            query = Obj("client.authorizeWithProxyShort", data=self.secret)
        else:
            query = Obj("client.authorizeWithProxyLong")
        success = await link.query(query)
        if success.name != "client.authorizationWithProxySuccess":
            raise DisagreementError(success.name)
        self._payment(success)

    def _check_image(self, peer: PeerInfo | None) -> None:
        if self.check_hashes:
            assert peer is not None
            if peer.image_hash not in self.root.hashes("proxy_hashes"):
                raise DisagreementError("unknown proxy image")

    def _check_greeting(self, connected: Obj) -> None:
        params = connected["params"]
        if not params["flags"] & 3:
            raise DisagreementError("flags")
        if params.get("is_test", False) is not True:
            raise DisagreementError("is_test")
        owner, key = chain.account(params["owner"]), params["public_key"]
        proxy = self.root.proxy(owner, key)
        # The comparison is of texts: bounceable and test-net flags count.
        if params["sc_address"].decode() != self._text(proxy):
            raise DisagreementError("proxy contract address")
        self.contract = self.root.client(self.wallet, proxy, key)
        if connected["sc_address"].decode() != self._text(self.contract):
            raise DisagreementError("client contract address")
        self.key, self.greeting = key, connected
        self.proto = params.get("proto", 0)
        self._payment(Obj("client.paymentStatus", **connected, db=0, max=0))

    def _text(self, account: bytes) -> str:
        return chain.friendly(account, testnet=self.testnet)

    # --- payments ---

    def _payment(self, obj: Obj) -> None:
        signed = obj["signed_payment"]
        amount = 0
        if signed.name == "proxy.signedPayment":
            amount = chain.verify_payment(signed["data"], CLIENT_CHARGE, self.contract, self.key)
        for name, value in (("chain", amount), ("db", obj["db"]), ("max", obj["max"])):
            self.known[name] = max(self.known[name], value)

    async def update_payments(self) -> Obj:
        """``client.updatePaymentStatus``."""
        assert self.link is not None
        status = await self.link.query(Obj("client.updatePaymentStatus"))
        self._payment(status)
        return status

    async def models(self) -> Obj:
        """``getWorkerTypes`` in the form of the version."""
        assert self.link is not None
        form = "V2" if self.proto else ""
        return await self.link.query(Obj(f"client.getWorkerTypes{form}"))

    # --- requests ---

    def send(
        self,
        query: bytes,
        *,
        model: str,
        max_tokens: int = 1000,
        max_coefficient: int = 4000,
        timeout: float = 120.0,
        debug: bool = False,
    ) -> Answer:
        """Send a request; there is no timer of our own."""
        assert self.link is not None
        number = os.urandom(32)
        fields: dict[str, Any] = {
            "model": model,
            "query": query,
            "max_coefficient": max_coefficient,
            "max_tokens": max_tokens,
            "timeout": 0.95 * timeout,
            "request_id": number,
            "min_config_version": self.root.version,
        }
        self.answers[number] = answer = Answer()
        if self.proto:
            self.link.message(Obj("client.runQueryEx", **fields, flags=1, debug=debug))
        else:
            self.link.message(Obj("client.runQuery", **fields))
        return answer

    def _message(self, obj: Obj) -> None:
        if obj.name == "proxy.clientRequestPayment":
            self._payment(obj)
            answer = self.answers.get(obj["request_id"])
            if answer is not None:
                answer.payments.append(obj)
                answer.paid.set()
            return
        old = obj.name in OLD_ANSWERS
        if not obj.name.startswith("client.queryAnswer") or old == bool(self.proto):
            self.ignored.append(obj.name)
            return
        answer = self.answers.get(obj["request_id"])
        if answer is None or answer.ended.is_set():
            return
        if "Error" in obj.name:
            answer.error = (obj["error_code"], obj["error"].decode())
        elif "Part" in obj.name:
            answer.parts.append(obj["answer"])
        else:
            answer.head = decode(obj["answer"])
        if old:
            done, answer.final = obj.get("is_completed", True), obj["used"]
        else:
            done, answer.final = bool(obj["flags"] & 1), obj.get("final")
        if done or answer.error:
            answer.ended.set()

    async def close(self) -> None:
        """Disconnect."""
        if self.link is not None:
            await self.link.aclose()
