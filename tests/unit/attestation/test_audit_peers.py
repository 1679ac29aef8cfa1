"""What a peer may try against a policy: other dates, other lists, mixed kinds, old memory."""

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cocoon.attestation import policy as policies
from cocoon.attestation.bundle import EvidenceBundle
from cocoon.attestation.cache import VerificationCache
from cocoon.attestation.certificate import OID_BUNDLE, raw_public_key
from cocoon.attestation.claims import ClaimName, Verdict
from cocoon.attestation.endorsement import Endorsement
from cocoon.attestation.evidence import EvidenceKind, VerifiedEvidence, report_data
from cocoon.attestation.evidence.collateral import Collateral, CollateralBook
from cocoon.attestation.evidence.snp import SnpRequirement
from cocoon.attestation.evidence.snp_collateral import SnpCollateralBook
from cocoon.attestation.evidence.tdx import verify_tdx
from cocoon.attestation.judgement import MAX_ISSUED_AHEAD
from cocoon.attestation.measurements import TdxMeasurements
from cocoon.attestation.peer import VerifiedPeer
from cocoon.attestation.policy import PeerPolicy, Policy
from cocoon.attestation.report import Outcome, Report
from cocoon.attestation.statement import Statement, gpu_hash, gpu_nonce, statement_report_data
from cocoon.attestation.verify import PeerRole, verify_peer
from cocoon.devnet.gpu import SimulatedGpus
from cocoon.devnet.gpu_pki import GpuPki
from cocoon.devnet.snp import SimulatedSnp, SimulatedSnpMachine
from cocoon.devnet.tee import SimulatedTdx, SimulatedTee
from cocoon.errors import AttestationError, ConfigError, EvidenceError, PolicyError
from cocoon.testing.certificates import CertificateRecipe
from cocoon.testing.intel import intel_lab

NOW = 1_795_000_000
DAY = 86_400
KEY = Ed25519PrivateKey.generate()
PUBLIC = raw_public_key(KEY)
GPUS = SimulatedGpus(GpuPki.from_seed(bytes(32), NOW - 10 * DAY), 1)


@pytest.fixture(scope="module")
def tee(tmp_path_factory: pytest.TempPathFactory) -> SimulatedTee:
    return SimulatedTee(tmp_path_factory.mktemp("tee") / "machine", NOW)


@pytest.fixture(scope="module")
def snp(tmp_path_factory: pytest.TempPathFactory) -> SimulatedSnpMachine:
    return SimulatedSnpMachine(tmp_path_factory.mktemp("snp") / "machine", NOW)


def dated(source: Any, start: int = NOW, gpus: tuple[bytes, ...] = (), **stated: Any) -> bytes:
    """Content of the extension."""
    hashed = gpu_hash(gpus) if gpus else None
    made = replace(Statement(PUBLIC, start, start + DAY, start, gpu_hash=hashed), **stated)
    signed = made.to_bytes()
    evidence = source.quote(statement_report_data(signed))
    return EvidenceBundle(signed, source.kind, evidence, gpus=gpus).to_bytes()


def certificate(quote: bytes | None, bundle: bytes | None = None, start: int = NOW) -> bytes:
    extra = () if bundle is None else ((OID_BUNDLE.dotted_string, bundle, False),)
    return CertificateRecipe(start, KEY, quote, extra=extra).to_der()


def official(tee: SimulatedTee, start: int = NOW) -> bytes:
    return certificate(SimulatedTdx(tee, "worker").quote(report_data(PUBLIC)), start=start)


def bundled(tee: SimulatedTee, start: int = NOW, **stated: Any) -> bytes:
    return certificate(None, dated(SimulatedTdx(tee, "worker"), start, **stated), start)


def policy(tee: SimulatedTee, **demands: Any) -> Policy:
    return policies.tdx(
        collateral=CollateralBook(tee.collateral(NOW)),
        simulated_root=tee.root_certificate,
        name="devnet",
        **demands,
    )


