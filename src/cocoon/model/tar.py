"""Headers of a normalised archive, byte for byte as GNU tar writes them.

The form is ``tar --sort=name --format=posix --pax-option=exthdr.name=%d/PaxHeaders/%f
--pax-option=delete=atime,delete=ctime --clamp-mtime --mtime=@0 --numeric-owner --owner=0 --group=0
--mode=go+u,go-w`` in the C locale (``attestation.md`` §9).
"""

import posixpath
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final

from cocoon.errors import EvidenceError

BLOCK: Final = 512
RECORD: Final = 20 * BLOCK
"""An archive's length is a multiple of this."""
NAME_FIELD: Final = 100
SIZE_LIMIT: Final = 8**11
"""Sizes from here on stand in a pax record."""
MAX_PATH: Final = 4096
"""Bytes of a name or link target."""
MAX_RECORDS: Final = 16384
"""Bytes of pax records before one member; two paths and a size fit."""
MAX_SIZE: Final = 1 << 50
MAX_MEMBERS: Final = 1_000_000

ReadAt = Callable[[int, int], bytes]
"""Bytes at an offset, so many; fewer only at the end."""


class Kind(Enum):
    """What a member is; the value is its type flag."""

    FILE = b"0"
    HARD_LINK = b"1"
    SYMBOLIC_LINK = b"2"
    DIRECTORY = b"5"


