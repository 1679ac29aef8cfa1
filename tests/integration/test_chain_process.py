"""``cocoon chain up`` as a process: what it keeps, how it stops, and what commands say of it."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from cocoon.chain.address import Address
from cocoon.cli import app
from cocoon.cli.chain.caller import ChainCaller
from cocoon.cli.chain.places import remove_chain
from cocoon.errors import ConfigError
from cocoon.testing.chain import TON, memory_chain
from cocoon.testing.chain_server import ChainProcess, serving

pytestmark = pytest.mark.anyio
SOMEBODY = Address(b"\x77" * 32)


@pytest.fixture
async def process(tmp_path: Path) -> AsyncIterator[ChainProcess]:
    async with ChainProcess(tmp_path / "chain.sqlite") as process:
        yield process


def balance(process: ChainProcess) -> int:
    page = ChainCaller(process.url).get(f"account/{SOMEBODY.raw()}")
    return int(page["balance"])


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
async def test_what_was_answered_is_kept(process: ChainProcess, number: signal.Signals) -> None:
    chain = ChainCaller(process.url)
    sent = chain.post("faucet", address=SOMEBODY.raw(), amount=3 * TON)
    chain.post("time", freeze=True)
    chain.post("time", advance=3600)
    chain.post("snapshots/save", name="before")
    before = (balance(process), chain.get("time")["now"], chain.get("blocks")["blocks"])

    code = await process.stop(number)
    assert code == {signal.SIGKILL: -9}.get(number, 0)

    await process.start()
    after = (balance(process), chain.get("time")["now"], chain.get("blocks")["blocks"])
    assert after == before
    digest = sent["transactions"][0]["hash"]
    assert chain.get(f"transaction/{digest}")["value"] == 3 * TON
    assert chain.get("snapshots") == {"snapshots": ["before"]}
    chain.post("faucet", address=SOMEBODY.raw(), amount=TON)
    chain.post("snapshots/restore", name="before")
    assert balance(process) == before[0]


async def test_commands_find_it(
    process: ChainProcess, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def say(*words: str) -> Any:
        assert app.run(["chain", *words, "--state", str(tmp_path)]) == 0
        return capsys.readouterr().out

    assert "12.5 TON" in say("faucet", SOMEBODY.raw(), "12.5")
    assert "12.5 TON" in say("account", SOMEBODY.friendly(testnet=True))
    listed = json.loads(say("tx", "--json"))["transactions"]
    assert [item["value"] for item in listed] == [12_500_000_000]
    assert listed[0]["hash"] in say("tx", listed[0]["hash"])
    assert listed[0]["hash"][:10] in say("tx", "--account", SOMEBODY.raw())
    assert "stopped" in say("time", "--freeze")
    frozen = json.loads(say("time", "--json"))["now"]
    assert json.loads(say("time", "--advance", "3600", "--json"))["now"] == frozen + 3600
    assert "running" in say("time", "--unfreeze")


@pytest.mark.parametrize(
    ("words", "code", "reason"),
    [
        (("account", "nonsense"), 2, "not a TON address"),
        (("faucet", SOMEBODY.raw(), "-1"), 2, "not an amount"),
        (("tx", "00" * 32), 6, "there is no such transaction"),
        (("tx", "../status"), 6, "32 bytes"),
        (("tx", "00" * 32, "--account", SOMEBODY.raw()), 2, "not both"),
        (("time", "--freeze", "--unfreeze"), 2, "not both"),
    ],
)
async def test_an_error_is_one_sentence(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...], code: int, reason: str
) -> None:
    with memory_chain() as chain:
        async with serving(chain) as url:
            command = ["chain", words[0], "--url", url, *_escape(words[1:])]
            assert await asyncio.to_thread(app.run, command) == code
    output = capsys.readouterr()
    assert reason in output.err
    assert output.err.count("\n") == 1
    assert output.out == ""


def _escape(words: tuple[str, ...]) -> tuple[str, ...]:
    """What begins with a minus sign and is no option stands after two of them."""
    values = [word for word in words if not word.startswith("--")]
    options = [word for word in words if word.startswith("--")]
    if "--account" in options:
        return words
    return (*options, "--", *values)


async def up(*words: str) -> tuple[int | None, str]:
    """Exit code and errors of a chain that cannot start."""
    command = (sys.executable, "-m", "cocoon", "chain", "up", *words)
    child = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    _, errors = await child.communicate()
    return child.returncode, errors.decode()


async def test_a_file_belongs_to_one_process_at_a_time(
    process: ChainProcess, tmp_path: Path
) -> None:
    file = tmp_path / "chain.sqlite"
    for more in ((), ("--fresh",)):
        code, errors = await up("--database", str(file), "--port", "0", *more)
        assert code in (1, 2)
        assert "another process" in errors
    assert balance(process) == 0


async def test_a_busy_port_is_told(process: ChainProcess, tmp_path: Path) -> None:
    port = process.url.rpartition(":")[2]
    code, errors = await up("--state", str(tmp_path / "other"), "--port", port)
    assert code == 2
    assert f"port {port}" in errors


async def test_no_chain_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert app.run(["chain", "tx", "--state", str(tmp_path)]) == 2
    assert "cocoon chain up" in capsys.readouterr().err
    assert app.run(["chain", "tx", "--url", "http://127.0.0.1:1"]) == 6
    assert "no chain answers" in capsys.readouterr().err
    assert app.run(["chain", "tx", "--url", "ftp://[x"]) == 2


def test_only_a_chain_is_removed(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("not a database, and longer than the header of one" * 10)
    with pytest.raises(ConfigError, match="is no chain"):
        remove_chain(file)
    assert file.exists()
    remove_chain(tmp_path / "missing")
