"""What NVIDIA's own samples prove, under NVIDIA's roots."""

import pytest

from cocoon.attestation.evidence.nvidia import needed, rim_ids, verify_gpu
from cocoon.attestation.evidence.nvidia_chain import (
    NVIDIA_DEVICE_ROOT,
    NVIDIA_RIM_ROOT,
    verify_chain,
)
from cocoon.attestation.evidence.nvidia_collateral import (
    GpuCollateral,
    GpuCollateralBook,
    OcspNeed,
    RimNeed,
)
from cocoon.attestation.evidence.nvidia_fwid import firmware_id
from cocoon.attestation.evidence.nvidia_golden import compare, mismatches, require_version
from cocoon.attestation.evidence.nvidia_item import GpuItem
from cocoon.attestation.evidence.nvidia_report import GpuReport, Switch
from cocoon.attestation.evidence.nvidia_rim import RimDocument
from cocoon.attestation.evidence.nvidia_subject import require_report_signature
from cocoon.devnet.gpu_pki import GpuPki
from cocoon.errors import EvidenceError, MissingCollateralError
from cocoon.testing.real_evidence import nvidia

REAL = nvidia()
NOW = 1_735_689_600
"""2025-01-01: every certificate of the samples is valid."""
NONCE = bytes.fromhex("931d8dd0add203ac3d8b4fbde75e115278eefcdceac5b87671a748f32364dfcb")
RAW_REPORT = REAL.report
CERTIFICATES = REAL.chain
ITEM = GpuItem(RAW_REPORT, CERTIFICATES).to_bytes()
DRIVER = "Driver_RIM_test_no_gpu.swidtag"
VBIOS = "1010_0200_882_96005E0001_PROD.swidtag"
RIMS = {
    DRIVER: ("545.00", "HCC RIM L4 Signer"),
    VBIOS: ("96.00.5E.00.01", "HCC RIM L4 Signer"),
    "g520_0228_889_96006D0029_PROD.swidtag": ("96.00.6D.00.29", "HCC RIM L4 Signer"),
}


def rim(name: str) -> RimDocument:
    return RimDocument.from_xml(REAL.manifests[name])


def test_the_pinned_roots_are_those_of_the_package() -> None:
    assert (REAL.device_root, REAL.rim_root) == (NVIDIA_DEVICE_ROOT, NVIDIA_RIM_ROOT)


def test_the_report_says_what_it_is() -> None:
    report = GpuReport.from_bytes(RAW_REPORT)
    assert report.nonce == NONCE
    assert len(report.measurements) == 64
    assert {len(value) for value in report.measurements.values()} == {48}
    assert (report.driver_version, report.vbios_version) == ("550.90.07", "96.00.9F.00.01")
    assert report.board == ("1010", "0200", "882")
    assert (report.chip, report.passthrough, report.protected_pcie) == (None, None, Switch.OFF)
    assert rim_ids(report) == (
        "NV_GPU_DRIVER_GH100_550.90.07",
        "NV_GPU_VBIOS_1010_0200_882_96009F0001",
    )


def test_chain_signature_and_firmware_verify_under_nvidias_root() -> None:
    report, chain = GpuReport.from_bytes(RAW_REPORT), verify_chain(CERTIFICATES, "GPU")
    chain.require(NVIDIA_DEVICE_ROOT, NOW, "GPU")
    require_report_signature(report, chain)
    assert firmware_id(chain.leaf) == report.fwid


def test_without_ocsp_answers_it_is_refused_for_just_that() -> None:
    told: list[tuple[str, str]] = []
    book = GpuCollateralBook()
    book.listener = lambda kind, key: told.append((kind, key))
    with pytest.raises(MissingCollateralError, match=r"^GPU OCSP: .*'GH100 A01 GSP BROM'") as error:
        verify_gpu(ITEM, NONCE, book, NOW)
    needs = needed(ITEM, book, NOW)
    assert [type(need) for need in needs] == [OcspNeed] * 3 + [RimNeed] * 2
    assert told == [("gpu", need.key) for need in needs]
    assert (error.value.kind, error.value.key) == told[0]