def snp_policy(machine: SimulatedSnpMachine, **demands: Any) -> Policy:
    options = {
        "collateral": SnpCollateralBook(machine.collateral(NOW)),
        "requirement": SnpRequirement(min_tcb={machine.product: machine.tcb}),
        "simulated_root": machine.root_certificate,
    }
    return policies.snp(**{**options, **demands})


def verify(der: bytes, wanted: PeerPolicy, now: int = NOW + 10, **options: Any) -> VerifiedPeer:
    return verify_peer(der, wanted, now, role=PeerRole.SERVER, **options)


class TestExpiry:
    """Nobody is accepted for longer than the first thing that this rests on."""

    def test_collateral_ends_a_peer(self, tee: SimulatedTee) -> None:
        end = tee.collateral(NOW).expires_at
        start = end - 1000
        cache = VerificationCache()
        for der in (official(tee, start), bundled(tee, start)):
            for _ in range(2):
                assert verify(der, policy(tee), start + 1, cache=cache).expires_at == end
            with pytest.raises(EvidenceError, match=r"TCB info|CRL"):
                verify(der, policy(tee), end + 1, cache=cache)

    def test_collateral_of_amd_ends_a_peer(self, snp: SimulatedSnpMachine) -> None:
        end = snp.collateral(NOW).expires_at
        start = end - 1000
        der = certificate(None, dated(SimulatedSnp(snp, "worker"), start), start)
        assert verify(der, snp_policy(snp), start + 1).expires_at == end
        with pytest.raises(EvidenceError, match="revocation list"):
            verify(der, snp_policy(snp), end + 1)

    def test_gpus_end_a_peer_also_from_memory(self, tee: SimulatedTee) -> None:
        items = GPUS.evidence(gpu_nonce(PUBLIC, NOW))
        der = certificate(None, dated(SimulatedTdx(tee, "worker"), gpus=items))
        cache = VerificationCache()
        wanted = policy(tee, gpu=GPUS.requirement(NOW - 7 * DAY + 1000))
        end = NOW + 700  # of the OCSP answers
        for _ in range(2):
            assert verify(der, wanted, cache=cache).expires_at == end
        assert len(cache) == 2
        assert verify(der, wanted, end, cache=cache).expires_at == end
        with pytest.raises(AttestationError, match="GPU OCSP"):
            verify(der, wanted, end + 1, cache=cache)

    def test_a_certificate_ends_a_peer(self, tee: SimulatedTee) -> None:
        assert verify(official(tee), policy(tee)).expires_at == NOW + DAY
        assert verify(official(tee), policy(tee, max_age=100)).expires_at == NOW + 100


class TestTime:
    def test_a_clock_ahead_is_borne_so_far(self, tee: SimulatedTee) -> None:
        ahead = bundled(tee, issued_at=NOW + 10 + MAX_ISSUED_AHEAD)
        assert verify(ahead, policy(tee))
        with pytest.raises(EvidenceError, match="301 s in the future"):
            verify(ahead, policy(tee), NOW + 9)

    @pytest.mark.parametrize("now", [-(1 << 40), -1, 0, 1 << 32, 1 << 63, 1 << 64, 1 << 70])
    def test_times_that_no_clock_shows_are_refused(self, now: int) -> None:
        lab = intel_lab()
        with pytest.raises(EvidenceError):
            verify_tdx(lab.quotes["tdx v4"], lab.book(), now, simulated_root=lab.pki.root_der)


class TestBinding:
    """Evidence of one form never stands in for the other, nor for another key."""

    def test_a_quote_for_another_key_or_purpose(self, tee: SimulatedTee) -> None:
        source = SimulatedTdx(tee, "worker")
        signed = Statement(PUBLIC, NOW, NOW + DAY, NOW).to_bytes()
        others = (bytes(64), report_data(bytes(32)), statement_report_data(signed))
        for bound in others:
            for wanted, made in ((policy(tee), source.quote(bound)), (policies.fake_tdx(), bound)):
                with pytest.raises(EvidenceError, match="not made for the key"):
                    verify(certificate(made), wanted)
        official_bound = source.quote(report_data(PUBLIC))
        inside = EvidenceBundle(signed, EvidenceKind.TDX, official_bound).to_bytes()
        with pytest.raises(EvidenceError, match="not made for the key and the statement"):
            verify(certificate(official_bound, inside), policy(tee))


