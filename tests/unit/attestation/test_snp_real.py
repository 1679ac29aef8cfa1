"""Real reports of AMD's hardware: they verify under AMD's root and, altered, never do."""

import base64

import pytest

from cocoon.attestation.evidence.snp import SnpProduct, SnpTcb, verify_snp
from cocoon.attestation.evidence.snp_collateral import (
    AMD_ROOT_HASHES,
    SnpChain,
    SnpCollateral,
    SnpCollateralBook,
    snp_root_hash,
)
from cocoon.attestation.evidence.snp_evidence import SnpEvidence, guest_refusals
from cocoon.attestation.evidence.snp_report import SigningKey
from cocoon.attestation.evidence.snp_x509 import require_issued
from cocoon.errors import ConfigError, EvidenceError
from cocoon.testing.real_evidence import amd
from cocoon.testing.snp import snp_lab

NOW = 1_800_000_000
BEFORE, AFTER = 1_780_000_000, 2_010_000_000


REAL = amd()
EVIDENCE = REAL.evidence


def read(name: str) -> bytes:
    return REAL.authorities[name]


def milan(ark: str = "milan_ark", ask: str = "milan_ask") -> SnpChain:
    return SnpChain(SnpProduct.MILAN, SigningKey.VCEK, read(ark), read(ask))


def authentic(data: bytes) -> SnpEvidence:
    """Everything but revocation, of which no real list is at hand, and the DEBUG bit."""
    found = SnpEvidence.from_bytes(data)
    found.require_chain(milan(), NOW)
    return found


def test_a_real_report_is_signed_up_to_amds_root() -> None:
    found = authentic(EVIDENCE)
    assert milan().root_hash == AMD_ROOT_HASHES[SnpProduct.MILAN]
    assert found.leaf.product is SnpProduct.MILAN
    assert found.leaf.kind is SigningKey.VCEK
    assert found.leaf.hwid == found.report.chip_id
    levels = SnpTcb(bootloader=2, tee=0, snp=5, microcode=0x44)
    assert found.tcbs == dict.fromkeys(("reported", "committed", "current", "launch"), levels)


def test_it_is_refused_for_debug_and_nothing_else() -> None:
    refusals = guest_refusals(authentic(EVIDENCE).report)
    assert len(refusals) == 1
    assert "DEBUG" in refusals[0]
    with pytest.raises(EvidenceError, match="DEBUG"):
        verify_snp(EVIDENCE, SnpCollateralBook(), NOW)


def test_the_chain_is_read_as_amds_service_sends_it() -> None:
    pem = b"".join(
        b"-----BEGIN CERTIFICATE-----\n"
        + base64.encodebytes(read(name))
        + b"-----END CERTIFICATE-----\n"
        for name in ("milan_ask", "milan_ark")
    )
    assert SnpChain.from_pem(SnpProduct.MILAN, SigningKey.VCEK, pem) == milan()


@pytest.mark.parametrize("product", ["milan", "genoa"])
def test_amds_pinned_roots_sign_their_authorities(product: str) -> None:
    line = SnpProduct(product.capitalize())
    chain = SnpChain(line, SigningKey.VCEK, read(f"{product}_ark"), read(f"{product}_ask"))
    assert chain.root_hash == AMD_ROOT_HASHES[line] == snp_root_hash(read(f"{product}_ark"))
    chain.require_valid_at(NOW)
    with pytest.raises(EvidenceError, match=f"ARK-{line} revocation list"):
        SnpCollateral(chain, b"")


def test_every_altered_byte_is_refused() -> None:
    for at in range(len(EVIDENCE)):
        for flip in (0x01, 0x80):
            altered = bytearray(EVIDENCE)
            altered[at] ^= flip
            with pytest.raises(EvidenceError):
                authentic(bytes(altered))


@pytest.mark.parametrize("name", ["milan_ark", "milan_ask"])
def test_every_altered_byte_of_an_authority_is_refused(name: str) -> None:
    original = read(name)
    leaf = SnpEvidence.from_bytes(EVIDENCE)
    for at in range(len(original)):
        altered = bytearray(original)
        altered[at] ^= 0x01
        ark, ask = read("milan_ark"), bytes(altered)
        if name == "milan_ark":
            ark, ask = bytes(altered), read("milan_ask")
        with pytest.raises(EvidenceError):
            leaf.require_chain(SnpChain(SnpProduct.MILAN, SigningKey.VCEK, ark, ask), NOW)


@pytest.mark.parametrize("change", ["longer", "shorter", "empty"])
def test_no_other_length_is_read(change: str) -> None:
    data = {"longer": EVIDENCE + b"\0", "shorter": EVIDENCE[:-1], "empty": b""}[change]
    with pytest.raises(EvidenceError):
        authentic(data)


@pytest.mark.parametrize(("now", "what"), [(BEFORE, "not valid before"), (AFTER, "expired on")])
def test_the_leafs_dates_count(now: int, what: str) -> None:
    with pytest.raises(EvidenceError, match=f"VCEK: the certificate.*{what}"):
        SnpEvidence.from_bytes(EVIDENCE).require_chain(milan(), now)


def test_a_chain_of_another_product_is_no_chain() -> None:
    with pytest.raises(EvidenceError, match="ARK-Milan"):
        milan(ark="genoa_ark")
    with pytest.raises(EvidenceError, match="SEV-Milan"):
        milan(ask="genoa_ask")
    genoa = SnpChain(SnpProduct.GENOA, SigningKey.VCEK, read("genoa_ark"), read("genoa_ask"))
    with pytest.raises(EvidenceError, match="another product"):
        SnpEvidence.from_bytes(EVIDENCE).require_chain(genoa, NOW)


def test_amds_root_is_never_a_simulated_one() -> None:
    lab = snp_lab()
    book = SnpCollateralBook(lab.collateral)
    with pytest.raises(ConfigError):
        verify_snp(lab.evidence(), book, NOW, simulated_root=read("milan_ark"))


def test_simulated_evidence_is_not_amds() -> None:
    lab = snp_lab()
    with pytest.raises(EvidenceError, match="the root of the collateral is not AMD's"):
        verify_snp(lab.evidence(), SnpCollateralBook(lab.collateral), NOW)


def test_a_leaf_that_a_devnet_signs_is_not_milans() -> None:
    leaf = snp_lab().pki.leaf.certificate
    with pytest.raises(EvidenceError, match="not signed by SEV-Milan"):
        require_issued(leaf, milan().authority, "VCEK")
