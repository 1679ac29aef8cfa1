"""``cocoon attest endorse``."""

from pathlib import Path

import pytest

from cocoon.attestation.endorsement import SIZE, Endorsement
from cocoon.chain.keys import SecretKey
from cocoon.cli.app import run


def test_an_operator_endorses_a_machine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key, out = tmp_path / "operator.key", tmp_path / "machine.endorsement"
    words = ["attest", "endorse", "ab" * 32, "--key", str(key), "--out", str(out)]
    assert run([*words, "--days", "30"]) == 0
    made = Endorsement.from_bytes(out.read_bytes())
    assert len(out.read_bytes()) == SIZE
    assert made.platform_id == bytes.fromhex("ab" * 32)
    assert made.operator == SecretKey.load(key).public_key
    assert made.not_after - made.not_before == 30 * 86_400
    printed = capsys.readouterr().out
    assert made.operator.hex() in printed
    assert key.read_text().strip() not in printed


@pytest.mark.parametrize("platform", ["", "ab", "zz" * 32, "ab" * 33])
def test_a_wrong_platform_id_is_one_sentence(
    platform: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["attest", "endorse", platform, "--key", str(tmp_path / "k"), "--out", str(tmp_path)]
    assert run(words) == 2
    assert "64 hex digits" in capsys.readouterr().err
    assert not (tmp_path / "k").exists()