class TestLists:
    @pytest.mark.parametrize("make", [official, bundled])
    def test_every_list_decides(self, tee: SimulatedTee, make: Any) -> None:
        der = make(tee)
        peer = verify(der, policy(tee))
        measured = peer.attestation.measurements
        assert isinstance(measured, TdxMeasurements)
        assert peer.platform_id is not None
        zero = bytes(48)
        lists: dict[str, tuple[Any, Any]] = {
            "image_hashes": (peer.image_hash, bytes(32)),
            "mr_tds": (measured.mr_td, zero),
            "rtmr_sets": (measured.rtmrs, (zero, *measured.rtmrs[1:])),
            "collateral_root_hashes": (peer.attestation.collateral_root_hash, zero),
            "platforms": (peer.platform_id, bytes(32)),
        }
        for name, (good, bad) in lists.items():
            assert verify(der, policy(tee, **{name: [bad, good]})), name
            for refused in ([bad], []):
                with pytest.raises(PolicyError, match="not allowed"):
                    verify(der, policy(tee, **{name: refused}))

    def test_no_list_of_images_proves_no_image(self, tee: SimulatedTee) -> None:
        der = bundled(tee)
        for wanted in (policy(tee), policy(tee, models=None)):
            assert not verify(der, wanted).claims.is_proven(ClaimName.IMAGE_ALLOWED)
        report = Report()
        verify(der, policy(tee), report=report)
        image = next(step for step in report.steps if step.name == "Image")
        assert image.outcome is Outcome.SKIPPED

    def test_no_stated_model_binds_no_model(self, tee: SimulatedTee) -> None:
        for der in (bundled(tee), official(tee)):
            peer = verify(der, policy(tee))
            assert peer.model_hash is None
            assert peer.claims.get(ClaimName.MODEL_BOUND).verdict is Verdict.UNKNOWN

    def test_advisories_and_statuses_decide(self, tee: SimulatedTee) -> None:
        lab = intel_lab()
        source_status = "SWHardeningNeeded"
        text = lab.pki.collateral_json(NOW, tcb_status=source_status, advisories=("INTEL-SA-1",))
        book = CollateralBook(Collateral.from_json(text))
        root = lab.pki.root_der
        quote = lab.quotes["tdx v4"]
        evidence = verify_tdx(quote, book, NOW, simulated_root=root)
        assert evidence.advisories == ("INTEL-SA-1",)
        statuses = {"tcb_statuses": ["UpToDate", source_status]}
        assert accepts_platform(evidence, book, root, **statuses)
        assert accepts_platform(evidence, book, root, **statuses, refused_advisories=["OTHER"])
        for demands in ({}, {**statuses, "refused_advisories": ["OTHER", "INTEL-SA-1"]}):
            assert not accepts_platform(evidence, book, root, **demands)


def accepts_platform(
    evidence: VerifiedEvidence, book: CollateralBook, root: bytes, **demands: Any
) -> bool:
    """What a policy says to a certificate for which this evidence is remembered."""
    wanted = policies.tdx(collateral=book, simulated_root=root, name="lab", **demands)

    class Remembered(VerificationCache):
        def get(self, key: bytes, now: int) -> Any:
            return replace(
                evidence,
                attestation=replace(
                    evidence.attestation,
                    measurements=replace(
                        evidence.attestation.measurements,  # type: ignore[type-var]
                        report_data=report_data(PUBLIC),
                    ),
                ),
            )

    try:
        verify(certificate(b"quote"), wanted, cache=Remembered())
    except PolicyError:
        return False
    return True