def test_another_nonce_is_refused_before_anything_is_fetched() -> None:
    book = GpuCollateralBook()
    book.listener = lambda kind, key: pytest.fail("asked for collateral")
    with pytest.raises(EvidenceError, match="another nonce"):
        verify_gpu(ITEM, bytes(32), book, NOW)


def test_before_its_chain_is_valid_it_is_refused() -> None:
    with pytest.raises(EvidenceError, match="'NVIDIA GH100 Provisioner ICA 1' is not valid yet"):
        needed(ITEM, GpuCollateralBook(), 1_643_000_000)


def test_a_devnets_root_does_not_make_it_simulated() -> None:
    root = GpuPki.from_seed(bytes(32), NOW).root.der
    with pytest.raises(EvidenceError, match="pinned root"):
        verify_gpu(ITEM, NONCE, GpuCollateralBook(), NOW, simulated_root=root)


@pytest.mark.parametrize("name", RIMS)
def test_manifests_verify_under_nvidias_root_until_they_expire(name: str) -> None:
    document = rim(name)
    version, signer = RIMS[name]
    assert (document.version, document.product) == (version, "GH100")
    document.require(NVIDIA_RIM_ROOT, NOW)
    with pytest.raises(EvidenceError, match=f"'{signer}' is expired"):
        document.require(NVIDIA_RIM_ROOT, document.not_after + 1)
    with pytest.raises(EvidenceError, match="pinned root"):
        document.require(NVIDIA_DEVICE_ROOT, NOW)


def test_measurements_compare_with_the_manifests_of_other_versions() -> None:
    measured = GpuReport.from_bytes(RAW_REPORT).measurements
    driver, vbios = rim(DRIVER), rim(VBIOS)
    assert driver.golden.keys() - set(mismatches(measured, driver)) == {23, 24, 28, 33, 35, 38}
    assert set(mismatches(measured, vbios)) == {1, 2, 9, 11}
    assert len(driver.golden) == 21
    assert len(vbios.golden) == 12
    # Between them the two manifests speak about every measurement that is not zero.
    assert {i for i, value in measured.items() if any(value)} <= driver.golden.keys() | (
        vbios.golden.keys()
    )
    with pytest.raises(EvidenceError, match=r"1 \(VBIOS\), 2 \(VBIOS\), 7 \(driver\)"):
        compare(measured, driver, vbios)
    with pytest.raises(EvidenceError, match=r"545\.00"):
        require_version(driver, "550.90.07")


def test_every_changed_byte_of_the_report_is_refused() -> None:
    start = 3
    for at in range(start, start + len(RAW_REPORT)):
        _require_refused(at, 0x41)


def test_a_changed_byte_elsewhere_is_refused() -> None:
    behind = 3 + len(RAW_REPORT)
    for at in (0, 1, 2, *range(behind, len(ITEM), 2)):
        _require_refused(at, 0x04)


def _require_refused(at: int, mask: int) -> None:
    changed = bytearray(ITEM)
    changed[at] ^= mask
    with pytest.raises(EvidenceError):
        needed(bytes(changed), GpuCollateralBook(), NOW)


@pytest.mark.parametrize("name", REAL.manifests)
def test_every_manifest_of_the_package_verifies(name: str) -> None:
    document = rim(name)
    document.require(NVIDIA_RIM_ROOT, document.not_after - 1)


@pytest.mark.parametrize("name", RIMS)
def test_a_changed_byte_of_a_manifest_never_says_anything_else(name: str) -> None:
    xml = REAL.manifests[name]
    honest = rim(name)
    refused = 0
    for at in range(11, len(xml), 211):
        changed = bytearray(xml)
        changed[at] ^= 0x01
        try:
            # Some bytes, such as ends of lines within a certificate's base64, mean nothing.
            assert RimDocument.from_xml(bytes(changed)) == honest
        except EvidenceError:
            refused += 1
    assert refused > 80


def test_a_manifest_survives_the_store() -> None:
    xml = REAL.manifests[DRIVER]
    item = GpuCollateral.from_answer("rim/NV_GPU_DRIVER_GH100_545.00", xml)
    again = GpuCollateral.from_json(item.to_json())
    assert again == item
    assert again.rim == item.rim
    assert item.expires_at == rim(DRIVER).not_after
