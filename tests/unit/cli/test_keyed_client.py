"""Commands about a client that asks for API keys: none acts beside it as if it did not run."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from cocoon.cli.api_key import VARIABLE, environment_key
from cocoon.cli.config.api_keys_table import ApiKeysTable
from cocoon.cli.config.tables import ClientFile, GatewayTable, HttpTable
from cocoon.cli.money.target import Role, Target
from cocoon.errors import ConfigError

ROOT = "0QCzG6B9lOBM_Gv3zJ0171dOgM644iAKDK7DBsFqoU1NNAuD"
WALLET = "0QAsHeIeW5Ds7989DDsnR8Im1o76268aeZehFk-2EtKmsw9B"


@asynccontextmanager
async def client(needed: str) -> AsyncIterator[int]:
    """The port of a status page that wants this key."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        known = f"Authorization: Bearer {needed}\r\n".encode() in head
        body = json.dumps({"localconf": {"root_address": ROOT}}).encode() if known else b"{}"
        status = b"200 OK" if known else b"401 Unauthorized"
        writer.write(b"HTTP/1.1 " + status + b"\r\nConnection: close\r\n\r\n" + body)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


def target(port: int, store: str | None = "sqlite:///keys", keys: Path | None = None) -> Target:
    file = ClientFile(
        wallet=WALLET,
        root_contract=ROOT,
        http=HttpTable(host="127.0.0.1", port=port),
        api_keys=ApiKeysTable(store=store),
        gateway=GatewayTable(api_keys_file=keys),
    )
    return Target(Role.CLIENT, "client", file)


@pytest.mark.anyio
async def test_a_running_client_with_keys(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async with client("secret") as port:
        monkeypatch.delenv(VARIABLE, raising=False)
        with pytest.raises(ConfigError, match="runs and needs an API key"):
            await target(port).is_running()
        assert not await target(port, store=None).is_running()  # not ours: we have no keys
        (tmp_path / "keys").write_text("secret\nother\n")
        assert await target(port, None, tmp_path / "keys").is_running()
        monkeypatch.setenv(VARIABLE, "secret")
        assert await target(port).is_running()


def test_the_key_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "")
    assert environment_key() is None
    for wrong in ("a b", "a\r\nX: y", "k" * 513, "schlüssel"):
        monkeypatch.setenv(VARIABLE, wrong)
        with pytest.raises(ConfigError, match="COCOON_API_KEY is no API key"):
            environment_key()
