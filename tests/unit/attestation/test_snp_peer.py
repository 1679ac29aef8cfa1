"""A node on SEV-SNP hardware, from its own certificate to a policy about it."""

from pathlib import Path
from typing import Any

import pytest

from cocoon.attestation import policy as policies
from cocoon.attestation.cache import VerificationCache
from cocoon.attestation.claims import ClaimName, Verdict
from cocoon.attestation.evidence import EvidenceKind
from cocoon.attestation.evidence.snp import SnpRequirement, SnpTcb
from cocoon.attestation.evidence.snp_collateral import SnpCollateralBook
from cocoon.attestation.peer import VerifiedPeer
from cocoon.attestation.policy import PeerPolicy
from cocoon.attestation.report import Report
from cocoon.attestation.verify import PeerRole, verify_peer
from cocoon.devnet.snp import SimulatedSnp, SimulatedSnpMachine
from cocoon.errors import EvidenceError, PolicyError
from cocoon.net.credentials import GeneratedCredentials

NOW = 1_795_000_000


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> SimulatedSnpMachine:
    return SimulatedSnpMachine(tmp_path_factory.mktemp("snp") / "machine", NOW)


@pytest.fixture(scope="module")
def certificate(machine: SimulatedSnpMachine) -> bytes:
    made = GeneratedCredentials(SimulatedSnp(machine, "worker")).newer(None, NOW)
    assert made is not None
    return made.certificate_der


def policy(machine: SimulatedSnpMachine, **demands: Any) -> PeerPolicy:
    options: dict[str, Any] = {
        "collateral": SnpCollateralBook(machine.collateral(NOW)),
        "requirement": SnpRequirement(min_tcb={machine.product: machine.tcb}),
        "simulated_root": machine.root_certificate,
    }
    return policies.snp(**{**options, **demands})


def verify(der: bytes, wanted: PeerPolicy, **options: Any) -> VerifiedPeer:
    return verify_peer(der, wanted, NOW + 10, role=PeerRole.SERVER, **options)


def test_a_policy_accepts_it(machine: SimulatedSnpMachine, certificate: bytes) -> None:
    image_hash = SimulatedSnp(machine, "worker").image_hash
    report = Report()
    peer = verify(certificate, policy(machine, image_hashes=[image_hash]), report=report)
    assert peer.kind is EvidenceKind.SNP_SIMULATED
    assert peer.image_hash == image_hash
    assert peer.platform_id is not None
    for name in (ClaimName.KEY_BOUND, ClaimName.FRESH, ClaimName.TCB_CURRENT, ClaimName.NOT_DEBUG):
        assert peer.claims.is_proven(name)
    assert peer.claims.get(ClaimName.GENUINE_HARDWARE).verdict is Verdict.REFUTED
    assert report.passed
    assert verify(certificate, policy(machine, platforms=[peer.platform_id]))


def test_a_cached_result_is_judged_again(machine: SimulatedSnpMachine, certificate: bytes) -> None:
    cache = VerificationCache()
    assert verify(certificate, policy(machine), cache=cache)
    higher = SnpRequirement(min_tcb={machine.product: SnpTcb(255, 255, 255, 255)})
    with pytest.raises(PolicyError, match="patch level") as refused:
        verify(certificate, policy(machine, requirement=higher), cache=cache)
    assert "firmware" in refused.value.fix
    assert len(cache) > 0


def test_no_production_policy_does(machine: SimulatedSnpMachine, certificate: bytes) -> None:
    with pytest.raises(EvidenceError, match="not AMD's"):
        verify(certificate, policy(machine, simulated_root=None))


def test_another_devnets_root_is_another(
    machine: SimulatedSnpMachine, certificate: bytes, tmp_path: Path
) -> None:
    other = SimulatedSnpMachine(tmp_path / "other", NOW)
    with pytest.raises(EvidenceError, match="not the pinned devnet's"):
        verify(certificate, policy(machine, simulated_root=other.root_certificate))
    with pytest.raises(EvidenceError):
        verify(certificate, policy(other))


def test_an_image_that_is_not_listed_is_refused(
    machine: SimulatedSnpMachine, certificate: bytes
) -> None:
    with pytest.raises(PolicyError, match="image"):
        verify(certificate, policy(machine, image_hashes=[bytes(32)]))
