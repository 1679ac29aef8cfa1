"""Boot logs replay to the registers, and lies in them show."""

import hashlib
import json
import struct
from pathlib import Path

import pytest

from cocoon.attestation.event_log import (
    MAX_EVENTS,
    MAX_TEXT_EVENTS,
    Event,
    Register,
    compare,
    extend,
    parse_ccel,
    parse_event_log,
    replay,
    text_events,
)
from cocoon.attestation.event_names import MAX_SHOWN, describe, event_name
from cocoon.errors import EvidenceError
from cocoon.testing.event_log import ccel_table, log_event, log_header

VECTORS = Path(__file__).parents[3] / "vectors" / "attestation" / "event_log.json"
END = b"\xff" * 4
EFI_ACTION, EFI_VARIABLE_BOOT, EFI_APPLICATION = 0x80000007, 0x80000002, 0x80000003
BLOB2, NO_ACTION, SEPARATOR, TAG, IPL = 0x8000000A, 3, 4, 6, 0x0D
GUID = bytes(range(16))


def rtmrs(events: tuple[Event, ...]) -> tuple[bytes, bytes, bytes, bytes]:
    values = replay(events)
    return (
        values[Register.RTMR0],
        values[Register.RTMR1],
        values[Register.RTMR2],
        values[Register.RTMR3],
    )


@pytest.mark.parametrize("case", json.loads(VECTORS.read_text()), ids=lambda case: case["name"])
def test_start_up_events_give_the_documented_register(case: dict[str, object]) -> None:
    lines = case["lines"]
    assert isinstance(lines, list)
    for text in ("\n".join(lines), "\n".join(lines) + "\n"):
        assert replay(text_events(text))[Register.RTMR3].hex() == case["rtmr3"]


def test_a_log_replays_and_compares() -> None:
    log = log_header() + log_event(1, SEPARATOR, bytes(4)) + log_event(2, EFI_ACTION, b"Exit")
    log += log_event(2, SEPARATOR, bytes(4)) + log_event(3, IPL, b"console=hvc0\0") + END
    events = parse_event_log(log + b"\xff" * 100) + text_events("cocoon:tdx_inited\n")
    zero = bytes(48)
    separator = hashlib.sha384(bytes(4)).digest()
    expected = (
        extend(zero, separator),
        extend(extend(zero, hashlib.sha384(b"Exit").digest()), separator),
        extend(zero, hashlib.sha384(b"console=hvc0\0").digest()),
        extend(zero, hashlib.sha384(b"cocoon:tdx_inited").digest()),
    )
    matches = compare(events, expected)
    assert all(match.matches for match in matches)
    assert [match.events for match in matches] == [1, 2, 1, 1]
    wrong = compare(events, (expected[0], zero, expected[2], expected[3]))
    assert [match.matches for match in wrong] == [True, False, True, True]
    assert wrong[1].replayed == expected[1]


def test_events_of_mrtd_do_not_touch_rtmr0() -> None:
    # The official reader folds index 0 into RTMR0.
    events = parse_event_log(log_header() + log_event(0, EFI_ACTION, b"x"))
    assert events[0].register is Register.MRTD
    assert rtmrs(events) == (bytes(48),) * 4


@pytest.mark.parametrize("tail", [b"\n", b" ", b" \n\n"])
def test_registers_that_end_like_text_are_compared_whole(tail: bytes) -> None:
    # The official reader strips these bytes from the binary value.
    value = bytes(48 - len(tail)) + tail
    match = compare((), (value, bytes(48), bytes(48), bytes(48)))[0]
    assert match.measured == value
    assert not match.matches


def test_what_is_not_measured_changes_nothing() -> None:
    events = parse_event_log(log_header() + log_event(77, NO_ACTION, b"StartupLocality"))
    assert not events[0].is_measured
    assert rtmrs(events) == (bytes(48),) * 4


def test_of_several_digests_the_right_one_counts() -> None:
    data = b"both"
    head = struct.pack("<III", 1, EFI_ACTION, 2)
    digests = struct.pack("<H", 0x0B) + bytes(32)
    digests += struct.pack("<H", 0x0C) + hashlib.sha384(data).digest()
    log = log_header(((0x0B, 32), (0x0C, 48))) + head + digests + struct.pack("<I", 4) + data
    (event,) = parse_event_log(log)
    assert event.digest == hashlib.sha384(data).digest()
    assert event.data_is_proven


def variable(name: str, value: bytes) -> bytes:
    return GUID + struct.pack("<QQ", len(name), len(value)) + name.encode("utf-16-le") + value


