"""Plain text of any kind: which encoding it is in, and whether it is text at all."""

import codecs
import itertools

from cocoon.telegram.bot.reading.values import Document, UnreadableError

MAX_CONTROL_SHARE = 0.01
"""More control characters than this are no text."""
MAX_BYTES_PER_CHAR = 4
_SPACES = "\t\n\r\f\v\x1b\x08"
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def read_text(name: str, data: bytes, max_chars: int) -> Document:
    """Decode a text file; at most ``max_chars`` characters of it.

    Raises:
        UnreadableError: it is no text (``kind``), or there is none in it (``empty``).
    """
    head = data[: max_chars * MAX_BYTES_PER_CHAR + MAX_BYTES_PER_CHAR]
    text = decode(head)
    if text is None:
        raise UnreadableError("kind")
    text = text.replace("\r\n", "\n").replace("\r", "\n").strip("\ufeff")
    is_cut = len(text) > max_chars or len(head) < len(data)
    text = text[:max_chars].strip()
    if not text:
        raise UnreadableError("empty")
    return Document(name, text, is_cut=is_cut)


def decode(data: bytes) -> str | None:
    """The text that bytes hold, whose end may be torn; None where they hold no text.

    Without a mark it is UTF-8, or else one of the two encodings that old Windows files are in:
    Cyrillic where letters beyond ASCII stand side by side, Western where they stand alone.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _without_controls(data.decode(encoding, "replace"))
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(data)  # forgives a torn end
    except UnicodeDecodeError:
        if b"\0" in data:
            return None
        text = data.decode("cp1251" if _is_cyrillic(data) else "cp1252", "replace")
    return _without_controls(text)


def _is_cyrillic(data: bytes) -> bool:
    high = [byte >= 0xC0 for byte in data[:65536]]
    pairs = sum(a and b for a, b in itertools.pairwise(high))
    return pairs * 2 > sum(high)


def _without_controls(text: str) -> str | None:
    controls = sum(1 for char in text if (char < " " and char not in _SPACES) or char == "\ufffd")
    if controls > len(text) * MAX_CONTROL_SHARE:
        return None
    return "".join(char for char in text if char >= " " or char in "\t\n\r")
