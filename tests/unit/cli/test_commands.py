"""The command line: exit codes, one sentence an error, speed of the help."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cocoon import __version__
from cocoon.chain.keys import SecretKey
from cocoon.cli import app
from cocoon.cli.app import run

COMMANDS = (
    *("up", "demo", "chat", "client", "proxy", "worker", "router", "keys", "chain"),
    *("wallet", "balance", "deposit", "withdraw", "close", "payout", "root", "key-manager", "seal"),
    *("attest", "model"),
)
ADDRESS = "0QAsHeIeW5Ds7989DDsnR8Im1o76268aeZehFk-2EtKmsw9B"


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"cocoon {__version__}\n"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([name, "--help"]) == 0
    assert f"Usage: cocoon {name}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["nonsense"], 2, "No such command 'nonsense'."),
        (["up", "--workers", "0"], 2, "equal to 1. See `cocoon up --help`."),
        (["proxy"], 2, "Missing option"),
        (["proxy", "-c", "/none/x.toml"], 2, "cannot read configuration file /none/x.toml"),
        (["worker", "-c", "/none/x.yaml"], 2, "/none/x.yaml"),
        (["router"], 2, ""),
        (["router", "-S", "80@any"], 2, "port 80"),
        (["router", "-S", "8116@any", "--simulated-image", "x"], 2, "--simulated-tee"),
        (["keys", "/dev/null/x"], 2, "cannot make /dev/null/x"),
        (["keys", "/tmp", "--owner", "x"], 2, "--owner is not a TON address"),
        (["chat", "--url", "http://127.0.0.1:1/v1"], 1, "does not answer: Connection refused"),
        (["chat", "--url", "nope"], 1, "nope/models is not of the form http://"),
        (["demo", "--engine-url", "http://127.0.0.1:1"], 2, "--engine-url"),
    ],
)
def test_errors_are_one_sentence(
    arguments: list[str], code: int, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == code
    error = capsys.readouterr().err
    assert error.startswith("cocoon: ")
    assert error.count("\n") == 1
    assert "Traceback" not in error
    assert sentence in error


def test_an_unforeseen_error_is_reported_without_a_traceback(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_app: object) -> object:
        raise ZeroDivisionError("boom")

    monkeypatch.setattr(app.typer.main, "get_command", broken)
    assert run(["--version"]) == 70
    shown = capsys.readouterr().err
    assert shown.startswith(
        "cocoon: internal error, please report it: ZeroDivisionError at app.py:"
    )
    assert shown.count("\n") == 1
    assert "boom" not in shown  # the text of a bug may quote content


def test_keys_are_made_once_and_stay_secret(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "keys"
    assert run(["keys", str(folder), "--owner", ADDRESS, "--testnet"]) == 0
    first = capsys.readouterr().out
    assert run(["keys", str(folder), "--owner", ADDRESS, "--testnet"]) == 0
    second = capsys.readouterr().out
    assert first.replace("  (new)", "") == second
    for name in ("machine.key", "wallet.key"):
        assert (folder / name).stat().st_mode & 0o777 == 0o600
        assert (folder / name).read_text().strip() not in first
        assert SecretKey.load(folder / name).public_key.hex() in first
    assert "wallet address  0Q" in first
    (folder / "wallet.key").chmod(0o644)
    assert run(["keys", str(folder)]) == 2
    assert "chmod 600" in capsys.readouterr().err


def test_help_is_quick() -> None:
    """The budget is 0.5 s; the limit here leaves room for a busy machine."""
    times = []
    for _ in range(3):
        began = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "cocoon", "--help"], capture_output=True, check=True
        )
        times.append(time.perf_counter() - began)
        assert b"Usage: cocoon" in done.stdout
    assert min(times) < 1.5


def test_help_imports_nothing_heavy() -> None:
    program = (
        "import sys; from cocoon.cli import app\n"
        "heavy = {'cryptography', 'OpenSSL', 'aiohttp', 'uvicorn', 'sqlalchemy', 'msgspec'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout.strip() == b"[]"


NEEDLESS = {"pydantic", "rich", "alembic", "openai", "anthropic", "cocoon.gateway.openapi"}


@pytest.mark.parametrize(
    ("role", "needless"),
    [
        ("client", NEEDLESS | {"sqlalchemy"}),
        ("proxy", NEEDLESS),
        ("worker", NEEDLESS | {"sqlalchemy"}),
    ],
)
def test_a_plain_role_carries_no_needless_package(
    role: str, needless: set[str], tmp_path: Path
) -> None:
    """What reads command lines, draws tables and keeps keys takes a third of a role's memory."""
    code = (
        "import sys; from cocoon.cli.app import run;"
        f"status = run([{role!r}, '--config', {str(tmp_path / 'none.toml')!r}]);"
        f"loaded = {needless!r} & sys.modules.keys();"
        "print(status, sorted(loaded))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert said.stdout == "2 []\n"
    assert "cannot read configuration file" in said.stderr


def test_a_demo_that_never_started_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert run(["demo", "--engine-url", "http://127.0.0.1:1"]) == 2
    assert not list(tmp_path.iterdir())


def test_a_terminal_that_lacks_a_character_gets_its_code() -> None:
    program = (
        "from cocoon.cli import app\n"
        "app.run = lambda: print('\\u043a')  # as an answer of a model would be\n"
        "app.main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        check=False,
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, rb"\u043a" + b"\n", b"")
