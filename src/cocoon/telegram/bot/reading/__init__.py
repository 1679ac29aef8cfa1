"""Turns files that people send into text, within hard limits."""

from cocoon.telegram.bot.reading.pdf import read_pdf
from cocoon.telegram.bot.reading.text import read_text
from cocoon.telegram.bot.reading.values import Document, UnreadableError, clean_name

__all__ = ["Document", "UnreadableError", "clean_name", "is_pdf", "read_document", "read_pdf"]

PDF_HEAD_BYTES = 1024
"""Where readers look for the mark of a PDF (ISO 32000-1, annex H, note 13)."""


def is_pdf(data: bytes) -> bool:
    """Whether a file says that it is a PDF."""
    return b"%PDF-" in data[:PDF_HEAD_BYTES]


async def read_document(name: str, data: bytes, max_chars: int, *, owner: int) -> Document:
    """Read a PDF or any kind of plain text: txt, Markdown, CSV, JSON, source code.

    Args:
        name: of the file, as its sender calls it.
        data: its bytes; who downloads it limits them.
        max_chars: what goes beyond is left out, and the result says so.
        owner: Telegram's id of who asks: nobody keeps others from being read.

    Raises:
        UnreadableError: there is no text to be had from it; its ``code`` says why.
    """
    name = clean_name(name)
    if is_pdf(data):
        return await read_pdf(name, data, max_chars, owner=owner)
    return read_text(name, data, max_chars)
