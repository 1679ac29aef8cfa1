"""Event logs, for people."""

from cocoon.attestation.event_log import replay
from cocoon.attestation.event_names import describe, event_name
from cocoon.cli.attest.event_logs import events_of
from cocoon.cli.attest.view import View

MAX_SHOWN = 512


def describe_event_log(data: bytes) -> View:
    """An event log with the registers that it leads to.

    Raises:
        EvidenceError: it does not parse.
    """
    events = events_of(data)
    view = View("event-log")
    registers = view.section("registers after replay")
    for register, value in replay(events).items():
        registers.add(register.value, value)
    shown = view.section("events")
    for number, event in enumerate(events[:MAX_SHOWN], 1):
        proven = "proven by its digest" if event.data_is_proven else "said by the host"
        digest = event.digest.hex() if event.is_measured else "not measured"
        words = f"{event.register.value} {event_name(event)}: {describe(event)} ({proven})"
        shown.add(str(number), f"{words}\n{digest}")
    if len(events) > MAX_SHOWN:
        view.warnings.append(f"{len(events) - MAX_SHOWN} further events are not shown")
    view.warnings.append("a log proves nothing until its registers are those of a verified quote")
    return view
