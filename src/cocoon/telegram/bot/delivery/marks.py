"""Which marks of Markdown are open at a place: fences of code, and emphasis inside a paragraph.

A guess by the common rules, good enough to show half a sentence nicely and to cut a long one. A
wrong guess costs a stray asterisk.
"""

import re
from dataclasses import dataclass

_FENCE = re.compile(r"^[ \t>]*(?P<fence>`{3,}|~{3,})(?P<info>[^\n]*)$")
_TICKS = re.compile(r"`+")
_EMPHASIS = re.compile(r"\\.|\*{1,3}|_{1,3}|~~", re.DOTALL)
_HALF_LINK = re.compile(r"!?\[(?P<words>[^\[\]\n]{0,256})\](?:\([^()\s]{0,2048})?$")
_BLANK = re.compile(r"\n[ \t]*\n")


@dataclass(frozen=True, slots=True)
class Fence:
    """An open block of code: what opened it."""

    mark: str
    info: str = ""

    @property
    def opening(self) -> str:
        """Line that opens it again."""
        return f"{self.mark}{self.info}\n"

    @property
    def closing(self) -> str:
        """What ends it."""
        return f"\n{self.mark}"


def after_line(line: str, fence: Fence | None) -> Fence | None:
    """The fence that is open after a line, given the one before it."""
    found = _FENCE.match(line)
    if found is None:
        return fence
    mark, info = found["fence"], found["info"].strip()
    if fence is None:
        is_code_span = mark[0] == "`" and "`" in info
        return None if is_code_span else Fence(mark, info)
    closes = mark[0] == fence.mark[0] and len(mark) >= len(fence.mark) and not info
    return None if closes else fence


def open_fence(source: str) -> Fence | None:
    """The fence that is open at the end."""
    fence: Fence | None = None
    for line in source.split("\n"):
        fence = after_line(line, fence)
    return fence


def open_emphasis(source: str) -> list[str]:
    """Marks that are open at the end of a text outside fences, in order; ```` ` ```` is one too."""
    paragraph = source[_last_blank(source) :]
    outside, ticks = _without_code(paragraph)
    marks: list[str] = []
    for found in _EMPHASIS.finditer(outside):
        mark = found[0]
        if mark.startswith("\\"):
            continue
        before = outside[found.start() - 1] if found.start() else " "
        after = outside[found.end()] if found.end() < len(outside) else " "
        if mark[0] == "_" and before.isalnum() and after.isalnum():
            continue
        if mark in marks and not before.isspace():
            del marks[marks.index(mark) :]
        elif not after.isspace():
            marks.append(mark)
    return [*marks, ticks] if ticks else marks


def _last_blank(source: str) -> int:
    return max((found.end() for found in _BLANK.finditer(source)), default=0)


def _without_code(paragraph: str) -> tuple[str, str]:
    """A paragraph with its code spans blanked out, and the backticks of one that is open."""
    pieces, at = [], 0
    runs = list(_TICKS.finditer(paragraph))
    index = 0
    while index < len(runs):
        run = runs[index]
        end = next((i for i in range(index + 1, len(runs)) if runs[i][0] == run[0]), None)
        pieces.append(paragraph[at : run.start()])
        if end is None:
            return "".join(pieces), run[0]
        pieces.append("x" * (runs[end].end() - run.start()))
        at, index = runs[end].end(), end + 1
    return "".join([*pieces, paragraph[at:]]), ""


def closed(source: str) -> str:
    """Half an answer with its open marks closed, so that it does not flicker while it grows."""
    fence = open_fence(source)
    if fence is not None:
        return source  # an open fence reaches to the end by itself
    text = source.rstrip()
    half = _HALF_LINK.search(text)
    if half is not None and half["words"]:
        text = text[: half.start()] + half["words"]
    text = text.rstrip("*_~`").rstrip()  # marks that have just been written say nothing yet
    return text + "".join(reversed(open_emphasis(text)))
