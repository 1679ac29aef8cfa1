"""Bundles, statements and endorsements: what is written is read back, and nothing else is read."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from cocoon.attestation.bundle import MAX_GPUS, EvidenceBundle
from cocoon.attestation.endorsement import Endorsement
from cocoon.attestation.evidence import EvidenceKind
from cocoon.attestation.statement import Statement, gpu_hash, statement_report_data
from cocoon.errors import EvidenceError, LocalProtocolError

HASH = st.binary(min_size=32, max_size=32)
TIME = st.integers(0, (1 << 32) - 1)
STATEMENTS = st.builds(Statement, HASH, TIME, TIME, TIME, st.none() | HASH, st.none() | HASH)
BUNDLES = st.builds(
    EvidenceBundle,
    st.binary(max_size=200),
    st.sampled_from([EvidenceKind.TDX, EvidenceKind.SNP]),
    st.binary(max_size=200),
    st.lists(st.binary(max_size=50), max_size=MAX_GPUS).map(tuple),
    st.none() | st.binary(max_size=200),
)


@given(STATEMENTS)
def test_a_statement_survives(statement: Statement) -> None:
    assert Statement.from_bytes(statement.to_bytes()) == statement


@given(STATEMENTS, STATEMENTS)
def test_different_statements_sign_differently(one: Statement, other: Statement) -> None:
    same = one == other
    assert (
        statement_report_data(one.to_bytes()) == statement_report_data(other.to_bytes())
    ) is same


@given(BUNDLES)
def test_a_bundle_survives(bundle: EvidenceBundle) -> None:
    assert EvidenceBundle.from_bytes(bundle.to_bytes()) == bundle


@given(BUNDLES, st.data())
def test_a_bundle_that_is_cut_or_grown_is_refused(
    bundle: EvidenceBundle, data: st.DataObject
) -> None:
    written = bundle.to_bytes()
    at = data.draw(st.integers(0, len(written) - 1))
    for changed in (written[:at], written + b"\0"):
        with pytest.raises(EvidenceError):
            EvidenceBundle.from_bytes(changed)


@given(st.binary(max_size=300))
def test_anything_else_is_an_evidence_error(data: bytes) -> None:
    for read in (EvidenceBundle.from_bytes, Statement.from_bytes, Endorsement.from_bytes):
        with pytest.raises(EvidenceError):
            read(data)


@given(st.lists(st.binary(max_size=5), max_size=4), st.lists(st.binary(max_size=5), max_size=4))
def test_the_hash_of_gpus_depends_on_each_and_on_their_order(
    one: list[bytes], other: list[bytes]
) -> None:
    assert (gpu_hash(tuple(one)) == gpu_hash(tuple(other))) is (one == other)


@given(HASH, TIME, TIME, st.integers(0, 135), st.integers(1, 255))
def test_no_byte_of_an_endorsement_can_change(
    platform: bytes, start: int, end: int, at: int, flip: int
) -> None:
    key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    written = Endorsement.sign(
        key.public_key().public_bytes_raw(), key.sign, platform, start, end
    ).to_bytes()
    assert Endorsement.from_bytes(written).to_bytes() == written
    changed = bytearray(written)
    changed[at] ^= flip
    with pytest.raises(EvidenceError):
        Endorsement.from_bytes(bytes(changed))


def test_what_we_make_respects_the_limits_of_readers() -> None:
    for bundle in (
        EvidenceBundle(b"s", EvidenceKind.TDX, bytes(32_769)),
        EvidenceBundle(b"s", EvidenceKind.TDX, bytes(30_000), (bytes(30_000), bytes(30_000))),
        EvidenceBundle(b"s", EvidenceKind.TDX, b"q", (b"g",) * (MAX_GPUS + 1)),
        EvidenceBundle(b"s", EvidenceKind.FAKE_TDX, b"q"),
    ):
        with pytest.raises(LocalProtocolError):
            bundle.to_bytes()
    with pytest.raises(LocalProtocolError):
        Statement(b"short", 1, 2, 3).to_bytes()
    with pytest.raises(LocalProtocolError):
        Statement(bytes(32), 1, 1 << 32, 3).to_bytes()


def quote(version: int, signed: int, rest: bytes, fill: int) -> bytes:
    """Something of a quote's shape: signed part, length, signature, and what follows."""
    head = version.to_bytes(2, "little") + bytes([fill]) * 46
    if version == 5:
        head += (2).to_bytes(2, "little") + (signed - 54).to_bytes(4, "little")
    body = head + bytes([fill]) * (signed - len(head))
    return body + len(rest).to_bytes(4, "little") + bytes([fill ^ 255]) * 64 + rest


@given(
    st.sampled_from([(4, 632), (5, 54 + 584), (5, 54 + 648)]),
    st.binary(max_size=300),
    st.binary(max_size=300),
    st.integers(0, 255),
)
def test_a_shortened_quote_is_whole_again_beside_the_other(
    layout: tuple[int, int], rest: bytes, other: bytes, fill: int
) -> None:
    beside, dated = quote(*layout, rest, 1), quote(*layout, rest, fill)
    bundle = EvidenceBundle(b"statement", EvidenceKind.TDX, dated)
    written = bundle.to_bytes(beside=beside)
    assert len(written) == len(bundle.to_bytes()) - len(rest) - 4
    assert EvidenceBundle.from_bytes(written, beside) == bundle
    with pytest.raises(EvidenceError):
        EvidenceBundle.from_bytes(written)
    foreign = quote(*layout, other, 1)
    if other != rest:  # what is not shared is not left out
        assert bundle.to_bytes(beside=foreign) == bundle.to_bytes()


@given(st.binary(max_size=900), st.binary(max_size=900))
def test_a_shortened_quote_beside_anything_is_read_or_refused(short: bytes, beside: bytes) -> None:
    item = b"\x06" + len(short).to_bytes(4, "little") + short
    data = b"CCNE\x01\x02" + b"\x01\0\0\0\0" + item
    for other in (beside, None):
        try:
            bundle = EvidenceBundle.from_bytes(data, other)
        except EvidenceError:
            continue
        assert other is not None
        assert len(bundle.evidence) == len(other)
