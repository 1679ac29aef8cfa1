"""GPU evidence under the statement that the CPU signs: whose key, what time, which GPUs."""

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cocoon.attestation import policy as policies
from cocoon.attestation.bundle import EvidenceBundle
from cocoon.attestation.cache import VerificationCache
from cocoon.attestation.certificate import OID_BUNDLE, raw_public_key
from cocoon.attestation.claims import ClaimName, Verdict
from cocoon.attestation.evidence import EvidenceKind, report_data
from cocoon.attestation.evidence.collateral import CollateralBook
from cocoon.attestation.evidence.nvidia import GpuRequirement
from cocoon.attestation.evidence.nvidia_collateral import GpuCollateral, GpuCollateralBook
from cocoon.attestation.peer import VerifiedPeer
from cocoon.attestation.report import Layer, Report
from cocoon.attestation.statement import Statement, gpu_hash, gpu_nonce, statement_report_data
from cocoon.attestation.verify import PeerRole, verify_peer
from cocoon.devnet.gpu import SimulatedGpus, ocsp_need
from cocoon.devnet.gpu_pki import GpuPki
from cocoon.devnet.tee import SimulatedTdx, SimulatedTee
from cocoon.errors import AttestationError, ConfigError
from cocoon.net.credentials import EvidenceExtras, GeneratedCredentials
from cocoon.testing.certificates import CertificateRecipe

NOW = 1_795_000_000
GPUS = SimulatedGpus(GpuPki.from_seed(bytes(32), NOW - 86_400), 2)
OTHER_GPUS = SimulatedGpus(GpuPki.from_seed(bytes([1] * 32), NOW - 86_400), 2)
REQUIREMENT = GPUS.requirement(NOW)


@pytest.fixture(scope="module")
def tee(tmp_path_factory: pytest.TempPathFactory) -> SimulatedTee:
    return SimulatedTee(tmp_path_factory.mktemp("tee") / "machine", NOW)


def policy(tee: SimulatedTee, requirement: GpuRequirement | None = None) -> policies.Policy:
    return policies.tdx(
        collateral=CollateralBook(tee.collateral(NOW)),
        simulated_root=tee.root_certificate,
        name="devnet",
        gpu=requirement or REQUIREMENT,
    )


def check(
    der: bytes, judged_by: policies.Policy, *, report: Report | None = None, now: int = NOW + 10
) -> VerifiedPeer:
    return verify_peer(der, judged_by, now, role=PeerRole.SERVER, report=report)


class Maker:
    """A certificate whose statement and GPU evidence are chosen apart."""

    def __init__(self, tee: SimulatedTee) -> None:
        self.source = SimulatedTdx(tee, "worker")
        self.key = Ed25519PrivateKey.generate()
        self.public_key = raw_public_key(self.key)
        self.nonce = gpu_nonce(self.public_key, NOW)
        self.items = GPUS.evidence(self.nonce)

    def certificate(
        self, stated: tuple[bytes, ...] | None, shown: tuple[bytes, ...], issued_at: int = NOW
    ) -> bytes:
        hashed = None if stated is None else gpu_hash(stated)
        statement = Statement(self.public_key, NOW, NOW + 86_400, issued_at, gpu_hash=hashed)
        signed = statement.to_bytes()
        quote = self.source.quote(statement_report_data(signed))
        bundle = EvidenceBundle(signed, EvidenceKind.TDX, quote, gpus=shown).to_bytes()
        official = self.source.quote(report_data(self.public_key))
        extra = ((OID_BUNDLE.dotted_string, bundle, False),)
        return CertificateRecipe(NOW, self.key, official, extra=extra).to_der()


@pytest.fixture
def maker(tee: SimulatedTee) -> Maker:
    return Maker(tee)


def test_what_our_own_nodes_make(tee: SimulatedTee) -> None:
    extras = EvidenceExtras(gpus=GPUS)
    made = GeneratedCredentials(SimulatedTdx(tee, "worker"), extras=extras).newer(None, NOW)
    assert made is not None
    peer = check(made.certificate_der, policy(tee))
    assert peer.claims.get(ClaimName.GPU_GENUINE).verdict is Verdict.REFUTED  # simulated
    assert peer.expires_at is not None
    assert peer.expires_at <= min(piece.expires_at for piece in GPUS.collateral(NOW))


