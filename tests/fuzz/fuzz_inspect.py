"""Whatever `cocoon attest inspect` is given: shown, or refused with an AttestationError."""

import json
from pathlib import Path

from cocoon.cli.attest.describe import describe
from cocoon.cli.attest.recognise import recognise
from cocoon.errors import AttestationError

REAL = Path(__file__).parents[2] / "vectors" / "attestation" / "real"
GOOD = [
    path.read_bytes()
    for path in (
        REAL / "intel" / "tdx_v4.quote",
        REAL / "intel" / "sgx_v3.quote",
        REAL / "amd" / "milan_report.bin",
        REAL / "intel" / "tdx_v4_collateral.json",
    )
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
