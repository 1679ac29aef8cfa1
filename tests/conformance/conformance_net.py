"""What the conformance tests share: a root configuration, our roles, the stand-ins."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from official import certs
from official.attested import FAKE_TDX_IMAGE
from official.chain import Root, friendly
from official.client import OfficialClient
from official.proxy import OfficialProxy
from official.router import ReversePort, SocksPort
from official.tl import Obj
from official.worker import EngineAnswer, OfficialWorker
from pytoniq_core import begin_cell

from cocoon.attestation import policy
from cocoon.attestation.evidence.fake_tdx import FakeTdx
from cocoon.chain.address import Address
from cocoon.chain.keys import SecretKey
from cocoon.chain.pseudo_config import load_pseudo_config
from cocoon.chain.root_config import RootConfig
from cocoon.client import Client, ClientRequest, ClientSettings
from cocoon.engine.openai_http import OpenAIHttpEngine
from cocoon.net.dialing import DialSettings, RatlsDial, SocksDial
from cocoon.net.identity import Identity
from cocoon.proxy.proxy import Proxy
from cocoon.proxy.settings import ListenSettings, ProxySettings
from cocoon.testing.engine_standin import STANDIN_ENGINE, StandinOptions, serve_standin
from cocoon.worker import Worker, WorkerSettings

HOST = "127.0.0.1"
MODEL = "Qwen/Qwen3-0.6B"
FULL_MODEL = f"{MODEL}@abc:def"
PATH = "/v1/chat/completions"
READY = 20.0
DIFFICULTY = 4

ROOT_ADDRESS, PROXY_OWNER, WORKER_OWNER, WALLET = (bytes([n]) * 32 for n in (7, 0x11, 0x44, 0x33))
SEED = bytes([7]) * 32

USAGE = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
JSON_ANSWER = json.dumps({"choices": [{"message": {"content": "hi"}}], "usage": USAGE}).encode()
SSE_EVENTS = [b'data: {"choices":[{"delta":{"content":"%d"}}]}\n\n' % n for n in range(3)]
SSE_LAST = b"data: %s\n\ndata: [DONE]\n\n" % json.dumps({"choices": [], "usage": USAGE}).encode()


def chat(*, stream: bool = False, model: str = MODEL) -> bytes:
    """A chat completion request's body."""
    body = {"model": model, "messages": [{"role": "user", "content": "hello"}], "max_tokens": 100}
    return json.dumps(body | ({"stream": True} if stream else {})).encode()


def ask(*, stream: bool = False, **changes: Any) -> ClientRequest:
    """The same as a request of our client."""
    model = changes.pop("model", MODEL)
    fields = {"max_tokens": 100, "timeout": 10.0, **changes}
    return ClientRequest(model, PATH, chat(stream=stream, model=model), **fields)


def root_json(**changes: Any) -> str:
    """An official ``rootConfig.pseudo`` file with what shipped ones have."""
    image = base64.b64encode(FAKE_TDX_IMAGE).decode()
    codes = {
        f"{name}_sc_code": begin_cell().store_uint(n, 32).end_cell().to_boc().hex()
        for n, name in enumerate(("proxy", "worker", "client"), 1)
    }
    document = {
        "@type": "rootConfig.pseudo",
        "proxy_hashes": [image],
        "worker_hashes": [image],
        "model_hashes": [],
        "model_types": [FULL_MODEL],
        "model_names": ["nobody reads this"],
        "registered_proxies": [],
        "price_per_token": 2,
        "worker_fee_per_token": 1,
        "last_proxy_seqno": 1,
        "version": 3,
        "params_version": 1,
        "root_owner_address": "",
        **codes,
    }
    return json.dumps(document | changes)


def registered(worker_port: int, client_port: int) -> dict[str, Any]:
    """``registered_proxies`` with one proxy."""
    address = f"{HOST}:{worker_port} {HOST}:{client_port}"
    return {"registered_proxies": [{"seqno": 1, "address": address, "proxy_hash": "unread"}]}


def official_root(**changes: Any) -> Root:
    """The file as the stand-in reads it."""
    return Root.parse(root_json(**changes), ROOT_ADDRESS)


def our_root(**changes: Any) -> RootConfig:
    """The file as we read it."""
    return load_pseudo_config(root_json(**changes), Address(ROOT_ADDRESS))


def fake_identity() -> Identity:
    """Our credentials with the official test evidence."""
    return Identity.generate(FakeTdx())


async def until(condition: Callable[[], bool], timeout: float = 10.0) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(timeout):
        while not condition():  # noqa: ASYNC110  many small conditions, none with an event
            await asyncio.sleep(0.005)


def json_engine(_: Obj) -> EngineAnswer:
    """A model server that answers with JSON."""
    return EngineAnswer(body=[JSON_ANSWER])


def sse_engine(_: Obj) -> EngineAnswer:
    """A model server that streams."""
    headers = [("content-type", "text/event-stream"), ("transfer-encoding", "chunked")]
    return EngineAnswer(headers=headers, body=[*SSE_EVENTS, SSE_LAST])


