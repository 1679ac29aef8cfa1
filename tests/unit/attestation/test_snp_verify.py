"""What verified SEV-SNP evidence says, and what collateral and measurements are."""

import hashlib
import json

import pytest

from cocoon.attestation import policy
from cocoon.attestation.claims import ClaimName, Verdict
from cocoon.attestation.evidence import EvidenceKind, VerifiedEvidence
from cocoon.attestation.evidence.fake_tdx import verify_fake_tdx
from cocoon.attestation.evidence.snp import (
    SnpProduct,
    SnpRequirement,
    SnpTcb,
    verify_snp,
)
from cocoon.attestation.evidence.snp_collateral import (
    AMD_ROOT_HASHES,
    MAX_COLLATERAL_CHARS,
    SnpChain,
    SnpCollateral,
    SnpCollateralBook,
    snp_root_hash,
)
from cocoon.attestation.evidence.snp_report import SigningKey, SnpReport
from cocoon.attestation.evidence.snp_tcb import product_of_cpu
from cocoon.attestation.measurements import Attestation, SnpMeasurements
from cocoon.attestation.peer import PeerSource, peer_told_by_router
from cocoon.errors import (
    ConfigError,
    DecodeError,
    EvidenceError,
    LocalProtocolError,
    MissingCollateralError,
    PolicyError,
)
from cocoon.testing.snp import MEASUREMENT, NOW, REPORT_DATA, chip_id, snp_lab
from cocoon.wire.attested_peer import AttestedPeerInfo

DAY = 86_400


def verdicts(found: VerifiedEvidence) -> dict[ClaimName, Verdict]:
    return {claim.name: claim.verdict for claim in found.claims}


@pytest.mark.parametrize("product", list(SnpProduct))
def test_what_a_report_proves(product: SnpProduct) -> None:
    lab = snp_lab(product)
    found = lab.verify(lab.evidence())
    assert found.kind is EvidenceKind.SNP_SIMULATED
    assert (found.product, found.signer, found.csp_id) == (product, SigningKey.VCEK, None)
    assert found.tcb_status is None
    assert found.advisories == ()
    assert found.tcbs["reported"] == lab.tcb
    assert found.report.report_data == REPORT_DATA
    padded = chip_id(product).ljust(64, b"\0")
    assert found.platform_id == hashlib.sha256(b"cocoon-platform-snp\0" + padded).digest()
    assert found.attestation.collateral_root_hash == snp_root_hash(lab.pki.root_der)
    measured = found.attestation.measurements
    assert isinstance(measured, SnpMeasurements)
    assert (measured.measurement, measured.report_data) == (MEASUREMENT, REPORT_DATA)
    assert verdicts(found) == {
        ClaimName.GENUINE_HARDWARE: Verdict.REFUTED,
        ClaimName.NOT_DEBUG: Verdict.PROVEN,
        ClaimName.TCB_CURRENT: Verdict.UNKNOWN,
    }


def test_it_expires_with_the_revocation_list() -> None:
    lab = snp_lab()
    found = lab.verify(lab.evidence())
    assert found.expires_at == lab.collateral.expires_at == NOW - 300 + 30 * DAY
    assert lab.verify(lab.evidence(), now=NOW + 29 * DAY)


def test_a_masked_chip_has_no_name() -> None:
    lab = snp_lab()
    found = lab.verify(lab.evidence(chip_id=bytes(64)))
    assert found.platform_id is None
    with pytest.raises(PolicyError, match="which chip"):
        SnpRequirement(allow_masked_chip=False, require_tcb=False).check(found)


def test_a_providers_key_names_the_provider_and_the_chip() -> None:
    lab = snp_lab(signer=SigningKey.VLEK)
    found = lab.verify(lab.evidence())
    assert found.csp_id == "Cocoon devnet simulated"
    assert found.platform_id is not None
    assert lab.collateral.key == "Genoa/vlek"


def test_a_floor_decides_whether_the_tcb_is_current() -> None:
    lab = snp_lab()
    found = lab.verify(lab.evidence())
    (claim,) = SnpRequirement(min_tcb={SnpProduct.GENOA: lab.tcb}).check(found)
    assert (claim.name, claim.verdict) == (ClaimName.TCB_CURRENT, Verdict.PROVEN)
    (claim,) = SnpRequirement(require_tcb=False).check(found)
    assert claim.verdict is Verdict.UNKNOWN
    assert claim.fix
    with pytest.raises(PolicyError) as caught:
        SnpRequirement().check(found)
    assert "Genoa" in caught.value.fix


