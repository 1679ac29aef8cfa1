"""Networks of our roles from official configuration files; routers and peers are stand-ins.

That the ``cocoon`` commands start from such files is shown in ``tests/e2e``.
"""

import asyncio
import base64
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conformance_net import (
    FULL_MODEL,
    HOST,
    MODEL,
    PROXY_OWNER,
    ROOT_ADDRESS,
    SEED,
    WALLET,
    WORKER_OWNER,
    Net,
    ask,
    chat,
    open_net,
    registered,
    root_json,
)
from official import chain
from official.attested import FAKE_TDX_IMAGE
from official.chain import Root, Signer
from official.tl import http_request

from cocoon.cli.config.client_settings import client_settings
from cocoon.cli.config.load import Overrides, load_client, load_proxy, load_worker
from cocoon.cli.config.proxy_settings import proxy_settings
from cocoon.cli.config.trust import Trust
from cocoon.cli.config.worker_settings import worker_settings
from cocoon.client import Client
from cocoon.devnet.ports import free_ports
from cocoon.net.dialing import SocksDial
from cocoon.proxy.proxy import Proxy
from cocoon.testing.engine_standin import StandinOptions, serve_standin
from cocoon.worker import Worker

NODE_KEY = bytes(range(1, 33))


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


COMMON: dict[str, Any] = {
    "is_test": True,
    "is_testnet": True,
    "root_contract_address": chain.friendly(ROOT_ADDRESS),
    "node_wallet_key": b64(NODE_KEY),
    "ton_config_filename": "",
    "http_access_hash": "",
    "image_hash": b64(bytes(32)),
}
CLIENT: dict[str, Any] = {
    **COMMON,
    "@type": "clientRunner.config",
    "http_port": 10000,
    "owner_address": chain.friendly(WALLET),
    "proxy_connections": 1,
    "check_proxy_hashes": False,
    "secret_string": "",
    "rpc_port": 0,
    "max_coefficient": 4000,
    "max_tokens": 1000,
}
PROXY: dict[str, Any] = {
    **COMMON,
    "@type": "proxyRunner.config",
    "owner_address": chain.friendly(PROXY_OWNER),
    "machine_specific_private_key": b64(SEED),
    "check_worker_hashes": False,
    "rpc_port": 11000,
    "http_port": "11000",
}
WORKER: dict[str, Any] = {
    **COMMON,
    "@type": "workerRunner.config",
    "http_port": 12000,
    "owner_address": chain.friendly(WORKER_OWNER),
    "proxy_connections": "1",
    "model_name": FULL_MODEL,
    "coefficient": "1000",
    "check_proxy_hashes": 0,
    "max_active_requests": 60,
    "model_names": [MODEL],
    "rpc_port": 0,
}


def write(folder: Path, name: str, document: dict[str, Any], **changes: Any) -> Path:
    path = folder / name
    path.write_text(json.dumps(document | changes))
    return path