@pytest.mark.parametrize(
    ("kind", "data", "name", "said"),
    [
        (EFI_ACTION, b"Exit Boot Services Invocation", "EV_EFI_ACTION", "Exit Boot Services"),
        (IPL, "a=b\0".encode("utf-16-le"), "EV_IPL", "a=b"),
        (SEPARATOR, bytes(4), "EV_SEPARATOR", "separator 00000000"),
        (TAG, struct.pack("<II", 7, 3) + b"abc", "EV_EVENT_TAG", "tag 0x7: abc"),
        (BLOB2, bytes([3]) + b"fv1" + bytes(16), "EV_EFI_PLATFORM_FIRMWARE_BLOB2", "fv1"),
        (
            EFI_VARIABLE_BOOT,
            variable("Boot0001", bytes(6) + "UEFI Shell\0".encode("utf-16-le")),
            "EV_EFI_VARIABLE_BOOT",
            "UEFI Shell",
        ),
        (EFI_VARIABLE_BOOT, variable("SecureBoot", b"\1"), "EV_EFI_VARIABLE_BOOT", "of 1 bytes"),
        (EFI_VARIABLE_BOOT, bytes(40), "EV_EFI_VARIABLE_BOOT", "do not parse"),
        (
            EFI_APPLICATION,
            bytes(24)
            + struct.pack("<Q", 4 + 16)
            + struct.pack("<BBH", 4, 4, 4 + 12)
            + "\\a.efi".encode("utf-16-le")
            + struct.pack("<BBH", 0x7F, 0xFF, 4),
            "EV_EFI_BOOT_SERVICES_APPLICATION",
            "\\a.efi",
        ),
        (EFI_APPLICATION, b"", "EV_EFI_BOOT_SERVICES_APPLICATION", "do not parse"),
        (0x12345, b"zz", "EV_0x00012345", "2 bytes"),
    ],
)
def test_events_have_readable_names(kind: int, data: bytes, name: str, said: str) -> None:
    (event,) = parse_event_log(log_header() + log_event(1, kind, data))
    assert event_name(event) == name
    assert said in describe(event)


def test_descriptions_are_tame() -> None:
    (event,) = parse_event_log(log_header() + log_event(1, EFI_ACTION, b"\x1b[2J" + b"a" * 999))
    assert len(describe(event)) == MAX_SHOWN
    assert "\x1b" not in describe(event)
    (own,) = text_events("cocoon:tdx_inited")
    assert (event_name(own), describe(own)) == ("COCOON", "cocoon:tdx_inited")


def test_a_lie_about_the_data_shows() -> None:
    digest = hashlib.sha384(b"what ran").digest()
    (event,) = parse_event_log(log_header() + log_event(1, EFI_ACTION, b"what is said", digest))
    assert event.digest == digest
    assert not event.data_is_proven


def test_the_table_points_to_the_log() -> None:
    assert parse_ccel(ccel_table(65_536)).length == 65_536


@pytest.mark.parametrize(
    "table",
    [
        b"",
        ccel_table(65_536)[:-1],
        ccel_table(65_536) + b"\0",
        b"XCEL" + ccel_table(1)[4:],
        ccel_table(65_536, kind=1),
        ccel_table(0),
        ccel_table(1 << 40),
    ],
)
def test_other_tables_are_refused(table: bytes) -> None:
    with pytest.raises(EvidenceError, match=r"^event log: "):
        parse_ccel(table)


@pytest.mark.parametrize(
    "log",
    [
        b"",
        log_header()[:-1],
        struct.pack("<II", 1, 4) + log_header()[8:],
        log_header(()),
        log_header(((0x0C, 20),)),
        log_header(((0x99, 0),)),
        log_header() + b"\0",
        log_header() + log_event(1, SEPARATOR, bytes(4))[:-1],
        log_header() + log_event(5, SEPARATOR, bytes(4)),
        log_header() + struct.pack("<IIII", 1, 4, 0, 0),
        log_header() + struct.pack("<III", 1, 4, 9),
        log_header() + struct.pack("<IIIH", 1, 4, 1, 0x99) + bytes(52),
        log_header() + struct.pack("<III", 1, 4, 2) + (b"\x0c\0" + bytes(48)) * 2 + bytes(4),
        log_header() + log_event(1, SEPARATOR, b"") * (MAX_EVENTS + 1),
        bytes((4 << 20) + 1),
    ],
    ids=range(15),
)
def test_malformed_logs_are_refused(log: bytes) -> None:
    with pytest.raises(EvidenceError, match=r"^event log"):
        parse_event_log(log)


@pytest.mark.parametrize(
    "text", ["a\0b", "a\tb", "\n", "a\n\nb", "x" * 1025, "\n".join(["a"] * (MAX_TEXT_EVENTS + 1))]
)
def test_malformed_start_up_events_are_refused(text: str) -> None:
    with pytest.raises(EvidenceError, match=r"^event log"):
        text_events(text)


def test_registers_of_the_wrong_size_are_refused() -> None:
    with pytest.raises(EvidenceError):
        compare((), (bytes(48), bytes(48), bytes(48), bytes(47)))
