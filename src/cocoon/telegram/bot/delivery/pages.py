"""Long answers as several messages, cut where a reader would turn the page.

Cuts are made in the Markdown, so that a page that was sent never changes while the answer grows:
what follows is converted on its own. A block of code that is cut ends and begins anew, with its
language; so does emphasis.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from cocoon.telegram.bot.delivery.entities import Rendered, utf16_length
from cocoon.telegram.bot.delivery.formatting import MAX_SOURCE, MAX_UNITS, clean, plain, render
from cocoon.telegram.bot.delivery.marks import Fence, after_line, closed, open_emphasis, open_fence

MAX_PAGES = 64
"""Messages that one answer can be; what is longer ends there."""
_TRIES = 10
_OPENING = 64
"""Longest language of a code block, characters, that is said again on the next page."""
_WORSE = "\u200d\ufe0e\ufe0f"
_SENTENCE = re.compile(r"[.!?…\u3002\uff01\uff1f][\"')\]*_]*\s")
_TABLE_RULE = re.compile(r"[-:| ]+")
_TABLE_HEAD = 512
"""Longest head of a table, characters, that is said again on the next page."""
_SPACE = re.compile(r"\s")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page begins.

    Attributes:
        at: character of the answer.
        opening: Markdown that goes before it: what the page before had to close.
    """

    at: int = 0
    opening: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """A message, and where the next one begins: None where this is the last."""

    content: Rendered
    next: Place | None = None


def next_page(source: str, place: Place = Place(), *, is_whole: bool = True) -> Page:
    """The page that begins at a place.

    Args:
        source: all of the answer so far, Markdown; what follows a page that has a next one does not
            change it.
        place: where the page before ended.
        is_whole: False while the answer still grows: the last page is then made to look well.
    """
    rest = source[place.at :]
    if len(rest) <= MAX_SOURCE - len(place.opening):
        text = place.opening + rest
        page = render(text if is_whole else closed(text))
        if _is_message(page):
            return Page(page)
    return _first_of_many(source, place)


def pages(source: str, place: Place = Place()) -> Iterator[Rendered]:
    """The messages of an answer from a place on; none is empty, there are up to 64."""
    following: Place | None = place
    for _ in range(MAX_PAGES):
        if following is None:
            return
        page = next_page(source, following)
        if page.content.text.strip():
            yield page.content
        following = page.next


def _is_message(content: Rendered) -> bool:
    return content.units <= MAX_UNITS


def _first_of_many(source: str, place: Place) -> Page:
    """As much as fits, cut at the best place of its second half."""
    units = MAX_UNITS
    for _ in range(_TRIES):
        end, opening, closing = _cut(source, place, units)
        content = render(place.opening + source[place.at : end].rstrip() + closing)
        if _is_message(content):
            return Page(content, _after(source, end, opening))
        units = max(256, int(units * min(0.9, 0.95 * MAX_UNITS / content.units)))
    end = _reach(source, place.at, MAX_UNITS)
    return Page(plain(source[place.at : end]), _after(source, end, ""))


def _after(source: str, end: int, opening: str) -> Place | None:
    """Where the rest begins; without the space before it, which could look like code."""
    if not opening:
        while end < len(source) and source[end].isspace():
            end += 1
    return Place(end, opening) if end < len(source) else None


def _cut(source: str, place: Place, units: int) -> tuple[int, str, str]:
    """Where to end a page, what to open again behind it, and what to close before it."""
    limit = _reach(source, place.at, units)
    half = place.at + (limit - place.at) // 2
    by_line = _line_ends(source, place, half, limit)
    if by_line is not None:
        end, fence = by_line
        return (
            (end, fence.opening, fence.closing) if fence else (end, _table(source, place, end), "")
        )
    head = source[place.at : limit]
    fence = open_fence(place.opening + head)
    if fence is not None:
        return _whole(source, place.at, limit), fence.opening, fence.closing
    end = _words_end(source, place.at, half, limit)
    marks = [
        mark
        for mark in open_emphasis(place.opening + source[place.at : end])
        if mark in source[end : end + MAX_UNITS]
    ]
    return end, "".join(marks), "".join(reversed(marks))


