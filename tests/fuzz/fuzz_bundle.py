"""Evidence bundles, statements and endorsements from strangers: only EvidenceError comes out."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cocoon.attestation.bundle import EvidenceBundle
from cocoon.attestation.endorsement import Endorsement
from cocoon.attestation.evidence import EvidenceKind
from cocoon.attestation.statement import Statement
from cocoon.errors import EvidenceError

KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
STATEMENT = Statement(bytes(32), 1, 2, 3, gpu_hash=bytes(32), model_hash=bytes(32)).to_bytes()
ENDORSEMENT = Endorsement.sign(
    KEY.public_key().public_bytes_raw(), KEY.sign, bytes(32), 1, 2
).to_bytes()
GOOD = EvidenceBundle(
    STATEMENT, EvidenceKind.TDX, b"quote", (b"gpu", b"gpu"), ENDORSEMENT
).to_bytes()


def splice(good: bytes, data: bytes) -> bytes:
    """``good`` with ``data`` written over it at the place its first bytes say."""
    at = int.from_bytes(data[:2], "big") % len(good)
    return good[:at] + data[2:] + good[at + len(data[2:]) :]


def fuzz_one(data: bytes) -> None:
    for candidate in (data, splice(GOOD, data)):
        try:
            bundle = EvidenceBundle.from_bytes(candidate)
        except EvidenceError:
            continue
        if bundle.to_bytes() != candidate:
            raise AssertionError("a bundle has two forms")
    for candidate in (data, splice(STATEMENT, data)):
        try:
            statement = Statement.from_bytes(candidate)
        except EvidenceError:
            continue
        if Statement.from_bytes(statement.to_bytes()) != statement:
            raise AssertionError("a statement does not survive being written")
    for candidate in (data, splice(ENDORSEMENT, data)):
        try:
            Endorsement.from_bytes(candidate)
        except EvidenceError:
            continue
        if candidate != ENDORSEMENT:
            raise AssertionError("a changed endorsement kept its signature")


if __name__ == "__main__":
    from _harness import main

    main(fuzz_one)
