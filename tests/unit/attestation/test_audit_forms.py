"""Bundles, statements, endorsements and certificates at and beyond their limits."""

import struct
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cocoon.attestation.bundle import (
    MAX_BUNDLE_BYTES,
    MAX_GPUS,
    MAX_ITEM_BYTES,
    EvidenceBundle,
)
from cocoon.attestation.certificate import (
    MAX_CERTIFICATE_BYTES,
    MAX_LIFETIME,
    MAX_QUOTE_BYTES,
    OID_BUNDLE,
    OID_QUOTE,
    build_certificate,
    parse_certificate,
    raw_public_key,
)
from cocoon.attestation.claims import ClaimName, Claims, Verdict, proven, refuted, unknown
from cocoon.attestation.endorsement import Endorsement
from cocoon.attestation.evidence import EvidenceKind
from cocoon.attestation.policy import MAX_DEPTH, PeerPolicy, all_of, any_of, unsafe_accept_anything
from cocoon.attestation.statement import MAX_STATEMENT_BYTES, Statement
from cocoon.errors import CertificateError, ConfigError, EvidenceError, LocalProtocolError
from cocoon.testing.certificates import CertificateRecipe

NOW = 1_795_000_000
KEY = Ed25519PrivateKey.generate()
STATEMENT, TDX, SNP, GPU, ENDORSEMENT, SHORT = 1, 2, 3, 4, 5, 6


def bundle(*items: tuple[int, bytes], count: int | None = None, version: int = 1) -> bytes:
    head = b"CCNE" + bytes([version, len(items) if count is None else count])
    return head + b"".join(struct.pack("<BI", kind, len(data)) + data for kind, data in items)


S, T, G, E = (STATEMENT, b"s"), (TDX, b"t"), (GPU, b"g"), (ENDORSEMENT, b"e")
HUGE = (GPU, bytes(MAX_ITEM_BYTES))
BAD_BUNDLES: dict[str, bytes] = {
    "nothing": b"",
    "no head": b"CCNE\x01",
    "no items": bundle(),
    "a statement alone": bundle(S),
    "evidence first": bundle(T, S),
    "no statement": bundle(T, T),
    "two statements": bundle(S, S),
    "a GPU in place of the CPU": bundle(S, G),
    "an endorsement in place of the CPU": bundle(S, E),
    "an unknown kind of evidence": bundle(S, (9, b"x")),
    "two CPUs": bundle(S, T, (SNP, b"t")),
    "a second statement": bundle(S, T, S),
    "an endorsement before a GPU": bundle(S, T, E, G),
    "two endorsements": bundle(S, T, E, E),
    "an unknown item": bundle(S, T, (7, b"x")),
    "too many GPUs": bundle(S, T, *[G] * (MAX_GPUS + 1)),
    "more said than there": bundle(S, T, count=3),
    "less said than there": bundle(S, T, G, count=2),
    "another version": bundle(S, T, version=2),
    "another mark": b"CCNF" + bundle(S, T)[4:],
    "an item too long": bundle(S, T, (GPU, bytes(MAX_ITEM_BYTES + 1))),
    "too long": bundle(S, T, HUGE, HUGE, HUGE),
    "a length beyond the end": bundle(S, T)[:-1],
    "a head beyond the end": bundle(S, T)[:-3],
    "short without a quote beside": bundle(S, (SHORT, b"x")),
}


@pytest.mark.parametrize("data", BAD_BUNDLES.values(), ids=BAD_BUNDLES.keys())
def test_a_bundle_has_one_form(data: bytes) -> None:
    for beside in (None, b"", bytes(5000)):
        with pytest.raises(EvidenceError):
            EvidenceBundle.from_bytes(data, beside)


