"""PDFs, read by a child process that is ended when it takes too long."""

import asyncio
import sys
from typing import Any

import msgspec

from cocoon.telegram.bot.reading import pdf_child
from cocoon.telegram.bot.reading.values import Document, UnreadableError, Why

MAX_PAGES = 500
MAX_CHILDREN = 2
"""PDFs that are read at once."""
MAX_WAITING = 20
"""PDFs that wait for their turn."""
SECONDS = 20.0
"""Longest time for one PDF."""

_ERRORS: dict[object, Why] = {"locked": "locked", "broken": "broken", "slow": "slow"}


class _Turns:
    """How many children may run in one event loop, and how many wait."""

    def __init__(self) -> None:
        self.free = asyncio.Semaphore(MAX_CHILDREN)
        self.waiting = 0


_turns: dict[asyncio.AbstractEventLoop, _Turns] = {}


async def read_pdf(
    name: str, data: bytes, max_chars: int, *, max_pages: int = MAX_PAGES, seconds: float = SECONDS
) -> Document:
    """Text of a PDF's first pages.

    Args:
        name: for people.
        data: the file.
        max_chars: what goes beyond is left out.
        max_pages: likewise.
        seconds: after which the child is ended.

    Raises:
        UnreadableError: as its ``code`` says.
    """
    turns = _of_this_loop()
    if turns.waiting >= MAX_WAITING:
        raise UnreadableError("busy")
    turns.waiting += 1
    try:
        async with turns.free:
            output = await _child(data, max_pages, max_chars, seconds)
    finally:
        turns.waiting -= 1
    return _document(name, output, max_chars)


def _of_this_loop() -> _Turns:
    loop = asyncio.get_running_loop()
    for other in [known for known in _turns if known.is_closed()]:
        del _turns[other]
    return _turns.setdefault(loop, _Turns())


async def _child(data: bytes, max_pages: int, max_chars: int, seconds: float) -> bytes:
    try:
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-B", pdf_child.__file__, str(max_pages), str(max_chars)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={},  # the service's may hold secrets
        )
    except OSError:
        raise UnreadableError("busy") from None
    try:
        output, _ = await asyncio.wait_for(child.communicate(data), seconds)
    except TimeoutError:
        raise UnreadableError("slow") from None
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    if child.returncode != 0:
        raise UnreadableError("slow")  # its limits ended it
    return output


def _document(name: str, output: bytes, max_chars: int) -> Document:
    try:
        answer: dict[str, Any] = msgspec.json.decode(output, type=dict[str, Any])
    except (msgspec.MsgspecError, ValueError):
        raise UnreadableError("broken") from None
    if "error" in answer:
        raise UnreadableError(_ERRORS.get(answer["error"], "broken"))
    text = _printable(str(answer["text"]))[:max_chars]
    if not text.strip():
        raise UnreadableError("empty")
    return Document(name, text, int(answer["pages"]), int(answer["read"]), bool(answer["cut"]))


def _printable(text: str) -> str:
    """Without controls, and without the lone surrogates that broken fonts give."""
    text = text.encode("utf-8", "replace").decode()
    return "".join(char for char in text if char >= " " or char in "\t\n").strip()
