"""Money, models and requests of the official proxy stand-in (wire-protocol.md §3.3, §4.3, §7)."""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from official.chain import Signer
from official.link import Link
from official.tl import Obj, tokens

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


class ProxyRequests:
    """The part of the proxy that works once handshakes are done."""

    signer: Signer
    owner: bytes
    peers: list[Peer]
    script: Callable[[Peer, Obj], None] | None
    aborted: str

    # --- money ---

    def _signed(self, account: Account) -> Obj:
        boc = self.signer.payment(account.op, account.chain, account.contract, self.owner)
        return Obj("proxy.signedPayment", data=boc)

    def _counters(self, account: Account) -> dict[str, Any]:
        return {"signed_payment": self._signed(account), "db": account.db, "max": account.max}

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
