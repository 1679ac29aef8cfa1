"""What a guest checks before it believes a seal service (``attestation.md`` §10.3). Pure.

The official client does not look at SGX attributes: the same MRENCLAVE, signed again with the
published key and launched with DEBUG, passes there, and its host reads every key. Here the quote's
verification refuses DEBUG, and an empty allow-list allows nothing.
"""

import hmac
from dataclasses import dataclass, field
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec

from cocoon.attestation.evidence import VerifiedEvidence
from cocoon.attestation.evidence.collateral import CollateralBook
from cocoon.attestation.evidence.sgx import verify_sgx
from cocoon.attestation.measurements import SgxMeasurements
from cocoon.errors import ConfigError, EvidenceError, PolicyError
from cocoon.sealing.derivation import (
    PersistentKey,
    answer_report_data,
    decrypt_secret,
)
from cocoon.sealing.messages import PersistentKeyAnswer

MR_ENCLAVE_BYTES: Final = 32
UP_TO_DATE: Final = "UpToDate"
TCB_STATUSES: Final = frozenset(
    {UP_TO_DATE, "SWHardeningNeeded", "ConfigurationNeeded", "ConfigurationAndSWHardeningNeeded"}
)


@dataclass(frozen=True, slots=True)
class SealPolicy:
    """Which seal enclaves are believed.

    Attributes:
        mr_enclaves: allowed MRENCLAVE values, 32 bytes each; an empty set allows nothing.
        collateral: Intel's signed collateral, for SGX.
        simulated_root: DER of a devnet's root; None pins Intel's.
        tcb_statuses: accepted TCB statuses of the platform.
    """

    mr_enclaves: frozenset[bytes]
    collateral: CollateralBook = field(repr=False)
    simulated_root: bytes | None = field(default=None, repr=False)
    tcb_statuses: frozenset[str] = frozenset({UP_TO_DATE})

    def __post_init__(self) -> None:
        for value in self.mr_enclaves:
            if len(value) != MR_ENCLAVE_BYTES:
                raise ConfigError(f"an MRENCLAVE has {MR_ENCLAVE_BYTES} bytes, not {len(value)}")
        if not self.tcb_statuses <= TCB_STATUSES:
            raise ConfigError("seal policy: no such TCB status may be accepted")


def check_answer(
    answer: PersistentKeyAnswer, public_key: bytes, policy: SealPolicy, now: int
) -> VerifiedEvidence:
    """Verify that an allowed enclave made this answer for this public key.

    Args:
        answer: what the service sent.
        public_key: of the request, 64 bytes; it is fresh, and so is whatever names it.
        policy: which enclaves are believed.
        now: unix seconds.

    Raises:
        EvidenceError: the quote does not verify, is of a DEBUG enclave, or is about other data.
        PolicyError: the enclave or the platform's patch level is not allowed.
    """
    evidence = verify_sgx(
        answer.sgx_quote, policy.collateral, now, simulated_root=policy.simulated_root
    )
    measured = evidence.attestation.measurements
    if not isinstance(measured, SgxMeasurements):
        raise EvidenceError("the seal service did not show an SGX enclave")
    expected = answer_report_data(public_key, answer.encrypted_secret)
    if not hmac.compare_digest(measured.report_data, expected):
        raise EvidenceError("the enclave's quote is about another request or another answer")
    if measured.mr_enclave not in policy.mr_enclaves:
        raise PolicyError(
            f"seal enclave {measured.mr_enclave.hex()} is not allowed: add it to `mr_enclaves` "
            "only if you built that enclave or know who did"
        )
    if evidence.tcb_status not in policy.tcb_statuses:
        raise PolicyError(
            f"the seal service's platform is {evidence.tcb_status}: update its firmware"
        )
    return evidence


def open_answer(
    answer: PersistentKeyAnswer,
    private_key: ec.EllipticCurvePrivateKey,
    public_key: bytes,
    key_name: str,
    policy: SealPolicy,
    now: int,
) -> PersistentKey:
    """Check an answer, then decrypt the key in it; arguments and errors as :func:`check_answer`."""
    check_answer(answer, public_key, policy, now)
    return PersistentKey(decrypt_secret(answer.encrypted_secret, private_key), key_name)
