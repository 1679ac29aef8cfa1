"""The boot's event log, and whether it adds up to the run-time registers (``attestation.md`` §8.5).

Firmware, loader and kernel write down what they measured (TCG2 format, for TDX in the area that the
ACPI table CCEL names); Cocoon's start-up writes its own events as lines of text. Replaying the log
must give exactly the registers of the quote: then its entries are what was measured, and say in
words what a register only hashes. The log itself proves nothing and comes from the host.
"""

import hashlib
import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum

from cocoon.attestation.evidence.binary import Reader
from cocoon.attestation.measurements import REGISTER_BYTES, RTMR_COUNT
from cocoon.errors import EvidenceError

CCEL_TABLE_BYTES = 56
MAX_LOG_BYTES = 4 << 20
MAX_EVENTS = 4096
MAX_EVENT_BYTES = 1 << 20
MAX_DIGESTS = 8
MAX_ALGORITHMS = 16
MAX_TEXT_EVENTS = 64
MAX_TEXT_BYTES = 1024
SPEC_TREE = "cocoon:spec.tree="
DEBUG_EVENT = "cocoon:cocoon_debug"

EV_NO_ACTION = 0x03
SHA384 = 0x0C

_CC_TYPE_TDX = 2
_END = 0xFFFFFFFF
_DIGEST_BYTES = {0x04: 20, 0x0B: 32, 0x0C: 48, 0x0D: 64, 0x12: 32}
_TEXT_REGISTER = 3


class Register(Enum):
    """What an event was measured into."""

    MRTD = "MRTD"
    RTMR0 = "RTMR0"
    RTMR1 = "RTMR1"
    RTMR2 = "RTMR2"
    RTMR3 = "RTMR3"


_BY_INDEX = tuple(Register)
RTMRS = _BY_INDEX[1:]


@dataclass(frozen=True, slots=True)
class LogArea:
    """What the ACPI table CCEL says.

    Attributes:
        subtype: of the confidential computing platform.
        length: bytes of the log area.
        start: physical address of it.
    """

    subtype: int
    length: int
    start: int


@dataclass(frozen=True, slots=True)
class Event:
    """One entry of the log.

    Attributes:
        register: that it was measured into.
        kind: the TCG's number of its type; None for Cocoon's own lines.
        digest: SHA-384 that was extended, 48 bytes.
        data: what is said about it: not measured itself, unless its hash is the digest.
        text: the line, of Cocoon's own events.
    """

    register: Register
    kind: int | None
    digest: bytes
    data: bytes = field(repr=False)
    text: str | None = None

    @property
    def is_measured(self) -> bool:
        """Whether it changes a register."""
        return self.kind != EV_NO_ACTION

    @property
    def data_is_proven(self) -> bool:
        """Whether the digest is that of the data, so that a matching register proves the data."""
        return hashlib.sha384(self.data).digest() == self.digest


@dataclass(frozen=True, slots=True)
class RegisterMatch:
    """How one register compares.

    Attributes:
        register: which.
        measured: its value in the quote, 48 bytes.
        replayed: what the log gives, 48 bytes.
        events: how many were extended into it.
    """

    register: Register
    measured: bytes
    replayed: bytes
    events: int

    @property
    def matches(self) -> bool:
        """Whether the log explains the register."""
        return self.measured == self.replayed


def parse_ccel(table: bytes) -> LogArea:
    """Read the ACPI table that points to the log.

    Raises:
        EvidenceError: it is not a CCEL table of a TDX machine.
    """
    if len(table) != CCEL_TABLE_BYTES or table[:4] != b"CCEL":
        raise EvidenceError(f"event log: {CCEL_TABLE_BYTES} bytes of an ACPI table CCEL expected")
    kind, subtype, _, length, start = struct.unpack_from("<BBHQQ", table, 36)
    if kind != _CC_TYPE_TDX:
        raise EvidenceError(f"event log: of a platform of type {kind}, not TDX")
    if not 0 < length <= MAX_LOG_BYTES:
        raise EvidenceError(f"event log: an area of {length} bytes")
    return LogArea(subtype, length, start)


def parse_event_log(log: bytes) -> tuple[Event, ...]:
    """Read a binary event log up to its end mark, or to its end.

    Raises:
        EvidenceError: malformed, too large, or an event lacks a SHA-384 digest or names a
            register that there is not.
    """
    if len(log) > MAX_LOG_BYTES:
        raise EvidenceError(f"event log: {len(log)} bytes, at most {MAX_LOG_BYTES} are read")
    reader = Reader(log, "event log")
    sizes = _read_header(reader)
    events: list[Event] = []
    while not _at_end(reader, log):
        if len(events) == MAX_EVENTS:
            raise EvidenceError(f"event log: more than {MAX_EVENTS} events")
        events.append(_read_event(reader, sizes))
    return tuple(events)


