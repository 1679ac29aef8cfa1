"""Make vectors/attestation/bundles.json: statements, what hardware signs for them, and bundles.

Values only, no quotes: the file is the same whenever it is made.
"""

import json
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cocoon.attestation.bundle import EvidenceBundle
from cocoon.attestation.endorsement import Endorsement
from cocoon.attestation.evidence import EvidenceKind
from cocoon.attestation.statement import Statement, gpu_hash, gpu_nonce, statement_report_data

OUT = Path(__file__).parents[1] / "vectors" / "attestation" / "bundles.json"
SOURCE = "docs/explanation/attestation.md"
PUBLIC_KEY = bytes(range(32))
START, END, ISSUED = 1_795_000_000, 1_795_086_400, 1_795_000_060


def statements() -> list[dict[str, Any]]:
    """Statements with their bytes and report data."""
    plain = Statement(PUBLIC_KEY, START, END, ISSUED)
    full = Statement(PUBLIC_KEY, START, END, ISSUED, gpu_hash((b"gpu 0", b"gpu 1")), bytes(32))
    return [
        {
            "name": name,
            "statement": statement.to_bytes().decode(),
            "report_data": statement_report_data(statement.to_bytes()).hex(),
        }
        for name, statement in (("nothing but the key", plain), ("GPUs and a model", full))
    ]


def bundles() -> list[dict[str, Any]]:
    """Bundles, good and bad, with what a reader says."""
    operator = Ed25519PrivateKey.from_private_bytes(bytes(32))
    public = operator.public_key().public_bytes_raw()
    endorsement = Endorsement.sign(public, operator.sign, bytes([9]) * 32, START, END).to_bytes()
    statement = Statement(PUBLIC_KEY, START, END, ISSUED).to_bytes()
    tdx = EvidenceBundle(statement, EvidenceKind.TDX, b"quote").to_bytes()
    snp = EvidenceBundle(
        statement, EvidenceKind.SNP, b"report", (b"gpu 0", b"gpu 1"), endorsement
    ).to_bytes()
    head, items = tdx[:6], tdx[6:]
    first = items[: 5 + len(statement)]
    second = items[5 + len(statement) :]
    bad = "EvidenceError"
    return [
        {"name": "TDX alone", "bundle": tdx.hex(), "expect": "ok"},
        {"name": "SEV-SNP, GPUs, operator", "bundle": snp.hex(), "expect": "ok"},
        {"name": "empty", "bundle": "", "expect": bad},
        {"name": "another magic", "bundle": (b"X" + tdx[1:]).hex(), "expect": bad},
        {"name": "another version", "bundle": (tdx[:4] + b"\x02" + tdx[5:]).hex(), "expect": bad},
        {"name": "one item", "bundle": (tdx[:5] + b"\x01" + first).hex(), "expect": bad},
        {"name": "cut short", "bundle": tdx[:-1].hex(), "expect": bad},
        {"name": "a byte too many", "bundle": (tdx + b"\0").hex(), "expect": bad},
        {"name": "out of order", "bundle": (head + second + first).hex(), "expect": bad},
        {
            "name": "two pieces of CPU evidence",
            "bundle": (tdx[:5] + b"\x03" + items + second).hex(),
            "expect": bad,
        },
        {
            "name": "a GPU behind the endorsement",
            "bundle": (tdx[:5] + b"\x04" + items + b"\x05\1\0\0\0e" + b"\x04\1\0\0\0g").hex(),
            "expect": bad,
        },
        {
            "name": "an item of an unknown kind",
            "bundle": (tdx[:5] + b"\x03" + items + b"\x09\0\0\0\0").hex(),
            "expect": bad,
        },
        {
            "name": "an item longer than the bundle",
            "bundle": (tdx[:5] + b"\x03" + items + b"\x04\xff\xff\xff\xff").hex(),
            "expect": bad,
        },
        {
            "name": "17 GPUs",
            "bundle": (tdx[:5] + b"\x13" + items + b"\x04\0\0\0\0" * 17).hex(),
            "expect": bad,
        },
    ]


def main() -> None:
    """Write the file."""
    gpus = [b"gpu 0", b"gpu 1"]
    content = {
        "source": SOURCE,
        "public_key": PUBLIC_KEY.hex(),
        "gpu_nonce": {"issued_at": ISSUED, "nonce": gpu_nonce(PUBLIC_KEY, ISSUED).hex()},
        "gpu_hash": {"items": [gpu.hex() for gpu in gpus], "hash": gpu_hash(tuple(gpus)).hex()},
        "statements": statements(),
        "bundles": bundles(),
    }
    OUT.write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
