"""Simulated GPUs: kept in a directory, renewed, never real."""

import stat
from pathlib import Path

import pytest

from cocoon.attestation.evidence.nvidia import verify_gpu
from cocoon.attestation.evidence.nvidia_collateral import GpuCollateralBook
from cocoon.devnet.gpu import RENEW_COLLATERAL_BEFORE, SEED_FILE, SimulatedGpus
from cocoon.devnet.gpu_pki import OCSP_LIFETIME, GpuPki
from cocoon.errors import ConfigError, EvidenceError

NOW = 1_795_000_000
NONCE = bytes(range(32))
WEEK = int(OCSP_LIFETIME.total_seconds())


def test_two_processes_agree_on_every_certificate(tmp_path: Path) -> None:
    worker = SimulatedGpus.load(tmp_path / "machine", 2, NOW)
    client = SimulatedGpus.load(tmp_path / "machine", 2, NOW + 50)
    assert client.root_certificate == worker.root_certificate
    found = client.requirement(NOW).check(worker.evidence(NONCE), NONCE, NOW)
    assert len({gpu.device_id for gpu in found}) == 2
    assert all(gpu.simulated for gpu in found)


def test_the_seed_is_for_its_owner_only(tmp_path: Path) -> None:
    SimulatedGpus.load(tmp_path, 1, NOW)
    assert stat.S_IMODE((tmp_path / SEED_FILE).stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [SEED_FILE]


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b'{"notice":"","seed":"00","created":1}', b'{"seed":1}', b"\xff"],
)
def test_a_directory_with_something_else_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / SEED_FILE).write_bytes(content)
    with pytest.raises(ConfigError, match="simulated GPUs"):
        SimulatedGpus.load(tmp_path, 1, NOW)


@pytest.mark.parametrize("count", [0, 17, -1])
def test_a_machine_has_1_to_16_gpus(count: int) -> None:
    with pytest.raises(ConfigError, match="1 to 16"):
        SimulatedGpus(GpuPki.from_seed(bytes(32), NOW), count)


def test_collateral_is_renewed_before_it_expires() -> None:
    machine = SimulatedGpus(GpuPki.from_seed(bytes(32), NOW), 1)
    book = GpuCollateralBook()
    machine.refresh(book, NOW)
    first = book.fingerprint
    machine.refresh(book, NOW + 3600)
    assert book.fingerprint == first
    later = NOW + WEEK - RENEW_COLLATERAL_BEFORE
    machine.refresh(book, later)
    assert book.fingerprint != first
    root = machine.root_certificate
    item = machine.evidence(NONCE)[0]
    assert verify_gpu(item, NONCE, book, later + WEEK - 3600, simulated_root=root).simulated


def test_another_machine_is_not_this_one() -> None:
    one, other = (SimulatedGpus(GpuPki.from_seed(bytes([n] * 32), NOW), 1) for n in (1, 2))
    with pytest.raises(EvidenceError, match="pinned root"):
        one.requirement(NOW).check(other.evidence(NONCE), NONCE, NOW)


def test_a_nonce_has_32_bytes() -> None:
    with pytest.raises(EvidenceError, match="32"):
        SimulatedGpus(GpuPki.from_seed(bytes(32), NOW), 1).evidence(b"short")
