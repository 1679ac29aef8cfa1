"""Verify whatever a target gave, step by step."""

from collections.abc import Callable
from dataclasses import dataclass, field

from cocoon.attestation.challenge import verify_challenge
from cocoon.attestation.document import AttestationDocument, ChallengeAnswer
from cocoon.attestation.event_log import Event
from cocoon.attestation.evidence import EvidenceKind, VerifiedEvidence
from cocoon.attestation.evidence.fake_tdx import verify_fake_tdx
from cocoon.attestation.evidence.nvidia import verify_gpu
from cocoon.attestation.evidence.sgx import verify_sgx
from cocoon.attestation.evidence.snp import verify_snp
from cocoon.attestation.evidence.snp_report import REPORT_BYTES
from cocoon.attestation.evidence.tdx import verify_tdx
from cocoon.attestation.policy import Policy
from cocoon.attestation.report import Layer, Report
from cocoon.attestation.verify import verify_peer
from cocoon.chain.root_config import model_hash
from cocoon.cli.attest.bare_policy import TCB_FIX, check_leaf
from cocoon.cli.attest.event_logs import check_logs, config_hash_of, is_debug_image
from cocoon.cli.attest.gpu_form import gpu_item
from cocoon.cli.attest.judging import Basis, check_lists
from cocoon.cli.attest.recognise import Item, Kind, recognise
from cocoon.cli.attest.shape import logs_of, shape_of
from cocoon.cli.attest.targets import Loaded, Origin
from cocoon.cli.attest.verdict import Verdict
from cocoon.errors import AttestationError, EvidenceError, PolicyError

_RELAYED = (
    "a page may come through others: whoever you connect to is this node only if it shows the "
    "same public key"
)
_BARE = "bare evidence is bound to no certificate: whose it is, nothing here says"


@dataclass(frozen=True, slots=True)
class Beside:
    """What is given beside the target.

    Attributes:
        logs: event logs, in order.
        vcek: DER of the certificate that signs a bare SEV-SNP report.
        nonce: 32 bytes that a saved page, or bare GPU evidence, must answer.
    """

    logs: tuple[bytes, ...] = ()
    vcek: bytes | None = None
    nonce: bytes | None = None


def verify_loaded(loaded: Loaded, basis: Basis, at: int, beside: Beside) -> Verdict:
    """Verify a target; what fails is in the verdict and raises nothing.

    Args:
        loaded: the target.
        basis: by what.
        at: unix seconds.
        beside: further evidence.

    Raises:
        ConfigError: what was asked for makes no sense.
    """
    name = loaded.name if basis.target is None else f"{basis.target} ({loaded.name})"
    verdict = Verdict(name, basis.name, at, simulated=basis.simulated)
    verdict.notes += basis.notes
    verdict.image_judged = basis.judges_images
    try:
        with verdict.report.step("Recognised", Layer.EVIDENCE) as found:
            item = recognise(loaded.data)
            found.reason = f"{item.kind.value}, {len(item.data)} bytes"
        _Verification(loaded, item, basis, at, beside, verdict).run()
    except AttestationError as error:
        if verdict.report.failure is None:  # raised between two steps
            _write_down(verdict.report, error)
    return verdict


def _write_down(report: Report, error: AttestationError) -> None:
    try:
        with report.step("Policy", Layer.POLICY):
            raise error
    except AttestationError:
        return