def text_events(log: str) -> tuple[Event, ...]:
    """Cocoon's own events, a line each; their digest is SHA-384 of the line (§8.3).

    Raises:
        EvidenceError: a line holds a control character or is too long, or there are too many.
    """
    lines = log.split("\n")
    if lines and not lines[-1]:
        lines.pop()
    if len(lines) > MAX_TEXT_EVENTS:
        raise EvidenceError(f"event log: more than {MAX_TEXT_EVENTS} lines of start-up events")
    return tuple(text_event(line) for line in lines)


def text_event(line: str) -> Event:
    """One event of Cocoon's start-up.

    Args:
        line: its text, without a line end.

    Raises:
        EvidenceError: it is empty, holds a control character or is too long.
    """
    if not line or not line.isprintable():
        raise EvidenceError("event log: a start-up event is empty or has control characters")
    data = line.encode()
    if len(data) > MAX_TEXT_BYTES:
        raise EvidenceError(f"event log: a start-up event of {len(data)} bytes")
    digest = hashlib.sha384(data).digest()
    return Event(_BY_INDEX[_TEXT_REGISTER + 1], None, digest, data, line)


def extend(register: bytes, digest: bytes) -> bytes:
    """The register after an event: SHA-384 of both, 48 bytes."""
    return hashlib.sha384(register + digest).digest()


def replay(events: Iterable[Event]) -> dict[Register, bytes]:
    """The values that the four RTMRs have after these events, 48 bytes each.

    Events of MRTD, which is measured before any log is written, are left out; the official
    reader folds them into RTMR0.
    """
    values = dict.fromkeys(RTMRS, bytes(REGISTER_BYTES))
    for event in events:
        if event.is_measured and event.register in values:
            values[event.register] = extend(values[event.register], event.digest)
    return values


def compare(
    events: Iterable[Event], rtmrs: tuple[bytes, bytes, bytes, bytes]
) -> tuple[RegisterMatch, ...]:
    """Compare a log with measured registers, one result for each of the four.

    Args:
        events: all events, binary and text, in order.
        rtmrs: from a verified quote, 48 raw bytes each; never stripped of anything.

    Raises:
        EvidenceError: a register is not 48 bytes long.
    """
    if len(rtmrs) != RTMR_COUNT or any(len(value) != REGISTER_BYTES for value in rtmrs):
        raise EvidenceError(f"event log: {RTMR_COUNT} registers of {REGISTER_BYTES} bytes expected")
    listed = tuple(events)
    values = replay(listed)
    return tuple(
        RegisterMatch(
            register,
            measured,
            values[register],
            sum(1 for event in listed if event.register is register and event.is_measured),
        )
        for register, measured in zip(RTMRS, rtmrs, strict=True)
    )


def _read_header(reader: Reader) -> dict[int, int]:
    """The first record, in the old format: which digests follow, with their sizes."""
    reader.uint(4)
    if reader.uint(4) != EV_NO_ACTION:
        raise EvidenceError("event log: it does not start with its specification")
    reader.take(20)
    content = Reader(reader.sized(4, MAX_EVENT_BYTES), "event log, its specification")
    content.take(24)
    count = content.uint(4)
    if not 0 < count <= MAX_ALGORITHMS:
        raise EvidenceError(f"event log: {count} digest algorithms")
    sizes = dict(_DIGEST_BYTES)
    for _ in range(count):
        algorithm, size = content.uint(2), content.uint(2)
        if sizes.setdefault(algorithm, size) != size or not 0 < size <= 64:
            raise EvidenceError(f"event log: digests of algorithm {algorithm:#x} of {size} bytes")
    content.sized(1, 255)
    content.finish()
    return sizes


def _at_end(reader: Reader, log: bytes) -> bool:
    """Whether the end mark or the end was reached; the rest of the area is filled with ones."""
    if not reader.remaining:
        return True
    at = reader.position
    return log[at : at + 4] == _END.to_bytes(4, "little")


def _read_event(reader: Reader, sizes: dict[int, int]) -> Event:
    index, kind, count = reader.uint(4), reader.uint(4), reader.uint(4)
    if count > MAX_DIGESTS:
        raise EvidenceError(f"event log: an event with {count} digests")
    digests: dict[int, bytes] = {}
    for _ in range(count):
        algorithm = reader.uint(2)
        if algorithm not in sizes or algorithm in digests:
            raise EvidenceError(f"event log: a digest of algorithm {algorithm:#x}")
        digests[algorithm] = reader.take(sizes[algorithm])
    data = reader.sized(4, MAX_EVENT_BYTES)
    # What is not measured has no digest worth reading, nor always a register.
    if kind == EV_NO_ACTION:
        register = _BY_INDEX[index] if index < len(_BY_INDEX) else Register.MRTD
        return Event(register, kind, digests.get(SHA384, bytes(REGISTER_BYTES)), data)
    if index >= len(_BY_INDEX):
        raise EvidenceError(f"event log: an event of register {index}, of which there is none")
    if SHA384 not in digests:
        raise EvidenceError("event log: an event without the SHA-384 digest that TDX extends")
    return Event(_BY_INDEX[index], kind, digests[SHA384], data)
