"""Event logs, for people."""

from cocoon.cli.attest.view import View
from cocoon.errors import EvidenceError


def describe_event_log(data: bytes) -> View:
    """An event log with the registers that it leads to.

    Raises:
        EvidenceError: it does not parse.
    """
    raise EvidenceError(f"an event log of {len(data)} bytes; they are not read yet")
