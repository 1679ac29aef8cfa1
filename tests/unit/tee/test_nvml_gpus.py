"""GPUs through NVML, with a stand-in for the driver's module."""

import contextlib
import inspect
from pathlib import Path

import pynvml
import pytest

from cocoon.attestation.evidence.nvidia import GpuRequirement, verify_gpu
from cocoon.attestation.evidence.nvidia_collateral import GpuCollateralBook
from cocoon.attestation.evidence.nvidia_item import GpuItem
from cocoon.devnet.gpu import SimulatedGpus
from cocoon.devnet.gpu_pki import GpuPki
from cocoon.errors import ConfigError, EvidenceError, PolicyError
from cocoon.tee.guest_init import GuestInit, GuestPaths, Hardware
from cocoon.tee.nvidia import GpuGate, NvmlGpus
from cocoon.tee.runtime_config import Role
from cocoon.testing.nvml import FUNCTIONS, StandInNvml

NOW = 1_795_000_000
NONCE = bytes(range(32))
MACHINE = SimulatedGpus(GpuPki.from_seed(bytes(32), NOW), 2)
READY = "nvmlSystemSetConfComputeGpusReadyState"


def rig(**changes: object) -> tuple[StandInNvml, GpuGate]:
    nvml = StandInNvml(MACHINE.evidence)
    for name, value in changes.items():
        setattr(nvml, name, value)
    return nvml, GpuGate(NvmlGpus(nvml), MACHINE.requirement(NOW))


def test_the_stand_in_has_the_functions_of_the_real_module() -> None:
    for name in FUNCTIONS:
        real = inspect.signature(getattr(pynvml, name)).parameters
        ours = inspect.signature(getattr(StandInNvml, name)).parameters
        assert len(real) == len(ours) - 1, name


def test_gpus_work_only_after_they_are_verified() -> None:
    nvml, gate = rig()
    with pytest.raises(EvidenceError, match="not verified"):
        gate.open()
    found = gate.verify(NONCE, NOW)
    assert len(found) == 2
    assert nvml.ready == pynvml.NVML_CC_ACCEPTING_CLIENT_REQUESTS_FALSE
    gate.open()
    assert nvml.ready == pynvml.NVML_CC_ACCEPTING_CLIENT_REQUESTS_TRUE
    assert nvml.calls.index(READY) < nvml.calls.index("nvmlSystemGetConfComputeState")
    assert nvml.calls[-2:] == [READY, "nvmlSystemGetConfComputeGpusReadyState"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"cc_feature": pynvml.NVML_CC_SYSTEM_FEATURE_DISABLED}, "is off"),
        ({"dev_tools": pynvml.NVML_CC_SYSTEM_DEVTOOLS_MODE_ON}, "developer tools"),
        ({"environment": pynvml.NVML_CC_SYSTEM_ENVIRONMENT_SIM}, "simulation"),
        ({"environment": pynvml.NVML_CC_SYSTEM_ENVIRONMENT_UNAVAILABLE}, "simulation"),
        ({"multi_gpu": pynvml.NVML_CC_SYSTEM_MULTIGPU_PROTECTED_PCIE}, "as one"),
        ({"multi_gpu": pynvml.NVML_CC_SYSTEM_MULTIGPU_NVLE}, "as one"),
        ({"stuck": True}, "did not change"),
    ],
)
def test_gpus_in_another_mode_are_refused(changes: dict[str, object], reason: str) -> None:
    nvml, gate = rig(**changes)
    with pytest.raises(EvidenceError, match=reason):
        gate.verify(NONCE, NOW)
    with pytest.raises(EvidenceError, match="not verified"):
        gate.open()
    if "stuck" not in changes:
        assert nvml.ready == pynvml.NVML_CC_ACCEPTING_CLIENT_REQUESTS_FALSE


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if name != "nvmlInit"])
def test_every_error_of_the_driver_is_evidence_error(name: str) -> None:
    nvml, gate = rig(failing={name})
    run = NvmlGpus(nvml).close if name == "nvmlShutdown" else lambda: gate.verify(NONCE, NOW)
    with pytest.raises(EvidenceError, match="GPU"):
        run()


