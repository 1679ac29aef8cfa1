"""SEV-SNP evidence, collateral and certificate tables: only expected errors come out."""

import base64
import contextlib
import json
from pathlib import Path
from typing import Any

from cocoon.attestation.evidence.snp import verify_snp
from cocoon.attestation.evidence.snp_collateral import SnpCollateral, SnpCollateralBook
from cocoon.attestation.evidence.snp_report import SigningKey, SnpReport
from cocoon.errors import AttestationError, EvidenceError
from cocoon.tee.snp_table import GUIDS, leaf_from_table

VECTORS = Path(__file__).parents[2] / "vectors" / "attestation" / "bad_snp.json"
CATALOGUE: dict[str, Any] = json.loads(VECTORS.read_text())
ROOT = base64.b64decode(CATALOGUE["roots"]["genoa"])
FIELDS: dict[str, str] = CATALOGUE["collateral"]["genoa"]
BOOK = SnpCollateralBook(SnpCollateral.from_json(json.dumps(FIELDS)))
EVIDENCE = base64.b64decode(CATALOGUE["reports"]["genoa"]) + base64.b64decode(
    CATALOGUE["leaves"]["genoa"]
)
NOW: int = CATALOGUE["cases"][0]["now"]
HONEST = verify_snp(EVIDENCE, BOOK, NOW, simulated_root=ROOT)


def fuzz_one(data: bytes) -> None:
    at = int.from_bytes(data[:2], "big")
    for candidate in (data, spliced(EVIDENCE, at, data[2:])):
        try:
            found = verify_snp(candidate, BOOK, NOW, simulated_root=ROOT)
        except AttestationError:
            continue
        if found != HONEST or candidate != EVIDENCE:
            raise AssertionError("changed evidence verifies")
    with contextlib.suppress(EvidenceError):
        SnpReport.from_bytes(data)
    fuzz_collateral(at, data[2:])
    for table in (data, GUIDS[SigningKey.VCEK].bytes_le + data):
        try:
            leaf_from_table(table, SigningKey.VCEK)
        except EvidenceError:
            continue


def fuzz_collateral(at: int, patch: bytes) -> None:
    name = ("ark", "ask", "crl")[at % 3]
    original = base64.b64decode(FIELDS[name])
    content = spliced(original, at // 3, patch)
    text = json.dumps({**FIELDS, name: base64.b64encode(content).decode()})
    for candidate in (text, patch.decode("latin-1")):
        try:
            found = SnpCollateral.from_json(candidate)
        except EvidenceError:
            continue
        if found != BOOK.find("Genoa/vcek"):
            raise AssertionError("changed collateral is accepted")


def spliced(original: bytes, at: int, patch: bytes) -> bytes:
    at %= len(original)
    return original[:at] + patch + original[at + len(patch) :]


if __name__ == "__main__":
    from _harness import main

    main(fuzz_one)
