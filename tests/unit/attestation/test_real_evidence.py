"""Evidence of real hardware, where a copy of it is at hand."""

import os
from datetime import UTC, datetime
from pathlib import Path

import dcap_qvl
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from cocoon.attestation import policy
from cocoon.attestation.claims import ClaimName
from cocoon.attestation.evidence import EvidenceKind
from cocoon.attestation.evidence.collateral import Collateral, CollateralBook
from cocoon.attestation.evidence.tdx import INTEL_ROOT_HASH, root_hash_of, verify_tdx
from cocoon.attestation.measurements import TdxMeasurements
from cocoon.errors import ConfigError, EvidenceError, PolicyError

DEFAULT = Path(__file__).parents[4] / "shared" / "vectors" / "attestation"
FOLDER = Path(os.environ.get("COCOON_REAL_EVIDENCE", DEFAULT))
INSIDE = int(datetime(2025, 7, 1, tzinfo=UTC).timestamp())
AFTER = int(datetime(2025, 9, 1, tzinfo=UTC).timestamp())

pytestmark = pytest.mark.skipif(
    not (FOLDER / "tdx_quote").exists(),
    reason="no real evidence here; set COCOON_REAL_EVIDENCE to a folder that has it",
)


@pytest.fixture
def book() -> CollateralBook:
    return CollateralBook(Collateral.from_json((FOLDER / "tdx_quote_collateral.json").read_text()))


def test_a_real_quote_verifies_under_intels_root(book: CollateralBook) -> None:
    found = verify_tdx((FOLDER / "tdx_quote").read_bytes(), book, INSIDE)
    assert found.kind is EvidenceKind.TDX
    assert found.tcb_status == "UpToDate"
    assert found.attestation.collateral_root_hash == INTEL_ROOT_HASH
    assert isinstance(found.attestation.measurements, TdxMeasurements)
    proven = {claim.name for claim in found.claims if claim.verdict.value == "proven"}
    assert proven == {ClaimName.GENUINE_HARDWARE, ClaimName.NOT_DEBUG, ClaimName.TCB_CURRENT}
    assert found.expires_at is not None
    assert INSIDE < found.expires_at < AFTER


def test_the_root_of_a_real_quote_is_the_pinned_one_and_never_counts_as_simulated(
    book: CollateralBook,
) -> None:
    chain = dcap_qvl.parse_quote((FOLDER / "tdx_quote").read_bytes()).cert_chain_pem_bytes()
    root = x509.load_pem_x509_certificates(bytes(chain).rstrip(b"\0"))[-1]
    der = root.public_bytes(Encoding.DER)
    assert root_hash_of(der) == INTEL_ROOT_HASH
    with pytest.raises(ConfigError):
        policy.tdx(collateral=book, simulated_root=der)


def test_it_does_not_after_its_collateral_expired(book: CollateralBook) -> None:
    with pytest.raises(EvidenceError):
        verify_tdx((FOLDER / "tdx_quote").read_bytes(), book, AFTER)


def test_a_real_sgx_quote_is_not_accepted(book: CollateralBook) -> None:
    with pytest.raises(PolicyError, match="SGX"):
        verify_tdx((FOLDER / "sgx_quote").read_bytes(), book, INSIDE)
