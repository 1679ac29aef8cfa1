"""Forms with a file: read with hard limits, and written anew for the engine.

Two readers of one form may disagree about it, so the engine gets one that the gateway has written
itself, of what it has checked.
"""

import logging
import re
import secrets
from typing import Any, Final

import msgspec
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from cocoon.gateway.refusal import Refusal

MAX_PARTS: Final = 64
MAX_FIELD: Final = 2**16
"""Bytes of a field that is no file."""
MAX_PART_HEADERS: Final = 8
FORM: Final = "multipart/form-data"

# It would log bytes of a body that it cannot read.
logging.getLogger("python_multipart").setLevel(logging.CRITICAL)

_name = re.compile(r"[A-Za-z0-9_]{1,64}(?:\[\])?")
_boundary = re.compile(rb"[A-Za-z0-9'()+_,./:=? -]{1,70}")
_media_type = re.compile(r"(?:audio|video)/[a-z0-9.+-]{1,64}")
_extension = re.compile(r"\.([A-Za-z0-9]{1,5})$")
_OTHER = "application/octet-stream"


class Part(msgspec.Struct, frozen=True):
    """One field of a form.

    Attributes:
        name: of the field; ``name[]`` may occur several times.
        data: its bytes; UTF-8 unless it is a file.
        filename: of a file; None for other fields.
        content_type: of a file, as the caller says.
    """

    name: str
    data: bytes
    filename: str | None = None
    content_type: str = ""

    def __repr__(self) -> str:
        return f"Part({self.name!r}, {len(self.data)} bytes)"


def parse_form(body: bytes, content_type: bytes) -> list[Part]:
    """Take a form apart.

    Args:
        body: no larger than the gateway takes.
        content_type: the request's header, with the boundary.

    Raises:
        Refusal: with status 400: another content type, a malformed form, or one beyond a limit.
    """
    kind, options = parse_options_header(content_type[:512])
    if kind != FORM.encode():
        raise Refusal(
            f"Unsupported content type: this path takes {FORM} only.",
            code="unsupported_content_type",
        )
    boundary = options.get(b"boundary", b"")
    if not _boundary.fullmatch(boundary):
        raise _malformed()
    collector = _Collector()
    try:
        parser = MultipartParser(boundary, collector.callbacks(), max_header_count=MAX_PART_HEADERS)
        parser.write(body)
        parser.finalize()
    except (FormParserError, UnicodeError, ValueError):
        raise _malformed() from None
    if not collector.ended:
        raise _malformed()
    return collector.parts


def write_form(parts: list[Part]) -> tuple[bytes, str]:
    """Write a form; returns its bytes and its content type.

    A file goes under a plain name: only its ending says something to an engine, the rest may say
    something about the caller.
    """
    boundary = f"cocoon-{secrets.token_hex(16)}"
    out: list[bytes] = []
    for part in parts:
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{part.name}"'
        if part.filename is not None:
            found = _extension.search(part.filename)
            ending = f".{found[1].lower()}" if found else ""
            kind = part.content_type if _media_type.fullmatch(part.content_type) else _OTHER
            head += f'; filename="audio{ending}"\r\nContent-Type: {kind}'
        out += [head.encode(), b"\r\n\r\n", part.data, b"\r\n"]
    out.append(f"--{boundary}--\r\n".encode())
    return b"".join(out), f"{FORM}; boundary={boundary}"


def _malformed() -> Refusal:
    return Refusal("the request body is not a valid form", code="invalid_form")


class _Collector:
    """What the parser finds."""

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self.ended = False
        self._seen: set[str] = set()
        self._data: list[bytes] = []
        self._headers: dict[bytes, bytes] = {}
        self._field = b""
        self._value = b""

    def callbacks(self) -> Any:
        """What :class:`MultipartParser` calls."""
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._take_field,
            "on_header_value": self._take_value,
            "on_header_end": self._header,
            "on_part_data": self._take_data,
            "on_part_end": self._end_part,
            "on_end": self._end,
        }

    def _begin(self) -> None:
        if len(self.parts) >= MAX_PARTS:
            raise Refusal(f"the form has more than {MAX_PARTS} fields", code="invalid_form")
        self._data, self._headers = [], {}

    def _take_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _take_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header(self) -> None:
        self._headers[self._field.lower()] = self._value
        self._field = self._value = b""

    def _take_data(self, data: bytes, start: int, end: int) -> None:
        self._data.append(data[start:end])

    def _end_part(self) -> None:
        kind, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        name = options.get(b"name", b"").decode("latin-1")
        if kind != b"form-data" or not _name.fullmatch(name):
            raise _malformed()
        if name in self._seen and not name.endswith("[]"):
            raise Refusal("a field occurs twice in the form", code="invalid_form")
        self._seen.add(name)
        data = b"".join(self._data)
        filename = options.get(b"filename")
        if filename is None and len(data) > MAX_FIELD:
            raise Refusal(
                f"Invalid '{name}': too long. Expected at most {MAX_FIELD} bytes.",
                param=name,
                code="string_above_max_length",
            )
        shown = None if filename is None else filename.decode("latin-1")
        declared = self._headers.get(b"content-type", b"").decode("latin-1").strip().lower()
        self.parts.append(Part(name, data, shown, declared))

    def _end(self) -> None:
        self.ended = True
