"""What reading a file gives."""

import unicodedata
from dataclasses import dataclass, field
from typing import Literal

from cocoon.errors import BadRequestError

MAX_NAME_CHARS = 80

Why = Literal["kind", "empty", "locked", "broken", "slow", "busy"]


class UnreadableError(BadRequestError):
    """No text can be had from a file.

    Attributes:
        code: ``kind`` (neither a PDF nor text), ``empty`` (a scan, or no words), ``locked`` (needs
            a password), ``broken``, ``slow`` (took more time or memory than is allowed), ``busy``
            (too many others are being read).
    """

    def __init__(self, code: Why) -> None:
        super().__init__(f"the file cannot be read: {code}")
        self.code: Why = code


@dataclass(frozen=True, slots=True)
class Document:
    """The text of a file.

    Attributes:
        name: for people, one line of at most 80 characters.
        text: what stands in it.
        pages: of the whole file, 0 where it has none.
        pages_read: how many of them ``text`` holds.
        is_cut: whether ``text`` is only the beginning.
    """

    name: str = field(repr=False)
    text: str = field(repr=False)
    pages: int = 0
    pages_read: int = 0
    is_cut: bool = False


def clean_name(name: str) -> str:
    """A file's name as one short line: no controls, no marks that turn text around."""
    spaced = " ".join(name.replace('"', "'").split())
    plain = "".join(char for char in spaced if unicodedata.category(char)[0] != "C").strip()
    if len(plain) > MAX_NAME_CHARS:
        half = MAX_NAME_CHARS // 2
        plain = f"{plain[: half - 1]}…{plain[-half:]}"
    return plain or "file"
