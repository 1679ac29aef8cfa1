"""PDFs, read by a child process that is ended when it takes too long."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec

from cocoon.telegram.bot.reading import pdf_child
from cocoon.telegram.bot.reading.values import Document, UnreadableError, Why

MAX_PAGES = 500
MAX_CHILDREN = 2
"""PDFs that are read at once."""
MAX_WAITING = 20
"""PDFs that wait for their turn."""
MAX_OF_ONE = 10
"""PDFs of one person that are read or wait, as many as apps send at once; one is read at a time."""
SECONDS = 20.0
"""Longest time for one PDF."""

_ERRORS: dict[object, Why] = {"locked": "locked", "broken": "broken", "slow": "slow"}


@dataclass(slots=True)
class _Own:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    count: int = 0


class _Turns:
    """How many children may run in one event loop, how many wait, and whose they are."""

    def __init__(self) -> None:
        self.free = asyncio.Semaphore(MAX_CHILDREN)
        self.waiting = 0
        self.owners: dict[int, _Own] = {}

    @asynccontextmanager
    async def of(self, owner: int) -> AsyncIterator[None]:
        """The turn of one person's PDF; what else they sent waits outside everybody's queue."""
        own = self.owners.setdefault(owner, _Own())
        if own.count >= MAX_OF_ONE:
            raise UnreadableError("busy")
        own.count += 1
        try:
            async with own.lock, self._place():
                yield
        finally:
            own.count -= 1
            if not own.count:
                del self.owners[owner]

    @asynccontextmanager
    async def _place(self) -> AsyncIterator[None]:
        if self.waiting >= MAX_WAITING:
            raise UnreadableError("busy")
        self.waiting += 1
        try:
            async with self.free:
                yield
        finally:
            self.waiting -= 1


_turns: dict[asyncio.AbstractEventLoop, _Turns] = {}


async def read_pdf(
    name: str,
    data: bytes,
    max_chars: int,
    *,
    owner: int,
    max_pages: int = MAX_PAGES,
    seconds: float = SECONDS,
) -> Document:
    """Text of a PDF's first pages.

    Args:
        name: for people.
        data: the file.
        max_chars: what goes beyond is left out.
        owner: Telegram's id of who asks.
        max_pages: what goes beyond is left out, too.
        seconds: after which the child is ended.

    Raises:
        UnreadableError: as its ``code`` says.
    """
    async with _of_this_loop().of(owner):
        output = await _child(data, max_pages, max_chars, seconds)
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
