"""The catalogue of bad SEV-SNP evidence: each case fails for its own reason."""

import base64
import json
import re
from pathlib import Path
from typing import Any

import pytest

from cocoon import errors
from cocoon.attestation.evidence.snp import SnpRequirement, SnpTcb, verify_snp
from cocoon.attestation.evidence.snp_collateral import SnpCollateral, SnpCollateralBook

FILE = Path(__file__).parents[3] / "vectors" / "attestation" / "bad_snp.json"
CATALOGUE: dict[str, Any] = json.loads(FILE.read_text())
CASES: list[dict[str, Any]] = CATALOGUE["cases"]


def judge(case: dict[str, Any]) -> None:
    evidence = base64.b64decode(CATALOGUE["reports"][case["report"]])
    evidence += base64.b64decode(CATALOGUE["leaves"][case["leaf"]])
    book = SnpCollateralBook(SnpCollateral.from_json(json.dumps(collateral(case["collateral"]))))
    root = CATALOGUE["roots"][case["root"]]
    pinned = None if root is None else base64.b64decode(root)
    found = verify_snp(evidence, book, case["now"], simulated_root=pinned)
    if "requirement" in case:
        requirement(case["requirement"]).check(found)


def collateral(name: str) -> dict[str, Any]:
    fields: dict[str, Any] = dict(CATALOGUE["collateral"][name])
    if "base" in fields:
        fields = CATALOGUE["collateral"][fields.pop("base")] | fields
    return {name: value for name, value in fields.items() if value is not None}


def requirement(fields: dict[str, Any]) -> SnpRequirement:
    levels = {name: SnpTcb(**parts) for name, parts in fields.get("min_tcb", {}).items()}
    return SnpRequirement(**{**fields, "min_tcb": levels})


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_each_case_ends_as_the_catalogue_says(case: dict[str, Any]) -> None:
    expected = case["expected"]
    if expected is None:
        judge(case)
        return
    with pytest.raises(errors.CocoonError) as caught:
        judge(case)
    assert type(caught.value).__name__ == expected["error"]
    assert isinstance(caught.value, errors.AttestationError)
    assert re.search(expected["says"], str(caught.value)), str(caught.value)


def test_every_layer_and_every_class_is_there() -> None:
    bad = [case["expected"] for case in CASES if case["expected"] is not None]
    layers = {expected["layer"] for expected in bad}
    assert layers == {"report", "leaf", "chain", "crl", "collateral", "guest", "policy"}
    assert len(bad) > 100
