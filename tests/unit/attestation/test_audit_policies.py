"""Policies with a slip in them: refused when they are made, not when somebody connects."""

from typing import Any

import pytest

from cocoon.attestation import policy as policies
from cocoon.attestation.evidence import EvidenceKind
from cocoon.attestation.evidence.collateral import CollateralBook
from cocoon.attestation.evidence.snp import SnpRequirement
from cocoon.attestation.evidence.snp_collateral import SnpCollateralBook
from cocoon.attestation.evidence.tdx import verify_tdx
from cocoon.attestation.policy import VENDOR_ROOTS, Policy
from cocoon.devnet.gpu import SimulatedGpus
from cocoon.devnet.gpu_pki import GpuPki
from cocoon.devnet.tee_pki import SimulatedPki
from cocoon.errors import ConfigError
from cocoon.testing import real_evidence
from cocoon.testing.intel import intel_lab
from cocoon.testing.snp import snp_lab

NOW = 1_795_000_000
LAB = intel_lab()
TDX: dict[str, Any] = {"name": "t", "kind": EvidenceKind.TDX, "collateral": CollateralBook()}
SIMULATED = {**TDX, "kind": EvidenceKind.TDX_SIMULATED, "simulated_root": LAB.pki.root_der}
SNP: dict[str, Any] = {
    "name": "s",
    "kind": EvidenceKind.SNP,
    "snp_collateral": SnpCollateralBook(),
    "snp": SnpRequirement(),
}
FAKE: dict[str, Any] = {"name": "f", "kind": EvidenceKind.FAKE_TDX}
NOBODY: dict[str, Any] = {"name": "n", "kind": EvidenceKind.NONE}
EVERY = (TDX, SIMULATED, SNP, FAKE, NOBODY)
GPUS = SimulatedGpus(GpuPki.from_seed(bytes(32), NOW - 86_400), 1)


def make(values: dict[str, Any], **demands: Any) -> Policy:
    return Policy(**{**values, **demands})


def test_the_plain_ones_are_made() -> None:
    for values in EVERY:
        assert make(values).kind is values["kind"]


LENGTHS = {
    "image_hashes": 32,
    "mr_tds": 48,
    "collateral_root_hashes": 48,
    "platforms": 32,
    "operators": 32,
    "models": 32,
}


@pytest.mark.parametrize(("name", "length"), LENGTHS.items())
def test_each_list_has_its_length(name: str, length: int) -> None:
    assert make(TDX, **{name: frozenset({bytes(length)})})
    assert make(TDX, **{name: frozenset()})
    for wrong in (0, length - 1, length + 1, 2 * length):
        with pytest.raises(ConfigError, match="bytes, not"):
            make(TDX, **{name: frozenset({bytes(length), bytes(wrong)})})


@pytest.mark.parametrize("lengths", [(48,), (48,) * 3, (48,) * 5, (48, 48, 48, 47), (32,) * 4])
def test_four_registers_make_a_set(lengths: tuple[int, ...]) -> None:
    with pytest.raises(ConfigError):
        make(TDX, rtmr_sets=frozenset({tuple(bytes(n) for n in lengths)}))


@pytest.mark.parametrize("status", ["OutOfDate", "Revoked", "uptodate", "", "TDRelaunchAdvised"])
def test_no_policy_takes_outdated_platforms(status: str) -> None:
    with pytest.raises(ConfigError, match="TCB status"):
        make(TDX, tcb_statuses=frozenset({"UpToDate", status}))


@pytest.mark.parametrize("name", ["max_age", "max_evidence_age"])
def test_ages_are_positive(name: str) -> None:
    for age in (0, -1, -(1 << 40)):
        with pytest.raises(ConfigError, match="more than 0"):
            make(TDX, **{name: age})