def _reach(source: str, start: int, units: int) -> int:
    """How far so many UTF-16 units go; at least a character."""
    end = min(len(source), start + units)
    while end > start + 1 and (over := utf16_length(source[start:end]) - units) > 0:
        end -= max(1, over // 2)
    return end


def _line_ends(source: str, place: Place, half: int, limit: int) -> tuple[int, Fence | None] | None:
    """The last of the best ends of lines between two places, and the fence that is open there."""
    fence = open_fence(place.opening) if place.opening else None
    best: tuple[int, int, Fence | None] | None = None
    at = place.at
    while (newline := source.find("\n", at, limit)) >= 0:
        line, at = source[at:newline], newline + 1
        fence = after_line(line, fence)
        if at <= half:
            continue
        worth = _worth(line, source[at : at + 80], fence)
        usable = fence is None or len(fence.opening) <= _OPENING
        if usable and (best is None or worth >= best[0]):
            best = worth, at, fence
    return best[1:] if best else None


def _worth(line: str, following: str, fence: Fence | None) -> int:
    """How good the end of a line is for the end of a page."""
    after = following.partition("\n")[0]
    if fence is not None:
        return 1 if line.strip() else 2
    if not line.strip():
        return 3 if after.startswith(("    ", "\t")) else 5
    if after.lstrip().startswith("|"):
        return 0  # inside a table
    return 4 if after.startswith(("#", "- ", "* ", "```", "~~~")) or after[:1].isdigit() else 3


def _table(source: str, place: Place, end: int) -> str:
    """The first two lines of the table that goes on behind a place, or nothing."""
    if not source.startswith("|", end):
        return ""
    lines = (place.opening + source[place.at : end]).rstrip("\n").split("\n")
    first = len(lines)
    while first and lines[first - 1].startswith("|"):
        first -= 1
    head = lines[first : first + 2]
    if len(head) < 2 or not _TABLE_RULE.fullmatch(head[1]) or len(head[0] + head[1]) > _TABLE_HEAD:
        return ""
    return f"{head[0]}\n{head[1]}\n"


def _words_end(source: str, start: int, half: int, limit: int) -> int:
    """Behind the last sentence, else the last word, else the last whole character."""
    for pattern in (_SENTENCE, _SPACE):
        ends = [found.end() for found in pattern.finditer(source, half, limit)]
        if ends:
            return ends[-1]
    return _whole(source, start, limit)


def _whole(source: str, start: int, end: int) -> int:
    """The end moved to the left so that no accent, joiner or flag is torn from its character."""
    for at in range(end, max(start, end - 32), -1):
        if at >= len(source) or not _belongs(source[at], source[at - 1]):
            return at
    return end


def _belongs(char: str, before: str) -> bool:
    is_flag = "\U0001f1e6" <= char <= "\U0001f1ff"
    is_tone = "\U0001f3fb" <= char <= "\U0001f3ff"
    joined = char in _WORSE or before == "\u200d"
    return bool(is_flag or is_tone or joined or unicodedata.combining(char))


def clipped(source: str) -> Rendered:
    """What fits into one message, for places that have only one; the rest becomes "…"."""
    page = next_page(clean(source))
    if page.next is None:
        return page.content
    whole = page.content
    if whole.units + 2 > MAX_UNITS:
        short = plain(source[: _reach(source, 0, MAX_UNITS - 2)])
        return Rendered(f"{short.text}\n…", ())
    return Rendered(f"{whole.text}\n…", whole.entities)


def broken_off(source: str, place: Place, reason: str) -> str:
    """What was written, the code and emphasis of its page ended, and why there is no more."""
    rest = closed(place.opening + source[place.at :])[len(place.opening) :]
    fence = open_fence(place.opening + rest)
    body = source[: place.at] + rest + (fence.closing if fence else "")
    return f"{body}\n\n{reason}" if body.strip() else reason
