"""Certificates with dated evidence: what binds it, what dates it, and policies that compose."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cocoon.attestation import policy as policies
from cocoon.attestation.bundle import EvidenceBundle
from cocoon.attestation.cache import VerificationCache
from cocoon.attestation.certificate import OID_BUNDLE, parse_certificate, raw_public_key
from cocoon.attestation.claims import ClaimName, Verdict
from cocoon.attestation.endorsement import Endorsement
from cocoon.attestation.evidence import EvidenceKind, report_data
from cocoon.attestation.evidence.collateral import CollateralBook
from cocoon.attestation.peer import VerifiedPeer
from cocoon.attestation.policy import PeerPolicy, Policy
from cocoon.attestation.report import Layer, Outcome, Report
from cocoon.attestation.statement import Statement, statement_report_data
from cocoon.attestation.verify import PeerRole, verify_peer
from cocoon.devnet.tee import SimulatedTdx, SimulatedTee
from cocoon.errors import AttestationError, ConfigError, EvidenceError, PolicyError
from cocoon.net.credentials import EvidenceExtras, GeneratedCredentials
from cocoon.testing.certificates import CertificateRecipe

NOW = 1_795_000_000
MODEL = bytes([7]) * 32


@pytest.fixture(scope="module")
def tee(tmp_path_factory: pytest.TempPathFactory) -> SimulatedTee:
    return SimulatedTee(tmp_path_factory.mktemp("tee") / "machine", NOW)


@dataclass
class Maker:
    """One machine's certificates, right and wrong."""

    tee: SimulatedTee

    def __post_init__(self) -> None:
        self.source = SimulatedTdx(self.tee, "worker")
        self.key = Ed25519PrivateKey.generate()
        self.statement = Statement(raw_public_key(self.key), NOW, NOW + 86_400, NOW)

    def bundle(self, statement: Statement | None = None, **changes: object) -> EvidenceBundle:
        signed = (statement or self.statement).to_bytes()
        quote = self.source.quote(statement_report_data(signed))
        bundle = EvidenceBundle(signed, EvidenceKind.TDX, quote)
        return replace(bundle, **changes)  # type: ignore[arg-type]

    def certificate(self, bundle: bytes | None, *, quote: bool = True, **changes: int) -> bytes:
        extra = () if bundle is None else ((OID_BUNDLE.dotted_string, bundle, False),)
        official = self.source.quote(report_data(raw_public_key(self.key))) if quote else None
        recipe = CertificateRecipe(NOW, self.key, official, extra=extra, **changes)  # type: ignore[arg-type]
        return recipe.to_der()

    def policy(self, **demands: object) -> Policy:
        return policies.tdx(
            collateral=CollateralBook(self.tee.collateral(NOW)),
            simulated_root=self.tee.root_certificate,
            name="devnet",
            **demands,  # type: ignore[arg-type]
        )


@pytest.fixture
def maker(tee: SimulatedTee) -> Maker:
    return Maker(tee)


def verify(
    der: bytes, policy: PeerPolicy, now: int = NOW + 10, report: Report | None = None
) -> VerifiedPeer:
    return verify_peer(der, policy, now, role=PeerRole.SERVER, report=report)


def test_what_our_own_nodes_make_is_dated(tee: SimulatedTee, maker: Maker) -> None:
    extras = EvidenceExtras(model_hash=MODEL)
    made = GeneratedCredentials(SimulatedTdx(tee, "worker"), extras=extras).newer(None, NOW)
    assert made is not None
    demands = {"max_evidence_age": 100, "models": [MODEL]}
    listed = maker.policy(image_hashes=[maker.source.image_hash], **demands)
    peer = verify(made.certificate_der, listed)
    assert peer.model_hash == MODEL
    assert peer.expires_at == NOW + 100
    assert peer.platform_id is not None
    for name in (ClaimName.FRESH, ClaimName.MODEL_BOUND, ClaimName.KEY_BOUND):
        assert peer.claims.is_proven(name)
    anybody = verify(made.certificate_der, maker.policy(**demands))
    for name in (ClaimName.FRESH, ClaimName.MODEL_BOUND):  # any image can say so
        assert anybody.claims.get(name).verdict is Verdict.UNKNOWN
        assert anybody.claims.get(name).fix
    assert anybody.claims.is_proven(ClaimName.KEY_BOUND)
    official = parse_certificate(made.certificate_der)
    assert official.quote is not None  # what official peers read is still there
    assert official.unknown_critical == ()
    assert official.bundle is not None
    assert len(official.bundle) < len(official.quote) / 3  # the chain is there once
    dated = official.evidence_bundle()
    assert dated is not None
    assert dated.evidence != official.quote


