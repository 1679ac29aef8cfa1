"""SEV-SNP evidence from strangers: read to the same bytes, and changed never the same."""

import base64
import json
from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from cocoon.attestation.evidence.snp import SnpProduct, SnpTcb, VerifiedSnp
from cocoon.attestation.evidence.snp_collateral import SnpCollateral
from cocoon.attestation.evidence.snp_leaf import SnpLeaf
from cocoon.attestation.evidence.snp_report import REPORT_BYTES, SnpReport
from cocoon.attestation.measurements import Attestation, SnpMeasurements
from cocoon.errors import DecodeError, EvidenceError
from cocoon.tee.snp_table import GUIDS, leaf_from_table
from cocoon.testing.snp import snp_lab

levels = st.integers(0, 255)
products = st.sampled_from(list(SnpProduct))


@cache
def good(product: SnpProduct) -> tuple[bytes, VerifiedSnp]:
    lab = snp_lab(product)
    evidence = lab.evidence()
    return evidence, lab.verify(evidence)


@given(st.binary(max_size=1400), products, st.booleans())
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_a_report_or_an_error(
    data: bytes, product: SnpProduct, is_patch: bool
) -> None:
    honest = good(product)[0][:REPORT_BYTES]
    at = int.from_bytes(data[:2], "big") % REPORT_BYTES
    report = (honest[:at] + data[2:] + honest[at + len(data) - 2 :])[:REPORT_BYTES]
    try:
        parsed = SnpReport.from_bytes(report if is_patch else data)
    except EvidenceError:
        return
    assert len(parsed.signed) == 0x2A0
    assert parsed.raw[:0x2A0] == parsed.signed


@given(products, st.data())
@settings(max_examples=200, deadline=None)
def test_a_changed_byte_of_the_evidence_never_verifies(
    product: SnpProduct, data: st.DataObject
) -> None:
    evidence, _ = good(product)
    at = data.draw(st.integers(0, len(evidence) - 1))
    changed = bytearray(evidence)
    changed[at] ^= data.draw(st.integers(1, 255))
    try:
        snp_lab(product).verify(bytes(changed))
    except EvidenceError:
        return
    raise AssertionError(f"byte {at} of the evidence does not matter")


@given(products, st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_a_leaf_is_read_or_refused(product: SnpProduct, data: bytes) -> None:
    leaf = snp_lab(product).pki.leaf_der
    at = int.from_bytes(data[:2], "big") % len(leaf)
    for der in (data, leaf[:at] + data[2:] + leaf[at + max(len(data) - 2, 0) :]):
        try:
            SnpLeaf.from_der(der)
        except EvidenceError:
            continue


@given(st.sampled_from(["ark", "ask", "crl"]), st.integers(0, 4000), st.integers(1, 255))
@settings(max_examples=200, deadline=None)
def test_a_changed_byte_of_collateral_is_refused(name: str, at: int, mask: int) -> None:
    fields = json.loads(snp_lab().collateral.to_json())
    content = bytearray(base64.b64decode(fields[name]))
    content[at % len(content)] ^= mask
    fields[name] = base64.b64encode(content).decode()
    try:
        SnpCollateral.from_json(json.dumps(fields))
    except EvidenceError:
        return
    raise AssertionError(f"byte {at % len(content)} of {name} does not matter")


@given(st.text(max_size=300))
def test_any_text_is_collateral_or_an_error(text: str) -> None:
    try:
        SnpCollateral.from_json(text)
    except EvidenceError:
        return
    raise AssertionError("text of nothing is collateral")


@given(products, levels, levels, levels, levels, levels)
def test_a_tcb_has_one_form(
    product: SnpProduct, bootloader: int, tee: int, snp: int, microcode: int, fmc: int
) -> None:
    tcb = SnpTcb(bootloader, tee, snp, microcode, fmc if product is SnpProduct.TURIN else 0)
    assert SnpTcb.from_bytes(tcb.to_bytes(product), product) == tcb
    assert tcb.below(tcb) == ()


@given(st.binary(min_size=284, max_size=284), st.binary(min_size=48, max_size=48))
def test_measurements_have_one_form(body: bytes, root: bytes) -> None:
    measurements = SnpMeasurements.from_bytes(body)
    assert measurements.to_bytes() == body
    attestation = Attestation(measurements, root)
    assert Attestation.from_bytes(attestation.to_bytes()) == attestation


@given(st.binary(max_size=600))
def test_measurements_of_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        SnpMeasurements.from_bytes(data)
    except DecodeError:
        assert len(data) != SnpMeasurements.SIZE


@given(st.binary(max_size=600), st.sampled_from(sorted(GUIDS)))
def test_any_bytes_are_a_table_or_an_error(data: bytes, signer: int) -> None:
    key = next(key for key in GUIDS if key == signer)
    for table in (data, GUIDS[key].bytes_le + data):
        try:
            found = leaf_from_table(table, key)
        except EvidenceError:
            continue
        assert found is None or found in table
