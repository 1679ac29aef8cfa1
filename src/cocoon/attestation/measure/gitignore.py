"""Which files a ``.gitignore`` excludes, as git decides it.

Source: gitignore(5). Patterns whose meaning is obscure (a class that does not end, POSIX classes,
a backslash at the end) are refused instead of guessed: the hash of a configuration depends on it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from cocoon.errors import ConfigError

MAX_PATTERNS = 1000
MAX_PATTERN_CHARACTERS = 256

_CLASS = re.compile(r"\[([!^]?)([A-Za-z0-9_.\-]+)\]")
_RANGE = re.compile(r"([0-9A-Za-z])-([0-9A-Za-z])")
_PLAIN_RANGE = re.compile(r"[0-9]-[0-9]|[a-z]-[a-z]|[A-Z]-[A-Z]")


@dataclass(frozen=True, slots=True)
class _Rule:
    parts: tuple[re.Pattern[str] | None, ...]
    """One pattern a part of the path; None is ``**``."""
    keeps: bool
    only_directories: bool

    def matches(self, path: list[str], *, is_directory: bool) -> bool:
        if self.only_directories and not is_directory:
            return False
        # Positions in the path up to which the parts so far can match.
        reached = {0}
        for index, part in enumerate(self.parts):
            if part is None:
                least = min(reached) + (index + 1 == len(self.parts))
                reached = set(range(least, len(path) + 1))
            else:
                reached = {at + 1 for at in reached if at < len(path) and part.fullmatch(path[at])}
            if not reached:
                return False
        return len(path) in reached


class IgnoreRules:
    """The rules of all ``.gitignore`` files of a tree.

    Args:
        files: their texts by directory; "" is the top.

    Raises:
        ConfigError: too many patterns, or one that is refused.
    """

    def __init__(self, files: Mapping[str, str]) -> None:
        self._rules = {directory: _parse(text, directory) for directory, text in files.items()}
        if sum(map(len, self._rules.values())) > MAX_PATTERNS:
            raise ConfigError(f"more than {MAX_PATTERNS} patterns in .gitignore files")

    def ignores(self, path: str) -> bool:
        """Whether a file is excluded, itself or with a directory above it."""
        parts = path.split("/")
        above = ("/".join(parts[:count]) for count in range(1, len(parts)))
        if any(self._excluded(directory, is_directory=True) for directory in above):
            return True
        return self._excluded(path, is_directory=False)

    def _excluded(self, path: str, *, is_directory: bool) -> bool:
        directory = path.rpartition("/")[0]
        while True:
            relative = path[len(directory) + 1 :] if directory else path
            for rule in reversed(self._rules.get(directory, ())):
                if rule.matches(relative.split("/"), is_directory=is_directory):
                    return not rule.keeps
            if not directory:
                return False
            directory = directory.rpartition("/")[0]


def _parse(text: str, directory: str) -> tuple[_Rule, ...]:
    where = f"{directory}/.gitignore" if directory else ".gitignore"
    rules = []
    for raw in text.split("\n"):
        line = _without_trailing_spaces(raw)
        if line and not line.startswith("#"):
            rules.append(_rule(line, where))
    return tuple(rules)


def _without_trailing_spaces(line: str) -> str:
    stripped = line.rstrip(" ")
    escapes = len(stripped) - len(stripped.rstrip("\\"))
    return stripped + " " if escapes % 2 and stripped != line else stripped


def _rule(line: str, where: str) -> _Rule:
    if len(line) > MAX_PATTERN_CHARACTERS or "\r" in line:
        raise ConfigError(f"{where}: {line[:40]!r} is too long or has a carriage return")
    keeps = line.startswith("!")
    line = line[keeps:]
    only_directories = line.endswith("/")
    line = line[: -1 if only_directories else None]
    anchored = "/" in line
    line = line.removeprefix("/")
    if not line or line.endswith("/"):
        raise ConfigError(f"{where} has a pattern that names nothing")
    parts = [_part(part, where, alone=not anchored) for part in line.split("/")]
    return _Rule(tuple(parts if anchored else [None, *parts]), keeps, only_directories)


def _part(pattern: str, where: str, *, alone: bool) -> re.Pattern[str] | None:
    """The expression of one part of a path; each star is bounded, so that matching is quick."""
    if pattern == "**" and not alone:
        return None
    segments = [""]
    at = 0
    while at < len(pattern):
        if pattern[at] == "*":
            segments.append("")
            at += 1
        else:
            piece, at = _piece(pattern, at, where)
            segments[-1] += piece
    first, *rest = segments
    if not rest:
        return re.compile(f"(?s:{first})")
    middle = "".join(f"(?>.*?{segment})" for segment in rest[:-1] if segment)
    return re.compile(f"(?s:{first}{middle}.*{rest[-1]})")


def _piece(pattern: str, at: int, where: str) -> tuple[str, int]:
    character = pattern[at]
    if character == "?":
        return ".", at + 1
    if character == "[":
        return _class(pattern, at, where)
    if character == "\\":
        if at + 1 == len(pattern):
            raise ConfigError(f"{where}: {pattern!r} ends with a backslash")
        return re.escape(pattern[at + 1]), at + 2
    return re.escape(character), at + 1


def _class(pattern: str, at: int, where: str) -> tuple[str, int]:
    found = _CLASS.match(pattern, at)
    if found is None:
        raise ConfigError(f"{where}: the class in {pattern!r} is not of letters, digits, _ . -")
    inside = found[2]
    backwards = any(low > high for low, high in _RANGE.findall(inside))
    if "-" in _PLAIN_RANGE.sub("", inside) or backwards:
        raise ConfigError(f"{where}: the class in {pattern!r} has a range that is not plain")
    return f"[{'^' if found[1] else ''}{inside}]", found.end()
