"""One certificate judged by one policy: the steps behind the certificate's form.

What was verified is kept in a cache; what is allowed is asked again every time.
"""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TypeVar

from cocoon.attestation.bundle import EvidenceBundle
from cocoon.attestation.cache import VerificationCache
from cocoon.attestation.certificate import RatlsCertificate
from cocoon.attestation.claims import Claim, ClaimName, Verdict, proven, unknown
from cocoon.attestation.endorsement import Endorsement
from cocoon.attestation.evidence import EvidenceKind, VerifiedEvidence, report_data
from cocoon.attestation.evidence.fake_tdx import verify_fake_tdx
from cocoon.attestation.evidence.nvidia import GpuRequirement, VerifiedGpu
from cocoon.attestation.evidence.snp import verify_snp
from cocoon.attestation.evidence.tdx import verify_tdx
from cocoon.attestation.measurements import Attestation, SgxMeasurements, TdxMeasurements
from cocoon.attestation.policy import Policy
from cocoon.attestation.report import Layer, Report
from cocoon.attestation.statement import Statement, gpu_hash, gpu_nonce, statement_report_data
from cocoon.errors import EvidenceError, PolicyError

T = TypeVar("T")

_DATED_FIX = (
    "the peer must run a release of Cocoon in Python that adds dated evidence; official nodes "
    "cannot show it"
)
_IMAGES_WORD = (ClaimName.FRESH, ClaimName.MODEL_BOUND, ClaimName.GPU_GENUINE)
_FORMS = {
    EvidenceKind.TDX: EvidenceKind.TDX,
    EvidenceKind.TDX_SIMULATED: EvidenceKind.TDX,
    EvidenceKind.SNP: EvidenceKind.SNP,
    EvidenceKind.SNP_SIMULATED: EvidenceKind.SNP,
}
_KEY_BOUND = proven(ClaimName.KEY_BOUND, "the hardware signed the hash of the certificate's key")
_KEY_REPEATED = unknown(ClaimName.KEY_BOUND, "fake evidence repeats it, and nothing is signed")
_FRESH = proven(ClaimName.FRESH, "the hardware signed when the image made the evidence")
_IMAGE_ALLOWED = proven(ClaimName.IMAGE_ALLOWED, "the policy lists the image")
_ANY_IMAGE = unknown(ClaimName.IMAGE_ALLOWED, "the policy lists no images")
_NO_GPUS = unknown(ClaimName.GPU_GENUINE, "the policy did not look at GPU evidence")
_NO_MODEL = unknown(ClaimName.MODEL_BOUND, "the image states no model")
_UNDATED = (
    unknown(ClaimName.FRESH, "nothing dates an official quote", _DATED_FIX),
    unknown(ClaimName.GPU_GENUINE, "no GPU evidence was presented"),
    unknown(ClaimName.MODEL_BOUND, "an official quote names no model", _DATED_FIX),
)
MAX_ISSUED_AHEAD = 300
"""Seconds that a statement may have been made after the reader's present: clocks differ."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a policy was shown.

    Attributes:
        kind: the evidence.
        attestation: its measurements.
        claims: what it decides.
        expires_at: unix seconds after which a new handshake must verify again.
        model_hash: what the image says it serves, 32 bytes, or None.
        platform_id: the machine, 32 bytes, or None.
        operator: who endorses the machine, a raw Ed25519 key; None when nobody provably does.
    """

    kind: EvidenceKind
    attestation: Attestation
    claims: tuple[Claim, ...]
    expires_at: int
    model_hash: bytes | None = None
    platform_id: bytes | None = None
    operator: bytes | None = None