class TestKinds:
    def test_fake_evidence_beside_a_real_form_does_not_mix(self, tee: SimulatedTee) -> None:
        der = certificate(report_data(PUBLIC), dated(SimulatedTdx(tee, "worker")))
        fake = verify(der, policies.fake_tdx())
        assert fake.kind is EvidenceKind.FAKE_TDX
        assert not any(claim.verdict is Verdict.PROVEN for claim in fake.claims.items)
        assert verify(der, policy(tee)).kind is EvidenceKind.TDX_SIMULATED
        for parts in ((policies.fake_tdx(), policy(tee)), (policy(tee), policies.fake_tdx())):
            with pytest.raises(PolicyError, match="different evidence"):
                verify(der, policies.all_of("both", *parts))

    def test_a_tdx_quote_is_no_snp_evidence(
        self, tee: SimulatedTee, snp: SimulatedSnpMachine
    ) -> None:
        with pytest.raises(PolicyError, match="a TDX quote where snp-simulated"):
            verify(official(tee), snp_policy(snp))
        with pytest.raises(PolicyError, match="tdx evidence where snp-simulated"):
            verify(bundled(tee), snp_policy(snp))

    def test_memory_of_one_kind_or_root_serves_no_other(
        self, tee: SimulatedTee, tmp_path: Path
    ) -> None:
        cache = VerificationCache()
        der = bundled(tee)
        assert verify(der, policy(tee), cache=cache)
        real = policies.tdx(collateral=CollateralBook(tee.collateral(NOW)))
        other = SimulatedTee(tmp_path / "other", NOW)
        for wanted in (real, replace(policy(tee), simulated_root=other.root_certificate)):
            with pytest.raises(EvidenceError, match="another root"):
                verify(der, wanted, cache=cache)

    def test_newer_collateral_of_amd_is_noticed_at_once(
        self, snp: SimulatedSnpMachine, tmp_path: Path
    ) -> None:
        cache = VerificationCache()
        der = certificate(None, dated(SimulatedSnp(snp, "worker")))
        book = SnpCollateralBook(snp.collateral(NOW))
        wanted = snp_policy(snp, collateral=book)
        assert verify(der, wanted, cache=cache)
        book.put(SimulatedSnpMachine(tmp_path / "other", NOW).collateral(NOW))
        with pytest.raises(AttestationError):
            verify(der, wanted, cache=cache)

    def test_nothing_is_needed_where_every_part_needs_nothing(self, tee: SimulatedTee) -> None:
        nobody = policies.unsafe_accept_anything()
        report = Report()
        peer = verify(certificate(None), policies.all_of("n", nobody, nobody), report=report)
        assert peer.kind is EvidenceKind.NONE
        assert not any(claim.verdict is Verdict.PROVEN for claim in peer.claims.items)
        assert [s.outcome for s in report.steps if s.name == "Evidence"] == [Outcome.SKIPPED] * 2
        with pytest.raises(PolicyError, match="requires attestation evidence"):
            verify(certificate(None), policies.all_of("n", nobody, policy(tee)))


class TestReports:
    def test_what_was_not_looked_at_is_said(self, tee: SimulatedTee) -> None:
        report = Report()
        verify(official(tee), policy(tee), report=report)
        skipped = {s.name: s for s in report.steps if s.outcome is Outcome.SKIPPED}
        assert skipped["Dated evidence"].fix
        items = GPUS.evidence(gpu_nonce(PUBLIC, NOW))
        dated_report = Report()
        der = certificate(None, dated(SimulatedTdx(tee, "worker"), gpus=items))
        peer = verify(der, policy(tee), report=dated_report)
        assert next(s for s in dated_report.steps if s.name == "GPUs").outcome is Outcome.SKIPPED
        assert peer.claims.get(ClaimName.GPU_GENUINE).verdict is Verdict.UNKNOWN

    def test_the_steps_of_alternatives_are_kept(self, tee: SimulatedTee) -> None:
        refusing = policy(tee, image_hashes=[])
        accepted, refused = Report(), Report()
        verify(bundled(tee), policies.any_of("either", refusing, policy(tee)), report=accepted)
        assert "Binding" in [step.name for step in accepted.steps]
        with pytest.raises(PolicyError):
            verify(bundled(tee), policies.any_of("one", refusing), report=refused)
        assert refused.failure is not None
        assert (
            refused.failure.name
            in [step.name for step in refused.steps]
            == [
                *[step.name for step in accepted.steps[:4]],
                "Alternative devnet",
                "Evidence",
                "Binding",
                "Dated statement",
                "Platform",
                "Image",
            ]
        )


