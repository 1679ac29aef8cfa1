"""The catalogue of quotes and collateral that must be refused, each for its own reason."""

import base64
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from cocoon import errors
from cocoon.attestation.evidence import EvidenceKind
from cocoon.attestation.evidence.collateral import Collateral, CollateralBook
from cocoon.attestation.evidence.sgx import verify_sgx
from cocoon.attestation.evidence.tdx import verify_tdx
from cocoon.errors import AttestationError

FILE = Path(__file__).parents[3] / "vectors" / "attestation" / "bad_tdx.json"
CONTENT: dict[str, Any] = json.loads(FILE.read_text())
ROOT = base64.b64decode(CONTENT["root"])
KINDS = {"tdx": EvidenceKind.TDX_SIMULATED, "sgx": EvidenceKind.SGX_SIMULATED}
VERIFY = {"tdx": verify_tdx, "sgx": verify_sgx}


@cache
def book(name: str) -> CollateralBook:
    fields = dict(CONTENT["collateral"][name])
    if fields.pop("missing", False):
        return CollateralBook()
    base = fields.pop("from", None)
    full = {**CONTENT["collateral"][base], **fields} if base else fields
    return CollateralBook(Collateral.from_json(json.dumps(full)))


def quote_of(case: dict[str, Any]) -> bytes:
    parts = [
        CONTENT["chains"][part[1:]] if part.startswith("@") else part
        for part in case["input"]["quote"]
    ]
    return b"".join(base64.b64decode(part) for part in parts)


@pytest.mark.parametrize("case", CONTENT["cases"], ids=lambda case: case["name"])
def test_case(case: dict[str, Any]) -> None:
    given = case["input"]
    verify = VERIFY[given["tee"]]
    quote, collateral = quote_of(case), book(given["collateral"])
    if case["expect"] == "ok":
        found = verify(quote, collateral, given["now"], simulated_root=ROOT)
        assert found.kind is KINDS[given["tee"]]
        status = case.get("status", "UpToDate")
        assert found.tcb_status == status
        assert found.advisories == (("INTEL-SA-00001",) if status != "UpToDate" else ())
        assert found.platform_id is not None
    else:
        with pytest.raises(AttestationError) as caught:
            verify(quote, collateral, given["now"], simulated_root=ROOT)
        assert type(caught.value) is getattr(errors, case["expect"])
        assert str(caught.value).startswith(case.get("layer", ""))


@pytest.mark.parametrize("case", CONTENT["cases"], ids=lambda case: case["name"])
def test_none_passes_as_real(case: dict[str, Any]) -> None:
    given = case["input"]
    with pytest.raises(AttestationError):
        VERIFY[given["tee"]](quote_of(case), book(given["collateral"]), given["now"])


def test_names_are_unique_and_sources_are_given() -> None:
    names = [case["name"] for case in CONTENT["cases"]]
    assert len(set(names)) == len(names)
    assert all(case["source"] for case in CONTENT["cases"])
