"""What an attacker may try with AMD's certificates, lists and reports."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.serialization import Encoding

from cocoon.attestation.claims import ClaimName, Verdict
from cocoon.attestation.evidence import EvidenceKind
from cocoon.attestation.evidence.snp import SnpRequirement, verify_snp
from cocoon.attestation.evidence.snp_collateral import (
    AMD_ROOT_HASHES,
    SnpChain,
    SnpCollateral,
    SnpCollateralBook,
    snp_root_hash,
)
from cocoon.attestation.evidence.snp_report import GuestPolicy, PlatformInfo, SigningKey
from cocoon.attestation.evidence.snp_tcb import SnpProduct, SnpTcb
from cocoon.attestation.evidence.snp_x509 import MAX_CERTIFICATE_BYTES
from cocoon.devnet.snp_pki import SnpAuthority
from cocoon.errors import ConfigError, EvidenceError, PolicyError
from cocoon.testing.snp import NOW, snp_lab

LAB = snp_lab()
PKI = LAB.pki
PSS = padding.PSS(padding.MGF1(hashes.SHA384()), hashes.SHA384.digest_size)
UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\0")


def reissued(
    old: x509.Certificate,
    issuer: SnpAuthority,
    *,
    end: int | None = None,
    without: type[x509.ExtensionType] | None = None,
    extra: tuple[tuple[x509.ExtensionType, bool], ...] = (),
    key: Any = None,
) -> x509.Certificate:
    """The same certificate with something changed, signed again."""
    builder = x509.CertificateBuilder(
        old.issuer,
        old.subject,
        key or old.public_key(),
        x509.random_serial_number(),
        old.not_valid_before_utc,
        old.not_valid_after_utc if end is None else datetime.fromtimestamp(end, UTC),
        [item for item in old.extensions if without is None or not isinstance(item.value, without)],
    )
    for value, critical in extra:
        builder = builder.add_extension(value, critical)
    return builder.sign(issuer.key, hashes.SHA384(), rsa_padding=PSS)


def chain(authority: x509.Certificate) -> SnpChain:
    der = authority.public_bytes(Encoding.DER)
    return SnpChain(LAB.product, LAB.signer, PKI.root_der, der)


def usage(*, sign: bool) -> x509.KeyUsage:
    return x509.KeyUsage(not sign, False, False, False, False, sign, False, False, False)


ASK = PKI.authority.certificate
EC_KEY = ec.generate_private_key(ec.SECP384R1()).public_key()
BAD_AUTHORITIES: dict[str, tuple[Callable[[], x509.Certificate], str]] = {
    "no authority": (
        lambda: reissued(
            ASK,
            PKI.root,
            without=x509.BasicConstraints,
            extra=((x509.BasicConstraints(False, None), True),),
        ),
        "not for an authority",
    ),
    "no constraints": (
        lambda: reissued(ASK, PKI.root, without=x509.BasicConstraints),
        "not for an authority",
    ),
    "no use": (lambda: reissued(ASK, PKI.root, without=x509.KeyUsage), "not for an authority"),
    "another use": (
        lambda: reissued(ASK, PKI.root, without=x509.KeyUsage, extra=((usage(sign=False), True),)),
        "not for an authority",
    ),
    "unknown demands": (
        lambda: reissued(ASK, PKI.root, extra=((UNKNOWN, True),)),
        "unknown critical extension",
    ),
    "another kind of key": (lambda: reissued(ASK, PKI.root, key=EC_KEY), "not RSA"),
    "too large": (
        lambda: reissued(
            ASK,
            PKI.root,
            extra=((x509.UnrecognizedExtension(UNKNOWN.oid, bytes(MAX_CERTIFICATE_BYTES)), False),),
        ),
        "at most",
    ),
    "signed by itself": (lambda: reissued(ASK, PKI.authority), "not signed by"),
    "a leaf": (lambda: PKI.leaf.certificate, "another authority"),
    "the root": (lambda: PKI.root.certificate, "another authority"),
}


@pytest.mark.parametrize(("make", "reason"), BAD_AUTHORITIES.values(), ids=BAD_AUTHORITIES.keys())
def test_only_authorities_stand_above_a_leaf(
    make: Callable[[], x509.Certificate], reason: str
) -> None:
    with pytest.raises(EvidenceError, match=reason):
        chain(make())


def test_a_good_authority_may_say_more() -> None:
    assert chain(reissued(ASK, PKI.root, extra=((UNKNOWN, False),)))


def test_a_leaf_ends_what_rests_on_it() -> None:
    leaf = reissued(PKI.leaf.certificate, PKI.authority, end=NOW + 50)
    evidence = LAB.report().sign(PKI.leaf.key) + leaf.public_bytes(Encoding.DER)
    assert LAB.verify(evidence).expires_at == NOW + 50
    with pytest.raises(EvidenceError, match="VCEK: the certificate expired"):
        LAB.verify(evidence, now=NOW + 51)


def test_an_authority_ends_what_rests_on_it() -> None:
    short = chain(reissued(ASK, PKI.root, end=NOW + 50))
    book = SnpCollateralBook(SnpCollateral(short, PKI.crl(NOW)))
    root = PKI.root_der
    assert verify_snp(LAB.evidence(), book, NOW, simulated_root=root).expires_at == NOW + 50
    with pytest.raises(EvidenceError, match="SEV-Genoa: the certificate expired"):
        verify_snp(LAB.evidence(), book, NOW + 51, simulated_root=root)


def test_a_leaf_under_a_revoked_authority_is_refused() -> None:
    for serial in (ASK.serial_number, PKI.root.certificate.serial_number):
        crl = PKI.crl(NOW, [serial])
        book = SnpCollateralBook(SnpCollateral(chain(ASK), crl))
        with pytest.raises(EvidenceError, match="AMD revoked"):
            verify_snp(LAB.evidence(), book, NOW, simulated_root=PKI.root_der)


@pytest.mark.parametrize("size", [0, 1, 1183, 1184])
def test_evidence_without_a_leaf_is_refused(size: int) -> None:
    with pytest.raises(EvidenceError, match=f"SEV-SNP evidence: {size} bytes"):
        LAB.verify(LAB.evidence()[:size])


def test_evidence_that_is_too_long_is_refused_unread() -> None:
    with pytest.raises(EvidenceError, match="SEV-SNP evidence"):
        LAB.verify(bytes(1184 + MAX_CERTIFICATE_BYTES + 1))


def test_a_list_has_one_form() -> None:
    crl = bytearray(PKI.crl(NOW))
    signature = x509.load_der_x509_crl(bytes(crl)).signature
    crl[-len(signature) - 1] = 1
    with pytest.raises(EvidenceError, match="revocation list: malformed"):
        SnpCollateral(chain(ASK), bytes(crl))


def test_real_and_simulated_have_different_names(monkeypatch: pytest.MonkeyPatch) -> None:
    simulated = LAB.verify(LAB.evidence())
    book = SnpCollateralBook(LAB.collateral)
    with pytest.raises(EvidenceError, match="not AMD's"):
        verify_snp(LAB.evidence(), book, NOW)
    monkeypatch.setitem(AMD_ROOT_HASHES, LAB.product, snp_root_hash(PKI.root_der))
    real = verify_snp(LAB.evidence(), book, NOW)
    with pytest.raises(ConfigError, match="not a simulated one"):
        LAB.verify(LAB.evidence())
    for found, kind, verdict in (
        (simulated, EvidenceKind.SNP_SIMULATED, Verdict.REFUTED),
        (real, EvidenceKind.SNP, Verdict.PROVEN),
    ):
        claims = {claim.name: claim.verdict for claim in found.claims}
        assert found.kind is kind
        assert claims[ClaimName.GENUINE_HARDWARE] is verdict
        assert claims[ClaimName.TCB_CURRENT] is Verdict.UNKNOWN


def judged(requirement: SnpRequirement, **changes: Any) -> bool:
    try:
        requirement.check(LAB.verify(LAB.evidence(**changes)))
    except PolicyError:
        return False
    return True


FLOOR: dict[str, SnpTcb] = {LAB.product: LAB.tcb}


def test_each_permission_is_given_and_taken_by_its_own_switch() -> None:
    honest = LAB.report()
    cases: tuple[tuple[str, dict[str, Any]], ...] = (
        ("allow_migration", {"policy": honest.policy | GuestPolicy.MIGRATE_MA}),
        ("allow_cxl", {"policy": honest.policy | GuestPolicy.CXL_ALLOW}),
        ("allow_masked_chip", {"chip_id": bytes(64)}),
    )
    for switch, changes in cases:
        assert judged(SnpRequirement(min_tcb=FLOOR, **{switch: True}), **changes), switch
        assert not judged(SnpRequirement(min_tcb=FLOOR, **{switch: False}), **changes), switch
        assert judged(SnpRequirement(min_tcb=FLOOR, **{switch: False})), switch


def test_a_providers_key_is_allowed_or_not() -> None:
    lab = snp_lab(signer=SigningKey.VLEK)
    found = lab.verify(lab.evidence())
    assert SnpRequirement(min_tcb=FLOOR).check(found)
    with pytest.raises(PolicyError, match="VLEK"):
        SnpRequirement(min_tcb=FLOOR, allow_vlek=False).check(found)


@pytest.mark.parametrize(
    ("switch", "of_guest", "of_machine"),
    [
        (
            "require_ciphertext_hiding",
            GuestPolicy.CIPHERTEXT_HIDING,
            PlatformInfo.CIPHERTEXT_HIDING_EN,
        ),
        ("require_rapl_disabled", GuestPolicy.RAPL_DIS, PlatformInfo.RAPL_DIS),
    ],
)
def test_guest_or_machine_may_see_to_it(
    switch: str, of_guest: GuestPolicy, of_machine: PlatformInfo
) -> None:
    honest = LAB.report()
    guest, machine = honest.policy & ~of_guest, honest.platform_info & ~of_machine
    wanted = SnpRequirement(min_tcb=FLOOR, **{switch: True})
    assert not judged(wanted, policy=guest, platform_info=machine)
    assert judged(wanted, policy=guest | of_guest, platform_info=machine)
    assert judged(wanted, policy=guest, platform_info=machine | of_machine)


@pytest.mark.parametrize("part", ["bootloader", "tee", "snp", "microcode"])
def test_every_part_of_every_patch_level_counts_by_itself(part: str) -> None:
    """A part that is newer makes up for none that is older."""
    newest = SnpTcb(*[max(level, 1) for level in (9, 0, 22, 72)])
    floor = replace(SnpTcb(0, 0, 0, 0), **{part: getattr(newest, part)})
    old = replace(SnpTcb(255, 255, 255, 255), **{part: getattr(newest, part) - 1})
    assert old.below(floor) == (part,)
    assert newest.below(floor) == ()
    assert newest.below(newest) == ()


def test_what_nobody_can_demand() -> None:
    turin = SnpTcb(1, 1, 1, 1, fmc=1)
    assert SnpRequirement(min_tcb={SnpProduct.TURIN: turin}, max_vmpl=3, min_guest_svn=2**32 - 1)
    bad: tuple[dict[str, Any], ...] = (
        {"max_vmpl": 4},
        {"max_vmpl": -1},
        {"min_guest_svn": 2**32},
        {"min_tcb": {SnpProduct.MILAN: turin}},
        {"min_tcb": {"Naples": turin}},
    )
    for values in bad:
        with pytest.raises(ConfigError):
            SnpRequirement(**values)