def test_a_requirement_is_checked_when_it_is_made() -> None:
    with pytest.raises(ConfigError, match="max_vmpl"):
        SnpRequirement(max_vmpl=4)
    with pytest.raises(ConfigError, match="min_guest_svn"):
        SnpRequirement(min_guest_svn=-1)
    with pytest.raises(ConfigError, match="no product"):
        SnpRequirement(min_tcb={"Rome": SnpTcb(1, 1, 1, 1)})
    with pytest.raises(ConfigError, match="FMC"):
        SnpRequirement(min_tcb={"Milan": SnpTcb(1, 1, 1, 1, fmc=1)})
    with pytest.raises(ConfigError, match="patch level snp"):
        SnpTcb(1, 1, 256, 1)
    with pytest.raises(EvidenceError, match="FMC"):
        SnpTcb(1, 1, 1, 1, fmc=1).to_bytes(SnpProduct.MILAN)
    assert hash(SnpRequirement()) == hash(SnpRequirement(min_tcb={"Milan": SnpTcb(1, 1, 1, 1)}))


def test_other_evidence_meets_no_requirement() -> None:
    with pytest.raises(PolicyError, match="fake_tdx"):
        SnpRequirement().check(verify_fake_tdx(bytes(64)))


def test_everything_that_can_be_demanded_can_be_met() -> None:
    lab = snp_lab()
    all_bits = 0x3F7_0000 & ~(1 << 18) & ~(1 << 21)
    strict = SnpRequirement(
        min_tcb={"Genoa": lab.tcb},
        allow_smt=False,
        allow_vlek=False,
        allow_masked_chip=False,
        require_single_socket=True,
        require_ciphertext_hiding=True,
        require_rapl_disabled=True,
        require_ecc=True,
        require_alias_check=True,
        require_aes256=True,
        require_page_swap_disabled=True,
    )
    policy_bits = (all_bits | 1 << 17) & ~(1 << 16) & ~(1 << 19)
    evidence = lab.evidence(policy=policy_bits, platform_info=0b111110)
    assert strict.check(lab.verify(evidence))


def test_a_book_is_found_by_product_and_signer() -> None:
    genoa, milan = snp_lab().collateral, snp_lab(SnpProduct.MILAN).collateral
    book = SnpCollateralBook(genoa)
    before = book.fingerprint
    assert book.find("Genoa/vcek") == genoa
    assert book.find("Milan/vcek") is None
    book.put(milan)
    assert book.find("Milan/vcek") == milan
    assert book.fingerprint != before
    assert SnpCollateralBook(milan, genoa).fingerprint == book.fingerprint
    book.put(snp_lab().pki.collateral(NOW + 1, SnpProduct.GENOA, SigningKey.VCEK))
    assert SnpCollateralBook(milan, genoa).fingerprint != book.fingerprint


def test_what_is_missing_is_told_to_the_listener() -> None:
    told: list[tuple[str, str]] = []
    book = SnpCollateralBook()
    book.listener = lambda kind, key: told.append((kind, key))
    lab = snp_lab(SnpProduct.TURIN)
    with pytest.raises(MissingCollateralError) as caught:
        verify_snp(lab.evidence(), book, NOW, simulated_root=lab.pki.root_der)
    assert (caught.value.kind, caught.value.key) == ("snp", "Turin/vcek")
    assert told == [("snp", "Turin/vcek")]


def test_collateral_survives_json() -> None:
    collateral = snp_lab(signer=SigningKey.VLEK).collateral
    again = SnpCollateral.from_json(collateral.to_json())
    assert again == collateral
    assert again.expires_at == collateral.expires_at
    with pytest.raises(EvidenceError, match="characters"):
        SnpCollateral.from_json(" " * (MAX_COLLATERAL_CHARS + 1))
    with pytest.raises(EvidenceError, match="TypeError"):
        SnpCollateral.from_json("[]")
    assert json.loads(collateral.to_json())["signer"] == "vlek"


def test_a_chain_is_read_as_amds_service_sends_it() -> None:
    from cryptography.hazmat.primitives.serialization import Encoding

    lab = snp_lab()
    parts = (lab.pki.authority.certificate, lab.pki.root.certificate)
    pem = b"".join(part.public_bytes(Encoding.PEM) for part in parts)
    read = SnpChain.from_pem(SnpProduct.GENOA, SigningKey.VCEK, pem)
    assert read == lab.collateral.chain
    backwards = b"".join(part.public_bytes(Encoding.PEM) for part in parts[::-1])
    for bad in (b"", pem[:-100], pem + pem, backwards, pem.replace(b"MII", b"MIJ")):
        with pytest.raises(EvidenceError):
            SnpChain.from_pem(SnpProduct.GENOA, SigningKey.VCEK, bad)
    with pytest.raises(EvidenceError, match="no kind of leaf"):
        SnpChain(SnpProduct.GENOA, SigningKey.NONE, b"", b"")


def test_a_pinned_root_must_be_a_certificate() -> None:
    lab = snp_lab()
    with pytest.raises(ConfigError):
        verify_snp(lab.evidence(), SnpCollateralBook(lab.collateral), NOW, simulated_root=b"x")


