"""Readers of quotes, reports, certificates and logs: any bytes give a value or an EvidenceError."""

import contextlib

from hypothesis import given, settings
from hypothesis import strategies as st

from cocoon.attestation.event_log import parse_ccel, parse_event_log, replay, text_events
from cocoon.attestation.event_names import describe, event_name
from cocoon.attestation.evidence.pck import parse_pck_chain, parse_pck_extension
from cocoon.attestation.evidence.td_report import TD_REPORT_BYTES, parse_td_report
from cocoon.attestation.evidence.tdx_quote import parse_quote
from cocoon.errors import EvidenceError
from cocoon.testing.event_log import log_event, log_header
from cocoon.testing.intel import intel_lab

QUOTES = intel_lab().quotes


@st.composite
def damaged(draw: st.DrawFn, original: bytes) -> bytes:
    at = draw(st.integers(0, len(original)))
    patch = draw(st.binary(max_size=64))
    cut = draw(st.integers(0, 64))
    return original[:at] + patch + original[at + cut :]


@given(st.sampled_from(sorted(QUOTES)).flatmap(lambda name: damaged(QUOTES[name])))
@settings(max_examples=400)
def test_damaged_quotes(data: bytes) -> None:
    try:
        quote = parse_quote(data)
        chain = parse_pck_chain(quote)
    except EvidenceError:
        return
    assert data.startswith(quote.signed)
    assert len(chain.extension.fmspc) == 6


@given(st.binary(max_size=6000))
@settings(max_examples=200)
def test_garbage_quotes(data: bytes) -> None:
    try:
        parse_quote(data)
    except EvidenceError:
        return
    raise AssertionError("garbage parsed")


@given(st.binary(min_size=TD_REPORT_BYTES - 4, max_size=TD_REPORT_BYTES - 4), st.integers(0, 3))
def test_td_reports(rest: bytes, version: int) -> None:
    try:
        report = parse_td_report(bytes([0x81, 0, version, 0]) + rest)
    except EvidenceError:
        assert version > 1
        return
    assert report.version == version <= 1
    assert report.report_data == rest[124:188]
    assert report.rtmrs[3] == rest[508 + 16 + 48 * 7 : 508 + 16 + 48 * 8]


@given(st.binary(max_size=1100))
def test_garbage_td_reports(data: bytes) -> None:
    try:
        parse_td_report(data)
    except EvidenceError:
        return
    assert data[:2] == b"\x81\0"


@given(st.binary(max_size=600))
def test_garbage_pck_extensions(data: bytes) -> None:
    try:
        parse_pck_extension(data)
    except EvidenceError:
        return
    raise AssertionError("garbage parsed")


events = st.builds(
    log_event, st.integers(0, 6), st.sampled_from([3, 4, 5, 0x80000002, 9**9]), st.binary()
)


@given(st.lists(events, max_size=5), st.data())
def test_event_logs(parts: list[bytes], data: st.DataObject) -> None:
    log = log_header() + b"".join(parts)
    for candidate in (log, data.draw(damaged(log)), data.draw(st.binary(max_size=300))):
        try:
            found = parse_event_log(candidate)
        except EvidenceError:
            continue
        assert all(len(value) == 48 for value in replay(found).values())
        for event in found:
            assert describe(event).isprintable()
            assert event_name(event)


@given(st.binary(max_size=80), st.text(max_size=200))
def test_tables_and_start_up_events(table: bytes, text: str) -> None:
    with contextlib.suppress(EvidenceError):
        assert parse_ccel(table).length > 0
    with contextlib.suppress(EvidenceError):
        assert all(event.text for event in text_events(text))
