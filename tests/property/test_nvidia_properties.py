"""GPU evidence from strangers: only expected errors, and nothing changed ever proves more."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cocoon.attestation.evidence.nvidia import GpuRequirement, needed, verify_gpu
from cocoon.attestation.evidence.nvidia_collateral import (
    GpuCollateral,
    GpuCollateralBook,
    OcspNeed,
    RimNeed,
    parse_need,
)
from cocoon.attestation.evidence.nvidia_item import GpuItem
from cocoon.attestation.evidence.nvidia_ocsp import response_expiry, verify_response
from cocoon.attestation.evidence.nvidia_report import GpuReport, opaque_fields
from cocoon.attestation.evidence.nvidia_rim import RimDocument
from cocoon.devnet.gpu import SimulatedGpus, ocsp_need
from cocoon.devnet.gpu_pki import GpuPki
from cocoon.devnet.gpu_report import GpuSoftware, build_report
from cocoon.errors import AttestationError, ConfigError, EvidenceError, PolicyError

NOW = 1_795_000_000
NONCE = bytes(range(32))
MACHINE = SimulatedGpus(GpuPki.from_seed(bytes(range(32)), NOW - 86_400), 1)
ROOT = MACHINE.root_certificate
BOOK = MACHINE.book(NOW)
ITEM = MACHINE.evidence(NONCE)[0]
HONEST = verify_gpu(ITEM, NONCE, BOOK, NOW, simulated_root=ROOT)
REPORT = GpuItem.from_bytes(ITEM).report
PIECES = MACHINE.collateral(NOW)
RIM = next(piece for piece in PIECES if piece.rim is not None)
IDENTITY = MACHINE.pki.gpu(0, MACHINE.software.fwid)[0]
ISSUERS = (MACHINE.pki.device_ca.der, ROOT)
ANSWER = MACHINE.pki.ocsp_answer(IDENTITY, NOW)

part = st.binary(min_size=1, max_size=200)
items = st.builds(
    GpuItem, part, st.lists(part, min_size=3, max_size=8).map(tuple),
    st.lists(part, max_size=6).map(tuple),
)  # fmt: skip


def flipped(data: bytes, at: int, mask: int) -> bytes:
    changed = bytearray(data)
    changed[at % len(data)] ^= mask
    return bytes(changed)


flips = given(st.integers(0, 1 << 20), st.integers(1, 255))


@given(items)
@settings(max_examples=100)
def test_an_item_has_one_form(item: GpuItem) -> None:
    data = item.to_bytes()
    assert GpuItem.from_bytes(data) == item
    for cut in (0, 1, len(data) // 2, len(data) - 1):
        with pytest.raises(EvidenceError):
            GpuItem.from_bytes(data[:cut])
    with pytest.raises(EvidenceError):
        GpuItem.from_bytes(data + b"\0")


@given(st.binary(max_size=4096))
@settings(max_examples=200)
def test_garbage_is_an_evidence_error(data: bytes) -> None:
    for read in (GpuItem.from_bytes, GpuReport.from_bytes, RimDocument.from_xml, response_expiry):
        with pytest.raises(EvidenceError):
            read(data)


@given(st.dictionaries(st.integers(0, 0xFFFF), st.binary(max_size=40), max_size=64))
@settings(max_examples=100)
def test_opaque_fields_round_trip(fields: dict[int, bytes]) -> None:
    data = b"".join(
        kind.to_bytes(2, "little") + len(value).to_bytes(2, "little") + value
        for kind, value in fields.items()
    )
    assert opaque_fields(data) == fields


@flips
@settings(max_examples=300, deadline=None)
def test_changed_evidence_never_verifies(at: int, mask: int) -> None:
    changed = flipped(ITEM, at, mask)
    with pytest.raises(EvidenceError):
        verify_gpu(changed, NONCE, BOOK, NOW, simulated_root=ROOT)
    with pytest.raises(EvidenceError):
        needed(changed, BOOK, NOW, simulated_root=ROOT)


@flips
@settings(max_examples=200, deadline=None)
def test_reading_a_changed_report_fails_only_as_expected(at: int, mask: int) -> None:
    try:
        report = GpuReport.from_bytes(flipped(REPORT, at, mask))
        said = (report.driver_version, report.vbios_version, report.board, report.chip)
        report.protected_pcie, report.passthrough, report.fwid  # noqa: B018
    except EvidenceError:
        return
    assert all(isinstance(text, str | tuple | None) for text in said)


@flips
@settings(max_examples=200, deadline=None)
def test_a_changed_manifest_never_says_anything_else(at: int, mask: int) -> None:
    try:
        assert RimDocument.from_xml(flipped(RIM.data, at, mask)) == RIM.rim
    except EvidenceError:
        return


@flips
@settings(max_examples=200, deadline=None)
def test_a_changed_ocsp_answer_never_counts(at: int, mask: int) -> None:
    honest = verify_response(ANSWER, IDENTITY.der, ISSUERS)
    assert honest.good
    with pytest.raises(EvidenceError):
        verify_response(flipped(ANSWER, at, mask), IDENTITY.der, ISSUERS)


@given(st.text(max_size=80) | st.binary(max_size=60).map(lambda b: f"ocsp/{b.hex()}/{b.hex()}"))
@settings(max_examples=200)
def test_a_need_has_one_form(text: str) -> None:
    try:
        need = parse_need(text)
    except EvidenceError:
        return
    assert need.key == text
    if isinstance(need, RimNeed):
        assert "/" not in need.rim_id
        assert ".." not in f"/{need.rim_id}"[:3]


@given(st.text(max_size=200))
@settings(max_examples=100)
def test_garbage_is_no_collateral(text: str) -> None:
    with pytest.raises(EvidenceError):
        GpuCollateral.from_json(text)


def test_collateral_survives_the_store_and_names_its_need() -> None:
    for piece in PIECES:
        again = GpuCollateral.from_json(piece.to_json())
        assert again == piece
        assert again.rim == piece.rim
        assert parse_need(piece.key).key == piece.key
    need = ocsp_need(IDENTITY)
    assert isinstance(parse_need(need.key), OcspNeed)


@given(st.sets(st.integers(0, len(PIECES) - 1)))
@settings(max_examples=40, deadline=None)
def test_fetching_what_is_needed_ends_with_a_verdict(have: set[int]) -> None:
    by_key = {piece.key: piece for piece in PIECES}
    book = GpuCollateralBook(*(PIECES[index] for index in have))
    rounds = 0
    while missing := needed(ITEM, book, NOW, simulated_root=ROOT):
        with pytest.raises(AttestationError):
            verify_gpu(ITEM, NONCE, book, NOW, simulated_root=ROOT)
        before = book.fingerprint
        for need in missing:
            book.put(by_key[need.key])
        assert book.fingerprint != before
        rounds += 1
    assert rounds <= 2
    assert verify_gpu(ITEM, NONCE, book, NOW, simulated_root=ROOT) == HONEST


@given(st.integers(0, 40), st.integers(1, 255))
@settings(max_examples=60, deadline=None)
def test_any_measured_difference_is_refused(index: int, mask: int) -> None:
    software = GpuSoftware()
    altered = flipped(software.golden(index), index, mask)
    _, leaf = MACHINE.pki.gpu(0, software.fwid)
    report = build_report(leaf.key, replace(software, altered={index: altered}), NONCE)
    item = replace(GpuItem.from_bytes(ITEM), report=report).to_bytes()
    if index in _judged():
        with pytest.raises(EvidenceError, match=f"GPU measurements: {index} "):
            verify_gpu(item, NONCE, BOOK, NOW, simulated_root=ROOT)
    else:
        assert verify_gpu(item, NONCE, BOOK, NOW, simulated_root=ROOT) == HONEST


def _judged() -> set[int]:
    return {index for piece in PIECES if piece.rim for index in piece.rim.golden}


def test_verdicts_end_with_the_first_answer_that_expires() -> None:
    soonest = min(piece.expires_at for piece in PIECES)
    assert soonest == HONEST.expires_at
    assert verify_gpu(ITEM, NONCE, BOOK, soonest, simulated_root=ROOT) == HONEST
    with pytest.raises(EvidenceError, match="OCSP"):
        verify_gpu(ITEM, NONCE, BOOK, soonest + 1, simulated_root=ROOT)


@given(st.integers(-5, 40), st.text(max_size=12), st.sets(st.text(max_size=10), max_size=2))
@settings(max_examples=100)
def test_nonsense_requirements_are_config_errors(
    count: int, driver: str, architectures: set[str]
) -> None:
    try:
        requirement = GpuRequirement(count, BOOK, ROOT, frozenset(architectures), min_driver=driver)
    except ConfigError:
        return
    assert 1 <= count <= 16
    with pytest.raises((PolicyError, EvidenceError)):
        requirement.check([ITEM], bytes(32), NOW)


def test_no_production_requirement_accepts_simulated_gpus() -> None:
    with pytest.raises(EvidenceError, match="pinned root"):
        GpuRequirement(1, BOOK).check([ITEM], NONCE, NOW)
