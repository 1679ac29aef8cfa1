"""A process of its own that reads one PDF: standard input to a line of JSON on standard output.

Run as a file, so that it loads the standard library and pypdf alone: no secrets of the service are
in its memory, its surroundings are empty, and it has hard limits of time and memory. What a
malicious file can reach by it is its own process, for a few seconds.
"""

import contextlib
import io
import json
import logging
import os
import sys
import time

MAX_MEMORY = 768 * 1024 * 1024
"""Bytes of address space; pypdf alone takes about a tenth."""
MAX_CPU_SECONDS = 20
MAX_OPEN_FILES = 64
PATIENCE = 10.0
"""Seconds after which no further page is begun."""


def limit() -> None:
    """Take away what reading a file does not need."""
    try:
        import resource  # noqa: PLC0415 - not on every system
    except ImportError:  # pragma: no cover - Windows
        return
    for what, most in (
        (resource.RLIMIT_AS, MAX_MEMORY),
        (resource.RLIMIT_CPU, MAX_CPU_SECONDS),
        (resource.RLIMIT_NOFILE, MAX_OPEN_FILES),
        (resource.RLIMIT_FSIZE, 0),  # pipes are not files
        (resource.RLIMIT_CORE, 0),
    ):
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(what, (most, most))
    os.nice(10)  # answers to others come first


def text_of(data: bytes, max_pages: int, max_chars: int) -> dict[str, object]:
    """The text of a PDF, page after page, until a limit is met.

    Returns:
        ``text``, ``pages`` and ``read`` (how many pages the text holds), ``cut``; or ``error``:
        ``locked``, ``broken`` or ``slow``.
    """
    from pypdf import PdfReader  # noqa: PLC0415 - only here

    try:
        reader = PdfReader(io.BytesIO(data))
        if reader.is_encrypted and not reader.decrypt(""):
            return {"error": "locked"}
        return _pages(reader, max_pages, max_chars)
    except (MemoryError, RecursionError):
        return {"error": "slow"}
    except Exception:  # pypdf raises whatever a malformed file leads it to
        return {"error": "broken"}


def _pages(reader: object, max_pages: int, max_chars: int) -> dict[str, object]:
    deadline = time.monotonic() + PATIENCE
    pages = reader.pages  # type: ignore[attr-defined]
    count, read, length = len(pages), 0, 0
    parts: list[str] = []
    for number in range(min(count, max_pages)):
        if length > max_chars or time.monotonic() > deadline:
            break
        try:
            part = str(pages[number].extract_text()).strip()
        except (MemoryError, RecursionError):
            break
        except Exception:  # one bad page does not spoil the others
            part = ""
        read += 1
        length += len(part) + 2
        parts.append(part)
    whole = "\n\n".join(part for part in parts if part)
    cut = read < count or len(whole) > max_chars
    return {"text": whole[:max_chars], "pages": count, "read": read, "cut": cut}


def main() -> None:
    """Read standard input with the limits that the command line gives: pages, characters."""
    limit()
    logging.disable()  # pypdf quotes what it finds
    sys.setrecursionlimit(2000)
    try:
        answer = text_of(sys.stdin.buffer.read(), int(sys.argv[1]), int(sys.argv[2]))
        line = json.dumps(answer).encode("ascii")
    except MemoryError:
        line = b'{"error": "slow"}'
    sys.stdout.buffer.write(line)


if __name__ == "__main__":
    main()
