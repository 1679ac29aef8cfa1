"""Forms of GPU evidence of which no real sample is at hand, and the rules between answers."""

import warnings
from dataclasses import replace

import pytest
from cryptography import x509
from cryptography.x509 import ocsp
from cryptography.x509.oid import ObjectIdentifier

from cocoon.attestation.evidence import nvidia_collateral
from cocoon.attestation.evidence.nvidia import GpuRequirement, rim_ids, verify_gpu
from cocoon.attestation.evidence.nvidia_chain import NVIDIA_DEVICE_ROOT
from cocoon.attestation.evidence.nvidia_collateral import GpuCollateral, GpuCollateralBook
from cocoon.attestation.evidence.nvidia_fwid import firmware_id
from cocoon.attestation.evidence.nvidia_item import GpuItem
from cocoon.attestation.evidence.nvidia_report import GpuReport, OpaqueField, Passthrough
from cocoon.devnet import der
from cocoon.devnet.gpu import SimulatedGpus, ocsp_need
from cocoon.devnet.gpu_pki import FWID_OID, SHA384_OID, GpuPki
from cocoon.devnet.gpu_report import (
    DRIVER_INDICES,
    VBIOS_INDICES,
    GpuSoftware,
    build_report,
    build_rim,
)
from cocoon.errors import ConfigError, EvidenceError, PolicyError
from cocoon.testing import gpus

NOW = 1_795_000_000
NONCE = bytes(range(32))
PKI = GpuPki.from_seed(bytes(range(32)), NOW - 86_400)
MACHINE = SimulatedGpus(PKI, 1)
SOFTWARE = MACHINE.software
IDENTITY, LEAF = PKI.gpu(0, SOFTWARE.fwid)
KEY = ocsp_need(IDENTITY).key
BLACKWELL = replace(
    SOFTWARE,
    opaque={
        OpaqueField.DATA_VERSION: b"\1\0\0\0",
        OpaqueField.CHIP_INFO: b"GB100\0",
        OpaqueField.FEATURE_FLAG: b"\0\0\0\0",
        OpaqueField.PROTECTED_PCIE: None,
    },
)


def tcb_info(fwid: bytes, *, oid: str = SHA384_OID) -> bytes:
    """DiceTcbInfo with members before and behind the list of firmware ids."""

    def tagged(tag: int, body: bytes) -> bytes:
        return bytes([tag, len(body)]) + body

    pair = der.sequence(der.oid(oid), der.octets(fwid))
    return der.sequence(tagged(0x80, b"NVIDIA"), tagged(0x83, b"\1"), tagged(0xA6, pair),
                        tagged(0x87, b"\0\0"))  # fmt: skip


def leaf_with(extension: bytes) -> x509.Certificate:
    value = x509.UnrecognizedExtension(ObjectIdentifier(FWID_OID), extension)
    recipe = gpus.CertificateRecipe("Firmware", NOW - 3600, extensions=((value, False),))
    return recipe.make(IDENTITY).certificate


def test_both_forms_of_the_firmware_id_are_read() -> None:
    fwid = bytes(range(48))
    assert firmware_id(leaf_with(tcb_info(fwid))) == fwid
    assert firmware_id(leaf_with(gpus.fwid_extension(IDENTITY, fwid))) == fwid


@pytest.mark.parametrize(
    "extension",
    [
        b"",
        b"\x30",
        b"\x30\x80",
        b"\x30\x82\xff\xff",
        b"\x30\x84\0\0\0\0",
        der.sequence(),
        der.sequence(der.integer(1), der.integer(2), der.integer(3)),
        tcb_info(bytes(47)),
        tcb_info(bytes(48), oid="2.16.840.1.101.3.4.2.1"),
        tcb_info(bytes(48)) + b"\0\0",
        b"\x31" + tcb_info(bytes(48))[1:],
    ],
)
def test_other_forms_are_refused(extension: bytes) -> None:
    with pytest.raises(EvidenceError, match="FWID"):
        firmware_id(leaf_with(extension))


def test_a_blackwell_report_names_its_chip() -> None:
    report = GpuReport.from_bytes(build_report(LEAF.key, BLACKWELL, NONCE))
    assert (report.chip, report.passthrough) == ("GB100", Passthrough.SINGLE)
    assert report.protected_pcie is None
    assert rim_ids(report)[0] == f"NV_GPU_CC_DRIVER_GB100_{SOFTWARE.driver}"


def blackwell_book() -> GpuCollateralBook:
    signer = PKI.rim_signer
    driver = {index: SOFTWARE.golden(index) for index in DRIVER_INDICES}
    vbios = {index: SOFTWARE.golden(index) for index in VBIOS_INDICES}
    keys = [f"rim/NV_GPU_CC_DRIVER_GB100_{SOFTWARE.driver}", MACHINE.rim_needs()[1].key]
    xmls = [
        build_rim(signer, SOFTWARE.driver, driver, product="GB100"),
        build_rim(signer, SOFTWARE.vbios, vbios, product="GB100"),
    ]
    book = MACHINE.book(NOW)
    for key, xml in zip(keys, xmls, strict=True):
        book.put(GpuCollateral.from_answer(key, xml))
    return book


def test_blackwell_verifies_with_manifests_of_its_own() -> None:
    item, root = gpus.item(LEAF, NONCE, BLACKWELL), PKI.root.der
    found = verify_gpu(item, NONCE, blackwell_book(), NOW, simulated_root=root)
    assert found.architecture == "blackwell"
    with pytest.raises(EvidenceError, match="NV_GPU_CC_DRIVER_GB100"):
        verify_gpu(item, NONCE, MACHINE.book(NOW), NOW, simulated_root=root)


