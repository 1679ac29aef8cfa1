"""The official test evidence: the 64 bytes of report data and nothing else.

Source: ``attestation.md`` §1.3. It proves nothing; it exists so that test networks of official
nodes can be joined.
"""

from cocoon.attestation.claims import ClaimName, refuted, unknown
from cocoon.attestation.evidence import EvidenceKind, VerifiedEvidence
from cocoon.attestation.measurements import REPORT_DATA_BYTES, Attestation, TdxMeasurements
from cocoon.errors import EvidenceError


class FakeTdx:
    """An :class:`EvidenceSource` that repeats the report data."""

    kind = EvidenceKind.FAKE_TDX

    def quote(self, report_data: bytes) -> bytes:
        """The report data itself.

        Raises:
            EvidenceError: it is not 64 bytes.
        """
        if len(report_data) != REPORT_DATA_BYTES:
            raise EvidenceError(f"report data has {REPORT_DATA_BYTES} bytes")
        return report_data


def verify_fake_tdx(quote: bytes) -> VerifiedEvidence:
    """Read fake evidence: every register is zero.

    Raises:
        EvidenceError: it is not 64 bytes.
    """
    if len(quote) != REPORT_DATA_BYTES:
        raise EvidenceError(f"fake evidence has {REPORT_DATA_BYTES} bytes, not {len(quote)}")
    return VerifiedEvidence(
        kind=EvidenceKind.FAKE_TDX,
        attestation=Attestation(TdxMeasurements.zero(quote)),
        claims=(
            refuted(ClaimName.GENUINE_HARDWARE, "fake evidence, which anybody can make"),
            unknown(ClaimName.NOT_DEBUG, "fake evidence has no attributes"),
            unknown(ClaimName.TCB_CURRENT, "fake evidence names no platform"),
        ),
        tcb_status=None,
        expires_at=None,
    )
