"""`cocoon attest verify` by a stranger, against a running network."""

import contextlib
import io
import json
import subprocess
import sys
import tomllib
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cocoon.cli.app import run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

Start = Callable[..., Any]
NONCE = "ab" * 32
LISTS = {"worker": "workers", "proxy": "proxies"}
PROVEN = ("Evidence", "Binding", "Dated statement", "Image")


@dataclass(frozen=True)
class Done:
    returncode: int
    stdout: str


def attest(*arguments: str) -> Done:
    """In this process: starting Python twenty times is most of the time otherwise."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
        code = run(["attest", *arguments])
    return Done(code, out.getvalue())


def attest_outside(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cocoon", "attest", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def verdict(*arguments: str) -> tuple[int, dict[str, Any]]:
    done = attest("verify", "--json", *arguments)
    assert done.stdout
    return done.returncode, json.loads(done.stdout)


def outcomes(found: dict[str, Any]) -> dict[str, str]:
    return {step["name"]: step["outcome"] for step in found["steps"]}


def failed(found: dict[str, Any]) -> str:
    name: str = found["steps"][found["failed_step"] - 1]["name"]
    return name


@pytest.mark.parametrize("options", [(), ("--simulated-ton",)], ids=["chain", "simulated TON"])
def test_a_stranger_verifies_the_nodes_of_a_devnet(
    start_up: Start, tmp_path: Path, options: tuple[str, ...]
) -> None:
    up = start_up(*options)
    state = str(up.state)
    for role in ("worker", "proxy"):
        code, found = verdict(role, "--devnet", state)
        assert code == 0, found
        assert found["simulated"]
        assert found["image_judged"]
        steps = outcomes(found)
        assert steps["Answer to the challenge"] == "passed"
        assert all(steps[name] == "passed" for name in PROVEN)
        assert steps[f"Image in the root's list of {LISTS[role]}"] == "passed"
        assert (found["model_hash"] is not None) == (role == "worker")

    shown = attest("verify", "worker", "--devnet", state).stdout
    lines = shown.rstrip().split("\n\n")[-1].splitlines()
    assert lines
    assert all(line.startswith("SIMULATED  ") for line in lines)

    code, found = verdict("worker", "--devnet", state, "--image", "00" * 32)
    assert (code, failed(found)) == (3, "Image")
    assert attest("verify", "worker", "--devnet", state, "--number", "9").returncode == 2

    check_production_roots(up)
    check_altered_pages(up, tmp_path)


def check_production_roots(up: Any) -> None:
    """Nothing of a devnet passes as real: not its pages, not its ports."""
    [proxy] = up.facts["proxies"]
    config = tomllib.loads(next(up.state.glob("proxy-1/config.toml")).read_text())
    ports = [f"127.0.0.1:{config[name]['port']}" for name in ("clients", "workers")]
    for target in (proxy, up.facts["workers"][0], *ports):
        code, found = verdict(target)
        assert (code, failed(found)) == (3, "Evidence"), found
    assert outcomes(verdict(ports[0])[1])["TLS handshake"] == "passed"


def check_altered_pages(up: Any, folder: Path) -> None:
    policy = folder / "policy.toml"
    policy.write_text(f'[policy]\nkind = "tdx-simulated"\ndirectory = "{up.state / "tee"}"\n')
    url = f"{up.facts['workers'][0]}/attestation?nonce={NONCE}"
    with urllib.request.urlopen(url, timeout=10) as answer:
        page = json.load(answer)
    saved = folder / "page.json"

    def judged(**members: Any) -> tuple[int, dict[str, Any]]:
        saved.write_text(json.dumps({**page, **members}))
        return verdict(str(saved), "--policy", str(policy), "--nonce", NONCE)

    assert judged()[0] == 0
    code, found = judged(image_hash="00" * 32)
    assert (code, failed(found)) == (3, "Words of the page")
    challenge = {**page["challenge"], "nonce": "cd" * 32}
    code, found = judged(challenge=challenge)
    assert (code, failed(found)) == (3, "Answer to the challenge")
    body = page["certificate"].splitlines()
    body[10] = body[10][::-1]
    code, found = judged(certificate="\n".join(body))
    assert (code, failed(found)) == (3, "Form, key and self-signature")
    code, found = judged(cocoon_attestation=2)
    assert code == 3

    code = attest("inspect", str(saved)).returncode
    assert code == 3
    saved.write_text(json.dumps(page))
    view = json.loads(attest("inspect", "--json", str(saved)).stdout)
    assert view["sections"]["page"]["role"] == "worker"


def test_a_private_key_of_a_node_is_never_printed(start_up: Start) -> None:
    up = start_up("--simulated-ton")
    secrets = [path.read_text().strip() for path in up.state.glob("*/*.key")]
    secrets += [path.read_text() for path in up.state.glob("tee/*_key.pem")]
    shown = attest_outside("verify", "worker", "--devnet", str(up.state))
    shown2 = attest_outside("inspect", up.facts["workers"][0])
    assert (shown.returncode, shown2.returncode) == (0, 0)
    said = shown.stdout + shown.stderr + shown2.stdout + shown2.stderr
    assert secrets
    for secret in secrets:
        assert secret not in said
