"""Quotes altered, cut, extended, or judged by data for others: they prove nothing else.

Simulated ones are always there; Intel's real ones where they are at hand.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import pytest

from cocoon.attestation.evidence import VerifiedEvidence
from cocoon.attestation.evidence.collateral import Collateral, CollateralBook
from cocoon.attestation.evidence.sgx import verify_sgx
from cocoon.attestation.evidence.tdx import verify_tdx
from cocoon.attestation.evidence.tdx_quote import parse_quote
from cocoon.devnet import tee_pki
from cocoon.errors import AttestationError, EvidenceError
from cocoon.testing.intel import NOW, intel_lab
from cocoon.testing.real_evidence import require_intel

FIRST, LAST = b"-----BEGIN CERTIFICATE-----", b"-----END CERTIFICATE-----\n"
ALL = ("tdx v4", "tdx v5", "tdx v5ex", "sgx v3", "tdx_quote", "tdx_quote_td15ex", "sgx_quote")
VERSION_4 = ("tdx v4", "tdx_quote")


@dataclass(frozen=True)
class Subject:
    """A good quote with all that judges it."""

    quote: bytes
    book: CollateralBook
    now: int
    root: bytes | None
    verifier: Callable[..., VerifiedEvidence]

    def verify(self, quote: bytes) -> VerifiedEvidence:
        return self.verifier(quote, self.book, self.now, simulated_root=self.root)

    @property
    def chain_at(self) -> int:
        return self.quote.index(FIRST)

    @property
    def bare(self) -> bytes:
        """Without padding; the PEM inside ends with one zero byte."""
        return self.quote.rstrip(b"\0") + b"\0"


@cache
def subject(name: str) -> Subject:
    verifier = verify_sgx if name.startswith("sgx") else verify_tdx
    lab = intel_lab()
    if name in lab.quotes:
        book = lab.book("SGX" if verifier is verify_sgx else "TDX")
        return Subject(lab.quotes[name], book, NOW, lab.pki.root_der, verifier)
    sample = require_intel(name)
    book = CollateralBook(Collateral.from_json(sample.collateral))
    return Subject(sample.quote, book, sample.judged_at, None, verifier)


@pytest.mark.parametrize("name", ALL)
def test_no_signed_byte_can_be_altered(name: str) -> None:
    """Header, body, signature, key, QE report, its signature and what it hashes: every byte."""
    one = subject(name)
    assert one.chain_at > len(parse_quote(one.quote).signed) + 4 + 128 + 384 + 64
    for at in range(one.chain_at):
        changed = bytearray(one.quote)
        changed[at] ^= 1 << (at % 8)
        with pytest.raises(AttestationError):
            one.verify(bytes(changed))


@pytest.mark.parametrize("name", ALL)
def test_no_byte_of_the_certificates_or_behind_changes_the_meaning(name: str) -> None:
    """PEM has slack that nobody reads, such as line ends; the meaning stays or it is refused."""
    one = subject(name)
    honest = one.verify(one.quote)
    for at in range(one.chain_at, len(one.quote)):
        changed = bytearray(one.quote)
        changed[at] ^= 1 << (at % 8)
        try:
            assert one.verify(bytes(changed)) == honest
        except AttestationError:
            continue


@pytest.mark.parametrize("name", VERSION_4)
def test_zero_padding_does_not_matter_and_anything_else_is_refused(name: str) -> None:
    one = subject(name)
    honest = one.verify(one.quote)
    assert parse_quote(one.quote).padding == len(one.quote) - len(one.bare) == 70
    for padding in (b"", bytes(1), bytes(1000)):
        assert one.verify(one.bare + padding) == honest
    for padding in (b"\1", bytes(70) + b"x", one.bare):
        with pytest.raises(EvidenceError, match="follow it"):
            one.verify(one.bare + padding)
    with pytest.raises(EvidenceError):
        one.verify(one.bare + bytes(40_000))


@pytest.mark.parametrize("name", VERSION_4)
def test_a_quote_cut_short_anywhere_is_refused(name: str) -> None:
    one = subject(name)
    for end in range(len(one.bare)):
        with pytest.raises(AttestationError):
            one.verify(one.bare[:end])


def with_certificates(original: bytes, pem: bytes) -> bytes:
    """A quote of version 4 with other certification data."""
    at = original.index(FIRST)
    changed = bytearray(original[: at - 4] + struct.pack("<I", len(pem)) + pem)
    for place, before in ((632, 128 + 6), (766, 0)):
        struct.pack_into("<I", changed, place, before + 384 + 64 + 2 + 32 + 6 + len(pem))
    return bytes(changed)


@pytest.mark.parametrize("name", VERSION_4)
def test_both_parsers_see_the_same_certificates(name: str) -> None:
    one = subject(name)
    pem = one.quote[one.chain_at :].rstrip(b"\0")
    first, second, third, _ = pem.split(LAST)
    other = (first + LAST).replace(b"CERTIFICATE", b"TRUSTED")
    assert one.verify(with_certificates(one.quote, pem))
    for chain in (
        other + pem,
        pem + other,
        other + second + LAST + third + LAST,
        first + LAST + second + LAST,
        pem + third + LAST,
        second + LAST + first + LAST + third + LAST,
        b"",
    ):
        with pytest.raises(EvidenceError, match=r"^PCK certificate"):
            one.verify(with_certificates(one.quote, chain))


@pytest.mark.parametrize(
    ("tee", "fmspc", "match"),
    [
        ("TDX", bytes(6), r"^TCB info: for another platform model"),
        ("SGX", tee_pki.FMSPC, r"^QE identity: for another kind of TEE"),
    ],
)
def test_collateral_of_another_model_or_tee_does_not_judge_a_quote(
    tee: str, fmspc: bytes, match: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Signed by the same vendor and filed under the right model, it is still for another."""
    one = subject("tdx v4")
    with monkeypatch.context() as patch:
        patch.setattr(tee_pki, "FMSPC", fmspc)
        collateral = intel_lab().collateral(tee)
    assert collateral.fmspc == fmspc
    book = CollateralBook(replace(collateral, fmspc=tee_pki.FMSPC))
    with pytest.raises(EvidenceError, match=match):
        replace(one, book=book).verify(one.quote)
