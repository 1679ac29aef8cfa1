"""What an attacker may try with Intel's data and quotes."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from cocoon.attestation.claims import ClaimName, Verdict
from cocoon.attestation.evidence import EvidenceKind
from cocoon.attestation.evidence.collateral import (
    MAX_COLLATERAL_CHARS,
    Collateral,
    CollateralBook,
)
from cocoon.attestation.evidence.sgx import verify_sgx
from cocoon.attestation.evidence.tdx import verify_tdx
from cocoon.devnet.sgx_quote import enclave_body
from cocoon.devnet.tee_pki import SGX, Authority, SimulatedPki, raw_point, sign_raw
from cocoon.devnet.tee_quote import TEE_SGX, TEE_TDX, QuotingEnclave, header, sign_quote
from cocoon.errors import EvidenceError, MissingCollateralError
from cocoon.testing.intel import NOW, intel_lab

LAB = intel_lab()


def forged(member: str, signer: Authority, *above: Authority, label: str = "CERTIFICATE") -> str:
    """Collateral of an outdated platform whose ``member`` somebody else signed as up to date."""
    collateral = json.loads(LAB.pki.collateral_json(NOW, tcb_status="OutOfDate"))
    text = collateral[member].replace("OutOfDate", "UpToDate")
    own = signer.pem.replace("CERTIFICATE", label)
    collateral[member] = text
    collateral[f"{member}_signature"] = sign_raw(signer.key, text.encode()).hex()
    collateral[f"{member}_issuer_chain"] = own + "".join(item.pem for item in above)
    return json.dumps(collateral)


def status(text: str) -> str | None:
    book = CollateralBook(Collateral.from_json(text))
    root = LAB.pki.root_der
    return verify_tdx(LAB.quotes["tdx v4"], book, NOW, simulated_root=root).tcb_status


def test_only_the_key_for_collateral_signs_it() -> None:
    assert status(forged("tcb_info", LAB.pki.tcb_signer, LAB.pki.root)) == "UpToDate"


@pytest.mark.parametrize("member", ["tcb_info", "qe_identity"])
def test_the_key_of_a_machine_signs_no_collateral(member: str) -> None:
    chain = (LAB.pki.platform_ca, LAB.pki.root)
    with pytest.raises(EvidenceError, match="signer"):
        status(forged(member, LAB.pki.pck, *chain))
    with pytest.raises(EvidenceError, match="not one for signing collateral"):
        status(forged(member, LAB.pki.pck, LAB.pki.platform_ca))


@pytest.mark.parametrize("member", ["tcb_info", "qe_identity"])
def test_the_authority_of_machines_signs_no_collateral(member: str) -> None:
    with pytest.raises(EvidenceError, match="not one for signing collateral"):
        status(forged(member, LAB.pki.platform_ca, LAB.pki.root))


def test_a_block_of_another_label_hides_no_signer() -> None:
    chain = (LAB.pki.tcb_signer, LAB.pki.platform_ca, LAB.pki.root)
    with pytest.raises(EvidenceError, match="signer"):
        status(forged("tcb_info", LAB.pki.pck, *chain, label="OTHER"))


OTHER = SimulatedPki.create(NOW, bytes(32))
SIGNED = header(4, TEE_TDX) + LAB.quotes["tdx v4"][48:632]


def quoted(pki: SimulatedPki) -> bytes:
    return QuotingEnclave(pki).sign(SIGNED)


def other_key_vouched_for() -> bytes:
    enclave = QuotingEnclave(LAB.pki)
    enclave._key = ec.generate_private_key(ec.SECP256R1())
    enclave._point = raw_point(enclave._key)
    return enclave.sign(SIGNED)


def other_key_signs() -> bytes:
    enclave = QuotingEnclave(LAB.pki)
    enclave._key = ec.generate_private_key(ec.SECP256R1())
    return enclave.sign(SIGNED)


def platform_key_is_not_the_certificates() -> bytes:
    return quoted(replace(LAB.pki, pck=Authority(LAB.pki.pck.certificate, OTHER.pck.key)))


FORGERIES: dict[str, Callable[[], bytes]] = {
    "another root": lambda: quoted(OTHER),
    "an authority of another root": lambda: quoted(replace(OTHER, root=LAB.pki.root)),
    "a machine of another authority": lambda: quoted(replace(LAB.pki, pck=OTHER.pck)),
    "a machine as authority": lambda: quoted(
        replace(LAB.pki, platform_ca=LAB.pki.pck, pck=OTHER.pck)
    ),
    "not the machine's key": platform_key_is_not_the_certificates,
    "a key that nobody vouches for": other_key_vouched_for,
    "a quote of another key": other_key_signs,
}


@pytest.mark.parametrize("make", FORGERIES.values(), ids=FORGERIES.keys())
def test_a_forged_quote_asks_for_no_collateral(make: Callable[[], bytes]) -> None:
    asked: list[str] = []
    for book in (CollateralBook(), LAB.book()):
        book.listener = lambda _, key: asked.append(key)
        with pytest.raises(EvidenceError) as refused:
            verify_tdx(make(), book, NOW, simulated_root=LAB.pki.root_der)
        assert not isinstance(refused.value, MissingCollateralError)
    assert asked == []


def test_a_genuine_quote_asks_for_collateral() -> None:
    asked: list[str] = []
    book = CollateralBook()
    book.listener = lambda _, key: asked.append(key)
    with pytest.raises(MissingCollateralError):
        verify_tdx(quoted(LAB.pki), book, NOW, simulated_root=LAB.pki.root_der)
    assert asked == ["c0c00a000000/platform"]


def reissued(authority: Authority, issuer: Authority, end: int) -> Authority:
    """The same certificate, which ends at ``end``."""
    old = authority.certificate
    builder = x509.CertificateBuilder(
        old.issuer,
        old.subject,
        old.public_key(),
        x509.random_serial_number(),
        old.not_valid_before_utc,
        datetime.fromtimestamp(end, UTC),
        list(old.extensions),
    )
    return Authority(builder.sign(issuer.key, hashes.SHA256()), authority.key)


@pytest.mark.parametrize("which", ["pck", "platform_ca"])
def test_certificates_of_the_quote_end_what_rests_on_them(which: str) -> None:
    pki = LAB.pki
    issuer = pki.platform_ca if which == "pck" else pki.root
    short = replace(pki, **{which: reissued(getattr(pki, which), issuer, NOW + 50)})
    quote, book, root = quoted(short), LAB.book(), pki.root_der
    assert verify_tdx(quote, book, NOW, simulated_root=root).expires_at == NOW + 50
    with pytest.raises(EvidenceError, match=r"PCK.* expired"):
        verify_tdx(quote, book, NOW + 51, simulated_root=root)


def test_certificates_of_the_collateral_end_what_rests_on_them() -> None:
    pki = LAB.pki
    short = replace(pki, tcb_signer=reissued(pki.tcb_signer, pki.root, NOW + 50))
    book = CollateralBook(Collateral.from_json(short.collateral_json(NOW)))
    quote, root = quoted(pki), pki.root_der
    assert verify_tdx(quote, book, NOW, simulated_root=root).expires_at == NOW + 50
    with pytest.raises(EvidenceError, match=r"TCB info signer: expired"):
        verify_tdx(quote, book, NOW + 51, simulated_root=root)


def enclave(flags: int, version: int = 3) -> bytes:
    """A quote of an enclave with these attributes."""
    body = enclave_body(bytes(32), bytes(64))
    changed = body[:48] + flags.to_bytes(8, "little") + body[56:]
    return sign_quote(LAB.pki, header(version, TEE_SGX) + changed, qe_product=1)


@pytest.mark.parametrize(
    ("flags", "version", "reason"),
    [
        (0b111, 3, "DEBUG"),
        (0b100, 3, "not initialised"),
        (0b10101, 3, "Intel's own enclaves"),
        (0b100101, 3, "Intel's own enclaves"),
        (0b101, 4, "of version 4"),
    ],
)
def test_only_ordinary_enclaves_pass(flags: int, version: int, reason: str) -> None:
    book, root = LAB.book(SGX), LAB.pki.root_der
    assert verify_sgx(enclave(0b101), book, NOW, simulated_root=root)
    with pytest.raises(EvidenceError, match=reason):
        verify_sgx(enclave(flags, version), book, NOW, simulated_root=root)


def test_what_is_claimed_for_simulated_hardware() -> None:
    root = LAB.pki.root_der
    cases = (
        (verify_tdx, "tdx v4", "TDX", EvidenceKind.TDX_SIMULATED),
        (verify_sgx, "sgx v3", SGX, EvidenceKind.SGX_SIMULATED),
    )
    for verify, quote, tee, kind in cases:
        for tcb_status, verdict in (
            ("UpToDate", Verdict.PROVEN),
            ("OutOfDate", Verdict.REFUTED),
            ("SWHardeningNeeded", Verdict.REFUTED),
        ):
            text = LAB.pki.collateral_json(NOW, tee=tee, tcb_status=tcb_status)
            book = CollateralBook(Collateral.from_json(text))
            found = verify(LAB.quotes[quote], book, NOW, simulated_root=root)
            claims = {claim.name: claim for claim in found.claims}
            assert found.kind is kind
            assert found.tcb_status == tcb_status
            assert claims[ClaimName.GENUINE_HARDWARE].verdict is Verdict.REFUTED
            assert claims[ClaimName.TCB_CURRENT].verdict is verdict
            assert tcb_status in claims[ClaimName.TCB_CURRENT].reason
            assert "advisories" not in claims[ClaimName.TCB_CURRENT].reason


def test_a_machine_that_shows_no_id_has_no_name() -> None:
    masked = SimulatedPki.create(NOW, bytes(32))
    book = CollateralBook(Collateral.from_json(masked.collateral_json(NOW)))
    found = verify_tdx(quoted(masked), book, NOW, simulated_root=masked.root_der)
    assert found.platform_id is None
    shown = verify_tdx(quoted(LAB.pki), LAB.book(), NOW, simulated_root=LAB.pki.root_der)
    assert shown.platform_id is not None


def test_collateral_is_an_object_of_limited_length() -> None:
    text = LAB.collateral_json()
    padded = text + " " * (MAX_COLLATERAL_CHARS - len(text))
    assert Collateral.from_json(padded)
    for bad in (padded + " ", "[]", "1", '"text"', "null", "{}", "[" * 5000):
        with pytest.raises(EvidenceError):
            Collateral.from_json(bad)


def test_a_book_is_as_its_content() -> None:
    book = LAB.book()
    before = book.fingerprint
    assert before == CollateralBook(*book._by_fmspc.values()).fingerprint
    book.put(Collateral.from_json(LAB.pki.collateral_json(NOW + 60)))
    assert book.fingerprint != before
    assert CollateralBook().fingerprint not in (before, book.fingerprint)
