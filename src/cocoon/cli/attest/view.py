"""What a person or a script is shown of something: sections of named values, and warnings."""

import json
from dataclasses import dataclass, field
from typing import Any

from rich.text import Text

from cocoon.cli import layout

Value = str | int | bool | bytes | None | list[str] | dict[str, Any]


@dataclass(slots=True)
class Section:
    """A part of a view.

    Attributes:
        title: what it is about.
        rows: names, the same for people and scripts, and values; bytes are shown in hex.
    """

    title: str
    rows: list[tuple[str, Value]] = field(default_factory=list)

    def add(self, name: str, value: Value) -> None:
        """Add a value; None is left out."""
        if value is not None:
            self.rows.append((name, value))


@dataclass(slots=True)
class View:
    """Everything about one item.

    Attributes:
        kind: what it is.
        sections: its fields.
        warnings: what a reader must not overlook.
    """

    kind: str
    sections: list[Section] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def section(self, title: str) -> Section:
        """Begin a section."""
        self.sections.append(Section(title))
        return self.sections[-1]

    def include(self, other: "View", prefix: str = "") -> None:
        """Take over another view, such as that of a quote inside a certificate."""
        for section in other.sections:
            self.sections.append(Section(f"{prefix}{section.title}", section.rows))
        self.warnings += [f"{prefix}{warning}" for warning in other.warnings]

    def to_json(self) -> str:
        """For scripts."""
        sections: dict[str, Any] = {}
        for section in self.sections:
            sections[section.title] = {name: _plain(value) for name, value in section.rows}
        document = {"kind": self.kind, "sections": sections, "warnings": self.warnings}
        return json.dumps(document, indent=2)

    def render(self, width: int) -> Text:
        """For people, in lines of at most ``width`` columns where no value is longer."""
        parts = [Text(self.kind, style="bold")]
        for section in self.sections:
            rows = [(name, _shown(value)) for name, value in section.rows]
            parts += [Text(), layout.section(section.title, rows, width)]
        if self.warnings:
            parts.append(Text())
        for warning in self.warnings:
            parts.append(Text(layout.words(f"warning: {warning}", width), style="yellow"))
        return Text("\n").join(parts)


def _plain(value: Value) -> Any:
    return value.hex() if isinstance(value, bytes) else value


def _shown(value: Value) -> str:
    match value:
        case bytes():
            return "(zero)" if value and not any(value) else value.hex()
        case bool():
            return "yes" if value else "no"
        case list():
            return "\n".join(value) or "(none)"
        case dict():
            return "\n".join(f"{name} {inner}" for name, inner in value.items())
        case _:
            return str(value)