def test_an_official_certificate_passes_until_something_dated_is_demanded(maker: Maker) -> None:
    der = maker.certificate(None)
    peer = verify(der, maker.policy())
    assert peer.claims.get(ClaimName.FRESH).verdict is Verdict.UNKNOWN
    assert peer.claims.get(ClaimName.FRESH).fix
    for demand in (
        {"max_evidence_age": 3600},
        {"models": [MODEL]},
        {"operators": [bytes(32)]},
    ):
        with pytest.raises(PolicyError, match="nothing dates the evidence") as refused:
            verify(der, maker.policy(**demand))
        assert refused.value.fix


def test_a_bundle_alone_is_enough(maker: Maker) -> None:
    der = maker.certificate(maker.bundle().to_bytes(), quote=False)
    assert verify(der, maker.policy()).kind is EvidenceKind.TDX_SIMULATED


def other_key(maker: Maker) -> bytes:
    stranger = raw_public_key(Ed25519PrivateKey.generate())
    return maker.certificate(maker.bundle(replace(maker.statement, public_key=stranger)).to_bytes())


def unsigned_statement(maker: Maker) -> bytes:
    later = replace(maker.statement, issued_at=NOW + 5).to_bytes()
    return maker.certificate(replace(maker.bundle(), statement=later).to_bytes())


def longer_validity(maker: Maker) -> bytes:
    return maker.certificate(maker.bundle().to_bytes(), lifetime=86_401)


def from_the_future(maker: Maker) -> bytes:
    return maker.certificate(maker.bundle(replace(maker.statement, issued_at=NOW + 500)).to_bytes())


def foreign_gpus(maker: Maker) -> bytes:
    return maker.certificate(maker.bundle(gpus=(b"gpu",)).to_bytes())


def missing_gpus(maker: Maker) -> bytes:
    stated = replace(maker.statement, gpu_hash=bytes(32))
    return maker.certificate(maker.bundle(stated).to_bytes())


def cut_short(maker: Maker) -> bytes:
    return maker.certificate(maker.bundle().to_bytes()[:-1])


def official_quote_inside(maker: Maker) -> bytes:
    quote = maker.source.quote(report_data(raw_public_key(maker.key)))
    return maker.certificate(maker.bundle(evidence=quote).to_bytes())


@pytest.mark.parametrize(
    ("make", "layer", "reason"),
    [
        (other_key, Layer.STATEMENT, "about another key"),
        (unsigned_statement, Layer.EVIDENCE, "not made for"),
        (longer_validity, Layer.STATEMENT, "validity is not the one"),
        (from_the_future, Layer.STATEMENT, "in the future"),
        (foreign_gpus, Layer.GPU, "not the one that the CPU's quote signed"),
        (missing_gpus, Layer.GPU, "not the one that the CPU's quote signed"),
        (cut_short, Layer.EVIDENCE, "too long"),
        (official_quote_inside, Layer.EVIDENCE, "not made for"),
    ],
)
def test_a_wrong_bundle_fails_at_its_layer(
    maker: Maker, make: Callable[[Maker], bytes], layer: Layer, reason: str
) -> None:
    report = Report()
    with pytest.raises(EvidenceError, match=reason):
        verify(make(maker), maker.policy(), report=report)
    assert report.failure is not None
    assert report.failure.layer is layer
    assert not report.passed
    assert [step.number for step in report.steps] == list(range(1, len(report.steps) + 1))


def test_old_evidence_is_refused_whatever_the_certificate_says(maker: Maker) -> None:
    der = maker.certificate(maker.bundle().to_bytes())
    policy = maker.policy(max_evidence_age=3600)
    assert verify(der, policy, NOW + 3599).expires_at == NOW + 3600
    with pytest.raises(PolicyError, match="3600 s old"):
        verify(der, policy, NOW + 3600)


