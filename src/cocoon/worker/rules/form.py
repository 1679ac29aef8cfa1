"""Forms with a file (``multipart/form-data``): read, checked, and written anew.

Two readers of such a form may disagree about it; therefore the engine gets one that we have written
ourselves, of what we have checked.
"""

import logging
import re
import secrets
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from cocoon.engine.request_rules import MAX_BODY_SIZE
from cocoon.errors import BadRequestError
from cocoon.wire import refusals
from cocoon.worker.rules.values import Rule, encoded

MAX_FORM_PARTS: Final = 64
MAX_FORM_FIELD: Final = 64 << 10
"""Bytes of a field that is no file."""
FORM_TYPE: Final = "multipart/form-data"
FILE_FIELD: Final = "file"

# It would log bytes of a body that it cannot read.
logging.getLogger("python_multipart").setLevel(logging.CRITICAL)

_BOUNDARY = re.compile(rb"[A-Za-z0-9'()+_,./:=? \-]{1,70}", re.ASCII)
_FILE_NAME = re.compile(r"[A-Za-z0-9._\-]{1,128}", re.ASCII)
_FILE_TYPE = re.compile(r"(?:audio|video)/[A-Za-z0-9.+\-]{1,64}|application/octet-stream", re.ASCII)
_SCALAR = re.compile(r"true|false|-?[0-9]{1,20}(?:\.[0-9]{1,20})?", re.ASCII)


class Part(msgspec.Struct, repr_omit_defaults=True):
    """One field of a form.

    Attributes:
        name: of the field.
        data: its bytes; text in UTF-8 unless it is the file.
        filename: what the caller calls the file; None: it is no file.
        content_type: media type that it is given; may be empty.
    """

    name: str
    data: bytes
    filename: str | None = None
    content_type: str = ""

    def __repr__(self) -> str:
        return f"Part({self.name!r}, {len(self.data)} bytes)"


def is_form(content_type: str) -> bool:
    """Whether a ``Content-Type`` says that the body is a form with files."""
    return content_type.partition(";")[0].strip().lower() == FORM_TYPE


def parse_form(body: bytes, content_type: str) -> list[Part]:
    """Take a form apart.

    Args:
        body: at most `MAX_BODY_SIZE` bytes.
        content_type: the header with the boundary.

    Raises:
        BadRequestError: it is not a form, or larger than the limits.
    """
    if len(body) > MAX_BODY_SIZE:
        raise BadRequestError(f"the request body is longer than {MAX_BODY_SIZE} bytes")
    boundary = _boundary(content_type)
    reader = _Reader()
    parser = MultipartParser(boundary, reader.callbacks(), max_header_count=8)
    try:
        parser.write(body)
        parser.finalize()
    except (FormParserError, UnicodeDecodeError):
        raise BadRequestError("the request body is not a form") from None
    if not reader.ended:
        raise BadRequestError("the request body is not a form")
    return reader.parts


def write_form(parts: list[Part]) -> tuple[bytes, str]:
    """Write a form. Returns its bytes and its ``Content-Type``.

    Names and file names must have been checked.
    """
    boundary = f"cocoon-{secrets.token_hex(16)}"
    out = []
    for part in parts:
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{part.name}"'
        if part.filename is not None:
            head += f'; filename="{part.filename}"\r\nContent-Type: {part.content_type}'
        out += [head.encode(), b"\r\n\r\n", part.data, b"\r\n"]
    out.append(f"--{boundary}--\r\n".encode())
    return b"".join(out), f"{FORM_TYPE}; boundary={boundary}"


def check_form(parts: list[Part], rules: Mapping[str, Rule]) -> list[Part]:
    """Check every field; the file gets a plain name and type.

    Raises:
        BadRequestError: a field is unknown, given twice, wrong, or missing.
    """
    seen: set[str] = set()
    kept = []
    for part in parts:
        if part.name in seen and not part.name.endswith("[]"):
            raise refusals.wrong(_shown(part.name), "be given once")
        seen.add(part.name)
        if part.name == FILE_FIELD:
            kept.append(_checked_file(part))
        elif part.data or part.filename is not None:  # an empty field is the same as none
            _check_field(part, rules)
            kept.append(part)
    for name in (FILE_FIELD, "model"):
        if name not in seen:
            raise refusals.missing(name)
    return kept


def _checked_file(part: Part) -> Part:
    if part.filename is None:
        raise refusals.wrong(FILE_FIELD, "be a file")
    if not part.data:
        raise refusals.wrong(FILE_FIELD, "have content")
    name = part.filename if _FILE_NAME.fullmatch(part.filename) else "audio"
    known = _FILE_TYPE.fullmatch(part.content_type)
    kind = part.content_type if known else "application/octet-stream"
    return Part(part.name, part.data, name, kind)


def _check_field(part: Part, rules: Mapping[str, Rule]) -> None:
    rule = rules.get(part.name)
    if rule is None:
        raise refusals.unknown(part.name)
    if part.filename is not None:
        raise refusals.wrong(part.name, "be no file")
    if len(part.data) > MAX_FORM_FIELD:
        raise refusals.wrong(part.name, f"have at most {MAX_FORM_FIELD} bytes")
    try:
        text = part.data.decode()
    except UnicodeDecodeError:
        raise refusals.wrong(part.name, "be UTF-8") from None
    raw = encoded(text)
    if not rule.accepts(raw) and _SCALAR.fullmatch(text):
        raw = msgspec.Raw(text.encode())
    rule.apply(raw, part.name)


def _shown(name: str) -> str:
    return name if name == FILE_FIELD or re.fullmatch(r"[a-z_]{1,64}", name) else "of the form"


def _boundary(content_type: str) -> bytes:
    kind, options = _options(content_type[:1024].encode("ascii", "replace"))
    boundary = options.get(b"boundary", b"")
    if kind != FORM_TYPE.encode() or not _BOUNDARY.fullmatch(boundary):
        raise BadRequestError(f"the content type must be {FORM_TYPE} with a boundary")
    return boundary


def _options(header: bytes) -> tuple[bytes, dict[bytes, bytes]]:
    try:
        return parse_options_header(header)
    except (ValueError, LookupError):  # a charset that does not exist, bytes that are not in one
        return b"", {}


class _Reader:
    """Collects what the parser finds."""

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self.ended = False
        self._data: list[bytes] = []
        self._headers: dict[bytes, bytes] = {}
        self._name = b""
        self._value = b""

    def callbacks(self) -> Any:
        """What `MultipartParser` calls."""
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._field,
            "on_header_value": self._text,
            "on_header_end": self._header,
            "on_part_data": self._bytes,
            "on_part_end": self._part,
            "on_end": self._end,
        }

    def _begin(self) -> None:
        if len(self.parts) >= MAX_FORM_PARTS:
            raise BadRequestError(f"the form has more than {MAX_FORM_PARTS} fields")
        self._data, self._headers = [], {}

    def _field(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _text(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header(self) -> None:
        self._headers[self._name.lower()] = self._value
        self._name = self._value = b""

    def _bytes(self, data: bytes, start: int, end: int) -> None:
        self._data.append(data[start:end])

    def _part(self) -> None:
        kind, options = _options(self._headers.get(b"content-disposition", b""))
        if kind != b"form-data" or b"name" not in options:
            raise BadRequestError("the request body is not a form")
        filename = options.get(b"filename")
        self.parts.append(
            Part(
                options[b"name"].decode(),
                b"".join(self._data),
                None if filename is None else filename.decode(errors="replace"),
                self._headers.get(b"content-type", b"").decode("latin-1").strip().lower(),
            )
        )

    def _end(self) -> None:
        self.ended = True
