"""Platform certificates whose DER is damaged: refused, or the quote proves what it proved."""

import base64
import struct

from cocoon.attestation.evidence.collateral import CollateralBook
from cocoon.attestation.evidence.tdx import verify_tdx
from cocoon.errors import AttestationError
from cocoon.testing.intel import NOW, intel_lab

LAB = intel_lab()
QUOTE = LAB.quotes["tdx v4"]
BOOK = LAB.book()
ROOT = LAB.pki.root_der
HONEST = verify_tdx(QUOTE, BOOK, NOW, simulated_root=ROOT)
CHAIN_AT = QUOTE.index(b"-----BEGIN")
CERTIFICATION_BYTES = 384 + 64 + 2 + 32 + 6


def certificates() -> list[bytes]:
    parts = QUOTE[CHAIN_AT:].split(b"-----BEGIN CERTIFICATE-----")[1:]
    return [base64.b64decode(part.partition(b"-----END")[0]) for part in parts]


def with_chain(chain: list[bytes]) -> bytes:
    pem = b"".join(
        b"-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(der) + b"-----END CERTIFICATE-----\n"
        for der in chain
    )
    head = bytearray(QUOTE[: CHAIN_AT - 6] + struct.pack("<HI", 5, len(pem)) + pem)
    struct.pack_into("<I", head, 632, 128 + 6 + CERTIFICATION_BYTES + len(pem))
    struct.pack_into("<I", head, 766, CERTIFICATION_BYTES + len(pem))
    return bytes(head)


CHAIN = certificates()
if verify_tdx(with_chain(CHAIN), BOOK, NOW, simulated_root=ROOT) != HONEST:
    raise AssertionError("the same certificates, written anew, are not the same")


def fuzz_one(data: bytes) -> None:
    which, at = data[:1], int.from_bytes(data[1:3], "big")
    cut, patch = int.from_bytes(data[3:4], "big") % 8, data[4:]
    chain = list(CHAIN)
    index = which[0] % len(chain) if which else 0
    at %= len(chain[index])
    chain[index] = chain[index][:at] + patch + chain[index][at + cut :]
    for book in (BOOK, CollateralBook()):
        try:
            found = verify_tdx(with_chain(chain), book, NOW, simulated_root=ROOT)
        except AttestationError:
            continue
        if found != HONEST:
            raise AssertionError("damaged certificates prove something else")


if __name__ == "__main__":
    from _harness import main

    main(fuzz_one)
