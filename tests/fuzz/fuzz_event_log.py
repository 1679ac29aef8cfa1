"""Event logs from a host: only expected errors come out, and every event can be shown."""

import contextlib

from cocoon.attestation.event_log import parse_ccel, parse_event_log, replay, text_events
from cocoon.attestation.event_names import MAX_SHOWN, describe, event_name
from cocoon.errors import EvidenceError
from cocoon.testing.event_log import log_event, log_header


def fuzz_one(data: bytes) -> None:
    kind = int.from_bytes(data[:4], "little")
    for log in (data, log_header() + data, log_header() + log_event(1, kind, data[4:])):
        try:
            events = parse_event_log(log)
        except EvidenceError:
            continue
        replay(events)
        for event in events:
            shown = describe(event) + event_name(event)
            if not shown.isprintable() or len(shown) > MAX_SHOWN + 64:
                raise AssertionError("an event shows what a terminal may obey")
    for parse in (parse_ccel, lambda raw: text_events(raw.decode("latin-1"))):
        with contextlib.suppress(EvidenceError):
            parse(data)


if __name__ == "__main__":
    from _harness import main

    main(fuzz_one)