def test_without_a_driver_it_says_so() -> None:
    nvml = StandInNvml(MACHINE.evidence)
    nvml.failing = {"nvmlInit"}
    with pytest.raises(ConfigError, match="driver"):
        NvmlGpus(nvml)


def test_a_failed_verification_takes_an_earlier_one_back() -> None:
    nvml, gate = rig()
    gate.verify(NONCE, NOW)
    nvml.dev_tools = pynvml.NVML_CC_SYSTEM_DEVTOOLS_MODE_ON
    with pytest.raises(EvidenceError):
        gate.verify(NONCE, NOW)
    with pytest.raises(EvidenceError, match="not verified"):
        gate.open()


def test_a_missing_gpu_is_refused() -> None:
    nvml = StandInNvml(lambda nonce: MACHINE.evidence(nonce)[:1])
    gate = GpuGate(NvmlGpus(nvml), MACHINE.requirement(NOW))
    with pytest.raises(PolicyError, match="1 GPUs"):
        gate.verify(NONCE, NOW)


def test_stapled_answers_spare_the_verifier_asking() -> None:
    book = MACHINE.book(NOW)
    item = NvmlGpus(StandInNvml(MACHINE.evidence), staple=book).evidence(NONCE)[1]
    assert len(GpuItem.from_bytes(item).ocsp) == 2
    rims_only = GpuCollateralBook(
        *(piece for piece in MACHINE.collateral(NOW) if piece.rim is not None),
        *(book.find(key) for key in _rim_signers()),
    )
    root = MACHINE.root_certificate
    assert verify_gpu(item, NONCE, rims_only, NOW, simulated_root=root).simulated
    bare = MACHINE.evidence(NONCE)[1]
    with pytest.raises(EvidenceError, match="OCSP"):
        verify_gpu(bare, NONCE, rims_only, NOW, simulated_root=root)


def _rim_signers() -> list[str]:
    from cocoon.devnet.gpu import ocsp_need

    return [ocsp_need(subject).key for subject in (MACHINE.pki.rim_ca, MACHINE.pki.rim_signer)]


def test_a_nonce_has_32_bytes() -> None:
    with pytest.raises(EvidenceError, match="32"):
        NvmlGpus(StandInNvml(MACHINE.evidence)).evidence(bytes(31))


def test_a_requirement_with_real_roots_refuses_simulated_gpus() -> None:
    requirement = GpuRequirement(2, MACHINE.book(NOW))
    gate = GpuGate(NvmlGpus(StandInNvml(MACHINE.evidence)), requirement)
    with pytest.raises(EvidenceError, match="pinned root"):
        gate.verify(NONCE, NOW)


def test_a_guest_measures_the_verification_before_it_opens_the_gpus(tmp_path: Path) -> None:
    nvml, gate = rig()
    paths = GuestPaths(*(tmp_path / name for name in ("share", "c", "r", "k", "e", "cmdline")))
    paths.share.mkdir()
    (paths.share / "start").write_text("#!")
    paths.cmdline.write_text("cocoon.gpus=2")
    ready: list[int] = []
    hardware = Hardware(
        record=lambda text: ready.append(nvml.ready),
        verify_gpus=lambda: len(gate.verify(NONCE, NOW)),
        derive_key=lambda name: name.encode().ljust(32, b"!"),
        image_hash=lambda: bytes(range(32)),
        open_gpus=gate.open,
    )
    with contextlib.suppress(ConfigError):  # the variables of a whole role are not the point
        GuestInit(Role.WORKER, hardware, paths).run()
    on, off = (
        pynvml.NVML_CC_ACCEPTING_CLIENT_REQUESTS_TRUE,
        pynvml.NVML_CC_ACCEPTING_CLIENT_REQUESTS_FALSE,
    )
    # The configuration; the GPUs' verification, with which they are still closed; the end.
    assert ready == [on, off, on]
    assert paths.events.read_text().splitlines()[1] == "cocoon:gpu_verified=2"
