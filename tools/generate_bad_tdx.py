"""Write ``vectors/attestation/bad_tdx.json``: Intel quotes and collateral, nearly all of them bad.

Keys are drawn afresh, so every run gives other bytes with the same outcomes; run it only when the
cases change::

    python tools/generate_bad_tdx.py
"""

import json
from pathlib import Path

from bad_tdx_parts import Catalogue, b64
from bad_tdx_platforms import certificates, collateral, revocations
from bad_tdx_quotes import domains, good, malformed, quoting_enclaves, signatures

FILE = Path(__file__).parent.parent / "vectors" / "attestation" / "bad_tdx.json"


def main() -> None:
    """Write everything."""
    make = Catalogue()
    for part in (
        good,
        malformed,
        domains,
        signatures,
        quoting_enclaves,
        certificates,
        revocations,
        collateral,
    ):
        part(make)
    content = {
        "note": "A quote is its parts in order: base64, or @ and the name of a chain. Collateral"
        " that names another under 'from' has its other fields. 'layer' starts the message.",
        "root": b64(make.pki.root_der),
        "chains": make.chains,
        "collateral": make.collateral,
        "cases": make.cases,
    }
    FILE.write_text(json.dumps(content, indent=1) + "\n")
    print(f"{len(make.cases)} cases in {FILE}")


if __name__ == "__main__":
    main()
