"""Whether a node answered a reader's challenge: its hardware is there now.

The certificate has been verified before; the answer must come from the same hardware and image.
"""

from collections.abc import Iterator

from cocoon.attestation.document import ChallengeAnswer, challenge_report_data
from cocoon.attestation.evidence import EvidenceKind, VerifiedEvidence
from cocoon.attestation.evidence.fake_tdx import verify_fake_tdx
from cocoon.attestation.evidence.snp import verify_snp
from cocoon.attestation.evidence.tdx import verify_tdx
from cocoon.attestation.measurements import SgxMeasurements
from cocoon.attestation.peer import VerifiedPeer
from cocoon.attestation.policy import PeerPolicy, Policy, leaves
from cocoon.attestation.report import Layer, Report
from cocoon.errors import EvidenceError

_FORMS = {
    EvidenceKind.FAKE_TDX: EvidenceKind.FAKE_TDX,
    EvidenceKind.TDX: EvidenceKind.TDX,
    EvidenceKind.TDX_SIMULATED: EvidenceKind.TDX,
    EvidenceKind.SNP: EvidenceKind.SNP,
    EvidenceKind.SNP_SIMULATED: EvidenceKind.SNP,
}


def verify_challenge(
    answer: ChallengeAnswer | None,
    nonce: bytes | None,
    peer: VerifiedPeer,
    policy: PeerPolicy,
    now: int,
    *,
    report: Report | None = None,
) -> None:
    """Verify a node's answer to a challenge.

    Args:
        answer: from its attestation page; None when it gave none.
        nonce: that the reader chose, 32 bytes; None when the reader asked for nothing.
        peer: what its certificate proved, by the same policy.
        policy: names the roots and the collateral.
        now: unix seconds.
        report: gets the step.

    Raises:
        EvidenceError: a challenge was asked for and not answered by this node's hardware.
    """
    steps = report if report is not None else Report()
    with steps.step("Answer to the challenge", Layer.EVIDENCE) as found:
        if nonce is None:
            found.skip("no challenge was asked for: nothing says that the node runs now")
            return
        if answer is None:
            raise EvidenceError(
                "the node answered no challenge",
                fix="verify its RA-TLS port, or run the node where its hardware can be asked",
            )
        if answer.nonce != nonce:
            raise EvidenceError("the node answered somebody else's challenge")
        if answer.form is not _FORMS.get(peer.kind):
            raise EvidenceError(
                f"{answer.form.value} evidence answers for a certificate with {peer.kind.value}"
            )
        evidence = _verified(answer.evidence, peer, policy, now)
        _require_same(evidence, peer, challenge_report_data(nonce, peer.public_key))
        found.reason = "fresh evidence of the same image over our nonce and the same key"


def _verified(data: bytes, peer: VerifiedPeer, policy: PeerPolicy, now: int) -> VerifiedEvidence:
    """By the first part of the policy that judges such evidence; all pin the same roots or fail."""
    refusal = EvidenceError("the policy verifies no such evidence")
    for leaf in _leaves(policy, peer.kind):
        try:
            return _verify(data, leaf, now)
        except EvidenceError as error:
            refusal = error
    raise refusal


def _leaves(policy: PeerPolicy, kind: EvidenceKind) -> Iterator[Policy]:
    return (leaf for leaf in leaves(policy) if leaf.kind is kind)


def _verify(data: bytes, leaf: Policy, now: int) -> VerifiedEvidence:
    if leaf.kind is EvidenceKind.FAKE_TDX:
        return verify_fake_tdx(data)
    if leaf.collateral is not None:
        return verify_tdx(data, leaf.collateral, now, simulated_root=leaf.simulated_root)
    if leaf.snp_collateral is not None:
        return verify_snp(data, leaf.snp_collateral, now, simulated_root=leaf.simulated_root)
    raise EvidenceError("there is no collateral to judge the evidence with")


def _require_same(evidence: VerifiedEvidence, peer: VerifiedPeer, expected: bytes) -> None:
    measurements = evidence.attestation.measurements
    if measurements is None or isinstance(measurements, SgxMeasurements):
        raise EvidenceError("no node answers with such evidence")
    if measurements.report_data != expected:
        raise EvidenceError("the evidence was not made for our nonce and the certificate's key")
    if evidence.kind is not peer.kind:
        raise EvidenceError(f"{evidence.kind.value} evidence where {peer.kind.value} was shown")
    if evidence.attestation.image_hash != peer.image_hash:
        raise EvidenceError("another image answers than the certificate shows")
    if evidence.platform_id != peer.platform_id:
        raise EvidenceError("another machine answers than the certificate shows")