def test_bundles_up_to_the_limits_are_read() -> None:
    full = EvidenceBundle.from_bytes(bundle(S, T, *[G] * MAX_GPUS, E))
    assert (len(full.gpus), full.endorsement) == (MAX_GPUS, b"e")
    assert EvidenceBundle.from_bytes(full.to_bytes()) == full
    rest = MAX_BUNDLE_BYTES - len(bundle(S, T, HUGE, HUGE, (GPU, b"")))
    largest = bundle(S, T, HUGE, HUGE, (GPU, bytes(rest)))
    assert len(largest) == MAX_BUNDLE_BYTES
    assert EvidenceBundle.from_bytes(largest).gpus[2] == bytes(rest)
    with pytest.raises(EvidenceError, match="at most"):
        EvidenceBundle.from_bytes(bundle(S, T, HUGE, HUGE, (GPU, bytes(rest + 1))))


def test_a_bundle_holds_no_evidence_but_that_of_machines() -> None:
    for kind in set(EvidenceKind):
        made = EvidenceBundle(b"s", kind, b"t")
        if kind.value.removesuffix("-simulated") in ("tdx", "snp"):
            assert EvidenceBundle.from_bytes(made.to_bytes()).evidence == b"t"
        else:
            with pytest.raises(LocalProtocolError, match="cannot hold"):
                made.to_bytes()


@pytest.mark.parametrize("length", [0, 1, 2, 47, 53, 54, 631, 632, 636, 699])
@pytest.mark.parametrize("version", [b"\x03\0", b"\x04\0", b"\x05\0"])
def test_what_is_too_short_to_be_shortened_stays_whole(length: int, version: bytes) -> None:
    for lengths in (b"\0\0" + bytes(4), b"\0\0" + b"\xff" * 4):
        beside = version + bytes(46) + lengths + bytes(2000)
        made = EvidenceBundle(b"s", EvidenceKind.TDX, beside[:length])
        assert EvidenceBundle.from_bytes(made.to_bytes(beside), beside) == made


GOOD = Statement(bytes(32), NOW, NOW + 1, NOW)


def test_a_statement_has_one_version_and_a_limit() -> None:
    data = GOOD.to_bytes()
    assert Statement.from_bytes(data) == GOOD
    fits = data.replace(b"{", b"{" + b" " * (MAX_STATEMENT_BYTES - len(data)), 1)
    assert Statement.from_bytes(fits) == GOOD
    bad = (
        fits.replace(b"{", b"{ ", 1),
        data.replace(b'"version":1', b'"version":2'),
        data.replace(b'"version":1', b'"version":true'),
        data.replace(b'"version":1,', b""),
        data.replace(b"}", b',"more":1}'),
        data[:-1],
        data + b"{}",
        b"\xff",
        b"[" * 2000,
    )
    for changed in bad:
        with pytest.raises(EvidenceError):
            Statement.from_bytes(changed)


@pytest.mark.parametrize(
    "changes",
    [
        {"public_key": bytes(31)},
        {"public_key": bytes(33)},
        {"not_before": -1},
        {"not_after": 1 << 32},
        {"issued_at": 1 << 40},
        {"gpu_hash": b""},
        {"model_hash": bytes(33)},
    ],
)
def test_no_statement_is_made_that_nobody_reads(changes: dict[str, Any]) -> None:
    with pytest.raises(LocalProtocolError):
        replace(GOOD, **changes).to_bytes()


def test_an_endorsement_counts_from_its_first_to_its_last_second() -> None:
    made = Endorsement.sign(raw_public_key(KEY), KEY.sign, bytes(32), NOW, NOW + 5)
    read = Endorsement.from_bytes(made.to_bytes())
    assert [read.is_valid_at(NOW + at) for at in (-1, 0, 5, 6)] == [False, True, True, False]
    for at in range(0, 136, 9):
        changed = bytearray(made.to_bytes())
        changed[at] ^= 1
        with pytest.raises(EvidenceError, match="not signed"):
            Endorsement.from_bytes(bytes(changed))


