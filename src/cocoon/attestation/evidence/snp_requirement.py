"""What a policy may ask of a verified SEV-SNP report, beside the image.

AMD gives no word like "up to date" about a platform: a policy itself names the patch levels that
it accepts. Source of the fields: AMD 56860 "SEV Secure Nested Paging Firmware ABI".
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from cocoon.attestation.claims import Claim, ClaimName, proven, unknown
from cocoon.attestation.evidence import VerifiedEvidence
from cocoon.attestation.evidence.snp_report import (
    MAX_VMPL,
    NO_MIGRATION_AGENT,
    GuestPolicy,
    PlatformInfo,
    SigningKey,
    SnpReport,
)
from cocoon.attestation.evidence.snp_tcb import SnpProduct, SnpTcb
from cocoon.errors import ConfigError, PolicyError


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedSnp(VerifiedEvidence):
    """What SEV-SNP evidence proves.

    Attributes:
        report: the whole report.
        product: the line of processors.
        signer: whether a VCEK or a VLEK signed.
        tcbs: patch levels by name: reported, committed, current and launch.
        csp_id: the cloud provider whose VLEK signed; None for a VCEK.
    """

    report: SnpReport
    product: SnpProduct
    signer: SigningKey
    tcbs: Mapping[str, SnpTcb] = field(hash=False)
    csp_id: str | None = None


@dataclass(frozen=True, slots=True)
class SnpRequirement:
    """What a policy asks of a verified report, beside the image.

    Attributes:
        min_tcb: the oldest patch levels that are accepted, by the name of the product (a
            :class:`SnpProduct` is one). Every level of the report (reported, committed, current,
            launch) must be as new in every part.
        require_tcb: whether a product without an entry in ``min_tcb`` is refused.
        allow_smt: whether two threads may share a core.
        allow_migration: whether a migration agent may move the guest to another machine.
        max_vmpl: the least privileged level, 0 to 3, whose reports are accepted.
        allow_vlek: whether a cloud provider's key may sign in place of the chip's.
        allow_masked_chip: whether the host may hide which chip it is.
        allow_cxl: whether memory behind CXL devices may be used.
        require_single_socket: the guest may not spread over two sockets.
        require_ciphertext_hiding: the host cannot even see encrypted memory.
        require_rapl_disabled: the host cannot measure power finely.
        require_ecc: memory has error correction.
        require_alias_check: firmware checked that no two addresses share memory (against
            doctored memory modules).
        require_aes256: memory encryption is AES-256-XTS.
        require_page_swap_disabled: the host cannot move guest pages.
        min_guest_svn: the least version in the guest's ID block.

    Raises:
        ConfigError: a value is out of range.
    """

    min_tcb: Mapping[str, SnpTcb] = field(default_factory=dict, hash=False)
    require_tcb: bool = True
    allow_smt: bool = True
    allow_migration: bool = False
    max_vmpl: int = 0
    allow_vlek: bool = True
    allow_masked_chip: bool = True
    allow_cxl: bool = False
    require_single_socket: bool = False
    require_ciphertext_hiding: bool = False
    require_rapl_disabled: bool = False
    require_ecc: bool = False
    require_alias_check: bool = False
    require_aes256: bool = False
    require_page_swap_disabled: bool = False
    min_guest_svn: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.max_vmpl <= MAX_VMPL:
            raise ConfigError(f"max_vmpl is from 0 to {MAX_VMPL}")
        if not 0 <= self.min_guest_svn < 1 << 32:
            raise ConfigError("min_guest_svn is from 0 to 4294967295")
        for product, tcb in self.min_tcb.items():
            if product not in set(SnpProduct):
                raise ConfigError(f"AMD has no product {product!r:.40} with SEV-SNP")
            if tcb.fmc and product != SnpProduct.TURIN:
                raise ConfigError(f"{product} has no FMC patch level")

    def check(self, evidence: VerifiedEvidence) -> tuple[Claim, ...]:
        """Judge what :func:`verify_snp` found.

        Returns:
            What the requirement decides: :attr:`ClaimName.TCB_CURRENT`.

        Raises:
            PolicyError: the requirement is not met; says by what, and what to do.
        """
        if not isinstance(evidence, VerifiedSnp):
            raise PolicyError(f"{evidence.kind.value} evidence where SEV-SNP is required")
        self._check_guest(evidence.report)
        self._check_platform(evidence.report)
        self._check_signer(evidence)
        return (self._tcb_claim(evidence),)

    def _check_guest(self, report: SnpReport) -> None:
        _require(
            "guest",
            report.vmpl <= self.max_vmpl,
            f"the report is from VMPL {report.vmpl}, at most {self.max_vmpl} is allowed",
        )
        _require(
            "guest",
            report.guest_svn >= self.min_guest_svn,
            f"the image's version (SVN) is {report.guest_svn}, below {self.min_guest_svn}",
        )
        has_agent = report.report_id_ma != NO_MIGRATION_AGENT
        may_migrate = report.allows(GuestPolicy.MIGRATE_MA) or has_agent
        _require(
            "guest policy",
            self.allow_migration or not may_migrate,
            "a migration agent may move the guest",
            _GUEST_FIX,
        )
        _require(
            "guest policy",
            self.allow_cxl or not report.allows(GuestPolicy.CXL_ALLOW),
            "memory of CXL devices is allowed",
            _GUEST_FIX,
        )
        demands = (
            (self.require_single_socket, GuestPolicy.SINGLE_SOCKET, "a second socket is allowed"),
            (self.require_aes256, GuestPolicy.MEM_AES_256_XTS, "AES-256-XTS is not demanded"),
            (
                self.require_page_swap_disabled,
                GuestPolicy.PAGE_SWAP_DISABLE,
                "the host may move guest pages",
            ),
        )
        for is_demanded, bit, text in demands:
            _require("guest policy", not is_demanded or report.allows(bit), text, _GUEST_FIX)

    def _check_platform(self, report: SnpReport) -> None:
        has_smt = report.platform_has(PlatformInfo.SMT_EN) or report.allows(GuestPolicy.SMT)
        _require(
            "platform",
            self.allow_smt or not has_smt,
            "two threads may share a core (SMT)",
            _HOST_FIX,
        )
        hides = report.platform_has(PlatformInfo.CIPHERTEXT_HIDING_EN) or report.allows(
            GuestPolicy.CIPHERTEXT_HIDING
        )
        no_rapl = report.platform_has(PlatformInfo.RAPL_DIS) or report.allows(GuestPolicy.RAPL_DIS)
        has_ecc = report.platform_has(PlatformInfo.ECC_EN)
        is_checked = report.platform_has(PlatformInfo.ALIAS_CHECK_COMPLETE)
        demands = (
            (self.require_ciphertext_hiding, hides, "ciphertext hiding is off"),
            (self.require_rapl_disabled, no_rapl, "power measurement (RAPL) is on"),
            (self.require_ecc, has_ecc, "memory without error correction"),
            (self.require_alias_check, is_checked, "memory was not checked for aliases"),
        )
        for is_demanded, holds, text in demands:
            _require("platform", not is_demanded or holds, text, _HOST_FIX)

    def _check_signer(self, evidence: VerifiedSnp) -> None:
        is_vlek = evidence.signer is SigningKey.VLEK
        _require(
            "signer",
            self.allow_vlek or not is_vlek,
            f"a cloud provider's key (VLEK, {evidence.csp_id}) signs, not the chip's",
        )
        _require(
            "platform",
            self.allow_masked_chip or not evidence.report.is_chip_masked,
            "the host hides which chip this is",
            "the host must switch off MaskChipId",
        )

    def _tcb_claim(self, evidence: VerifiedSnp) -> Claim:
        product = evidence.product
        minimum = self.min_tcb.get(product)
        if minimum is None:
            text = f"the policy names no minimum TCB for {product.value}"
            fix = f"name the minimum patch levels for {product.value} in the policy"
            if self.require_tcb:
                raise PolicyError(f"SEV-SNP TCB: {text}", fix=fix)
            return unknown(ClaimName.TCB_CURRENT, text, fix)
        for name, tcb in evidence.tcbs.items():
            parts = tcb.below(minimum)
            if parts:
                raise PolicyError(
                    f"SEV-SNP TCB: the {name} patch level ({tcb.describe()}) of the machine is"
                    f" below the policy's minimum ({minimum.describe()}) in {', '.join(parts)}",
                    fix=_TCB_FIX,
                )
        reason = f"at least {minimum.describe()}, as the policy asks of {product.value}"
        return proven(ClaimName.TCB_CURRENT, reason)


_GUEST_FIX = "start the guest with a guest policy that forbids it"
_HOST_FIX = "the operator must change the machine's firmware settings"
_TCB_FIX = (
    "the operator must update the machine's firmware, commit the update (SNP_COMMIT) and start"
    " the guest again"
)


def _require(layer: str, holds: bool, text: str, fix: str = "") -> None:
    if not holds:
        raise PolicyError(f"SEV-SNP {layer}: {text}", fix=fix)