ONE = frozenset({bytes(32)})
REGISTER = frozenset({bytes(48)})
SET = frozenset({(bytes(48),) * 4})
DEMANDS: tuple[dict[str, Any], ...] = (
    *({"collateral_root_hashes": value} for value in (REGISTER, frozenset[bytes]())),
    {"gpu": GPUS.requirement(NOW)},
    {"platforms": ONE},
    {"operators": ONE},
    {"models": ONE},
    {"max_evidence_age": 1},
    {"snp": SnpRequirement()},
    {"collateral": CollateralBook()},
    {"snp_collateral": SnpCollateralBook()},
    {"simulated_root": LAB.pki.root_der},
    {"tcb_statuses": frozenset()},
    {"refused_advisories": frozenset({"INTEL-SA-00001"})},
)
MIXED: tuple[tuple[dict[str, Any], dict[str, Any]], ...] = (
    *(({**TDX, "kind": kind}, {}) for kind in EvidenceKind if kind not in (EvidenceKind.TDX,)),
    *(({**SNP, "kind": kind}, {}) for kind in EvidenceKind if kind is not EvidenceKind.SNP),
    (TDX, {"collateral": None}),
    (TDX, {"snp_collateral": SnpCollateralBook()}),
    (TDX, {"snp": SnpRequirement()}),
    (TDX, {"simulated_root": LAB.pki.root_der}),
    (TDX, {"gpu": GPUS.requirement(NOW)}),
    (SIMULATED, {"simulated_root": None}),
    (SIMULATED, {"simulated_root": b""}),
    (SIMULATED, {"simulated_root": snp_lab().pki.root_der}),
    (SNP, {"snp_collateral": None}),
    (SNP, {"snp": None}),
    (SNP, {"collateral": CollateralBook()}),
    (SNP, {"simulated_root": snp_lab().pki.root_der}),
    (SNP, {"gpu": GPUS.requirement(NOW)}),
    (SNP, {"mr_tds": REGISTER}),
    (SNP, {"rtmr_sets": SET}),
    (SNP, {"tcb_statuses": frozenset({"UpToDate", "SWHardeningNeeded"})}),
    (SNP, {"tcb_statuses": frozenset()}),
    (SNP, {"refused_advisories": frozenset({"INTEL-SA-00001"})}),
    *((values, demand) for values in (FAKE, NOBODY) for demand in DEMANDS),
    (NOBODY, {"image_hashes": ONE}),
    (NOBODY, {"image_hashes": frozenset()}),
    (NOBODY, {"mr_tds": REGISTER}),
    (NOBODY, {"rtmr_sets": SET}),
)


@pytest.mark.parametrize(("values", "demand"), MIXED)
def test_what_does_not_fit_together_is_refused(
    values: dict[str, Any], demand: dict[str, Any]
) -> None:
    with pytest.raises(ConfigError):
        make(values, **demand)


def test_no_vendors_root_is_simulated() -> None:
    authorities = real_evidence.amd().authorities
    for name in ("milan_ark", "genoa_ark"):
        root = authorities[name]
        with pytest.raises(ConfigError, match="vendor's root"):
            make(SNP, kind=EvidenceKind.SNP_SIMULATED, simulated_root=root)
        with pytest.raises(ConfigError):
            make(SIMULATED, simulated_root=root)
    assert len(VENDOR_ROOTS) == 4


def test_what_a_policy_says_of_itself_is_what_it_does() -> None:
    nobody, fake = policies.unsafe_accept_anything(), policies.fake_tdx()
    real, simulated = make(TDX), make(SIMULATED)
    gpu = make(SIMULATED, gpu=GPUS.requirement(NOW))
    trusting = {fake, simulated, gpu}
    for one in (nobody, fake, real, simulated, gpu):
        for other in (nobody, fake, real, simulated, gpu):
            expected = one in trusting or other in trusting
            for compose in (policies.any_of, policies.all_of):
                nested = compose("c", one, policies.any_of("d", other))
                assert policies.trusts_simulation(nested) is expected
            either = policies.any_of("c", one, policies.all_of("d", other))
            both = policies.all_of("c", one, policies.any_of("d", other))
            assert policies.accepts_without_evidence(either) is (nobody in (one, other))
            assert policies.accepts_without_evidence(both) is (one is other is nobody)
            assert list(policies.leaves(both)) == [one, other]


def test_a_platform_of_another_devnet_is_no_platform_of_this() -> None:
    other = SimulatedPki.create(NOW, bytes([9]) * 32)
    with pytest.raises(Exception, match="another root"):
        verify_tdx(LAB.quotes["tdx v4"], LAB.book(), NOW, simulated_root=other.root_der)