class TestCertificates:
    def build(self, **changes: Any) -> bytes:
        options: dict[str, Any] = {"quote": None, "not_before": NOW, "serial": 1, **changes}
        return build_certificate(KEY, **options)

    def test_limits_of_what_is_made(self) -> None:
        latest = (1 << 32) - 1 - NOW
        good: tuple[dict[str, Any], ...] = (
            {"lifetime": 1},
            {"lifetime": MAX_LIFETIME},
            {"serial": (1 << 128) - 1},
            {"quote": bytes(MAX_QUOTE_BYTES)},
            {"not_before": NOW + latest - 1, "lifetime": 1},
        )
        bad: tuple[dict[str, Any], ...] = (
            {"lifetime": 0},
            {"lifetime": -5},
            {"lifetime": MAX_LIFETIME + 1},
            {"not_before": NOW + latest, "lifetime": 1},
            {"serial": 0},
            {"serial": 1 << 128},
            {"quote": b""},
            {"quote": bytes(MAX_QUOTE_BYTES + 1)},
            {"bundle": b""},
            {"bundle": bytes(MAX_BUNDLE_BYTES + 1)},
            {"quote": bytes(MAX_QUOTE_BYTES), "bundle": bytes(MAX_BUNDLE_BYTES)},
        )
        for changes in good:
            assert parse_certificate(self.build(**changes)).not_before >= NOW
        for changes in bad:
            with pytest.raises(LocalProtocolError):
                self.build(**changes)

    def test_limits_of_what_is_read(self) -> None:
        def carrying(oid: str, size: int) -> bytes:
            return CertificateRecipe(NOW, KEY, extra=((oid, bytes(size), False),)).to_der()

        quote, mine = OID_QUOTE.dotted_string, OID_BUNDLE.dotted_string
        assert parse_certificate(carrying(quote, MAX_QUOTE_BYTES)).quote == bytes(MAX_QUOTE_BYTES)
        assert parse_certificate(carrying(mine, MAX_BUNDLE_BYTES)).bundle is not None
        for der, reason in (
            (carrying(quote, MAX_QUOTE_BYTES + 1), "quote extension of"),
            (carrying(mine, MAX_BUNDLE_BYTES + 1), "evidence bundle of"),
            (carrying("1.2.3.4", MAX_CERTIFICATE_BYTES), "at most"),
        ):
            with pytest.raises(CertificateError, match=reason):
                parse_certificate(der)
        size = MAX_CERTIFICATE_BYTES - len(carrying("1.2.3.4", 70_000)) + 70_000
        largest = carrying("1.2.3.4", size)
        assert len(largest) == MAX_CERTIFICATE_BYTES
        assert parse_certificate(largest).quote is None

    def test_what_is_critical_must_be_understood_here(self) -> None:
        constraints = bytes.fromhex("3008a006300482022e61")  # names: only below ".a"
        for oid, data in (("1.2.3.4", b"\x05\0"), ("2.5.29.30", constraints)):
            for critical in (True, False):
                der = CertificateRecipe(NOW, KEY, extra=((oid, data, critical),)).to_der()
                assert parse_certificate(der).unknown_critical == ((oid,) if critical else ())

    def test_other_keys_are_named(self) -> None:
        with pytest.raises(CertificateError, match="not Ed25519"):
            parse_certificate(CertificateRecipe(NOW, KEY).with_p256_key())
        with pytest.raises(CertificateError, match="self-signature"):
            parse_certificate(CertificateRecipe(NOW, KEY).signed_by(Ed25519PrivateKey.generate()))


def test_the_first_word_about_a_claim_counts_and_silence_proves_nothing() -> None:
    name = ClaimName.GPU_GENUINE
    assert Claims().get(name).verdict is Verdict.UNKNOWN
    assert not Claims().is_proven(name)
    for first in (unknown(name, "u"), refuted(name, "r")):
        assert not Claims((first, proven(name, "p"))).is_proven(name)
    assert Claims((proven(ClaimName.FRESH, "p"), proven(name, "p"))).is_proven(name)


def test_depth_of_composition() -> None:
    policy: PeerPolicy = unsafe_accept_anything()
    for _ in range(MAX_DEPTH // 2):
        policy = all_of("deeper", any_of("deep", policy))
    with pytest.raises(ConfigError, match="nested"):
        any_of("deeper", policy)