@dataclass(slots=True)
class _Verification:
    loaded: Loaded
    item: Item
    basis: Basis
    at: int
    beside: Beside
    verdict: Verdict
    report: Report = field(init=False)

    def __post_init__(self) -> None:
        self.report = self.verdict.report

    def run(self) -> None:
        """Take every step for this kind of item."""
        steps: dict[Kind, Callable[[], None]] = {
            Kind.CERTIFICATE: self._certificate,
            Kind.PAGE: self._page,
            Kind.TDX_QUOTE: self._tdx,
            Kind.SGX_QUOTE: self._sgx,
            Kind.SNP_REPORT: self._snp,
            Kind.GPU_EVIDENCE: self._gpu,
            Kind.FAKE_EVIDENCE: self._fake,
        }
        if self.item.kind not in steps:
            raise EvidenceError(
                f"{self.item.kind.value} cannot be verified by itself",
                fix="`cocoon attest inspect` shows it; verify a certificate, page, quote or report",
            )
        steps[self.item.kind]()

    def _certificate(self) -> None:
        if self.loaded.origin is Origin.PORT:
            with self.report.step("TLS handshake", Layer.CERTIFICATE) as found:
                found.reason = "completed: the peer holds the certificate's key now"
        else:
            reason = "from a file: nothing says who holds the certificate's key now"
            self.report.skipped("TLS handshake", Layer.CERTIFICATE, reason)
        self._peer(self.item.data, None, challenged=False)

    def _page(self) -> None:
        with self.report.step("Attestation page", Layer.EVIDENCE) as found:
            document = AttestationDocument.from_bytes(self.item.data)
            found.reason = f"says it is a {document.role}, {document.software}"
        self._require_role(document)
        self._peer(document.certificate, document, challenged=True)

    def _require_role(self, document: AttestationDocument) -> None:
        wanted = self.basis.role
        if wanted is not None and document.role != wanted:
            with self.report.step("Role", Layer.POLICY):
                raise PolicyError(f"the page is of a {document.role}, not of a {wanted}")

    def _peer(self, der: bytes, document: AttestationDocument | None, *, challenged: bool) -> None:
        form, gpus, role = shape_of(der)
        policy = self.basis.peer_policy(form, gpus)
        peer = verify_peer(der, policy, self.at, role=role, report=self.report)
        verdict = self.verdict
        if challenged:
            verdict.notes.append(_RELAYED)
            answer = None if document is None else document.challenge
            verify_challenge(answer, self._nonce(answer), peer, policy, self.at, report=self.report)
        logs = self.beside.logs or logs_of(document)
        events = check_logs(logs, peer.attestation, self.report)
        self._note_events(events)
        check_lists(self.basis, peer.image_hash, peer.model_hash, self.report)
        if document is not None:
            self._check_words(document, peer.image_hash, peer.model_hash, events)
        verdict.kind, verdict.image_hash = peer.kind.value, peer.image_hash
        verdict.platform_id, verdict.model_hash = peer.platform_id, peer.model_hash
        verdict.expires_at, verdict.claims = peer.expires_at, peer.claims.items
        verdict.simulated = verdict.simulated or peer.kind.is_simulated
        if peer.kind is EvidenceKind.NONE:
            verdict.notes.append("the policy looks at no evidence: this proves nothing")

    def _nonce(self, answer: ChallengeAnswer | None) -> bytes | None:
        if self.loaded.nonce is not None:
            return self.loaded.nonce
        if self.beside.nonce is None and answer is not None:
            self.verdict.notes.append(
                "the page answers a challenge that is not known here: give it with --nonce"
            )
        return self.beside.nonce

    def _check_words(
        self,
        document: AttestationDocument,
        image_hash: bytes,
        proven_model: bytes | None,
        events: tuple[Event, ...],
    ) -> None:
        """What the page says in words must fit what the hardware signed."""
        with self.report.step("Words of the page", Layer.EVIDENCE) as found:
            if document.image_hash not in (None, image_hash):
                raise EvidenceError("the page names another image than the evidence shows")
            config_hash = config_hash_of(events)
            said = None if document.config_hash is None else document.config_hash.hex()
            if config_hash is not None and said not in (None, config_hash):
                raise EvidenceError("the page names another configuration than was measured")
            if document.model is not None and proven_model is not None:
                if model_hash(document.model) != proven_model:
                    raise EvidenceError("the page names another model than the image has proven")
                found.reason = f"model {document.model}, as the image has proven"
                return
            found.reason = "nothing contradicts the evidence"
            if document.model is not None:
                found.skip(f"nothing signed proves that it serves {document.model}")

    def _note_events(self, events: tuple[Event, ...]) -> None:
        config_hash = config_hash_of(events)
        if config_hash is not None:
            self.verdict.notes.append(f"measured configuration {config_hash}")
        if is_debug_image(events):
            self.verdict.notes.append("a DEBUG image: whoever runs it can look inside")

    def _tdx(self) -> None:
        leaf = self.basis.leaf(EvidenceKind.TDX)
        assert leaf.collateral is not None
        book, root = leaf.collateral, leaf.simulated_root
        self._bare(leaf, lambda: verify_tdx(self.item.data, book, self.at, simulated_root=root))

    def _snp(self) -> None:
        leaf = self.basis.leaf(EvidenceKind.SNP)
        assert leaf.snp_collateral is not None
        book, root, data = leaf.snp_collateral, leaf.simulated_root, self.item.data
        if len(data) == REPORT_BYTES and self.beside.vcek is not None:
            data += self.beside.vcek
        self._bare(leaf, lambda: verify_snp(data, book, self.at, simulated_root=root))

    def _fake(self) -> None:
        leaf = self.basis.leaf(EvidenceKind.FAKE_TDX)
        self._bare(leaf, lambda: verify_fake_tdx(self.item.data))

    def _sgx(self) -> None:
        if self.basis.policy is not None:
            raise PolicyError("no policy for TLS peers accepts SGX quotes; verify it without one")
        with self.report.step("Evidence", Layer.EVIDENCE) as found:
            evidence = verify_sgx(self.item.data, self.basis.books.sgx, self.at)
            found.reason = f"{evidence.kind.value}, verified to its root"
        with self.report.step("Platform", Layer.POLICY) as found:
            if evidence.tcb_status != "UpToDate":
                reason = f"the platform's TCB status is {evidence.tcb_status}"
                raise PolicyError(reason, fix=TCB_FIX)
            found.reason = "UpToDate"
        self._found(evidence)

    def _gpu(self) -> None:
        item = gpu_item(self.item.data)
        if item is None:
            raise EvidenceError("a bare GPU report comes without the certificates that sign it")
        with self.report.step("GPU evidence", Layer.GPU) as found:
            nonce = self.beside.nonce or item.report[4:36]
            gpu = verify_gpu(self.item.data, nonce, self.basis.books.gpu, self.at)
            found.reason = f"{gpu.architecture}, driver {gpu.driver_version}"
        if self.beside.nonce is None:
            reason = "no --nonce was given: nothing says when the report was made"
            self.report.skipped("Nonce", Layer.GPU, reason)
        self.verdict.kind, self.verdict.expires_at = "nvidia gpu", gpu.expires_at
        self.verdict.claims = gpu.claims
        self.verdict.notes.append(_BARE)

    def _bare(self, leaf: Policy, verify: Callable[[], VerifiedEvidence]) -> None:
        with self.report.step("Evidence", Layer.EVIDENCE) as found:
            evidence = verify()
            found.reason = f"{evidence.kind.value}, verified to its root"
        check_leaf(leaf, evidence, self.report)
        self._note_events(check_logs(self.beside.logs, evidence.attestation, self.report))
        check_lists(self.basis, evidence.attestation.image_hash, None, self.report)
        self._found(evidence)

    def _found(self, evidence: VerifiedEvidence) -> None:
        verdict = self.verdict
        verdict.kind, verdict.image_hash = evidence.kind.value, evidence.attestation.image_hash
        verdict.platform_id, verdict.expires_at = evidence.platform_id, evidence.expires_at
        verdict.claims = evidence.claims
        verdict.simulated = verdict.simulated or evidence.kind.is_simulated
        verdict.notes.append(_BARE)