def test_the_newest_answer_decides_wherever_it_comes_from() -> None:
    root = PKI.root.der
    item = MACHINE.evidence(NONCE)[0]
    revoked_now = PKI.ocsp_answer(IDENTITY, NOW, revoked=True)
    good_before = PKI.ocsp_answer(IDENTITY, NOW - 3600)
    good_after = PKI.ocsp_answer(IDENTITY, NOW + 60)
    book = MACHINE.book(NOW)
    book.put(GpuCollateral.from_answer(KEY, revoked_now))
    with pytest.raises(EvidenceError, match="revoked"):
        verify_gpu(gpus.stapled(item, good_before), NONCE, book, NOW, simulated_root=root)
    # A certificate that was on hold may be good again.
    assert verify_gpu(gpus.stapled(item, good_after), NONCE, book, NOW, simulated_root=root)


def test_a_wrong_answer_in_the_book_is_asked_for_again() -> None:
    told: list[str] = []
    book = MACHINE.book(NOW)
    other = gpus.ocsp_answer(IDENTITY, gpus.other_pki(PKI).responder, NOW - 60)
    book.put(GpuCollateral.from_answer(KEY, other))
    book.listener = lambda kind, key: told.append(key)
    with pytest.raises(EvidenceError, match="delegated"):
        verify_gpu(MACHINE.evidence(NONCE)[0], NONCE, book, NOW, simulated_root=PKI.root.der)
    assert told == [KEY]


def test_an_answer_about_nothing_in_the_chain_changes_nothing() -> None:
    item = gpus.stapled(MACHINE.evidence(NONCE)[0], PKI.ocsp_answer(PKI.rim_ca, NOW))
    assert verify_gpu(item, NONCE, MACHINE.book(NOW), NOW, simulated_root=PKI.root.der)


def test_a_book_forgets_what_expires_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nvidia_collateral, "MAX_ITEMS", 3)
    items = MACHINE.collateral(NOW)
    assert len(items) > 3
    book = GpuCollateralBook(*items)
    kept = [item for item in items if book.find(item.key)]
    assert len(kept) == 3
    assert min(item.expires_at for item in items) <= min(item.expires_at for item in kept)


def test_a_vendors_root_is_not_a_simulated_one() -> None:
    with pytest.raises(ConfigError, match="not a simulated one"):
        GpuRequirement(1, MACHINE.book(NOW), simulated_root=NVIDIA_DEVICE_ROOT)


@pytest.mark.parametrize(
    ("driver", "allowed"),
    [("999", True), ("999.10.01", True), ("999.10.1", True), ("999.9.99", True),
     ("999.10.02", False), ("1000", False), ("999.10.01.1", False)],
)  # fmt: skip
def test_driver_versions_compare_as_numbers(driver: str, allowed: bool) -> None:
    requirement = GpuRequirement(
        1, MACHINE.book(NOW), simulated_root=PKI.root.der, min_driver=driver
    )
    items = MACHINE.evidence(NONCE)
    if allowed:
        assert requirement.check(items, NONCE, NOW)
    else:
        with pytest.raises(PolicyError, match="older than"):
            requirement.check(items, NONCE, NOW)


def test_a_stolen_firmware_key_of_other_firmware_is_found() -> None:
    """The leaf is honest about another firmware than the report claims."""
    _, other_leaf = PKI.gpu(0, GpuSoftware(vbios="96.00.FF.00.02").fwid)
    item = GpuItem.from_bytes(gpus.item(other_leaf, NONCE, SOFTWARE)).to_bytes()
    with pytest.raises(EvidenceError, match="other firmware"):
        verify_gpu(item, NONCE, MACHINE.book(NOW), NOW, simulated_root=PKI.root.der)


@pytest.mark.parametrize("unused", range(1, 8))
def test_a_signature_has_one_form(unused: int) -> None:
    """The bits that DER calls unused are outside of what is signed, and change nothing else."""
    for pki in (GpuPki.from_seed(bytes([seed] * 32), NOW) for seed in range(4)):
        machine = SimulatedGpus(pki, 1)
        root, book = pki.root.der, machine.book(NOW)
        item = GpuItem.from_bytes(machine.evidence(NONCE)[0])
        for index in range(3):
            changed = list(item.certificates)
            changed[index] = _with_unused_bits(changed[index], unused)
            bad = replace(item, certificates=tuple(changed)).to_bytes()
            with pytest.raises(EvidenceError):
                verify_gpu(bad, NONCE, book, NOW, simulated_root=root)
        identity, _ = pki.gpu(0, machine.software.fwid)
        answer = pki.ocsp_answer(identity, NOW + 60)
        stapled = gpus.stapled(
            item.to_bytes(),
            _with_unused_bits(answer, unused),
        )
        with pytest.raises(EvidenceError):
            verify_gpu(stapled, NONCE, book, NOW, simulated_root=root)


def _with_unused_bits(data: bytes, unused: int) -> bytes:
    try:
        signature = x509.load_der_x509_certificate(data).signature
    except ValueError:
        signature = ocsp.load_der_ocsp_response(data).signature
    at = data.rfind(signature)
    return data[: at - 1] + bytes([unused]) + data[at:]


@pytest.mark.filterwarnings("default")
def test_a_certificate_that_makes_the_library_warn_is_refused() -> None:
    item = GpuItem.from_bytes(MACHINE.evidence(NONCE)[0])
    leaf = bytearray(item.certificates[0])
    serial = leaf.index(b"\xa0\x03\x02\x01\x02\x02") + 7
    leaf[serial] |= 0x80  # negative
    bad = replace(item, certificates=(bytes(leaf), *item.certificates[1:])).to_bytes()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(EvidenceError):
            verify_gpu(bad, NONCE, MACHINE.book(NOW), NOW, simulated_root=PKI.root.der)