class Judge:
    """Judges one certificate by one policy; used once.

    Args:
        certificate: its form has been checked.
        policy: what is accepted.
        now: unix seconds.
        cache: results of earlier verifications, or None.
        report: gets every step.
    """

    def __init__(
        self,
        certificate: RatlsCertificate,
        policy: Policy,
        now: int,
        cache: VerificationCache | None,
        report: Report,
    ) -> None:
        self._certificate = certificate
        self._policy = policy
        self._now = now
        self._cache = cache
        self._report = report
        self._expiries = [certificate.not_after]
        self._claims: list[Claim] = []
        self._operator: bytes | None = None

    def judge(self) -> Judgement:
        """Take every step.

        Raises:
            EvidenceError: the evidence does not verify.
            PolicyError: the evidence is missing, or genuine but not allowed.
        """
        self._check_age()
        if self._policy.kind is EvidenceKind.NONE:
            with self._report.step("Evidence", Layer.EVIDENCE) as found:
                found.skip("the policy looks at no evidence: anybody passes")
            return self._judgement(EvidenceKind.NONE, Attestation(), None, None)
        if self._policy.kind in _FORMS and self._certificate.bundle is not None:
            return self._judge_bundle()
        return self._judge_quote()

    def _judge_quote(self) -> Judgement:
        """The official form: a quote over the key alone."""
        with self._report.step("Evidence", Layer.EVIDENCE) as found:
            quote = self._required_quote()
            evidence = self._verified(quote)
            found.reason = f"{evidence.kind.value}, verified to its root"
        self._check_binding(evidence, report_data(self._certificate.public_key), "the key")
        self._check_allowed(evidence)
        with self._report.step("Dated evidence", Layer.STATEMENT) as found:
            if self._undated_demand() is not None:
                raise PolicyError(
                    f"nothing dates the evidence, but the policy demands {self._undated_demand()}",
                    fix=_DATED_FIX,
                )
            found.skip("the official form says nothing but the key", _DATED_FIX)
        self._claims += _UNDATED
        return self._judgement(evidence.kind, evidence.attestation, None, evidence.platform_id)

    def _judge_bundle(self) -> Judgement:
        """Our form: the quote signs a statement."""
        with self._report.step("Evidence", Layer.EVIDENCE) as found:
            bundle = self._certificate.evidence_bundle()
            if bundle is None:
                raise PolicyError("no dated evidence was presented")
            if bundle.form is not _FORMS[self._policy.kind]:
                raise PolicyError(
                    f"{bundle.form.value} evidence where {self._policy.kind.value} is required"
                )
            evidence = self._verified(bundle.evidence)
            found.reason = f"{evidence.kind.value}, verified to its root"
        expected = statement_report_data(bundle.statement)
        self._check_binding(evidence, expected, "the key and the statement")
        statement = self._checked_statement(bundle)
        self._check_allowed(evidence)
        self._check_operator(bundle, evidence)
        self._check_gpus(bundle, statement)
        self._check_model(statement)
        return self._judgement(
            evidence.kind, evidence.attestation, statement.model_hash, evidence.platform_id
        )

    def _check_age(self) -> None:
        max_age, start = self._policy.max_age, self._certificate.not_before
        if max_age is None:
            return
        with self._report.step("Age of the certificate", Layer.POLICY) as found:
            if self._now - start >= max_age:
                raise PolicyError(f"the certificate is older than {max_age} s")
            found.reason = f"{self._now - start} s, at most {max_age} s"
        self._expiries.append(start + max_age)

    def _required_quote(self) -> bytes:
        policy, quote = self._policy, self._certificate.quote
        if quote is None:
            raise PolicyError(f"the policy {policy.name} requires attestation evidence")
        if policy.kind in (EvidenceKind.SNP, EvidenceKind.SNP_SIMULATED):
            raise PolicyError(f"a TDX quote where {policy.kind.value} evidence is required")
        return quote

    def _verified(self, data: bytes) -> VerifiedEvidence:
        policy = self._policy
        if policy.kind is EvidenceKind.FAKE_TDX:
            return verify_fake_tdx(data)
        key = _cache_key(policy.kind.value, _fingerprint(policy), policy.simulated_root, data)
        cached = self._cache.get(key, self._now) if self._cache is not None else None
        if isinstance(cached, VerifiedEvidence):
            evidence = cached
        else:
            evidence = _verify(policy, data, self._now)
            evidence = replace(evidence, claims=_shared(evidence.claims))
            if self._cache is not None:
                self._cache.put(key, evidence, self._now)
        if evidence.kind is not policy.kind:
            raise PolicyError(
                f"{evidence.kind.value} evidence where {policy.kind.value} is required"
            )
        if evidence.expires_at is not None:
            self._expiries.append(evidence.expires_at)
        return evidence

    def _check_binding(self, evidence: VerifiedEvidence, expected: bytes, to: str) -> None:
        with self._report.step("Binding", Layer.EVIDENCE) as found:
            measurements = evidence.attestation.measurements
            if measurements is None or isinstance(measurements, SgxMeasurements):
                raise PolicyError("no TLS peer shows such evidence")
            if measurements.report_data != expected:
                raise EvidenceError(f"the evidence was not made for {to} of this certificate")
            found.reason = f"the report data is the hash of {to}"
        is_fake = evidence.kind is EvidenceKind.FAKE_TDX
        self._claims.append(_KEY_REPEATED if is_fake else _KEY_BOUND)

    def _checked_statement(self, bundle: EvidenceBundle) -> Statement:
        certificate, max_age = self._certificate, self._policy.max_evidence_age
        with self._report.step("Dated statement", Layer.STATEMENT) as found:
            statement = Statement.from_bytes(bundle.statement)
            if statement.public_key != certificate.public_key:
                raise EvidenceError("the signed statement is about another key")
            if (statement.not_before, statement.not_after) != (
                certificate.not_before,
                certificate.not_after,
            ):
                raise EvidenceError("the certificate's validity is not the one that was signed")
            age = self._now - statement.issued_at
            if age < -MAX_ISSUED_AHEAD:
                raise EvidenceError(
                    f"the evidence was made {-age} s in the future",
                    fix="set the clocks of both machines",
                )
            if max_age is not None and age >= max_age:
                raise PolicyError(
                    f"the evidence is {age} s old, at most {max_age} s are allowed",
                    fix="the peer must renew its certificate more often",
                )
            found.reason = f"made {max(age, 0)} s ago by the image's clock"
        if max_age is not None:
            self._expiries.append(statement.issued_at + max_age)
        self._claims.append(_FRESH)
        return statement

    def _check_allowed(self, evidence: VerifiedEvidence) -> None:
        policy, measured = self._policy, evidence.attestation.measurements
        with self._report.step("Platform", Layer.POLICY) as found:
            self._check_platform(evidence)
            found.reason = evidence.tcb_status or "its firmware meets the policy"
        with self._report.step("Image", Layer.POLICY) as found:
            if isinstance(measured, TdxMeasurements):
                _require_listed("MRTD", measured.mr_td, policy.mr_tds)
                _require_listed("RTMR set", measured.rtmrs, policy.rtmr_sets)
            image_hash = evidence.attestation.image_hash
            _require_listed("image", image_hash, policy.image_hashes, _IMAGE_FIX)
            found.reason = f"image {image_hash.hex()}"
            if policy.image_hashes is None:
                found.skip(f"the policy lists no images; this is {image_hash.hex()}")
        self._claims.append(_IMAGE_ALLOWED if policy.image_hashes is not None else _ANY_IMAGE)
        self._claims += evidence.claims

    def _check_platform(self, evidence: VerifiedEvidence) -> None:
        policy = self._policy
        if policy.kind in (EvidenceKind.TDX, EvidenceKind.TDX_SIMULATED):
            status = evidence.tcb_status or "none"
            _require_listed("TCB status", status, policy.tcb_statuses, _TCB_FIX)
            refused = policy.refused_advisories.intersection(evidence.advisories)
            if refused:
                raise PolicyError(f"{min(refused)} applies to the platform", fix=_TCB_FIX)
        if policy.snp is not None:
            self._claims += policy.snp.check(evidence)
        root_hash = evidence.attestation.collateral_root_hash
        _require_listed("platform root", root_hash, policy.collateral_root_hashes)
        if policy.platforms is not None:
            _require_listed("machine", evidence.platform_id or b"", policy.platforms)

    def _check_operator(self, bundle: EvidenceBundle, evidence: VerifiedEvidence) -> None:
        operators = self._policy.operators
        if operators is None:
            self._note_operator(bundle, evidence)
            return
        with self._report.step("Operator", Layer.POLICY) as found:
            if bundle.endorsement is None:
                raise PolicyError(
                    "no operator endorses the machine, and the policy demands one",
                    fix="the operator signs the machine's platform id and configures the file",
                )
            endorsement = Endorsement.from_bytes(bundle.endorsement)
            if evidence.platform_id is None or endorsement.platform_id != evidence.platform_id:
                raise EvidenceError("the operator's endorsement is for another machine")
            if not endorsement.is_valid_at(self._now):
                raise EvidenceError("the operator's endorsement has expired or is not valid yet")
            _require_listed("operator", endorsement.operator, operators)
            found.reason = f"operator {endorsement.operator.hex()} endorses this machine"
        self._operator = endorsement.operator
        self._expiries.append(endorsement.not_after)
        self._claims.append(proven(ClaimName.OPERATOR_ALLOWED, found.reason))

    def _note_operator(self, bundle: EvidenceBundle, evidence: VerifiedEvidence) -> None:
        """Keep who endorses the machine although no policy asks: single requests may."""
        if bundle.endorsement is None or evidence.platform_id is None:
            return
        try:
            endorsement = Endorsement.from_bytes(bundle.endorsement)
        except EvidenceError:
            return  # worth nothing, as if there were none
        if endorsement.platform_id == evidence.platform_id and endorsement.is_valid_at(self._now):
            self._operator = endorsement.operator
            self._expiries.append(endorsement.not_after)

    def _check_gpus(self, bundle: EvidenceBundle, statement: Statement) -> None:
        with self._report.step("GPUs", Layer.GPU) as found:
            if statement.gpu_hash != (gpu_hash(bundle.gpus) if bundle.gpus else None):
                raise EvidenceError("the GPU evidence is not the one that the CPU's quote signed")
            if self._policy.gpu is None:
                found.skip(f"the policy asks for none; {len(bundle.gpus)} presented")
                self._claims.append(_NO_GPUS)
                return
            gpus = self._verified_gpus(self._policy.gpu, bundle, statement).gpus
            found.reason = f"{len(gpus)} of {', '.join(sorted({g.architecture for g in gpus}))}"
        for gpu in gpus:
            self._claims += gpu.claims

    def _verified_gpus(
        self, requirement: GpuRequirement, bundle: EvidenceBundle, statement: Statement
    ) -> "_VerifiedGpus":
        nonce = gpu_nonce(statement.public_key, statement.issued_at)
        key = _gpu_cache_key(requirement, bundle.gpus, nonce)
        cached = self._cache.get(key, self._now) if self._cache is not None else None
        if isinstance(cached, _VerifiedGpus):
            verified = cached
        else:
            verified = _VerifiedGpus(requirement.check(bundle.gpus, nonce, self._now))
            if self._cache is not None:
                self._cache.put(key, verified, self._now)
        if verified.expires_at is not None:
            self._expiries.append(verified.expires_at)
        return verified

    def _check_model(self, statement: Statement) -> None:
        models, stated = self._policy.models, statement.model_hash
        with self._report.step("Model", Layer.STATEMENT) as found:
            if models is not None:
                _require_listed("model", stated or b"", models)
            if stated is None:
                found.skip("the image states no model")
            else:
                found.reason = f"the image proved the files of model {stated.hex()}"
        self._claims.append(
            _NO_MODEL if stated is None else proven(ClaimName.MODEL_BOUND, found.reason)
        )

    def _undated_demand(self) -> str | None:
        """What the policy demands that only dated evidence can show."""
        policy = self._policy
        demands = {
            "a maximum age of the evidence": policy.max_evidence_age,
            "GPU evidence": policy.gpu,
            "an operator": policy.operators,
            "a model": policy.models,
        }
        return next((name for name, value in demands.items() if value is not None), None)

    def _judgement(
        self,
        kind: EvidenceKind,
        attestation: Attestation,
        model_hash: bytes | None,
        platform_id: bytes | None,
    ) -> Judgement:
        expires_at = min(self._expiries)
        claims = tuple(self._claims)
        if self._policy.image_hashes is None:
            claims = tuple(map(_without_image, claims))
        return Judgement(
            kind,
            attestation,
            _shared(claims),
            expires_at,
            model_hash,
            platform_id,
            self._operator,
        )


