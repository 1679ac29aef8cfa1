"""Text for terminals of any width: lines break between words only, so that hashes stay whole."""

import sys
import textwrap

from rich.console import Console
from rich.text import Text

INDENT = 6
"""Columns before what stands below its name because it does not fit beside it."""


def columns(console: Console) -> int:
    """The longest line: as the terminal, or any where a program or a file takes the text."""
    return console.width if console.is_terminal else sys.maxsize


def words(text: str, width: int) -> str:
    """Text in lines of at most ``width`` columns; a longer word has a line of its own."""
    lines = textwrap.wrap(text, max(width, 1), break_long_words=False, break_on_hyphens=False)
    return "\n".join(lines)


def named(name: str, value: str, width: int) -> str:
    """A name and what it stands for: beside it if there is room, else below.

    Args:
        name: padded, so that those of several lines align.
        value: one or more lines, which begin in the same column.
        width: columns of the longest line.
    """
    lines = value.split("\n")
    if all(len(name) + len(line) <= width for line in lines):
        return ("\n" + " " * len(name)).join([name + lines[0], *lines[1:]]).rstrip()
    below = [words(line, width - INDENT) for line in lines]
    return name.rstrip() + "\n" + textwrap.indent("\n".join(below), " " * INDENT)


def section(title: str, rows: list[tuple[str, str]], width: int) -> Text:
    """A title in bold, and named values."""
    longest = max((len(name) for name, _ in rows), default=0)
    text = Text(title, style="bold")
    for name, value in rows:
        text.append("\n" + named(f"  {name:{longest}}  ", value, width), style="not bold")
    return text
