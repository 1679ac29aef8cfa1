"""No changed byte of a certificate or a quote ever passes as something else."""

import base64
import json
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from cocoon.attestation import policy
from cocoon.attestation.certificate import parse_certificate
from cocoon.attestation.evidence import VerifiedEvidence
from cocoon.attestation.evidence.collateral import Collateral, CollateralBook
from cocoon.attestation.evidence.tdx import verify_tdx
from cocoon.attestation.measurements import (
    Attestation,
    SgxMeasurements,
    TdxMeasurements,
)
from cocoon.attestation.verify import PeerRole, verify_peer
from cocoon.errors import AttestationError, CertificateError, DecodeError

FOLDER = Path(__file__).parents[2] / "vectors" / "attestation"
SIGNED_QUOTE_BYTES = 632


@cache
def platform() -> tuple[bytes, CollateralBook, int]:
    data = json.loads((FOLDER / "simulated_platform.json").read_text())
    book = CollateralBook(Collateral.from_json(json.dumps(data["collateral"])))
    return base64.b64decode(data["root"]), book, data["now"]


@cache
def good_certificates() -> tuple[bytes, ...]:
    cases: list[dict[str, Any]] = json.loads((FOLDER / "certificates.json").read_text())
    wanted = {"good server", "X.509 v1 with extensions"}
    found = [case for case in cases if case["name"] in wanted]
    return tuple(base64.b64decode(case["input"]["certificate"]) for case in found)


@cache
def good_evidence() -> tuple[bytes, VerifiedEvidence]:
    quote = parse_certificate(good_certificates()[0]).quote
    assert quote is not None
    root, book, now = platform()
    return quote, verify_tdx(quote, book, now, simulated_root=root)


def flipped(data: bytes, at: int, mask: int) -> bytes:
    changed = bytearray(data)
    changed[at] ^= mask
    return bytes(changed)


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_a_flipped_certificate_never_verifies(data: st.DataObject) -> None:
    root, book, now = platform()
    der = data.draw(st.sampled_from(good_certificates()))
    at = data.draw(st.integers(0, len(der) - 1))
    changed = flipped(der, at, data.draw(st.integers(1, 255)))
    accepting = (
        policy.tdx(collateral=book, simulated_root=root),
        policy.unsafe_accept_anything(),
    )
    for checked in accepting:
        try:
            verify_peer(changed, checked, now, role=PeerRole.SERVER)
        except AttestationError:
            continue
        raise AssertionError(f"byte {at} of the certificate does not matter")


@given(st.integers(0, SIGNED_QUOTE_BYTES - 1), st.integers(1, 255))
@settings(max_examples=200, deadline=None)
def test_a_flipped_signed_part_of_a_quote_never_verifies(at: int, mask: int) -> None:
    root, book, now = platform()
    quote, _ = good_evidence()
    try:
        verify_tdx(flipped(quote, at, mask), book, now, simulated_root=root)
    except AttestationError:
        return
    raise AssertionError(f"byte {at} of the quote does not matter")


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_a_flipped_quote_never_proves_anything_else(data: st.DataObject) -> None:
    # Behind the signed part a quote has slack that changes nothing, such as line ends of PEM.
    root, book, now = platform()
    quote, honest = good_evidence()
    at = data.draw(st.integers(0, len(quote) - 1))
    changed = flipped(quote, at, data.draw(st.integers(1, 255)))
    try:
        found = verify_tdx(changed, book, now, simulated_root=root)
    except AttestationError:
        return
    assert found == honest


@given(st.binary(max_size=4096))
@settings(max_examples=200, deadline=None)
def test_garbage_is_a_certificate_error(data: bytes) -> None:
    try:
        parse_certificate(data)
    except CertificateError:
        return
    raise AssertionError("garbage parsed")


registers = st.binary(min_size=48, max_size=48)
tdx = st.builds(
    TdxMeasurements,
    *[registers] * 4,
    st.tuples(registers, registers, registers, registers),
    st.binary(min_size=64, max_size=64),
)
sgx = st.builds(
    SgxMeasurements, st.binary(min_size=32, max_size=32), st.binary(min_size=64, max_size=64)
)


@given(st.builds(Attestation, st.none() | tdx | sgx, registers), st.binary(max_size=8))
@settings(max_examples=100)
def test_attestation_data_round_trips(value: Attestation, behind: bytes) -> None:
    encoded = value.to_bytes()
    assert Attestation.from_bytes(encoded) == value
    assert Attestation.read(b"xx" + encoded + behind, 2) == (value, 2 + len(encoded))


@given(st.builds(Attestation, st.none() | tdx | sgx, registers), st.data())
@settings(max_examples=100)
def test_attestation_data_cut_short_is_refused(value: Attestation, data: st.DataObject) -> None:
    encoded = value.to_bytes()
    cut = data.draw(st.integers(0, len(encoded) - 1))
    try:
        Attestation.from_bytes(encoded[:cut])
    except DecodeError:
        return
    raise AssertionError("accepted")
