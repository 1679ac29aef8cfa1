"""What an attacker may try with GPUs: old answers, other manifests, odd demands."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from cocoon.attestation.evidence.nvidia import MAX_GPUS, GpuRequirement, needed, verify_gpu
from cocoon.attestation.evidence.nvidia_collateral import (
    MAX_ITEMS,
    GpuCollateral,
    GpuCollateralBook,
    OcspNeed,
    RimNeed,
    parse_need,
)
from cocoon.attestation.evidence.nvidia_item import GpuItem
from cocoon.attestation.evidence.nvidia_ocsp import MAX_AGE
from cocoon.devnet.gpu import SimulatedGpus, ocsp_need
from cocoon.devnet.gpu_pki import GpuPki
from cocoon.errors import ConfigError, EvidenceError, MissingCollateralError, PolicyError

NOW = 1_795_000_000
DAY = 86_400
GPUS = SimulatedGpus(GpuPki.from_seed(bytes(32), NOW - 10 * DAY), 2)
NONCE = bytes(range(32))
ITEMS = GPUS.evidence(NONCE)
ROOT = GPUS.root_certificate
IDENTITY, _ = GPUS.pki.gpu(0, GPUS.software.fwid)


def stapled(*answers: bytes) -> bytes:
    item = GpuItem.from_bytes(ITEMS[0])
    return GpuItem(item.report, item.certificates, answers).to_bytes()


def book(*answers: bytes) -> GpuCollateralBook:
    """Everything that is needed, with these answers about the GPU."""
    made = GPUS.book(NOW)
    for answer in answers:
        made.put(GpuCollateral.from_answer(ocsp_need(IDENTITY).key, answer))
    return made


def verify(item: bytes, kept: GpuCollateralBook, now: int = NOW) -> int:
    return verify_gpu(item, NONCE, kept, now, simulated_root=ROOT).expires_at


def test_the_worse_of_two_answers_of_one_second_counts() -> None:
    good = GPUS.pki.ocsp_answer(IDENTITY, NOW)
    revoked = GPUS.pki.ocsp_answer(IDENTITY, NOW, revoked=True)
    assert verify(stapled(good), book(good))
    for item, kept in (
        (stapled(good), book(revoked)),
        (stapled(revoked), book(good)),
        (stapled(good, revoked), book()),
        (stapled(revoked, good), book()),
    ):
        with pytest.raises(EvidenceError, match="revoked"):
            verify(item, kept)


def test_an_older_good_word_does_not_help_against_a_newer_bad_one() -> None:
    old = GPUS.pki.ocsp_answer(IDENTITY, NOW - 60)
    revoked = GPUS.pki.ocsp_answer(IDENTITY, NOW, revoked=True)
    with pytest.raises(EvidenceError, match="revoked"):
        verify(stapled(old), book(revoked))


def test_a_word_counts_for_a_week_and_ends_what_rests_on_it() -> None:
    old = GPUS.pki.ocsp_answer(IDENTITY, NOW - 3 * DAY)
    end = NOW - 3 * DAY - 300 + MAX_AGE
    assert verify(ITEMS[0], book(old)) == end
    assert verify(ITEMS[0], book(old), end) == end
    with pytest.raises(MissingCollateralError, match="GPU OCSP"):
        verify(ITEMS[0], book(old), end + 1)


def test_every_gpu_must_have_made_its_evidence_for_us() -> None:
    other = GPUS.evidence(bytes(32))
    wanted = GPUS.requirement(NOW)
    assert len(wanted.check(ITEMS, NONCE, NOW)) == 2
    for items in ((ITEMS[0], other[1]), (other[0], ITEMS[1]), other):
        with pytest.raises(EvidenceError, match="another nonce"):
            wanted.check(items, NONCE, NOW)
    for items in (ITEMS[:1], (*ITEMS, ITEMS[0]), ()):
        with pytest.raises(PolicyError, match="the policy asks for 2"):
            wanted.check(items, NONCE, NOW)


@pytest.mark.parametrize(
    "changes",
    [
        {"count": 0},
        {"count": MAX_GPUS + 1},
        {"architectures": frozenset({"ampere"})},
        {"min_driver": ""},
        {"min_driver": "550.90.07\n"},
        {"min_driver": "v550"},
        {"min_driver": "1.2.3.4.5"},
    ],
)
def test_demands_that_make_no_sense_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        replace(GPUS.requirement(NOW), **changes)


def test_versions_are_compared_by_number() -> None:
    wanted = GPUS.requirement(NOW)
    shown = wanted.check(ITEMS, NONCE, NOW)[0].driver_version
    major = int(shown.split(".")[0])
    for accepted in (shown, str(major), f"{major - 1}.9999", "9.99999"):
        assert replace(wanted, min_driver=accepted).check(ITEMS, NONCE, NOW)
    for refused in (f"{shown}.1", str(major + 1), f"{major}.99999", "1000"):
        with pytest.raises(PolicyError, match="older than"):
            replace(wanted, min_driver=refused).check(ITEMS, NONCE, NOW)


def test_a_manifest_for_something_else_does_not_stand_in() -> None:
    needs = needed(ITEMS[0], GpuCollateralBook(), NOW, simulated_root=ROOT)
    driver, vbios = (need for need in needs if isinstance(need, RimNeed))
    full = GPUS.book(NOW)
    data = {need.key: full.find(need.key) for need in (driver, vbios)}
    for asked, given in ((driver, vbios), (vbios, driver)):
        swapped = data[given.key]
        assert swapped is not None
        kept = GPUS.book(NOW)
        kept.put(GpuCollateral.from_answer(asked.key, swapped.data))
        with pytest.raises(EvidenceError, match="it is for version"):
            verify(ITEMS[0], kept)


def test_an_answer_does_not_stand_in_for_a_manifest() -> None:
    kept = GPUS.book(NOW)
    driver = next(
        need
        for need in needed(ITEMS[0], GpuCollateralBook(), NOW, simulated_root=ROOT)
        if isinstance(need, RimNeed)
    )
    answer = GPUS.pki.ocsp_answer(IDENTITY, NOW)
    kept.put(GpuCollateral(driver.key, answer, NOW + DAY))
    with pytest.raises(MissingCollateralError, match="GPU RIM"):
        verify(ITEMS[0], kept)


def test_strangers_cannot_fill_a_book_for_ever() -> None:
    answer = GPUS.pki.ocsp_answer(IDENTITY, NOW)
    kept = GpuCollateralBook()
    for number in range(MAX_ITEMS + 3):
        need = OcspNeed(number.to_bytes(32, "big"), b"r")
        kept._keep(GpuCollateral(need.key, answer, NOW + number))
    assert kept.find(OcspNeed(bytes(32), b"r").key) is None
    assert kept.find(OcspNeed((MAX_ITEMS + 2).to_bytes(32, "big"), b"r").key) is not None
    assert parse_need(need.key) == need


def test_a_real_policy_takes_no_simulated_gpu_whatever_it_is_given() -> None:
    real = GpuRequirement(2, GPUS.book(NOW))
    with pytest.raises(EvidenceError, match="pinned root"):
        real.check(ITEMS, NONCE, NOW)


@pytest.mark.parametrize("whose", ["identity", "device_ca", "rim_signer", "rim_ca"])
def test_the_oldest_answer_of_all_ends_what_rests_on_them(whose: str) -> None:
    subject = IDENTITY if whose == "identity" else getattr(GPUS.pki, whose)
    kept = GPUS.book(NOW)
    old = GPUS.pki.ocsp_answer(subject, NOW - 2 * DAY)
    kept.put(GpuCollateral.from_answer(ocsp_need(subject).key, old))
    end = NOW - 2 * DAY - 300 + MAX_AGE
    assert verify(ITEMS[0], kept) == verify(ITEMS[0], kept, end) == end
    with pytest.raises(MissingCollateralError, match="GPU OCSP"):
        verify(ITEMS[0], kept, end + 1)


def test_a_leaf_ends_what_rests_on_it() -> None:
    identity, leaf = GPUS.pki.gpu(0, GPUS.software.fwid)
    old = leaf.certificate
    builder = x509.CertificateBuilder(
        old.issuer,
        old.subject,
        old.public_key(),
        old.serial_number,
        old.not_valid_before_utc,
        datetime.fromtimestamp(NOW + 50, UTC),
        list(old.extensions),
    )
    short = builder.sign(identity.key, hashes.SHA384()).public_bytes(Encoding.DER)
    item = GpuItem.from_bytes(ITEMS[0])
    changed = GpuItem(item.report, (short, *item.certificates[1:])).to_bytes()
    assert verify(changed, GPUS.book(NOW)) == NOW + 50
    with pytest.raises(EvidenceError, match="is expired"):
        verify(changed, GPUS.book(NOW), NOW + 51)