class Net:
    """Starts things and closes them in the right order."""

    def __init__(self, folder: Path, stack: AsyncExitStack) -> None:
        self.folder, self.stack = folder, stack

    # --- ours ---

    async def our_proxy(
        self, transport: str = "ratls", *, any_workers: bool = False, **changes: Any
    ) -> Proxy:
        """Our proxy; its own ports for official peers are the ratls ones, else behind a router."""

        def listen(accepts: policy.Policy) -> ListenSettings:
            if transport == "router":
                return ListenSettings(host=HOST, port=0, transport="router")
            return ListenSettings(
                host=HOST, port=0, transport="ratls", policy=accepts, pow_difficulty=DIFFICULTY
            )

        anybody = policy.unsafe_accept_anything()
        settings: dict[str, Any] = {
            "owner": friendly(PROXY_OWNER),
            "machine_key": SecretKey(SEED),
            "root": our_root(),
            "database_url": f"sqlite:///{self.folder}/proxy.sqlite",
            "clients": listen(anybody),
            "workers": listen(anybody if any_workers else policy.fake_tdx()),
            "identity": fake_identity() if transport == "ratls" else None,
            "http_port": None,
            **changes,
        }
        proxy = Proxy(ProxySettings(**settings))
        await proxy.start()
        self.stack.push_async_callback(proxy.close)
        return proxy

    def dial(self, router: int | None = None) -> DialSettings:
        """How our roles reach proxies."""
        if router is not None:
            return SocksDial(HOST, router)
        return RatlsDial(fake_identity(), policy.fake_tdx())

    async def our_client(
        self, worker_port: int, client_port: int, *, dial: DialSettings, wait: bool = True,
        **changes: Any,
    ) -> Client:  # fmt: skip
        """Our client of the proxy behind these ports."""
        settings: dict[str, Any] = {
            "wallet": friendly(WALLET),
            "root": our_root(**registered(worker_port, client_port)),
            "dial": dial,
            **changes,
        }
        client = Client(ClientSettings(**settings))
        self.stack.push_async_callback(client.close)
        await client.start()
        if wait:
            await client.wait_ready(READY)
        return client

    async def our_worker(
        self, worker_port: int, client_port: int, *, dial: DialSettings, wait: bool = True,
        **changes: Any,
    ) -> Worker:  # fmt: skip
        """Our worker at the proxy behind these ports, with an engine stand-in."""
        standin = await serve_standin(StandinOptions(model=MODEL, chunks=3), host=HOST)
        self.stack.callback(standin.close)
        port = standin.sockets[0].getsockname()[1]
        settings: dict[str, Any] = {
            "owner": friendly(WORKER_OWNER),
            "model": FULL_MODEL,
            "root": our_root(**registered(worker_port, client_port)),
            "engine": OpenAIHttpEngine(f"http://{HOST}:{port}", options=STANDIN_ENGINE),
            "dial": dial,
            "http_port": None,
            **changes,
        }
        worker = Worker(WorkerSettings(**settings))
        self.stack.push_async_callback(worker.close)
        await worker.start()
        if wait:
            await worker.wait_ready(READY)
        return worker

    # --- stand-ins ---

    async def socks(self, accepts: str = "fake_tdx", *, attested: bool = True) -> SocksPort:
        """The official router's SOCKS5 port."""
        port = SocksPort(certs.generate(attested=attested), accepts)
        await port.start()
        self.stack.push_async_callback(port.close)
        return port

    async def reverse(
        self, backend: int, accepts: str = "fake_tdx", difficulty: int = DIFFICULTY
    ) -> ReversePort:
        """The official router's reverse port in front of something."""
        port = ReversePort(certs.generate(attested=True), accepts, backend, difficulty=difficulty)
        await port.start()
        self.stack.push_async_callback(port.close)
        return port

    async def official_proxy(self, **changes: Any) -> OfficialProxy:
        """An official proxy runner; its ports are plain ones."""
        settings = {"root": official_root(), "owner": PROXY_OWNER, "seed": SEED, **changes}
        proxy = OfficialProxy(**settings)
        await proxy.start()
        self.stack.push_async_callback(proxy.close)
        return proxy

    async def official_client(
        self, port: int, *, router: int | None = None, policy_name: str = "fake_tdx",
        **changes: Any,
    ) -> OfficialClient:  # fmt: skip
        """An official client runner that has done its handshake."""
        root = changes.pop("root", None) or official_root()
        client = OfficialClient(root, changes.pop("wallet", WALLET), **changes)
        self.stack.push_async_callback(client.close)
        if router is None:
            await client.dial_direct(port, certs.generate(attested=False), policy_name)
        else:
            await client.dial_socks(router, port)
        return client

    async def official_worker(
        self, port: int, *, router: int | None = None, **changes: Any
    ) -> OfficialWorker:
        """An official worker runner that has done its handshake, behind its router."""
        if router is None:
            router = (await self.socks()).port
        settings = {
            "root": official_root(), "owner": WORKER_OWNER, "model": FULL_MODEL,
            "engine": json_engine, **changes,
        }  # fmt: skip
        worker = OfficialWorker(**settings)
        self.stack.push_async_callback(worker.close)
        await worker.dial(router, port)
        return worker


@asynccontextmanager
async def open_net(folder: Path) -> AsyncIterator[Net]:
    """A :class:`Net` that ends with the block."""
    async with AsyncExitStack() as stack:
        yield Net(folder, stack)
