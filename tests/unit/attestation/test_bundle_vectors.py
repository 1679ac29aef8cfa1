"""vectors/attestation/bundles.json: other implementations must agree on these bytes."""

import json
from pathlib import Path
from typing import Any

import pytest

from cocoon import errors
from cocoon.attestation.bundle import EvidenceBundle
from cocoon.attestation.statement import Statement, gpu_hash, gpu_nonce, statement_report_data

FILE = Path(__file__).parents[3] / "vectors" / "attestation" / "bundles.json"
VECTORS = json.loads(FILE.read_text())


@pytest.mark.parametrize("case", VECTORS["statements"], ids=lambda case: case["name"])
def test_statement(case: dict[str, Any]) -> None:
    data = case["statement"].encode()
    assert Statement.from_bytes(data).to_bytes() == data
    assert Statement.from_bytes(data).public_key.hex() == VECTORS["public_key"]
    assert statement_report_data(data).hex() == case["report_data"]


def test_gpu_values() -> None:
    nonce, named = VECTORS["gpu_nonce"], VECTORS["gpu_hash"]
    key = bytes.fromhex(VECTORS["public_key"])
    assert gpu_nonce(key, nonce["issued_at"]).hex() == nonce["nonce"]
    assert gpu_hash(tuple(map(bytes.fromhex, named["items"]))).hex() == named["hash"]


@pytest.mark.parametrize("case", VECTORS["bundles"], ids=lambda case: case["name"])
def test_bundle(case: dict[str, Any]) -> None:
    data = bytes.fromhex(case["bundle"])
    if case["expect"] == "ok":
        assert EvidenceBundle.from_bytes(data).to_bytes() == data
        return
    with pytest.raises(errors.AttestationError) as caught:
        EvidenceBundle.from_bytes(data)
    assert type(caught.value) is getattr(errors, case["expect"])
