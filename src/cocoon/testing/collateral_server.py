"""The vendors' services on loopback: Intel's PCS and PCCS, AMD's KDS, NVIDIA's RIM and OCSP.

A stand-in for services that tests cannot reach. Paths, parameters, headers and forms of bodies are
those that the vendors document; what it serves is signed by the simulated authorities of a devnet,
in the vendors' formats. :attr:`CollateralServer.faults` makes it misbehave.
"""

import asyncio
import base64
import hashlib
import json
import ssl
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

from aiohttp import web
from cryptography.hazmat.primitives.serialization import Encoding

from cocoon.attestation.evidence.nvidia_collateral import OcspNeed, parse_need
from cocoon.attestation.evidence.snp_report import SigningKey
from cocoon.attestation.evidence.snp_tcb import SnpProduct
from cocoon.collateral.http import Limits
from cocoon.devnet.gpu import SimulatedGpus
from cocoon.devnet.snp_pki import SimulatedSnpPki
from cocoon.devnet.tee_pki import FMSPC, SimulatedPki

HUGE = 64 * 1024 * 1024
QUICK = Limits(timeout=2.0, deadline=5.0, attempts=3, first_delay=0.01, max_delay=0.02)
"""For tests that do not want to wait."""


@dataclass(slots=True)
class Fault:
    """What to do with one request instead of answering it.

    Attributes:
        status: HTTP status to answer with.
        body: what to answer.
        headers: of that answer.
        kind: ``answer``; ``huge``: send without end; ``hang`` without any answer; ``close`` the
            connection; ``drip``: the true answer byte by byte; ``flip``: with one bit turned;
            ``strip``: without its headers.
    """

    status: int = 500
    body: bytes = b"made to fail"
    headers: Mapping[str, str] = field(default_factory=dict)
    kind: str = "answer"


@dataclass(slots=True)
class Served:
    """The vendors' data that is served; each vendor is silent (404) where it is None.

    Attributes:
        now: unix seconds at which collateral is signed.
        intel: the authorities behind TDX and SGX.
        tcb_status: what Intel says of the platform.
        amd: the authorities behind SEV-SNP.
        product: the processor line that ``amd`` is of.
        chip_id: the one chip that AMD knows, 64 bytes, on Turin 8.
        gpus: the GPUs that NVIDIA knows.
    """

    now: int
    intel: SimulatedPki | None = None
    tcb_status: str = "UpToDate"
    amd: SimulatedSnpPki | None = None
    product: SnpProduct = SnpProduct.MILAN
    chip_id: bytes = b""
    gpus: SimulatedGpus | None = None