def test_a_model_must_be_listed(maker: Maker) -> None:
    der = maker.certificate(maker.bundle(replace(maker.statement, model_hash=MODEL)).to_bytes())
    assert verify(der, maker.policy(models=[MODEL])).model_hash == MODEL
    for models in ([], [bytes(32)]):
        with pytest.raises(PolicyError, match="model"):
            verify(der, maker.policy(models=models))
    silent = maker.certificate(maker.bundle().to_bytes())
    with pytest.raises(PolicyError, match=r"model \(none\)"):
        verify(silent, maker.policy(models=[MODEL]))


def test_a_policy_that_wants_other_hardware_does_not_take_this(maker: Maker) -> None:
    bundle = maker.bundle(form=EvidenceKind.SNP)
    with pytest.raises(PolicyError, match="snp evidence where tdx-simulated"):
        verify(maker.certificate(bundle.to_bytes()), maker.policy())


def endorse(key: Ed25519PrivateKey, platform: bytes, start: int, end: int) -> Endorsement:
    return Endorsement.sign(raw_public_key(key), key.sign, platform, start, end)


class TestOperators:
    operator = Ed25519PrivateKey.generate()

    def certificate(self, maker: Maker, endorsement: bytes | None) -> bytes:
        return maker.certificate(maker.bundle(endorsement=endorsement).to_bytes())

    def platform(self, maker: Maker) -> bytes:
        platform_id = verify(self.certificate(maker, None), maker.policy()).platform_id
        assert platform_id is not None
        return platform_id

    def test_an_endorsed_machine_passes(self, maker: Maker) -> None:
        given = endorse(self.operator, self.platform(maker), NOW - 5, NOW + 50)
        policy = maker.policy(operators=[given.operator], platforms=[given.platform_id])
        peer = verify(self.certificate(maker, given.to_bytes()), policy)
        assert peer.claims.is_proven(ClaimName.OPERATOR_ALLOWED)
        assert peer.expires_at == NOW + 50

    def test_others_do_not(self, maker: Maker) -> None:
        here = self.platform(maker)
        good = endorse(self.operator, here, NOW - 5, NOW + 50)
        policy = maker.policy(operators=[good.operator])
        stranger = endorse(Ed25519PrivateKey.generate(), here, NOW - 5, NOW + 50)
        cases: list[tuple[bytes | None, type[AttestationError], str]] = [
            (None, PolicyError, "no operator endorses"),
            (stranger.to_bytes(), PolicyError, "operator .* is not allowed"),
            (
                endorse(self.operator, bytes(32), NOW - 5, NOW + 50).to_bytes(),
                EvidenceError,
                "another machine",
            ),
            (
                endorse(self.operator, here, NOW - 5, NOW + 9).to_bytes(),
                EvidenceError,
                "expired",
            ),
            (good.to_bytes()[:-1] + b"\xff", EvidenceError, "not signed"),
            (good.to_bytes() + b"\0", EvidenceError, "136 bytes"),
        ]
        for endorsement, error, reason in cases:
            with pytest.raises(error, match=reason):
                verify(self.certificate(maker, endorsement), policy)

    def test_a_machine_that_is_not_listed(self, maker: Maker) -> None:
        with pytest.raises(PolicyError, match="machine"):
            verify(self.certificate(maker, None), maker.policy(platforms=[bytes(32)]))


def nest(policy: PeerPolicy, depth: int) -> PeerPolicy:
    return policy if depth == 0 else nest(policies.any_of("deep", policy), depth - 1)


