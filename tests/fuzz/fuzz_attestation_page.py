"""Attestation pages from strangers: only EvidenceError comes out, and what is read is kept."""

from cocoon.attestation.document import AttestationDocument, ChallengeAnswer
from cocoon.attestation.evidence import EvidenceKind
from cocoon.errors import EvidenceError

GOOD = AttestationDocument(
    role="worker",
    software="cocoon 1",
    kind="tdx",
    certificate=b"\x30\x03abc",
    image_hash=bytes(32),
    model="m@c:h",
    event_log=b"log",
    challenge=ChallengeAnswer(bytes(32), EvidenceKind.TDX, b"quote"),
).to_bytes()


def splice(data: bytes) -> bytes:
    at = int.from_bytes(data[:2], "big") % len(GOOD)
    patch = data[2:]
    return GOOD[:at] + patch + GOOD[at + len(patch) :]


def fuzz_one(data: bytes) -> None:
    for candidate in (data, splice(data)):
        try:
            document = AttestationDocument.from_bytes(candidate)
        except EvidenceError:
            continue
        if AttestationDocument.from_bytes(document.to_bytes()) != document:
            raise AssertionError("a page did not survive being written again")


if __name__ == "__main__":
    from _harness import main

    main(fuzz_one)
