"""Client, proxy and worker from official configuration files and flags, behind official routers.

Everything is started with the command lines of `docs/howto/run-beside-an-official-node.md`: the
routers carry RA-TLS, the roles only see plain connections with the attested-peer record.
"""

import json
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from openai import OpenAI

from cocoon.devnet.ports import free_ports

pytestmark = [pytest.mark.slow, pytest.mark.timeout(90)]

EXAMPLES = Path(__file__).parents[2] / "examples" / "config"
MODEL = "stand-in"


def write(folder: Path, name: str, **changes: Any) -> None:
    """An example file of the official form with other ports."""
    document = json.loads((EXAMPLES / "official" / name).read_text())
    (folder / name).write_text(json.dumps({**document, **changes}))


def test_official_files_behind_routers(processes: Any, tmp_path: Path) -> None:
    ports = free_ports(4, 1)
    gateway, engine = ports.gateway, ports.workers[0]
    proxy, plain, socks = ports.proxies[0], ports.proxies[1], ports.proxies[2].http

    root = json.loads((EXAMPLES / "root.json").read_text())
    root["model_types"] = [MODEL]
    root["registered_proxies"][0]["address"] = (
        f"127.0.0.1:{proxy.workers} 127.0.0.1:{proxy.clients}"
    )
    (tmp_path / "root.json").write_text(json.dumps(root))
    write(
        tmp_path,
        "proxy-config.json",
        http_port=proxy.http,
        workers_rpc_port=plain.workers,
        client_rpc_port=plain.clients,
    )
    write(
        tmp_path,
        "worker-config.json",
        http_port=ports.proxies[3].http,
        connect_to_proxy_via=f"127.0.0.1:{socks}",
        forward_requests_to=f"127.0.0.1:{engine}",
        model_name=MODEL,
    )
    write(
        tmp_path,
        "client-config.json",
        http_port=gateway,
        connect_to_proxy_via=f"127.0.0.1:{socks}",
    )

    reverse = f"{proxy.workers}:localhost:{plain.workers}@any"
    clients = f"{proxy.clients}:localhost:{plain.clients}@any"
    processes.start("engine", "cocoon.testing.engine_standin", "--port", str(engine))
    processes.start(
        "router-proxy", "cocoon", "router", "-R", reverse, "-R", clients, "-s", "-d", "4"
    )
    processes.start("router-node", "cocoon", "router", "-S", f"{socks}@any", "-s")
    for role in ("proxy", "worker", "client"):
        # An official file cannot say that nobody knows how this engine keeps clients apart.
        more = ["--allow-shared-cache"] if role == "worker" else []
        files = ("-c", f"{role}-config.json", "-C", "root.json")
        processes.start(role, "cocoon", role, *files, *more)
    processes.wait_for(f"http://127.0.0.1:{proxy.http}/ready")
    processes.wait_for(f"http://127.0.0.1:{gateway}/ready")

    api = OpenAI(base_url=f"http://127.0.0.1:{gateway}/v1", api_key="unused", max_retries=0)
    stream = api.chat.completions.create(
        model=MODEL, messages=[{"role": "user", "content": "x"}], max_tokens=300, stream=True
    )
    text = "".join(choice.delta.content or "" for chunk in stream for choice in chunk.choices)
    assert text == " word" * 200
    signed = 0
    limit = time.monotonic() + 15
    while signed == 0 and time.monotonic() < limit:
        with urllib.request.urlopen(f"http://127.0.0.1:{gateway}/jsonstats") as answer:
            signed = sum(item["signed_tokens"] for item in json.load(answer)["proxies"])
    assert signed > 0


def test_hash_check_refuses_a_proxy_without_evidence(processes: Any, tmp_path: Path) -> None:
    """``-p`` forces the check: behind ``@any`` the proxy's image hash is zero: not listed."""
    ports = free_ports(2, 1)
    proxy, plain = ports.proxies
    root = json.loads((EXAMPLES / "root.json").read_text())
    root["registered_proxies"][0]["address"] = (
        f"127.0.0.1:{proxy.workers} 127.0.0.1:{proxy.clients}"
    )
    (tmp_path / "root.json").write_text(json.dumps(root))
    write(
        tmp_path,
        "proxy-config.json",
        http_port=proxy.http,
        workers_rpc_port=plain.workers,
        client_rpc_port=plain.clients,
    )
    socks = ports.workers[0]
    write(
        tmp_path,
        "client-config.json",
        http_port=ports.gateway,
        connect_to_proxy_via=f"127.0.0.1:{socks}",
    )
    reverse = f"{proxy.clients}:localhost:{plain.clients}@any"
    processes.start("router-proxy", "cocoon", "router", "-R", reverse, "-s", "-d", "4")
    processes.start("router-node", "cocoon", "router", "-S", f"{socks}@any", "-s")
    processes.start("proxy", "cocoon", "proxy", "-c", "proxy-config.json", "-C", "root.json")
    processes.wait_for(f"http://127.0.0.1:{proxy.http}/health")
    processes.start(
        "client", "cocoon", "client", "-c", "client-config.json", "-C", "root.json", "-p"
    )
    processes.wait_for(f"http://127.0.0.1:{ports.gateway}/health")
    log = tmp_path / "client.log"
    limit = time.monotonic() + 20
    while "is not in the root configuration" not in log.read_text():
        assert time.monotonic() < limit, processes.output()
        time.sleep(0.05)
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"http://127.0.0.1:{ports.gateway}/ready", timeout=5)
    assert caught.value.code == 503
    caught.value.close()
