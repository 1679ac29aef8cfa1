"""Our own configuration form without a router: RA-TLS in the roles, fake evidence, hash checks."""

import base64
import json
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from openai import OpenAI

from cocoon.chain.root_config import model_hash
from cocoon.devnet.ports import free_ports
from cocoon.devnet.toml import to_toml

pytestmark = [pytest.mark.slow, pytest.mark.timeout(90)]

EXAMPLES = Path(__file__).parents[2] / "examples" / "config"
ADDRESS = "0QAsHeIeW5Ds7989DDsnR8Im1o76268aeZehFk-2EtKmsw9B"
MODEL = "stand-in@1:2"
FAKE = {"kind": "fake-tdx"}


def write(path: Path, **document: Any) -> None:
    path.write_text(to_toml({"root_config": "root.json", **document}))


@pytest.mark.parametrize("attested", [True, False])
def test_roles_with_ratls(processes: Any, tmp_path: Path, attested: bool) -> None:
    """A worker that shows no evidence never gets in; one that does serves clients without any."""
    ports = free_ports(2, 1)
    proxy, engine = ports.proxies[0], ports.workers[0]
    worker_http = ports.proxies[1].http
    root = json.loads((EXAMPLES / "root.json").read_text())
    root["registered_proxies"][0]["address"] = (
        f"127.0.0.1:{proxy.workers} 127.0.0.1:{proxy.clients}"
    )
    root["model_hashes"] = [base64.b64encode(model_hash(MODEL)).decode()]
    (tmp_path / "root.json").write_text(json.dumps(root))
    listen = {"host": "127.0.0.1", "pow_difficulty": 4}
    write(
        tmp_path / "proxy.toml",
        owner=ADDRESS,
        machine_key="07" * 32,
        database="data/proxy.sqlite",
        http={"port": proxy.http},
        identity=FAKE,
        workers={**listen, "port": proxy.workers, "policy": FAKE},
        clients={
            **listen, "port": proxy.clients, "policy": {"kind": "unsafe-accept-anything"},
        },
    )  # fmt: skip
    write(
        tmp_path / "worker.toml",
        owner=ADDRESS,
        model=MODEL,
        http={"port": worker_http},
        identity=FAKE if attested else {"kind": "none"},
        dial={"policy": FAKE},
        engine={"url": f"http://127.0.0.1:{engine}", "allow_shared_cache": True},
    )
    write(
        tmp_path / "client.toml",
        wallet=ADDRESS,
        http={"port": ports.gateway},
        dial={"policy": FAKE},
    )
    processes.start(
        "engine", "cocoon.testing.engine_standin", "--port", str(engine), "--chunks", "3"
    )
    for role in ("proxy", "worker", "client"):
        processes.start(role, "cocoon", role, "--config", f"{role}.toml")
    processes.wait_for(f"http://127.0.0.1:{ports.gateway}/ready")
    processes.wait_for(f"http://127.0.0.1:{worker_http}/health")
    assert "FAKE" in (tmp_path / "worker.log").read_text()

    if not attested:
        time.sleep(1.0)
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(f"http://127.0.0.1:{worker_http}/ready", timeout=5)
        caught.value.close()
        return
    processes.wait_for(f"http://127.0.0.1:{proxy.http}/ready")
    api = OpenAI(base_url=f"http://127.0.0.1:{ports.gateway}/v1", api_key="unused", max_retries=0)
    answer = api.chat.completions.create(
        model="stand-in", messages=[{"role": "user", "content": "x"}], max_tokens=30
    )
    assert answer.choices[0].message.content == "Hello from a stand-in."
