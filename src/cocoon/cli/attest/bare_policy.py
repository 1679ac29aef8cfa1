"""A policy applied to evidence that stands alone, without a certificate around it."""

from cocoon.attestation.evidence import VerifiedEvidence
from cocoon.attestation.measurements import TdxMeasurements
from cocoon.attestation.policy import Policy
from cocoon.attestation.report import Found, Layer, Report
from cocoon.errors import PolicyError

_FIX = "verify the certificate or the attestation page that the evidence belongs to"
TCB_FIX = "the operator must update the machine's firmware, or restart it after an update"


def check_leaf(policy: Policy, evidence: VerifiedEvidence, report: Report) -> None:
    """Take the steps of a policy that bare evidence can meet; whatever else it demands refuses.

    Raises:
        PolicyError: the policy does not allow what the evidence shows, or demands what only a
            certificate can show.
    """
    with report.step("Platform", Layer.POLICY) as found:
        if evidence.kind is not policy.kind:
            raise PolicyError(f"{evidence.kind.value} evidence, not {policy.kind.value}")
        _check_platform(policy, evidence)
        found.reason = evidence.tcb_status or "its firmware meets the policy"
    with report.step("Image", Layer.POLICY) as found:
        _check_image(policy, evidence, found)
    with report.step("What only a certificate shows", Layer.STATEMENT) as found:
        demanded = _demands(policy)
        if demanded:
            raise PolicyError(f"the policy demands {', '.join(demanded)}", fix=_FIX)
        found.skip("bare evidence: no key, no date, no GPUs, no model is bound to it")


def _check_platform(policy: Policy, evidence: VerifiedEvidence) -> None:
    if policy.collateral is not None and evidence.tcb_status not in policy.tcb_statuses:
        raise PolicyError(f"the platform's TCB status is {evidence.tcb_status}", fix=TCB_FIX)
    refused = policy.refused_advisories.intersection(evidence.advisories)
    if refused:
        raise PolicyError(f"{min(refused)} applies to the platform", fix=TCB_FIX)
    if policy.snp is not None:
        policy.snp.check(evidence)
    roots = policy.collateral_root_hashes
    if roots is not None and evidence.attestation.collateral_root_hash not in roots:
        raise PolicyError("the policy does not list the platform's root")
    if policy.platforms is not None and evidence.platform_id not in policy.platforms:
        raise PolicyError("the policy does not list this machine")


def _check_image(policy: Policy, evidence: VerifiedEvidence, found: Found) -> None:
    measured, image = evidence.attestation.measurements, evidence.attestation.image_hash
    if isinstance(measured, TdxMeasurements):
        if policy.mr_tds is not None and measured.mr_td not in policy.mr_tds:
            raise PolicyError(f"MRTD {measured.mr_td.hex()} is not allowed by the policy")
        if policy.rtmr_sets is not None and measured.rtmrs not in policy.rtmr_sets:
            raise PolicyError("the RTMRs are not allowed by the policy")
    if policy.image_hashes is None:
        found.skip(f"the policy lists no images; this is {image.hex()}")
    elif image not in policy.image_hashes:
        raise PolicyError(f"image {image.hex()} is not allowed by the policy")
    else:
        found.reason = f"image {image.hex()}"


def _demands(policy: Policy) -> list[str]:
    demands = {
        "GPU evidence": policy.gpu,
        "an operator": policy.operators,
        "a model": policy.models,
        "a maximum age of the certificate": policy.max_age,
        "a maximum age of the evidence": policy.max_evidence_age,
    }
    return [name for name, value in demands.items() if value is not None]