@dataclass(frozen=True, slots=True)
class _VerifiedGpus:
    """All GPUs of one machine, as one requirement accepted them."""

    gpus: tuple[VerifiedGpu, ...]

    @property
    def expires_at(self) -> int | None:
        times = [gpu.expires_at for gpu in self.gpus if gpu.expires_at is not None]
        return min(times, default=None)


_TCB_FIX = "the operator must update the machine's firmware, or restart it after an update"
_IMAGE_FIX = "the image must be listed, or the peer must run a listed image"


def _verify(policy: Policy, data: bytes, now: int) -> VerifiedEvidence:
    root = policy.simulated_root
    if policy.collateral is not None:
        return verify_tdx(data, policy.collateral, now, simulated_root=root)
    if policy.snp_collateral is not None:
        return verify_snp(data, policy.snp_collateral, now, simulated_root=root)
    raise EvidenceError("there is no collateral to judge the evidence with")


def _without_image(claim: Claim) -> Claim:
    """What rests on the image's word is open while nothing decides which image that may be."""
    if claim.name not in _IMAGES_WORD or claim.verdict is not Verdict.PROVEN:
        return claim
    reason = f"{claim.reason}; but the policy lists no images, and any image can say so"
    return unknown(claim.name, reason, "list the images that are trusted")


