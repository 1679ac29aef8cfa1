"""``cocoon seal``: a software enclave as a process, and what the command refuses."""

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cocoon.attestation.evidence.collateral import CollateralBook
from cocoon.cli.app import run
from cocoon.devnet.seal import SimulatedReports, sgx_collateral
from cocoon.devnet.tee import SimulatedTee
from cocoon.errors import EvidenceError
from cocoon.sealing.checks import SealPolicy
from cocoon.sealing.client import SgxEnclave
from cocoon.sealing.enclave import fetch_key
from cocoon.sealing.endpoint import SealEndpoint


def test_a_software_enclave_serves(tmp_path: Path) -> None:
    at, now = f"unix:{tmp_path}/seal.sock", int(time.time())
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "cocoon", "seal", "serve", str(tmp_path / "tee"), "--at", at],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        found = re.search(r"SIMULATED seal enclave ([0-9a-f]{64})", said)
        assert found is not None, said
        tee = SimulatedTee(tmp_path / "tee", now)
        book = CollateralBook(sgx_collateral(tee, now))
        allowed = frozenset({bytes.fromhex(found[1])})
        reports, enclave = SimulatedReports(tee, "x"), SgxEnclave(SealEndpoint.parse(at))
        policy = SealPolicy(allowed, book, tee.root_certificate)
        first = fetch_key(enclave, reports, "app", policy, now)
        assert fetch_key(enclave, reports, "app", policy, now).reveal() == first.reveal()
        with pytest.raises(EvidenceError):  # whoever pins Intel's root believes none of it
            fetch_key(enclave, reports, "app", SealPolicy(allowed, book), now)
    finally:
        process.terminate()
        process.wait(20)
        if process.stdout is not None:
            process.stdout.close()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"--mr-enclave": "ab"}, "64 hex digits"),
        ({"--collateral": "/none"}, "/none"),
        ({"--at": "tcp:10.0.0.1:5"}, "loopback only"),
        ({}, "tdx_guest"),
    ],
)
def test_what_the_command_refuses(
    changes: dict[str, str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    now = int(time.time())
    file = tmp_path / "collateral.json"
    file.write_text(sgx_collateral(SimulatedTee(tmp_path / "tee", now), now).json)
    options = {
        "--mr-enclave": "ab" * 32,
        "--collateral": str(file),
        "--at": f"unix:{tmp_path}/none",
        "--out": str(tmp_path / "key"),
    } | changes
    arguments = [word for pair in options.items() for word in pair]
    assert run(["seal", "key", "app", *arguments]) != 0
    assert words in capsys.readouterr().err
    assert not (tmp_path / "key").exists()