class Files:
    """The files of one network, with ports that are free."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        ports = free_ports(1, 0)
        self.plain = ports.proxies[0].workers, ports.proxies[0].clients
        self.root = Overrides()

    def publish(self, worker_port: int, client_port: int, **changes: Any) -> None:
        path = self.folder / "root.json"
        path.write_text(root_json(**registered(worker_port, client_port), **changes))
        self.root = Overrides(root_config=path)

    async def proxy(self, net: Net, **changes: Any) -> Proxy:
        ports = {"workers_rpc_port": self.plain[0], "client_rpc_port": str(self.plain[1])}
        where = {"db_path": str(self.folder)}
        path = write(self.folder, "proxy-config.json", PROXY, **ports, **where, **changes)
        file = load_proxy(path, self.root)
        settings = proxy_settings(file, Trust(file.identity))
        proxy = Proxy(_without_http(settings))
        await proxy.start()
        net.stack.push_async_callback(proxy.close)
        return proxy

    async def worker(self, net: Net, router: int, engine: int, **changes: Any) -> Worker:
        via = {
            "connect_to_proxy_via": f"{HOST}:{router}",
            "forward_requests_to": f"{HOST}:{engine}",
        }
        path = write(self.folder, "worker-config.json", WORKER, **via, **changes)
        file = load_worker(path, self.root)
        # The stand-in is no engine that is known to keep clients apart; an official file cannot
        # accept that, so an operator of such a server writes ours.
        file = replace(file, engine=replace(file.engine, allow_shared_cache=True))
        worker = Worker(_without_http(worker_settings(file, Trust(file.identity))))
        net.stack.push_async_callback(worker.close)
        await worker.start()
        await worker.wait_ready(20)
        return worker

    async def client(self, net: Net, router: int, **changes: Any) -> Client:
        via = {"connect_to_proxy_via": f"{HOST}:{router}"}
        path = write(self.folder, "client-config.json", CLIENT, **via, **changes)
        file = load_client(path, self.root)
        client = Client(client_settings(file, Trust(file.identity)))
        net.stack.push_async_callback(client.close)
        await client.start()
        await client.wait_ready(20)
        return client


def _without_http(settings: Any) -> Any:
    return replace(settings, http_port=None)


@pytest.mark.anyio
@pytest.mark.parametrize("check_hashes", [False, True], ids=["hashes free", "hashes checked"])
async def test_network_from_official_files(tmp_path: Path, check_hashes: bool) -> None:
    async with open_net(tmp_path) as net:
        files = Files(tmp_path)
        back = await net.reverse(files.plain[0])
        front = await net.reverse(files.plain[1], "any")
        near = await net.socks()
        files.publish(back.port, front.port, model_types=[MODEL])
        checks = {"check_worker_hashes": check_hashes}
        proxy = await files.proxy(net, **checks)
        standin = await serve_standin(StandinOptions(model=MODEL), host=HOST)
        net.stack.callback(standin.close)
        engine = standin.sockets[0].getsockname()[1]
        # model_types list what stands before the @, so only the base name passes the check.
        name = MODEL if check_hashes else FULL_MODEL
        worker = await files.worker(
            net, near.port, engine, model_name=name, check_proxy_hashes=check_hashes
        )
        client = await files.client(net, near.port, check_proxy_hashes=int(check_hashes))
        async with await client.run(ask()) as response:
            assert b"Hello" in await response.read()
        await proxy.flush()
        (account,) = await client.payment_status()
        assert account.signed == 14
        (entry,) = list(proxy.registry)
        assert entry.peer.image_hash == FAKE_TDX_IMAGE
        assert entry.limit == 60
        assert worker.settings.owner == chain.friendly(WORKER_OWNER)

        # An official client of the same network, beside ours.
        root = Root.parse((tmp_path / "root.json").read_text(), ROOT_ADDRESS)
        official = await net.official_client(front.port, router=near.port, root=root)
        answer = official.send(http_request(chat()), model=MODEL)
        await asyncio.wait_for(answer.ended.wait(), 10)
        assert answer.error is None


def test_client_file_gives_the_official_wallet(tmp_path: Path) -> None:
    """The owner on the wire is the cocoon wallet of owner and node key, not the owner."""
    (tmp_path / "root.json").write_text(root_json())
    overrides = Overrides(root_config=tmp_path / "root.json")
    for testnet in (True, False):
        path = write(
            tmp_path,
            "client-config.json",
            CLIENT,
            is_testnet=testnet,
            connect_to_proxy_via=f"{HOST}:8116",
        )
        file = load_client(path, overrides)
        settings = client_settings(file, Trust(file.identity))
        expected = chain.wallet(WALLET, Signer(NODE_KEY).public_key)
        assert settings.wallet == chain.friendly(expected, testnet=testnet)
        assert settings.dial == SocksDial(HOST, 8116)


def test_same_root_as_the_stand_in(tmp_path: Path) -> None:
    """Addresses that follow from a file are the same when computed independently."""
    (tmp_path / "root.json").write_text(root_json(price_per_token="5", params_version=4))
    path = write(
        tmp_path, "proxy-config.json", PROXY, workers_rpc_port=0, client_rpc_port=0, db_path="db"
    )
    file = load_proxy(path, Overrides(root_config=tmp_path / "root.json"))
    settings = proxy_settings(file, Trust(file.identity))
    root = Root.parse((tmp_path / "root.json").read_text(), ROOT_ADDRESS)
    key = Signer(SEED).public_key
    proxy = root.proxy(PROXY_OWNER, key)
    ours = settings.root
    from cocoon.chain.address import Address

    address = ours.proxy_address(Address(PROXY_OWNER), settings.machine_key.public_key)
    assert address.friendly(testnet=True) == chain.friendly(proxy)
    for compute, expected in (
        (ours.client_address, root.client(WALLET, proxy, key)),
        (ours.worker_address, root.worker(WALLET, proxy, key)),
    ):
        assert compute(Address(WALLET), address, key).friendly(testnet=False) == chain.friendly(
            expected, testnet=False
        )
    assert ours.params.price_per_token == 5
    assert ours.model_hashes == root.models


@pytest.mark.parametrize("codes", ["", "cell"], ids=["no codes", "codes"])
def test_empty_codes_are_empty_cells(tmp_path: Path, codes: str) -> None:
    changes = (
        {} if codes else dict.fromkeys((f"{n}_sc_code" for n in ("proxy", "worker", "client")), "")
    )
    (tmp_path / "root.json").write_text(root_json(**changes))
    from cocoon.chain.address import Address
    from cocoon.chain.pseudo_config import load_pseudo_config

    text = (tmp_path / "root.json").read_text()
    ours = load_pseudo_config(text, Address(ROOT_ADDRESS))
    root = Root.parse(text, ROOT_ADDRESS)
    key = Signer(SEED).public_key
    expected = root.proxy(PROXY_OWNER, key)
    assert ours.proxy_address(Address(PROXY_OWNER), key) == Address(expected)
