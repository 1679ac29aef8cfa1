"""What a key manager did, for people: one JSON object a line, no secrets.

Each record carries a MAC over itself and the one before, under a key of the master secret: the host
can cut the log's end off, but not change or invent a record. The encrypted state remembers how long
the log was, so that a shorter one is noticed.
"""

import hmac
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from cocoon.errors import StoreError

MAX_LINE_BYTES: Final = 64 << 10
MAC_BYTES: Final = 32


class AuditRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One event.

    Attributes:
        number: from 1, without gaps.
        time: unix seconds.
        event: such as ``released``, ``refused``, ``generated``, ``handed-over``.
        image_hash: of the peer, in hex.
        evidence: kind of the peer's evidence.
        platform_id: of the peer's machine in hex, where its evidence shows it.
        peer: the peer's public key in hex.
        keys: public keys that it is about, in hex.
        detail: a word more.
    """

    number: int
    time: int
    event: str
    image_hash: str = ""
    evidence: str = ""
    platform_id: str = ""
    peer: str = ""
    keys: tuple[str, ...] = ()
    detail: str = ""


class _Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    record: AuditRecord
    mac: str


def chain_mac(key: bytes, previous: bytes, record: AuditRecord) -> bytes:
    """The MAC of a record after another, 32 bytes."""
    return hmac.digest(key, previous + msgspec.json.encode(record), "sha256")


class AuditLog:
    """The file; only ever appended to.

    Args:
        path: where it is.
        key: authenticates it, 32 bytes.

    Attributes:
        count: records in it.
        mac: of the last, empty without any.
    """

    def __init__(self, path: Path, key: bytes) -> None:
        self._path = path
        self._key = key
        self.count = 0
        self.mac = b""
        self._size = 0

    def open(self, least_count: int, mac: bytes) -> None:
        """Check the whole file.

        Args:
            least_count: records that it had when the state was written.
            mac: of the last of them.

        Raises:
            StoreError: a record was changed, or records are missing.
        """
        found = b"" if not least_count else None
        for record, line_mac in _lines(self._path):
            expected = chain_mac(self._key, self.mac, record)
            if record.number != self.count + 1 or not hmac.compare_digest(expected, line_mac):
                raise StoreError(f"{self._path}: record {self.count + 1} was changed")
            self.count, self.mac = record.number, line_mac
            if record.number == least_count:
                found = line_mac
        self._size = self._path.stat().st_size if self.count else 0
        if found != mac:
            raise StoreError(
                f"{self._path}: {least_count} records were written, {self.count} are there: "
                "somebody cut or exchanged the log, or put an old copy back; restore it"
            )

    def append(self, event: str, now: int, **details: object) -> AuditRecord:
        """Write one record; on disk when this returns.

        Raises:
            StoreError: it cannot be written. What it tells of must then not happen.
        """
        record = AuditRecord(self.count + 1, now, event, **details)  # type: ignore[arg-type]
        mac = chain_mac(self._key, self.mac, record)
        line = msgspec.json.encode(_Line(record, mac.hex())) + b"\n"
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
            with os.fdopen(descriptor, "r+b") as file:
                if file.seek(0, os.SEEK_END) < self._size:
                    raise StoreError(f"{self._path}: somebody cut the log while it was in use")
                # What a write that failed has left behind tells of something that did not happen.
                file.truncate(self._size)
                file.seek(self._size)
                file.write(line)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise StoreError(f"cannot write {self._path}: {error.strerror}") from None
        self.count, self.mac = record.number, mac
        self._size += len(line)
        return record


def parse_line(line: bytes) -> tuple[AuditRecord, bytes]:
    """One line of the file: the record and its MAC, which is not checked here.

    Raises:
        StoreError: it is none.
    """
    try:
        parsed = msgspec.json.decode(line, type=_Line)
        mac = bytes.fromhex(parsed.mac)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError):
        raise StoreError("a line of the audit log does not read") from None
    if len(mac) != MAC_BYTES:
        raise StoreError("a line of the audit log does not read")
    return parsed.record, mac


def _lines(path: Path) -> Iterator[tuple[AuditRecord, bytes]]:
    try:
        with path.open("r+b") as file:
            good = 0
            while line := file.readline(MAX_LINE_BYTES):
                if not line.endswith(b"\n"):
                    file.truncate(good)  # torn by a crash: what it tells of did not happen
                    return
                good += len(line)
                yield parse_line(line)
    except FileNotFoundError:
        return
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error.strerror}") from None
