"""The simulated SEV-SNP machine: one per directory, private, renewed, honest about what it is."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cocoon.attestation.claims import ClaimName, Verdict
from cocoon.attestation.evidence import EvidenceKind
from cocoon.attestation.evidence.snp import SnpProduct, SnpRequirement, verify_snp
from cocoon.attestation.evidence.snp_collateral import SnpCollateralBook
from cocoon.devnet.snp import (
    SimulatedSnp,
    SimulatedSnpMachine,
    simulated_snp_measurements,
)
from cocoon.devnet.snp_pki import NAME
from cocoon.devnet.tee import SimulatedTee
from cocoon.errors import ConfigError, EvidenceError

NOW = 1_795_000_000
DAY = 86_400


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> SimulatedSnpMachine:
    return SimulatedSnpMachine(tmp_path_factory.mktemp("devnet") / "snp", NOW)


def test_reports_verify_with_the_root_pinned_and_say_simulated(
    machine: SimulatedSnpMachine,
) -> None:
    source = SimulatedSnp(machine, "proxy")
    book = SnpCollateralBook(machine.collateral(NOW))
    root = machine.root_certificate
    found = verify_snp(source.quote(b"r" * 64), book, NOW, simulated_root=root)
    assert found.kind is source.kind is EvidenceKind.SNP_SIMULATED
    assert found.attestation.image_hash == source.image_hash
    assert found.report.report_data == b"r" * 64
    hardware = next(claim for claim in found.claims if claim.name is ClaimName.GENUINE_HARDWARE)
    assert hardware.verdict is Verdict.REFUTED
    assert SnpRequirement(min_tcb={machine.product: machine.tcb}).check(found)


def test_simulated_reports_never_pass_for_amds(machine: SimulatedSnpMachine) -> None:
    book = SnpCollateralBook(machine.collateral(NOW))
    with pytest.raises(EvidenceError, match="not AMD's"):
        verify_snp(SimulatedSnp(machine, "proxy").quote(bytes(64)), book, NOW)


def test_images_differ_by_name_and_version() -> None:
    hashes = {
        simulated_snp_measurements(image, version).image_hash()
        for image in ("proxy", "worker")
        for version in ("1", "2")
    }
    assert len(hashes) == 4


def test_every_process_gets_the_same_machine(tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        places = [tmp_path / "a" / "snp"] * 2
        found = list(pool.map(lambda place: SimulatedSnpMachine(place, NOW), places))
    assert len({one.root_certificate for one in found}) == 1
    assert len({one.chip_id for one in found}) == 1
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["snp"]


def test_keys_are_private_and_names_are_honest(machine: SimulatedSnpMachine) -> None:
    keys = list(machine.directory.glob("*_key.pem"))
    assert len(keys) == 3
    assert {stat.S_IMODE(path.stat().st_mode) for path in keys} == {0o600}
    assert stat.S_IMODE(machine.directory.stat().st_mode) == 0o700
    for part in (machine.pki.root, machine.pki.authority, machine.pki.leaf):
        assert NAME in part.certificate.subject.rfc4514_string()
        assert "PrivateKey" not in repr(part)


def test_collateral_is_kept_and_renewed_before_it_expires(machine: SimulatedSnpMachine) -> None:
    first = machine.collateral(NOW)
    assert machine.collateral(NOW + 5 * DAY) == first
    renewed = machine.collateral(NOW + 25 * DAY)
    assert renewed.expires_at > first.expires_at
    book = SnpCollateralBook()
    machine.refresh(book, NOW + 25 * DAY)
    before = book.fingerprint
    machine.refresh(book, NOW + 26 * DAY)
    assert book.fingerprint == before


def test_other_products_are_simulated_too(tmp_path: Path) -> None:
    turin = SimulatedSnpMachine(tmp_path / "snp", NOW, product=SnpProduct.TURIN)
    assert (turin.product, len(turin.chip_id)) == (SnpProduct.TURIN, 8)
    assert SimulatedSnpMachine(tmp_path / "snp", NOW).product is SnpProduct.TURIN
    book = SnpCollateralBook(turin.collateral(NOW))
    evidence = SimulatedSnp(turin, "worker").quote(bytes(64))
    assert verify_snp(evidence, book, NOW, simulated_root=turin.root_certificate)


def test_report_data_has_64_bytes(machine: SimulatedSnpMachine) -> None:
    with pytest.raises(EvidenceError):
        SimulatedSnp(machine, "proxy").quote(b"short")


def test_a_directory_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match="empty"):
        SimulatedSnpMachine(tmp_path / "empty", NOW)
    SimulatedTee(tmp_path / "tee", NOW)
    with pytest.raises(ConfigError, match="tee"):
        SimulatedSnpMachine(tmp_path / "tee", NOW)


def test_keys_of_the_wrong_kind_are_refused(tmp_path: Path, machine: SimulatedSnpMachine) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in machine.directory.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    for name, other in (("leaf", "root"), ("root", "leaf")):
        kept = (copy / f"{name}_key.pem").read_bytes()
        (copy / f"{name}_key.pem").write_bytes(
            (machine.directory / f"{other}_key.pem").read_bytes()
        )
        with pytest.raises(ConfigError):
            SimulatedSnpMachine(copy, NOW)
        (copy / f"{name}_key.pem").write_bytes(kept)
