"""Whatever `cocoon attest inspect` is given: shown, or refused with an AttestationError."""

import base64
import json
from pathlib import Path

from cocoon.attestation.certificate import parse_certificate
from cocoon.cli.attest.describe import describe
from cocoon.cli.attest.recognise import recognise
from cocoon.errors import AttestationError
from cocoon.testing.real_evidence import amd, nvidia

VECTORS = Path(__file__).parents[2] / "vectors" / "attestation"
CERTIFICATES = json.loads((VECTORS / "certificates.json").read_text())
CERTIFICATE = base64.b64decode(CERTIFICATES[0]["input"]["certificate"])
PLATFORM = json.loads((VECTORS / "simulated_platform.json").read_text())
GOOD = [
    parse_certificate(CERTIFICATE).quote or b"",
    CERTIFICATE,
    amd().evidence,
    nvidia().report,
    json.dumps(PLATFORM["collateral"]).encode(),
]


def splice(data: bytes) -> bytes:
    """A good piece of evidence with some bytes overwritten."""
    good = GOOD[data[0] % len(GOOD)] if data else GOOD[0]
    at = int.from_bytes(data[1:3], "big") % len(good)
    patch = data[3:]
    return good[:at] + patch + good[at + len(patch) :]


def fuzz_one(data: bytes) -> None:
    for candidate in (data, splice(data)):
        try:
            view = describe(recognise(candidate))
        except AttestationError:
            continue
        json.loads(view.to_json())
        if any("\x1b" in str(value) for part in view.sections for _, value in part.rows):
            raise AssertionError("a terminal would obey this")


if __name__ == "__main__":
    from _harness import main

    main(fuzz_one)