@pytest.mark.parametrize(
    ("stated", "shown", "issued_at", "reason"),
    [
        ("own", "own", NOW, None),
        (None, "own", NOW, "not the one that the CPU's quote signed"),
        ("own", "none", NOW, "not the one that the CPU's quote signed"),
        ("own", "swapped", NOW, "not the one that the CPU's quote signed"),
        ("own", "other key", NOW, "not the one that the CPU's quote signed"),
        ("other key", "other key", NOW, "another nonce"),
        ("own", "own", NOW - 60, "another nonce"),
        ("other machine", "other machine", NOW, "pinned root"),
        ("one", "one", NOW, "1 GPUs"),
        ("twice", "twice", NOW, "shows evidence twice"),
        ("none", "none", NOW, "not the one that the CPU's quote signed"),
        (None, "none", NOW, "0 GPUs"),
    ],
)
def test_the_tie_between_cpu_and_gpus(
    tee: SimulatedTee,
    maker: Maker,
    stated: str | None,
    shown: str,
    issued_at: int,
    reason: str | None,
) -> None:
    choices = {
        "own": maker.items,
        "swapped": maker.items[::-1],
        "other key": GPUS.evidence(gpu_nonce(bytes(32), NOW)),
        "other machine": OTHER_GPUS.evidence(maker.nonce),
        "one": maker.items[:1],
        "twice": maker.items[:1] * 2,
        "none": (),
    }
    hashed = None if stated is None else choices[stated]
    der = maker.certificate(hashed, choices[shown], issued_at)
    if reason is None:
        assert check(der, policy(tee)).claims.get(ClaimName.GPU_GENUINE).reason
        return
    report = Report()
    with pytest.raises(AttestationError, match=reason):
        check(der, policy(tee), report=report)
    assert report.failure is not None
    assert report.failure.layer is Layer.GPU


def test_a_production_requirement_refuses_simulated_gpus(tee: SimulatedTee, maker: Maker) -> None:
    der = maker.certificate(maker.items, maker.items)
    with pytest.raises(AttestationError, match="pinned root"):
        check(der, policy(tee, GpuRequirement(2, REQUIREMENT.collateral)))


def test_simulated_gpus_never_stand_beside_a_real_cpu(tee: SimulatedTee) -> None:
    with pytest.raises(ConfigError, match="simulated GPUs"):
        policies.tdx(collateral=CollateralBook(tee.collateral(NOW)), name="p", gpu=REQUIREMENT)


def test_a_remembered_verification_forgets_nothing(tee: SimulatedTee, maker: Maker) -> None:
    der = maker.certificate(maker.items, maker.items)
    cache = VerificationCache()
    book = GPUS.book(NOW)
    open_policy = policy(tee, replace(REQUIREMENT, collateral=book))

    def again(judged_by: policies.Policy, now: int = NOW + 10) -> VerifiedPeer:
        return verify_peer(der, judged_by, now, role=PeerRole.SERVER, cache=cache)

    assert again(open_policy)
    for stricter in (
        replace(REQUIREMENT, collateral=book, architectures=frozenset()),
        replace(REQUIREMENT, collateral=book, min_driver="1000"),
        replace(REQUIREMENT, collateral=book, count=1),
        GpuRequirement(2, book),
    ):
        with pytest.raises(AttestationError):
            again(policy(tee, stricter))
    identity, _ = GPUS.pki.gpu(0, GPUS.software.fwid)
    revoked = GPUS.pki.ocsp_answer(identity, NOW + 20, revoked=True)
    book.put(GpuCollateral.from_answer(ocsp_need(identity).key, revoked))
    with pytest.raises(AttestationError, match="revoked"):
        again(open_policy)


def test_without_collateral_it_is_refused(tee: SimulatedTee, maker: Maker) -> None:
    der = maker.certificate(maker.items, maker.items)
    empty = replace(REQUIREMENT, collateral=GpuCollateralBook())
    with pytest.raises(AttestationError, match="GPU OCSP"):
        check(der, policy(tee, empty))