@dataclass(frozen=True, slots=True)
class Member:
    """One member of an archive; times, owner and group are always zero.

    Attributes:
        name: begins with ``./``, that of a directory ends in ``/``.
        kind: what it is.
        mode: permission bits.
        size: bytes of content; 0 unless it is a file.
        target: of a link: as it is for a symbolic one, the name of a member for a hard one.
    """

    name: bytes
    kind: Kind
    mode: int
    size: int = 0
    target: bytes = b""

    @property
    def parts(self) -> tuple[bytes, ...]:
        """The name's components; members are in the order of these."""
        return tuple(self.name.rstrip(b"/").split(b"/"))

    @property
    def padded_size(self) -> int:
        """Bytes that the content takes in the archive."""
        return -(-self.size // BLOCK) * BLOCK


@dataclass(frozen=True, slots=True)
class Placed:
    """A member and where its header begins and its content stands in an archive, in bytes."""

    member: Member
    start: int
    content: int

    @property
    def end(self) -> int:
        """Where the next member begins."""
        return self.content + self.member.padded_size


def header(member: Member) -> bytes:
    """Everything that stands before a member's content, a multiple of 512 bytes."""
    size = member.size
    records = b""
    if len(member.target) > NAME_FIELD:  # tar asks nothing more of a target
        records += _record(b"linkpath", member.target)
    if len(member.name) > NAME_FIELD or not member.name.isascii():
        records += _record(b"path", member.name)
    if size >= SIZE_LIMIT:
        records += _record(b"size", b"%d" % size)
        size = 0
    block = _block(
        member.name, member.kind.value, member.mode, size, member.target, b"0000000\0" * 2
    )
    if not records:
        return block
    folder, name = posixpath.split(member.name.rstrip(b"/"))
    extended = _block(
        (folder or b".") + b"/PaxHeaders/" + name, b"x", 0o644, len(records), b"", bytes(16)
    )
    return extended + records + bytes(-len(records) % BLOCK) + block


def end_of_archive(position: int) -> bytes:
    """What follows the last member: the end mark, then padding.

    The padding to whole records is tar's; after it there are always 1 to 4096 more zeros
    (``attestation.md`` §9).

    Args:
        position: bytes before it.
    """
    end = position + 2 * BLOCK
    end += -end % RECORD
    return bytes(end + 4096 - end % 4096 - position)


def read_members(read: ReadAt, size: int) -> Iterator[Placed]:
    """Read the members of a normalised archive; any other archive is refused.

    Args:
        read: gives its bytes.
        size: of the archive in bytes.

    Raises:
        EvidenceError: it is cut off, or not exactly what :func:`header` writes, in order.
    """
    position, before = 0, tuple[bytes, ...]()
    for _ in range(MAX_MEMBERS):
        if not any(_exactly(read, position, BLOCK)):
            _check_end(read, position, size)
            return
        placed = _read_member(read, position)
        if placed.member.parts <= before:
            raise _malformed(position, "its names are not sorted")
        before = placed.member.parts
        yield placed
        position = placed.end
    raise EvidenceError(f"the archive has more than {MAX_MEMBERS} members")


def _read_member(read: ReadAt, start: int) -> Placed:
    position, records = start, {}
    block = _exactly(read, position, BLOCK)
    if block[156:157] == b"x":
        length = _octal(block[124:136], start)
        if not 0 < length <= MAX_RECORDS:
            raise _malformed(start, "its pax header is too long")
        padded = length + -length % BLOCK
        records = _parse_records(_exactly(read, start + BLOCK, padded)[:length], start)
        position += BLOCK + padded
        block = _exactly(read, position, BLOCK)
    member = _member(block, records, start)
    content = position + BLOCK
    if header(member) != _exactly(read, start, content - start):
        raise _malformed(start, "its header is not in the normal form")
    return Placed(member, start, content)


def _member(block: bytes, records: dict[bytes, bytes], start: int) -> Member:
    try:
        kind = Kind(block[156:157])
    except ValueError:
        raise _malformed(start, "it is no file, directory or link") from None
    name = records.get(b"path", block[:NAME_FIELD].rstrip(b"\0"))
    target = records.get(b"linkpath", block[157 : 157 + NAME_FIELD].rstrip(b"\0"))
    size = _octal(block[124:136], start)
    if b"size" in records:
        if not records[b"size"].isdigit():
            raise _malformed(start, "its size is no number")
        size = int(records[b"size"])
    if size > MAX_SIZE or (size and kind is not Kind.FILE):
        raise _malformed(start, "its size makes no sense")
    _check_path(name, start, folder=kind is Kind.DIRECTORY)
    if bool(target) != (kind in (Kind.HARD_LINK, Kind.SYMBOLIC_LINK)) or len(target) > MAX_PATH:
        raise _malformed(start, "its link makes no sense")
    return Member(name, kind, _octal(block[100:108], start), size, target)


def _check_path(name: bytes, start: int, *, folder: bool) -> None:
    inner = name[2:].removesuffix(b"/") if folder else name[2:]
    clean = all(part not in (b"", b".", b"..") for part in inner.split(b"/")) or name == b"./"
    if not (name.startswith(b"./") and len(name) <= MAX_PATH and clean and b"\0" not in name):
        raise _malformed(start, "its name is not inside of the archive")
    if folder != name.endswith(b"/"):
        raise _malformed(start, "its name is not that of its kind")


def _check_end(read: ReadAt, position: int, size: int) -> None:
    end = end_of_archive(position)
    if size != position + len(end) or any(_exactly(read, position, len(end))):
        raise _malformed(position, "the end of the archive is not in the normal form")


def _parse_records(data: bytes, start: int) -> dict[bytes, bytes]:
    records: dict[bytes, bytes] = {}
    while data:
        digits, space, _ = data[:8].partition(b" ")
        length = int(digits) if space and digits.isdigit() else 0
        record, data = data[:length], data[length:]
        key, equals, value = record[len(digits) + 1 :].partition(b"=")
        if not (equals and value.endswith(b"\n") and len(record) == length):
            raise _malformed(start, "its pax header does not parse")
        if key not in (b"path", b"linkpath", b"size") or key in records:
            raise _malformed(start, "its pax header says something else than path and size")
        if len(value) > MAX_PATH + 1:
            raise _malformed(start, "its name is too long")
        records[key] = value[:-1]
    return records


def _block(name: bytes, kind: bytes, mode: int, size: int, target: bytes, device: bytes) -> bytes:
    block = b"".join(
        (
            name[:NAME_FIELD].ljust(NAME_FIELD, b"\0"),
            b"%07o\0" % mode,
            b"0000000\0" * 2,  # owner, group
            b"%011o\0" % size,
            b"%011o\0" % 0,  # time
            b" " * 8,  # the checksum counts itself as spaces
            kind,
            target[:NAME_FIELD].ljust(NAME_FIELD, b"\0"),
            b"ustar\x0000",
            bytes(64),  # names of owner and group
            device,
            bytes(167),
        )
    )
    return block[:148] + b"%06o\0 " % sum(block) + block[156:]


def _record(key: bytes, value: bytes) -> bytes:
    """One pax record; its length counts its own digits."""
    rest = len(key) + len(value) + 3
    length = rest + len(str(rest))
    length = rest + len(str(length))
    return b"%d %s=%s\n" % (length, key, value)


def _octal(field: bytes, start: int) -> int:
    digits = field.rstrip(b"\0")
    if not digits or any(digit not in b"01234567" for digit in digits):
        raise _malformed(start, "a number in it is not octal")
    return int(digits, 8)


def _exactly(read: ReadAt, offset: int, length: int) -> bytes:
    data = read(offset, length)
    if len(data) != length:
        raise EvidenceError(f"the archive is cut off after byte {offset + len(data)}")
    return data


def _malformed(start: int, what: str) -> EvidenceError:
    return EvidenceError(f"not a normalised archive: at byte {start}: {what}")
