"""OCSP answers and stored collateral from strangers: only expected errors come out."""

from cocoon.attestation.evidence.nvidia_collateral import GpuCollateral, parse_need
from cocoon.attestation.evidence.nvidia_ocsp import (
    response_expiry,
    response_serial,
    verify_response,
)
from cocoon.devnet.gpu import ocsp_need
from cocoon.devnet.gpu_pki import GpuPki
from cocoon.errors import EvidenceError

NOW = 1_795_000_000
PKI = GpuPki.from_seed(bytes(range(32)), NOW - 86_400)
IDENTITY, _ = PKI.gpu(0, bytes(48))
ISSUERS = (PKI.device_ca.der, PKI.root.der)
ANSWER = PKI.ocsp_answer(IDENTITY, NOW)
KEY = ocsp_need(IDENTITY).key


def fuzz_one(data: bytes) -> None:
    at = int.from_bytes(data[:2], "big") % len(ANSWER)
    patch = data[2:]
    for answer in (data, ANSWER[:at] + patch + ANSWER[at + len(patch) :]):
        for read in (response_expiry, response_serial, _collateral):
            try:
                read(answer)
            except EvidenceError:
                continue
        try:
            verify_response(answer, IDENTITY.der, ISSUERS)
        except EvidenceError:
            continue
        if answer != ANSWER:
            raise AssertionError("a changed OCSP answer counts")
    text = data.decode("utf-8", "replace")
    for parse in (GpuCollateral.from_json, parse_need):
        try:
            parse(text)
        except EvidenceError:
            continue


def _collateral(answer: bytes) -> None:
    GpuCollateral.from_answer(KEY, answer)


if __name__ == "__main__":
    from _harness import main

    main(fuzz_one)
