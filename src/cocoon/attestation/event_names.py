"""What the events of a boot log say, for people (``attestation.md`` §8.5).

Everything here is for display: descriptions come from the host and are proven only where
:attr:`~cocoon.attestation.event_log.Event.data_is_proven` says so. Malformed data is shown as such
and never an error: the digest counts, not the words.
"""

import struct
from uuid import UUID

from cocoon.attestation.event_log import Event

MAX_SHOWN = 160

_BASE = 0x80000000
_NAMES = {
    0x00: "EV_PREBOOT_CERT",
    0x01: "EV_POST_CODE",
    0x02: "EV_UNUSED",
    0x03: "EV_NO_ACTION",
    0x04: "EV_SEPARATOR",
    0x05: "EV_ACTION",
    0x06: "EV_EVENT_TAG",
    0x07: "EV_S_CRTM_CONTENTS",
    0x08: "EV_S_CRTM_VERSION",
    0x09: "EV_CPU_MICROCODE",
    0x0A: "EV_PLATFORM_CONFIG_FLAGS",
    0x0B: "EV_TABLE_OF_DEVICES",
    0x0C: "EV_COMPACT_HASH",
    0x0D: "EV_IPL",
    0x0E: "EV_IPL_PARTITION_DATA",
    0x0F: "EV_NONHOST_CODE",
    0x10: "EV_NONHOST_CONFIG",
    0x11: "EV_NONHOST_INFO",
    0x12: "EV_OMIT_BOOT_DEVICE_EVENTS",
    _BASE + 0x01: "EV_EFI_VARIABLE_DRIVER_CONFIG",
    _BASE + 0x02: "EV_EFI_VARIABLE_BOOT",
    _BASE + 0x03: "EV_EFI_BOOT_SERVICES_APPLICATION",
    _BASE + 0x04: "EV_EFI_BOOT_SERVICES_DRIVER",
    _BASE + 0x05: "EV_EFI_RUNTIME_SERVICES_DRIVER",
    _BASE + 0x06: "EV_EFI_GPT_EVENT",
    _BASE + 0x07: "EV_EFI_ACTION",
    _BASE + 0x08: "EV_EFI_PLATFORM_FIRMWARE_BLOB",
    _BASE + 0x09: "EV_EFI_HANDOFF_TABLES",
    _BASE + 0x0A: "EV_EFI_PLATFORM_FIRMWARE_BLOB2",
    _BASE + 0x0B: "EV_EFI_HANDOFF_TABLES2",
    _BASE + 0x0C: "EV_EFI_VARIABLE_BOOT2",
    _BASE + 0x10: "EV_EFI_HCRTM_EVENT",
    _BASE + 0xE0: "EV_EFI_VARIABLE_AUTHORITY",
    _BASE + 0xE1: "EV_EFI_SPDM_FIRMWARE_BLOB",
    _BASE + 0xE2: "EV_EFI_SPDM_FIRMWARE_CONFIG",
}
_VARIABLES = (_BASE + 0x01, _BASE + 0x02, _BASE + 0x0C, _BASE + 0xE0)
_TEXTS = (0x05, 0x0D, _BASE + 0x07)
_DESCRIBED = (_BASE + 0x0A, _BASE + 0x0B)
_APPLICATIONS = (_BASE + 0x03, _BASE + 0x04, _BASE + 0x05)
_SEPARATOR, _TAG = 0x04, 0x06
_FILE_PATH = (0x04, 0x04)


def event_name(event: Event) -> str:
    """The TCG's name of the event's type, or ``COCOON`` for our own."""
    if event.kind is None:
        return "COCOON"
    return _NAMES.get(event.kind, f"EV_{event.kind:#010x}")


def describe(event: Event) -> str:
    """What the event says about itself, one line of at most :data:`MAX_SHOWN` characters."""
    if event.text is not None:
        return event.text[:MAX_SHOWN]
    try:
        said = _said(event.kind or 0, event.data)
    except (ValueError, struct.error):
        said = f"{len(event.data)} bytes that do not parse"
    return "".join(character if character.isprintable() else "?" for character in said)[:MAX_SHOWN]


def _said(kind: int, data: bytes) -> str:
    if kind in _VARIABLES:
        return _variable(data)
    if kind in _TEXTS:
        return _text(data)
    if kind in _DESCRIBED:
        return _text(data[1 : 1 + data[0]]) if data else "no description"
    if kind in _APPLICATIONS:
        return _application(data)
    if kind == _SEPARATOR:
        return f"separator {data[:8].hex()}"
    if kind == _TAG:
        return _tag(data)
    return f"{len(data)} bytes"


def _variable(data: bytes) -> str:
    """GUID 16, name length u64 (of UTF-16 units), data length u64, name, data."""
    name_units, value_bytes = struct.unpack_from("<QQ", data, 16)
    name_end = 32 + 2 * name_units
    if name_end + value_bytes != len(data):
        raise ValueError("lengths do not add up")
    name = data[32:name_end].decode("utf-16-le")
    said = f"{name}-{UUID(bytes_le=data[:16])} of {value_bytes} bytes"
    is_option = len(name) == 8 and name.startswith("Boot") and name != "BootNext"
    if is_option and value_bytes >= 6:
        return f"{said}: {_wide(data[name_end + 6 :])}"
    return said


def _application(data: bytes) -> str:
    """Address, length and link-time address, u64 each, then a device path behind its length."""
    path_bytes = struct.unpack_from("<Q", data, 24)[0]
    if 32 + path_bytes != len(data):
        raise ValueError("lengths do not add up")
    path, files = data[32:], []
    while len(path) >= 4:
        size = struct.unpack_from("<H", path, 2)[0]
        if size < 4 or size > len(path):
            raise ValueError("a path element does not fit")
        if (path[0], path[1]) == _FILE_PATH:
            files.append(_wide(path[4:size]))
        path = path[size:]
    return "".join(files) or "an image in memory"


def _tag(data: bytes) -> str:
    """Id u32, length u32, data."""
    number, size = struct.unpack_from("<II", data)
    if 8 + size != len(data):
        raise ValueError("lengths do not add up")
    return f"tag {number:#x}: {_text(data[8:])}"


def _wide(data: bytes) -> str:
    """UTF-16 up to its NUL."""
    end = next((at for at in range(0, len(data) - 1, 2) if data[at : at + 2] == b"\0\0"), len(data))
    return data[: end & ~1].decode("utf-16-le")


def _text(data: bytes) -> str:
    trimmed = data.rstrip(b"\0")
    # Loaders write UTF-16 where the standard says text; every other byte is then zero.
    if len(trimmed) > 1 and trimmed[1] == 0:
        return _wide(data)
    return trimmed.decode()