class TestOperators:
    def test_a_machine_without_a_name_has_no_operator(self, tee: SimulatedTee) -> None:
        operator = Ed25519PrivateKey.generate()
        key = raw_public_key(operator)
        nobody = Endorsement.sign(key, operator.sign, bytes(32), NOW, NOW + 50).to_bytes()
        for platform_id in (None, b""):
            evidence = remembered(platform_id)
            bundle = EvidenceBundle.from_bytes(dated(SimulatedTdx(tee, "worker")))
            der = certificate(None, replace(bundle, endorsement=nobody).to_bytes())
            verify(der, policy(tee), cache=evidence)
            assert verify(der, policy(tee), cache=evidence).platform_id == platform_id
            with pytest.raises(AttestationError, match="another machine"):
                verify(der, policy(tee, operators=[key]), cache=evidence)
            with pytest.raises(PolicyError, match=r"machine \(none\)"):
                verify(der, policy(tee, platforms=[bytes(32)]), cache=evidence)


def remembered(platform_id: bytes | None) -> VerificationCache:
    """A memory in which every machine has this name."""

    class Renaming(VerificationCache):
        def get(self, key: bytes, now: int) -> Any:
            found = super().get(key, now)
            return None if found is None else replace(found, platform_id=platform_id)  # type: ignore[type-var]

    return Renaming()


@pytest.mark.parametrize("cut", [0, 3, 500, 632, 636, 695, 699])
def test_a_short_quote_fits_no_cut_one(tee: SimulatedTee, cut: int) -> None:
    source = SimulatedTdx(tee, "worker")
    beside = source.quote(report_data(PUBLIC))
    bundle = EvidenceBundle(b"statement", EvidenceKind.TDX, source.quote(bytes(64)))
    short = bundle.to_bytes(beside)
    assert EvidenceBundle.from_bytes(short, beside) == bundle
    for other in (beside[:cut], b"\x05" + beside[1:], b"\x03" + beside[1:]):
        with pytest.raises(EvidenceError, match="does not fit"):
            EvidenceBundle.from_bytes(short, other)
    tiny = replace(bundle, evidence=bundle.evidence[:cut])
    assert EvidenceBundle.from_bytes(tiny.to_bytes(beside), beside) == tiny


def test_memory_forgets_what_was_used_least() -> None:
    cache = VerificationCache(capacity=2)
    evidence = [named(str(number)) for number in range(3)]
    cache.put(b"0", evidence[0], NOW)
    cache.put(b"1", evidence[1], NOW)
    cache.put(b"0", evidence[0], NOW)
    cache.put(b"2", evidence[2], NOW)
    assert cache.get(b"0", NOW) is evidence[0]
    assert cache.get(b"1", NOW) is None


def named(text: str) -> VerifiedEvidence:
    lab = intel_lab()
    found = verify_tdx(lab.quotes["tdx v4"], lab.book(), NOW, simulated_root=lab.pki.root_der)
    return replace(found, platform_id=hashlib.sha256(text.encode()).digest())


def test_a_real_policy_never_pins_a_root_of_its_own(tee: SimulatedTee) -> None:
    with pytest.raises(ConfigError, match="root of its own"):
        replace(policy(tee), kind=EvidenceKind.TDX)
    with pytest.raises(ConfigError, match="root of its own"):
        replace(policy(tee), simulated_root=None)