@lru_cache(maxsize=256)
def _shared(claims: tuple[Claim, ...]) -> tuple[Claim, ...]:
    """The same claims as one object: thousands of open connections keep those of their peer."""
    return claims


def _fingerprint(policy: Policy) -> bytes:
    book = policy.collateral or policy.snp_collateral
    return book.fingerprint if book is not None else b""


def _cache_key(what: str, fingerprint: bytes, root: bytes | None, data: bytes) -> bytes:
    """32 bytes that name everything the result depends on besides the time."""
    digest = hashlib.sha256(what.encode())
    for part in (fingerprint, root or b"", data):
        digest.update(hashlib.sha256(part).digest())
    return digest.digest()


def _gpu_cache_key(requirement: GpuRequirement, items: tuple[bytes, ...], nonce: bytes) -> bytes:
    asked = (
        requirement.count,
        None if requirement.architectures is None else sorted(requirement.architectures),
        requirement.min_driver,
    )
    data = repr(asked).encode() + nonce + gpu_hash(items)
    return _cache_key("gpu", requirement.collateral.fingerprint, requirement.simulated_root, data)


def _require_listed(what: str, value: T, allowed: Collection[T] | None, fix: str = "") -> None:
    if allowed is not None and value not in allowed:
        shown = (value.hex() or "(none)") if isinstance(value, bytes) else value
        raise PolicyError(f"{what} {shown!s:.200} is not allowed by the policy", fix=fix)
