"""Attestation data and quotes from strangers: only expected errors come out."""

import base64
import json
from pathlib import Path

from cocoon.attestation.certificate import parse_certificate
from cocoon.attestation.evidence.collateral import Collateral, CollateralBook
from cocoon.attestation.evidence.tdx import verify_tdx
from cocoon.attestation.measurements import Attestation
from cocoon.errors import AttestationError, DecodeError

VECTORS = Path(__file__).parents[2] / "vectors" / "attestation"
PLATFORM = json.loads((VECTORS / "simulated_platform.json").read_text())
BOOK = CollateralBook(Collateral.from_json(json.dumps(PLATFORM["collateral"])))
ROOT = base64.b64decode(PLATFORM["root"])
CASE = json.loads((VECTORS / "certificates.json").read_text())[0]
QUOTE = parse_certificate(base64.b64decode(CASE["input"]["certificate"])).quote or b""
HONEST = verify_tdx(QUOTE, BOOK, PLATFORM["now"], simulated_root=ROOT)


def fuzz_one(data: bytes) -> None:
    try:
        value = Attestation.from_bytes(data)
        if value.to_bytes() != data:
            raise AssertionError("attestation data has two forms")
    except DecodeError:
        pass
    at = int.from_bytes(data[:2], "big") % len(QUOTE)
    patch = data[2:]
    for quote in (data, QUOTE[:at] + patch + QUOTE[at + len(patch) :]):
        try:
            found = verify_tdx(quote, BOOK, PLATFORM["now"], simulated_root=ROOT)
        except AttestationError:
            continue
        if found != HONEST:
            raise AssertionError("a changed quote proves something else")


if __name__ == "__main__":
    from _harness import main

    main(fuzz_one)
