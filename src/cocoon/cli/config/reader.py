"""Read a parsed TOML table into a dataclass whose fields say how they are read.

Unknown keys are errors, every error names the file and the key, and no error shows a value: it may
be a secret.
"""

import difflib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

from cocoon.errors import ConfigError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Context:
    """Where a value stands.

    Attributes:
        folder: what relative paths are relative to.
        where: file and key, for errors.
    """

    folder: Path
    where: str

    def inner(self, name: str) -> "Context":
        """The place of a key of this table."""
        separator = ": " if self.where.endswith((".toml", ".json")) else "."
        return Context(self.folder, f"{self.where}{separator}{name}")

    def error(self, text: str) -> ConfigError:
        """An error at this place."""
        return ConfigError(f"{self.where}: {text}")


Parse = Callable[[object, Context], Any]
"""Checks one value; raises the error of its context."""


def key(parse: Parse, help_text: str, *, default: Any = MISSING, secret: bool = False) -> Any:
    """Declare a field that is read from one key of the same name.

    Args:
        parse: checks the value.
        help_text: what it means, for the reference page.
        default: value when the key is absent; without one the key is required.
        secret: keep it out of ``repr``.
    """
    metadata = {"parse": parse, "help": help_text}
    if default is MISSING:
        return field(metadata=metadata, repr=not secret)
    return field(default=default, metadata=metadata, repr=not secret)


def table(cls: type, help_text: str) -> Any:
    """Declare a field that is a table of its own, read into ``cls``; absent is an empty table."""
    return field(default_factory=cls, metadata={"table": cls, "help": help_text})


def read(cls: type[T], document: object, context: Context) -> T:
    """Build ``cls`` from a table.

    Raises:
        ConfigError: a key is unknown or missing, or its value is wrong.
    """
    if not isinstance(document, Mapping):
        raise context.error("must be a table")
    known = {item.name: item for item in fields(cls)}  # type: ignore[arg-type]
    for name in document:
        if name not in known:
            raise context.inner(str(name)).error(_unknown(str(name), list(known)))
    values: dict[str, object] = {}
    for name, item in known.items():
        inner = context.inner(name)
        if "table" in item.metadata:
            values[name] = read(item.metadata["table"], document.get(name, {}), inner)
        elif name in document:
            values[name] = item.metadata["parse"](document[name], inner)
        elif item.default is MISSING:
            raise inner.error("is missing")
    try:
        return cls(**values)
    except ConfigError as error:  # a rule over several keys of this table
        raise context.error(str(error)) from None


def _unknown(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    if close:
        return f"no such key; did you mean {close[0]!r}?"
    return f"no such key; known here: {', '.join(known)}"


@dataclass(frozen=True, slots=True)
class DocumentedKey:
    """One key for the reference page.

    Attributes:
        path: such as ``workers.port``.
        help: what it means.
        required: whether it must be there.
        default: its default, meaningless when required.
        parse: what reads its value.
    """

    path: str
    help: str
    required: bool
    default: object
    parse: Parse


def documented_keys(cls: type, prefix: str = "") -> Iterator[DocumentedKey]:
    """Every key that ``cls`` reads, those of inner tables with a dotted path."""
    for item in fields(cls):
        inner = item.metadata.get("table")
        if inner is not None:
            yield from documented_keys(inner, f"{prefix}{item.name}.")
        else:
            required = item.default is MISSING
            help_text, parse = item.metadata["help"], item.metadata["parse"]
            yield DocumentedKey(prefix + item.name, help_text, required, item.default, parse)
