"""The simulated TEE: one per directory, private, renewed, and honest about what it is."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cocoon.attestation.claims import ClaimName, Verdict
from cocoon.attestation.evidence import EvidenceKind
from cocoon.attestation.evidence.collateral import CollateralBook
from cocoon.attestation.evidence.tdx import verify_tdx
from cocoon.devnet.tee import NAME, SimulatedTdx, SimulatedTee, simulated_measurements
from cocoon.errors import ConfigError, EvidenceError

NOW = 1_795_000_000
DAY = 86_400


def test_quotes_verify_with_the_root_pinned_and_say_simulated(tmp_path: Path) -> None:
    tee = SimulatedTee(tmp_path / "tee", NOW)
    source = SimulatedTdx(tee, "proxy")
    found = verify_tdx(
        source.quote(b"r" * 64),
        CollateralBook(tee.collateral(NOW)),
        NOW,
        simulated_root=tee.root_certificate,
    )
    assert found.kind is EvidenceKind.TDX_SIMULATED
    assert found.attestation.image_hash == source.image_hash
    hardware = next(claim for claim in found.claims if claim.name is ClaimName.GENUINE_HARDWARE)
    assert hardware.verdict is Verdict.REFUTED


def test_images_differ_by_name_and_version() -> None:
    hashes = {
        simulated_measurements(image, version).image_hash()
        for image in ("proxy", "worker")
        for version in ("1", "2")
    }
    assert len(hashes) == 4


def test_every_process_gets_the_same_machine(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: SimulatedTee(tmp_path / "a" / "tee", NOW), range(4)))
    assert len({tee.root_certificate for tee in found}) == 1
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["tee"]


def test_keys_are_private_and_names_are_honest(tmp_path: Path) -> None:
    tee = SimulatedTee(tmp_path / "tee", NOW)
    keys = list((tmp_path / "tee").glob("*_key.pem"))
    assert len(keys) == 4
    assert {stat.S_IMODE(path.stat().st_mode) for path in keys} == {0o600}
    assert stat.S_IMODE((tmp_path / "tee").stat().st_mode) == 0o700
    for authority in (tee.pki.root, tee.pki.platform_ca, tee.pki.pck, tee.pki.tcb_signer):
        assert NAME in authority.certificate.subject.rfc4514_string()
        assert "PrivateKey" not in repr(authority)
    assert "simulated" in tee.policy(NOW).name


def test_collateral_is_renewed_before_it_expires(tmp_path: Path) -> None:
    tee = SimulatedTee(tmp_path / "tee", NOW)
    first = tee.collateral(NOW)
    assert tee.collateral(NOW + 15 * DAY) == first
    book = CollateralBook(first)
    before = book.fingerprint
    tee.refresh(book, NOW + 25 * DAY)
    assert book.fingerprint != before
    renewed = book.find(first.fmspc)
    assert renewed is not None
    assert renewed.expires_at > first.expires_at


def test_a_directory_with_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "tee").mkdir()
    with pytest.raises(ConfigError):
        SimulatedTee(tmp_path / "tee", NOW)


def test_report_data_has_64_bytes(tmp_path: Path) -> None:
    with pytest.raises(EvidenceError):
        SimulatedTdx(SimulatedTee(tmp_path / "tee", NOW), "proxy").quote(b"short")
