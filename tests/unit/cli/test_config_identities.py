"""The table ``identity``: every kind of evidence that a node can show."""

import time
from pathlib import Path
from typing import Any

import pytest

from cocoon.attestation import policy as policies
from cocoon.attestation.bundle import EvidenceBundle
from cocoon.attestation.certificate import parse_certificate
from cocoon.attestation.claims import ClaimName
from cocoon.attestation.endorsement import Endorsement
from cocoon.attestation.evidence import EvidenceKind
from cocoon.attestation.evidence.snp import SnpRequirement
from cocoon.attestation.evidence.snp_collateral import SnpCollateralBook
from cocoon.attestation.peer import VerifiedPeer
from cocoon.attestation.policy import Policy
from cocoon.attestation.verify import PeerRole, verify_peer
from cocoon.chain.keys import SecretKey
from cocoon.cli.config.identities import own_evidence
from cocoon.cli.config.tables import IdentityTable
from cocoon.cli.config.trust import Trust
from cocoon.devnet.gpu import SimulatedGpus
from cocoon.devnet.snp import SimulatedSnpMachine
from cocoon.devnet.tee import SimulatedTee
from cocoon.errors import ConfigError, PolicyError


def now() -> int:
    """Asked for by each test: a long run begins minutes before it comes to this file."""
    return int(time.time())


def shown(trust: Trust, policy: Policy) -> VerifiedPeer:
    certificate = trust.identity.current().certificate_der
    return verify_peer(certificate, policy, int(time.time()), role=PeerRole.SERVER)


def test_a_simulated_tdx_machine_with_gpus_and_an_operator(tmp_path: Path) -> None:
    folder = tmp_path / "tee"
    tee = SimulatedTee(folder, now())
    plain = Trust(IdentityTable(kind="tdx-simulated", directory=folder))
    platform = shown(plain, tee.policy(now())).platform_id
    assert platform is not None
    key = SecretKey.generate()
    file = tmp_path / "machine.endorsement"
    endorsement = Endorsement.sign(key.public_key, key.sign, platform, now() - 5, now() + 500)
    file.write_bytes(endorsement.to_bytes())
    table = IdentityTable(
        kind="tdx-simulated", directory=folder, gpus="simulated", gpu_count=2, endorsement=file
    )
    trust = Trust(table)
    gpus = SimulatedGpus.load(folder, 2, now())
    policy = policies.tdx(
        collateral=tee.policy(now()).collateral,  # type: ignore[arg-type]
        simulated_root=tee.root_certificate,
        gpu=gpus.requirement(now()),
        operators=[key.public_key],
        max_evidence_age=3600,
    )
    peer = shown(trust, policy)
    assert peer.claims.is_proven(ClaimName.OPERATOR_ALLOWED)
    assert trust.notes == [
        "our TEE is SIMULATED (image 'cocoon'); it proves nothing",
        "our GPUs are SIMULATED; they prove nothing",
    ]
    with pytest.raises(PolicyError):
        shown(plain, policy)


def test_a_simulated_snp_machine(tmp_path: Path) -> None:
    machine = SimulatedSnpMachine(tmp_path / "snp", now())
    trust = Trust(IdentityTable(kind="snp-simulated", directory=tmp_path / "snp", image="worker"))
    policy = policies.snp(
        collateral=SnpCollateralBook(machine.collateral(now())),
        requirement=SnpRequirement(min_tcb={machine.product: machine.tcb}),
        simulated_root=machine.root_certificate,
        image_hashes=[trust.image_hash or b""],
    )
    peer = shown(trust, policy)
    assert peer.kind is EvidenceKind.SNP_SIMULATED
    assert peer.image_hash == trust.image_hash
    certificate = parse_certificate(trust.identity.current().certificate_der)
    assert certificate.quote is None  # official peers know no such hardware
    assert certificate.bundle is not None
    assert EvidenceBundle.from_bytes(certificate.bundle).form is EvidenceKind.SNP


@pytest.mark.parametrize("kind", ["tdx", "snp"])
def test_hardware_that_is_not_there_is_one_sentence(kind: str) -> None:
    with pytest.raises(ConfigError, match=f"kind `{kind}`, but what this machine offers is"):
        Trust(IdentityTable(kind=kind))


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        ({"kind": "snp-simulated"}, "needs the key `directory`"),
        ({"kind": "tdx", "vcek": Path("x")}, "does not look at `vcek`"),
        ({"kind": "none", "gpus": "nvidia"}, "neither GPUs nor"),
        ({"kind": "certificate", "certificate": Path("x"), "endorsement": Path("y")}, "neither"),
        ({"kind": "tdx", "gpus": "simulated"}, "beside a simulated CPU only"),
    ],
)
def test_contradictions_are_refused(table: dict[str, Any], reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        IdentityTable(**table)


@pytest.mark.parametrize("content", [None, b"", b"x" * 136, b"x" * 5000])
def test_a_file_that_is_no_endorsement(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "e"
    if content is not None:
        file.write_bytes(content)
    table = IdentityTable(kind="tdx-simulated", directory=tmp_path / "tee", endorsement=file)
    with pytest.raises(ConfigError, match="identity: "):
        own_evidence(table, lambda directory: SimulatedTee(directory, now()))