def test_processors_are_known_by_family_and_model() -> None:
    known = {
        (0x19, 0x01): SnpProduct.MILAN,
        (0x19, 0x11): SnpProduct.GENOA,
        (0x19, 0xA0): SnpProduct.GENOA,
        (0x1A, 0x02): SnpProduct.TURIN,
        (0x1A, 0x11): SnpProduct.TURIN,
    }
    assert {cpu: product_of_cpu(*cpu) for cpu in known} == known
    for unknown in ((0x17, 0x31), (0x19, 0x21), (0x1A, 0x50), (0x1B, 0)):
        assert product_of_cpu(*unknown) is None


def test_the_fields_of_a_report() -> None:
    lab = snp_lab(SnpProduct.TURIN)
    report = SnpReport.from_bytes(lab.evidence(guest_svn=7, policy=1 << 17 | 0x0137)[:1184])
    assert (report.version, report.guest_svn) == (5, 7)
    assert report.minimum_abi == (1, 0x37)
    assert report.current_firmware == report.committed_firmware == (1, 55, 10)
    assert report.product is SnpProduct.TURIN
    with pytest.raises(EvidenceError, match="TCB version has 8 bytes"):
        SnpTcb.from_bytes(b"", SnpProduct.MILAN)


def measured(**changes: object) -> SnpMeasurements:
    fields: dict[str, object] = {
        "measurement": b"\x01" * 48,
        "host_data": b"\x02" * 32,
        "id_key_digest": b"\x03" * 48,
        "author_key_digest": b"\x04" * 48,
        "family_id": b"\x05" * 16,
        "image_id": b"\x06" * 16,
        "guest_policy": 0x30000,
        "vmpl": 0,
        "report_data": b"\x07" * 64,
    }
    return SnpMeasurements(**{**fields, **changes})  # type: ignore[arg-type]


def test_the_image_hash_is_the_documented_one() -> None:
    text = (
        b"cocoon-snp-image-v1\0"
        + b"\x01" * 48
        + b"\x02" * 32
        + b"\x03" * 48
        + b"\x04" * 48
        + b"\x05" * 16
        + b"\x06" * 16
        + bytes.fromhex("0000030000000000")
        + bytes(4)
    )
    assert measured().image_hash() == hashlib.sha256(text).digest()
    assert measured().image_hash().hex() == IMAGE_HASH


IMAGE_HASH = "3a3bc27f112e0847a0eb1dd06be1742eaa69c6a7da4907f866e45b1eb442a4b9"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("measurement", bytes(48)),
        ("host_data", bytes(32)),
        ("id_key_digest", bytes(48)),
        ("author_key_digest", bytes(48)),
        ("family_id", bytes(16)),
        ("image_id", bytes(16)),
        ("guest_policy", 0x20000),
        ("vmpl", 1),
    ],
)
def test_every_field_but_the_report_data_names_the_image(name: str, value: object) -> None:
    assert measured(**{name: value}).image_hash() != measured().image_hash()
    assert measured(report_data=bytes(64)).image_hash() == measured().image_hash()


def test_measurements_have_exact_sizes() -> None:
    with pytest.raises(LocalProtocolError):
        measured(measurement=b"")
    with pytest.raises(LocalProtocolError):
        measured(guest_policy=1 << 64)
    with pytest.raises(LocalProtocolError):
        measured(vmpl=-1)
    with pytest.raises(DecodeError):
        SnpMeasurements.from_bytes(bytes(283))


def test_a_router_tells_of_a_snp_guest() -> None:
    amd = AMD_ROOT_HASHES[SnpProduct.GENOA]
    for root, kind in ((amd, EvidenceKind.SNP), (b"\x01" * 48, EvidenceKind.SNP_SIMULATED)):
        record = Attestation(measured(), root)
        assert len(record.to_bytes()) == 340
        assert record.describe() == "SEV-SNP"
        told = peer_told_by_router(
            attestation=Attestation.from_bytes(record.to_bytes()), public_key=bytes(32), now=NOW
        )
        assert (told.kind, told.source) == (kind, PeerSource.ROUTER)
        assert told.image_hash == measured().image_hash()
    with pytest.raises(DecodeError, match="without a root"):
        peer_told_by_router(attestation=Attestation(measured()), public_key=bytes(32), now=NOW)


def test_a_routers_record_carries_it() -> None:
    record = AttestedPeerInfo(
        attestation=Attestation(measured(), b"\x01" * 48),
        public_key=bytes(32),
        source=("10.0.0.1", 5000),
        destination=("127.0.0.1", 11101),
    )
    assert AttestedPeerInfo.from_bytes(record.to_bytes()) == record


def test_no_policy_takes_amds_root_for_a_simulated_one() -> None:
    from cocoon.testing.real_evidence import amd

    with pytest.raises(ConfigError, match="vendor's root"):
        policy.snp(
            collateral=SnpCollateralBook(),
            requirement=SnpRequirement(),
            simulated_root=amd().authorities["genoa_ark"],
        )
