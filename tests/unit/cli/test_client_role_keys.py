"""A client role with keys: its own pages are for administrators, and leases end with it."""

import time
from pathlib import Path

import aiohttp
import pytest

from cocoon.chain.pseudo_config import load_pseudo_config
from cocoon.cli.client_role import ClientRole
from cocoon.client import ClientSettings
from cocoon.gateway import GatewaySettings
from cocoon.gateway.keys import KeyRecord, KeysSettings
from cocoon.gateway.keys.registry import Registry
from cocoon.gateway.keys.secret import new_key
from cocoon.gateway.keys.store import open_store
from cocoon.net.dialing import SocksDial
from cocoon.store import sqlite_url

EXAMPLE = Path(__file__).parents[3] / "examples" / "config" / "root.json"
WALLET = "0QAsHeIeW5Ds7989DDsnR8Im1o76268aeZehFk-2EtKmsw9B"


def _make(store: str, *scopes: str) -> str:
    made, now = new_key(), int(time.time())
    draft = KeyRecord(key_id="", name="k", secret_hash=b"", created_at=now, scopes=scopes)
    database = open_store(store)
    Registry(database).create(draft, made)
    database.close()
    return made.text


@pytest.mark.anyio
async def test_pages_of_a_role_with_keys(tmp_path: Path) -> None:
    store = sqlite_url(tmp_path / "keys.sqlite")
    admin, user = _make(store, "admin"), _make(store, "chat", "usage:read")
    settings = ClientSettings(
        wallet=WALLET, root=load_pseudo_config(EXAMPLE.read_text()), dial=SocksDial("127.0.0.1", 1)
    )
    role = ClientRole(settings, GatewaySettings(), "127.0.0.1", 0, KeysSettings(store=store))
    await role.start()
    found = {}
    try:
        async with aiohttp.ClientSession(f"http://127.0.0.1:{role.port}") as session:
            for path in ("/v1/usage", "/v1/admin/keys", "/jsonstats", "/metrics", "/health"):
                for who, key in (("admin", admin), ("user", user), ("nobody", "")):
                    headers = {"authorization": f"Bearer {key}"}
                    async with session.get(path, headers=headers) as answer:
                        found[path, who] = answer.status
    finally:
        await role.close()
    for path in ("/v1/admin/keys", "/jsonstats", "/metrics"):
        assert [found[path, who] for who in ("admin", "user", "nobody")] == [200, 403, 401]
    assert [found["/v1/usage", who] for who in ("admin", "user", "nobody")] == [200, 200, 401]
    assert found["/health", "nobody"] == 200