class TestComposition:
    def test_any_of_takes_the_first_that_accepts(self, maker: Maker) -> None:
        refusing = maker.policy(image_hashes=[])
        report = Report()
        der = maker.certificate(maker.bundle().to_bytes())
        both = policies.any_of("either", refusing, maker.policy())
        peer = verify(der, both, report=report)
        assert peer.policy_name == "either"
        assert report.passed
        skipped = next(step for step in report.steps if step.outcome is Outcome.SKIPPED)
        assert skipped.name == "Alternative devnet"

    def test_any_of_names_every_reason_when_nobody_accepts(self, maker: Maker) -> None:
        der = maker.certificate(maker.bundle().to_bytes())
        policy = policies.any_of(
            "either", maker.policy(image_hashes=[]), maker.policy(models=[MODEL])
        )
        with pytest.raises(PolicyError, match=r"no alternative .*image .*; .*model"):
            verify(der, policy)
        with pytest.raises(PolicyError, match=r"^image"):
            verify(der, policies.any_of("one", maker.policy(image_hashes=[])))

    def test_all_of_demands_every_part(self, maker: Maker) -> None:
        der = maker.certificate(maker.bundle().to_bytes())
        images = maker.policy(image_hashes=[maker.source.image_hash])
        aged = maker.policy(max_evidence_age=30)
        peer = verify(der, policies.all_of("both", policies.unsafe_accept_anything(), images, aged))
        assert peer.kind is EvidenceKind.TDX_SIMULATED
        assert peer.expires_at == NOW + 30
        assert peer.claims.is_proven(ClaimName.IMAGE_ALLOWED)
        with pytest.raises(PolicyError):
            verify(der, policies.all_of("both", images, aged), NOW + 31)

    def test_what_it_says_about_itself(self, maker: Maker) -> None:
        nobody = policies.unsafe_accept_anything()
        simulated = policies.all_of("a", policies.any_of("b", nobody, maker.policy()))
        assert policies.trusts_simulation(simulated)
        assert policies.accepts_without_evidence(simulated)
        strict = policies.all_of("c", nobody, maker.policy())
        assert not policies.accepts_without_evidence(strict)
        assert not policies.trusts_simulation(nobody)
        assert policies.trusts_simulation(policies.fake_tdx())

    def test_nothing_and_too_much_are_refused(self, maker: Maker) -> None:
        leaf = maker.policy()
        with pytest.raises(ConfigError, match="composition of nothing"):
            policies.any_of("none")
        with pytest.raises(ConfigError, match="at most"):
            policies.all_of("many", *[leaf] * 17)
        with pytest.raises(ConfigError, match="nested"):
            nest(leaf, 6)

    def test_demands_that_a_kind_cannot_meet_are_refused(self) -> None:
        for demand in ({"models": frozenset({MODEL})}, {"max_evidence_age": 5}):
            for kind in (EvidenceKind.FAKE_TDX, EvidenceKind.NONE):
                with pytest.raises(ConfigError, match="cannot prove"):
                    Policy(name="odd", kind=kind, **demand)  # type: ignore[arg-type]
        with pytest.raises(ConfigError, match="no TLS peer"):
            Policy(name="sgx", kind=EvidenceKind.SGX)


def test_a_cached_verification_still_meets_every_demand(maker: Maker) -> None:
    cache = VerificationCache()
    der = maker.certificate(maker.bundle().to_bytes())

    def again(policy: PeerPolicy, now: int) -> VerifiedPeer:
        return verify_peer(der, policy, now, role=PeerRole.SERVER, cache=cache)

    again(maker.policy(), NOW + 10)
    assert len(cache) == 1
    with pytest.raises(PolicyError):
        again(maker.policy(max_evidence_age=5), NOW + 10)
    with pytest.raises(PolicyError):
        again(maker.policy(image_hashes=[]), NOW + 10)


def test_no_byte_of_a_bundle_can_be_changed(maker: Maker) -> None:
    bundle = maker.bundle().to_bytes()
    good = verify(maker.certificate(bundle), maker.policy())
    cache = VerificationCache()
    policy = maker.policy()
    root = bundle.rindex(b"-----BEGIN CERTIFICATE")
    for at in range(0, len(bundle), 7):
        changed = bundle[:at] + bytes([bundle[at] ^ 1]) + bundle[at + 1 :]
        try:
            peer = verify_peer(
                maker.certificate(changed), policy, NOW + 10, role=PeerRole.SERVER, cache=cache
            )
        except AttestationError:
            continue
        # The root that a quote brings along is not read: the policy pins its own.
        assert at > root or bundle[at : at + 1] in b"-\n", at
        assert peer.attestation == good.attestation
        assert peer.model_hash == good.model_hash
