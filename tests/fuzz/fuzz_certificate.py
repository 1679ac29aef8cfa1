"""Certificates from strangers: only CertificateError comes out."""

import base64
import json
from pathlib import Path

from cocoon.attestation.certificate import parse_certificate
from cocoon.errors import CertificateError

VECTORS = Path(__file__).parents[2] / "vectors" / "attestation" / "certificates.json"
GOOD = base64.b64decode(json.loads(VECTORS.read_text())[0]["input"]["certificate"])


def splice(data: bytes) -> bytes:
    """The good certificate with ``data`` written over it at the place its first bytes say."""
    at = int.from_bytes(data[:2], "big") % len(GOOD)
    patch = data[2:]
    return GOOD[:at] + patch + GOOD[at + len(patch) :]


def fuzz_one(data: bytes) -> None:
    for candidate in (data, splice(data)):
        try:
            parsed = parse_certificate(candidate)
        except CertificateError:
            continue
        if parsed.der != GOOD and candidate is not data:
            raise AssertionError("a changed certificate kept its signature")


if __name__ == "__main__":
    from _harness import main

    main(fuzz_one)
