"""`cocoon demo`, really run: what `make demo` shows a stranger."""

import base64
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

PRICE, FEE = 100_000, 80_000


def demo(*options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cocoon", "demo", *options],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def document(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])  # type: ignore[no-any-return]


def test_json_twice_on_the_same_state(tmp_path: Path) -> None:
    state = tmp_path / "state"
    first = document(demo("--json", "--state", str(state), "Say hello."))
    assert set(first) == {
        "answer", "model", "usage", "cost_nanoton", "proxy", "worker", "payments", "chain",
        "timings",
    }  # fmt: skip
    check(first)
    check_chain(first)
    second = document(demo("--json", "--state", str(state), "Say hello."))
    check(second)
    check_chain(second)
    # The same chain goes on: nothing is deployed or deposited a second time.
    assert second["chain"]["before"]["client_deposit"] == first["chain"]["after"]["client_deposit"]
    assert second["chain"]["supply"]["minted"] == first["chain"]["supply"]["minted"]
    # The same question on the same engine: seed and temperature are fixed.
    assert second["answer"] == first["answer"]
    assert second["proxy"] == first["proxy"]


def check(result: dict[str, Any]) -> None:
    usage, payments = result["usage"], result["payments"]
    total = usage["prompt_tokens"] + usage["completion_tokens"]
    assert result["answer"].strip()
    assert result["model"] == "SmolLM2-135M-Instruct"
    assert usage["total_tokens"] == total > 0
    assert result["cost_nanoton"] == total * PRICE
    assert payments == {
        "client_tokens": total,
        "worker_tokens": total,
        "client_nanoton": total * PRICE,
        "worker_nanoton": total * FEE,
    }
    for role in ("proxy", "worker"):
        assert result[role]["evidence"] == "tdx-simulated"
    timings = result["timings"]
    assert 0 < timings["first_token_seconds"] <= timings["total_seconds"]
    assert timings["start_seconds"] > 0


def check_chain(result: dict[str, Any]) -> None:
    """One charge and one payout, to the nanoTON; every coin of the chain is somewhere."""
    total, chain = result["usage"]["total_tokens"], result["chain"]
    before, after = chain["before"], chain["after"]
    assert chain["charge"]["amount"] == total * PRICE
    assert before["client_deposit"] - after["client_deposit"] == total * PRICE
    assert chain["payout"]["amount"] == total * FEE
    assert after["earned"] == before["earned"] == 0
    assert after["commission"] - before["commission"] == total * (PRICE - FEE)
    paid = after["worker_owners"] - before["worker_owners"]
    assert 0 <= total * FEE - paid < 1_000_000  # rent and reception of one account
    for movement in (chain["charge"], chain["payout"]):
        assert len(bytes.fromhex(movement["hash"])) == 32
    supply = chain["supply"]
    assert supply["missing"] == 0
    assert supply["minted"] == supply["balances"] + supply["fees"] > 0


def test_simulated_ton(tmp_path: Path) -> None:
    state = tmp_path / "state"
    result = document(demo("--json", "--simulated-ton", "--state", str(state), "Say hello."))
    check(result)
    assert result["chain"] is None
    root = json.loads((state / "root.json").read_text())
    for role in ("proxy", "worker"):
        hashes = [base64.b64decode(item).hex() for item in root[f"{role}_hashes"]]
        assert result[role]["image_hash"] in hashes
    assert not (state / "chain").exists()


def test_table_answer_and_warnings() -> None:
    done = demo("Say hello.")
    assert done.returncode == 0, done.stderr
    for words in ("proxy attested", "worker attested", "client signed for", "tdx-simulated"):
        assert words in done.stdout
    for words in ("charged on chain", "worker paid on chain", "proxy's commission", "Every coin:"):
        assert words in done.stdout
    for words in ("SIMULATED", "small demonstration model", "proxy-1: ready", "> Say hello."):
        assert words in done.stderr


def test_prompt_and_answer_are_in_no_file(tmp_path: Path) -> None:
    state = tmp_path / "state"
    prompt = "Xylophonic"
    result = document(demo("--json", "--state", str(state), f"{prompt} greeting: say hello."))
    answer = result["answer"].strip().encode()
    assert len(answer) > 3
    for path in state.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert prompt.encode() not in content
            assert answer not in content


def test_an_engine_of_ones_own() -> None:
    command = [sys.executable, "-m", "cocoon.testing.engine_standin", "--chunks", "5"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as engine:
        assert engine.stdout is not None
        try:
            port = engine.stdout.readline().split()[1]
            url = f"http://127.0.0.1:{port}/v1"
            done = demo("--json", "--engine-url", url, "--workers", "2", "--proxies", "2")
        finally:
            engine.terminate()
    result = document(done)
    assert result["model"] == "stand-in"
    assert result["answer"] == " word" * 5
    assert result["payments"]["client_tokens"] == result["usage"]["total_tokens"]
    assert "demonstration model" not in done.stderr