class CollateralServer:
    """The server; use it in an ``async with`` block.

    Attributes:
        served: what it serves.
        url: where it listens.
        requests: path and query of every request.
        keys: the API key of every request.
        faults: what it does with the next requests, first first; then it answers.
        broken: faults by the start of the path, for every request.
    """

    def __init__(self, served: Served, *, tls: ssl.SSLContext | None = None) -> None:
        self.served = served
        self.url = ""
        self.requests: list[str] = []
        self.keys: list[str | None] = []
        self.faults: deque[Fault] = deque()
        self.broken: dict[str, Fault] = {}
        self._tls = tls
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._serve)
        # A request that hangs on purpose ends when its sender gives up.
        self._runner = web.AppRunner(app, shutdown_timeout=0.0, handler_cancellation=True)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=self._tls)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"{'http' if self._tls is None else 'https'}://{host}:{port}"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    def count(self, start: str) -> int:
        """Requests whose path starts with this."""
        return sum(path.startswith(start) for path in self.requests)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request.path_qs)
        self.keys.append(request.headers.get("Ocp-Apim-Subscription-Key"))
        fault = self.faults.popleft() if self.faults else None
        for start, wanted in self.broken.items():
            if request.path.startswith(start):
                fault = wanted
        if fault is None:
            return self._answer(request, await request.read())
        return await self._misbehave(request, fault)

    async def _misbehave(self, request: web.Request, fault: Fault) -> web.StreamResponse:
        if fault.kind == "hang":
            await asyncio.Event().wait()
        if fault.kind == "close" and request.transport is not None:
            request.transport.close()
        if fault.kind in ("huge", "drip"):
            stream = web.StreamResponse()
            await stream.prepare(request)
            for _ in range(HUGE // 2**16):
                await stream.write(bytes(2**16) if fault.kind == "huge" else b" ")
                await asyncio.sleep(0 if fault.kind == "huge" else 0.01)
            return stream
        if fault.kind in ("flip", "strip"):
            true = self._answer(request, await request.read())
            assert isinstance(true.body, bytes)
            if fault.kind == "strip":
                return web.Response(body=true.body)
            body = bytearray(true.body)
            body[len(body) // 2] ^= 1
            return web.Response(body=bytes(body), headers=true.headers)
        return web.Response(status=fault.status, body=fault.body, headers=dict(fault.headers))

    def _answer(self, request: web.Request, body: bytes) -> web.Response:
        query = dict(request.query)
        match request.path.strip("/").split("/"):
            case [tee, "certification", "v4", "tcb"] if tee in ("tdx", "sgx"):
                return self._tcb(tee, query)
            case [tee, "certification", "v4", "qe", "identity"] if tee in ("tdx", "sgx"):
                return self._identity(tee)
            case ["sgx", "certification", "v4", "pckcrl"]:
                return self._pck_crl(query)
            case ["sgx", "certification", "v4", "rootcacrl"]:
                return web.Response(text=self._intel()["root_ca_crl"])
            case ["IntelSGXRootCA.der"]:
                return web.Response(body=bytes.fromhex(self._intel()["root_ca_crl"]))
            case [signer, "v1", product, *rest] if signer in ("vcek", "vlek"):
                return self._amd(signer, product, rest, query)
            case ["v1", "rim", rim_id]:
                return self._rim(rim_id)
            case [""] if request.method == "POST":
                return self._ocsp(body)
        raise web.HTTPNotFound

    def _intel(self, tee: str = "tdx") -> dict[str, Any]:
        served = self.served
        if served.intel is None:
            raise web.HTTPNotFound
        text = served.intel.collateral_json(
            served.now, tcb_status=served.tcb_status, tee=tee.upper()
        )
        parts: dict[str, Any] = json.loads(text)
        return parts

    def _tcb(self, tee: str, query: dict[str, str]) -> web.Response:
        if query.get("fmspc", "").lower() != FMSPC.hex():
            raise web.HTTPNotFound
        parts = self._intel(tee)
        body = f'{{"tcbInfo":{parts["tcb_info"]},"signature":"{parts["tcb_info_signature"]}"}}'
        chain = quote(parts["tcb_info_issuer_chain"])
        headers = {"TCB-Info-Issuer-Chain": chain, "Request-ID": "0"}
        return web.Response(text=body, content_type="application/json", headers=headers)

    def _identity(self, tee: str) -> web.Response:
        parts = self._intel(tee)
        signature = parts["qe_identity_signature"]
        body = f'{{"enclaveIdentity":{parts["qe_identity"]},"signature":"{signature}"}}'
        headers = {"SGX-Enclave-Identity-Issuer-Chain": quote(parts["qe_identity_issuer_chain"])}
        return web.Response(text=body, content_type="application/json", headers=headers)

    def _pck_crl(self, query: dict[str, str]) -> web.Response:
        if query.get("ca") != "platform" or query.get("encoding") != "der":
            raise web.HTTPBadRequest
        parts = self._intel()
        headers = {"SGX-PCK-CRL-Issuer-Chain": quote(parts["pck_crl_issuer_chain"])}
        body = bytes.fromhex(parts["pck_crl"])
        return web.Response(body=body, content_type="application/pkix-crl", headers=headers)

    def _amd(
        self, signer: str, product: str, rest: list[str], query: dict[str, str]
    ) -> web.Response:
        served = self.served
        if served.amd is None or (signer, product) != ("vcek", served.product.value):
            raise web.HTTPNotFound
        chain = served.amd.chain(served.product, SigningKey.VCEK)
        match rest:
            case ["cert_chain"]:
                pem = "".join(
                    item.public_bytes(Encoding.PEM).decode()
                    for item in (chain.authority, chain.root)
                )
                return web.Response(text=pem, content_type="application/x-pem-file")
            case ["crl"]:
                return web.Response(body=served.amd.crl(served.now))
            case [chip] if chip == served.chip_id.hex() and "blSPL" in query:
                return web.Response(body=served.amd.leaf_der)
        raise web.HTTPNotFound

    def _rim(self, rim_id: str) -> web.Response:
        if self.served.gpus is None:
            raise web.HTTPNotFound
        for item in self.served.gpus.collateral(self.served.now):
            if item.key == f"rim/{rim_id}":
                answer = {
                    "id": rim_id,
                    "rim": base64.b64encode(item.data).decode(),
                    "sha256": hashlib.sha256(item.data).hexdigest(),
                    "rim_format": "TCG_RIM",
                }
                return web.json_response(answer)
        raise web.HTTPNotFound

    def _ocsp(self, request: bytes) -> web.Response:
        if self.served.gpus is None:
            raise web.HTTPNotFound
        for item in self.served.gpus.collateral(self.served.now):
            need = parse_need(item.key)
            if isinstance(need, OcspNeed) and need.request == request:
                return web.Response(body=item.data, content_type="application/ocsp-response")
        raise web.HTTPBadRequest
