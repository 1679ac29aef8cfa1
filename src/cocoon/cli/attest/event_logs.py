"""Event logs from files and pages, and whether they explain a quote's registers."""

from collections.abc import Iterable

from cocoon.attestation.event_log import (
    DEBUG_EVENT,
    SPEC_TREE,
    Event,
    compare,
    parse_event_log,
    text_events,
)
from cocoon.attestation.measurements import Attestation, TdxMeasurements
from cocoon.attestation.report import Layer, Report
from cocoon.errors import EvidenceError


def events_of(data: bytes) -> tuple[Event, ...]:
    """The events of a binary log, or of the lines of Cocoon's start-up.

    Raises:
        EvidenceError: it is neither.
    """
    if not data.strip().startswith(b"cocoon:"):
        return parse_event_log(data)
    try:
        return text_events(data.decode())
    except UnicodeDecodeError as error:
        raise EvidenceError("event log: its lines are not UTF-8") from error


def check_logs(
    logs: Iterable[bytes], attestation: Attestation, report: Report
) -> tuple[Event, ...]:
    """Whether logs, one after another, lead to exactly the registers of verified evidence.

    Returns:
        The events that are proven so; none where no log was given.

    Raises:
        EvidenceError: they do not, or the evidence has no such registers.
    """
    given = tuple(logs)
    with report.step("Event log", Layer.EVIDENCE) as found:
        if not given:
            found.skip("none was given: what the registers stand for is not explained")
            return ()
        measured = attestation.measurements
        if not isinstance(measured, TdxMeasurements):
            raise EvidenceError("event logs explain the registers of TDX, and this is not TDX")
        events = tuple(event for log in given for event in events_of(log))
        wrong = [match for match in compare(events, measured.rtmrs) if not match.matches]
        if wrong:
            names = ", ".join(match.register.value for match in wrong)
            raise EvidenceError(f"the event log does not lead to the measured {names}")
        found.reason = f"{len(events)} events lead to exactly the four measured registers"
    return events


def config_hash_of(events: Iterable[Event]) -> str | None:
    """Hash of the configuration that Cocoon's start-up measured, in hex."""
    texts = (event.text for event in events if event.text is not None)
    return next((t.removeprefix(SPEC_TREE) for t in texts if t.startswith(SPEC_TREE)), None)


def is_debug_image(events: Iterable[Event]) -> bool:
    """Whether the start-up measured that it lets people debug the image."""
    return any(event.text == DEBUG_EVENT for event in events)
