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
MAX_STARS = 8


@dataclass(frozen=True, slots=True)
class _Rule:
    pattern: re.Pattern[str]
    keeps: bool
    only_directories: bool
    whole_path: bool

    def matches(self, path: str, *, is_directory: bool) -> bool:
        if self.only_directories and not is_directory:
            return False
        subject = path if self.whole_path else path.rpartition("/")[2]
        return self.pattern.fullmatch(subject) is not None


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
                if rule.matches(relative, is_directory=is_directory):
                    return not rule.keeps
            if not directory:
                return False
            directory = directory.rpartition("/")[0]


def _parse(text: str, directory: str) -> tuple[_Rule, ...]:
    where = f"{directory}/.gitignore" if directory else ".gitignore"
    rules = []
    for line in text.split("\n"):
        line = _without_trailing_spaces(line)
        if line and not line.startswith("#"):
            rules.append(_rule(line, where))
    return tuple(rules)


def _without_trailing_spaces(line: str) -> str:
    stripped = line.rstrip(" ")
    escapes = len(stripped) - len(stripped.rstrip("\\"))
    return stripped + " " if escapes % 2 and stripped != line else stripped


def _rule(line: str, where: str) -> _Rule:
    if len(line) > MAX_PATTERN_CHARACTERS or "\r" in line or line.count("*") > MAX_STARS:
        raise ConfigError(f"{where}: {line[:40]!r} is too long, has too many * or a CR at its end")
    keeps = line.startswith("!")
    line = line[keeps:]
    only_directories = line.endswith("/")
    line = line[: -1 if only_directories else None]
    whole_path = "/" in line
    line = line.removeprefix("/")
    if not line or line.endswith("/"):
        raise ConfigError(f"{where} has a pattern that names nothing")
    return _Rule(re.compile(_expression(line, where)), keeps, only_directories, whole_path)


def _expression(pattern: str, where: str) -> str:
    out = []
    at = 0
    while at < len(pattern):
        part, at = _next(pattern, at, where)
        out.append(part)
    return "(?s:" + "".join(out) + ")"


def _next(pattern: str, at: int, where: str) -> tuple[str, int]:
    at_part = at == 0 or pattern[at - 1] == "/"
    if at_part and pattern.startswith("**/", at):
        return "(?:[^/]+/)*", at + 3
    if at_part and pattern[at:] == "**":
        return ".+" if at else ".*", len(pattern)
    character = pattern[at]
    if character == "*":
        end = at
        while pattern.startswith("*", end):
            end += 1
        return "[^/]*", end
    if character == "?":
        return "[^/]", at + 1
    if character == "[":
        return _class(pattern, at, where)
    if character == "\\":
        if at + 1 == len(pattern):
            raise ConfigError(f"{where}: {pattern!r} ends with a backslash")
        return re.escape(pattern[at + 1]), at + 2
    return re.escape(character), at + 1


def _class(pattern: str, at: int, where: str) -> tuple[str, int]:
    found = re.compile(r"\[([!^]?)([A-Za-z0-9_.\-]+)\]").match(pattern, at)
    if found is None:
        raise ConfigError(f"{where}: the class in {pattern!r} is not of letters, digits, _ . -")
    inside = found[2]
    if re.search(r"[^A-Za-z0-9]-.|.-[^A-Za-z0-9]", inside) or re.search(r"(.)-(.)", inside):
        _check_ranges(inside, pattern, where)
    return f"(?!/)[{'^' if found[1] else ''}{inside}]", found.end()


def _check_ranges(inside: str, pattern: str, where: str) -> None:
    plain = re.sub(r"([0-9])-([0-9])|([a-z])-([a-z])|([A-Z])-([A-Z])", "", inside)
    pairs = re.findall(r"([0-9a-zA-Z])-([0-9a-zA-Z])", inside)
    if "-" in plain or any(low > high for low, high in pairs):
        raise ConfigError(f"{where}: the class in {pattern!r} has a range that is not plain")
