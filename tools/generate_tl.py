"""Generate ``src/cocoon/tl/types.py`` from ``schema.tl``: one class a combinator.

``python tools/generate_tl.py`` writes the file; ``--check`` fails when it is not current.
The code is straight-line: consecutive fields of fixed size share one ``struct.Struct``, and nested
bare objects of fixed size are read and written inside the run of their parent.
"""

import argparse
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

from cocoon.tl import schema as tl_schema
from cocoon.tl.schema import Combinator, Field, Schema

TARGET = Path(__file__).parent.parent / "src/cocoon/tl/types.py"

FIXED = {"#": "i", "int": "i", "long": "q", "double": "d", "int256": "32s", "Bool": "I"}
SIZES = {"#": 4, "int": 4, "long": 8, "double": 8, "int256": 32, "Bool": 4, "string": 4, "bytes": 4}
PYTHON = {
    "#": "int", "int": "int", "long": "int", "double": "float", "int256": "bytes",
    "Bool": "bool", "string": "str", "bytes": "bytes",
}  # fmt: skip

HEADER = '''"""Generated from schema.tl by tools/generate_tl.py; do not edit."""

import struct
from typing import ClassVar, Self

from cocoon.tl.codec import (
    BOOL_IDS,
    BOOLS,
    READERS,
    Put,
    Reader,
    TLObject,
    bad_flags,
    flags_word,
    int256,
    presence_error,
    put_bytes,
    put_count,
    put_str,
    read_bytes,
    read_count,
    read_str,
    unknown_boxed,
)

_ID = struct.Struct("<I")
'''


def _class_name(name: str) -> str:
    """``client.runQueryEx`` → ``ClientRunQueryEx``."""
    return "".join(part[0].upper() + part[1:] for part in name.split("."))


@dataclass
class _Generator:
    """Emits the module; ``structs`` maps a format to the name of its shared Struct."""

    schema: Schema
    structs: dict[str, str] = field(default_factory=dict)
    temporary: int = 0

    # --- questions about the schema ---

    def is_flat(self, f: Field) -> bool:
        """Whether the field has one fixed size and can share a struct with its neighbours."""
        if f.vector or f.boxed:
            return False
        if f.type in FIXED:
            return True
        return f.type not in SIZES and all(
            self.is_flat(inner) and inner.bit is None and inner.type != "#"
            for inner in self.schema.combinators[f.type].fields
        )

    def least_size(self, f: Field) -> int:
        """The smallest number of bytes that the element ``f`` can take."""
        if f.bit is not None:
            return 0
        if f.vector or f.boxed:
            return 4
        if f.type in SIZES:
            return SIZES[f.type]
        return sum(self.least_size(inner) for inner in self.schema.combinators[f.type].fields)

    def python_type(self, f: Field) -> str:
        if f.type in PYTHON:
            inner = PYTHON[f.type]
        elif f.boxed:
            inner = self.boxed_python(f.type)
        else:
            inner = _class_name(f.type)
        if f.vector:
            inner = f"tuple[{inner}, ...]"
        return f"{inner} | None" if f.bit is not None else inner

    def boxed_python(self, result: str) -> str:
        return " | ".join(_class_name(c.name) for c in self.schema.constructors_of(result))

    def struct(self, fmt: str) -> str:
        fmt = _compress("<" + fmt)
        return self.structs.setdefault(fmt, f"_S{len(self.structs)}")

    def fresh(self) -> str:
        self.temporary += 1
        return f"t{self.temporary}"

    # --- the module ---

    def module(self) -> str:
        combinators = _in_dependency_order(self.schema)
        classes = [self.class_text(c) for c in combinators]
        structs = [f'{name} = struct.Struct("{fmt}")' for fmt, name in self.structs.items()]
        tables = [
            f"_BOXED_{_table_name(result)}: dict[int, Reader[{self.boxed_python(result)}]] = {{\n"
            + "".join(
                f"    {_class_name(c.name)}.ID: {_class_name(c.name)}._read,\n"
                for c in self.schema.constructors_of(result)
            )
            + "}\n"
            for result in _boxed_types(self.schema)
        ]
        names = sorted(_class_name(c.name) for c in combinators)
        readers = "\n".join(
            f"READERS[0x{c.id:08X}] = {_class_name(c.name)}._read" for c in combinators
        )
        exported = "__all__ = [\n" + "".join(f'    "{n}",\n' for n in names) + "]\n"
        parts = [HEADER + "\n".join(structs) + "\n", *classes, "\n".join(tables), readers + "\n"]
        return "\n\n".join(parts) + "\n" + exported

    def class_text(self, c: Combinator) -> str:
        self.temporary = 0
        name = _class_name(c.name)
        fields = "".join(f'\n        ("{f.name}", "{_type_text(f)}"),' for f in c.fields)
        lines = [
            f"class {name}(TLObject, frozen=True, gc=False):",
            f'    """``{c.name}`` of type ``{c.result}``."""',
            "",
            f"    ID: ClassVar[int] = 0x{c.id:08X}",
            f'    NAME: ClassVar[str] = "{c.name}"',
            f'    RESULT: ClassVar[str] = "{c.result}"',
        ]
        if c.is_function:
            lines.append("    IS_FUNCTION: ClassVar[bool] = True")
        if fields:
            lines.append(f"    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = ({fields}\n    )")
            lines.append("")
        lines += [
            f"    {f.name}: {self.python_type(f)}" + (" = None" if f.bit is not None else "")
            for f in c.fields
        ]
        lines += ["", "    def _write(self, put: Put) -> None:"]
        lines += _indent(self.writer(c, boxed=True), 2)
        if c.name in _bare_names(self.schema) and not self.is_flat(Field("", c.name)):
            lines += ["", "    def _write_bare(self, put: Put) -> None:"]
            lines += _indent(self.writer(c, boxed=False), 2)
        lines += [
            "",
            "    @classmethod",
            "    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:",
        ]
        lines += _indent(self.reader(c), 2)
        return "\n".join(lines) + "\n"

    # --- writing ---

    def writer(self, c: Combinator, *, boxed: bool) -> list[str]:
        fmt, values = ("I", [f"0x{c.id:08X}"]) if boxed else ("", [])
        out: list[str] = []
        for bit, group in _runs_by_bit(c.fields):
            if bit is None:
                fmt, values = self.write_fields(out, group, fmt, values)
                continue
            self.flush_write(out, fmt, values)
            fmt, values = "", []
            names = [f"self.{f.name}" for f in group]
            body: list[str] = []
            self.flush_write(body, *self.write_fields(body, group, "", []))
            missing = " or ".join(f"{n} is None" for n in names)
            present = " or ".join(f"{n} is not None" for n in names)
            error = f'raise presence_error("{c.name}", {bit})'
            out.append(f"if self.flags & {1 << bit}:")
            out += _indent([f"if {missing}:", f"    {error}", *body], 1)
            out += [f"elif {present}:", f"    {error}"]
        self.flush_write(out, fmt, values)
        return out or ["return"]

    def write_fields(
        self, out: list[str], fields: list[Field], fmt: str, values: list[str]
    ) -> tuple[str, list[str]]:
        """Emit ``fields``; fixed-size ones are collected and returned when they come last."""
        for f in fields:
            if self.is_flat(f):
                more_fmt, more_values = self.flat_values(f, f"self.{f.name}", out)
                fmt, values = fmt + more_fmt, values + more_values
                continue
            self.flush_write(out, fmt, values)
            fmt, values = "", []
            self.write_one(out, f)
        return fmt, values

    def flat_values(self, f: Field, source: str, out: list[str]) -> tuple[str, list[str]]:
        if f.type == "#":
            return "i", [f"flags_word({source})"]
        if f.type == "int256":
            return "32s", [f"int256({source})"]
        if f.type == "Bool":
            return "I", [f"BOOL_IDS[{source}]"]
        if f.type in FIXED:
            return FIXED[f.type], [source]
        local = self.fresh()
        out.append(f"{local} = {source}")
        fmt, values = "", []
        for inner in self.schema.combinators[f.type].fields:
            more_fmt, more_values = self.flat_values(inner, f"{local}.{inner.name}", out)
            fmt, values = fmt + more_fmt, values + more_values
        return fmt, values

    def write_one(self, out: list[str], f: Field) -> None:
        source = f"self.{f.name}"
        if f.vector:
            local = self.fresh()
            out += [f"put_count(put, len({source}))", f"for {local} in {source}:"]
            body: list[str] = []
            element = Field(f.name, f.type)
            if self.is_flat(element):
                fmt, values = self.flat_values(element, local, body)
                self.flush_write(body, fmt, values)
            else:
                body += self.write_value(element, local)
            out += _indent(body, 1)
        else:
            out += self.write_value(f, source)

    def write_value(self, f: Field, source: str) -> list[str]:
        if f.type == "bytes":
            return [f"put_bytes(put, {source})"]
        if f.type == "string":
            return [f"put_str(put, {source})"]
        if f.boxed:
            table = f"_BOXED_{_table_name(f.type)}"
            return [f"{table}[{source}.ID]", f"{source}._write(put)"]
        return [f"{source}._write_bare(put)"]

    def flush_write(self, out: list[str], fmt: str, values: list[str]) -> None:
        if fmt:
            out.append(f"put({self.struct(fmt)}.pack({', '.join(values)}))")

    # --- reading ---

    def reader(self, c: Combinator) -> list[str]:
        out: list[str] = []
        for bit, group in _runs_by_bit(c.fields):
            if bit is None:
                self.read_fields(out, group)
                continue
            body: list[str] = []
            self.read_fields(body, group)
            # Declared first, so that the type checker sees the optional type in both branches.
            out += [f"{f.name}: {self.python_type(f)} = None" for f in group]
            out.append(f"if flags & {1 << bit}:")
            out += _indent(body, 1)
        arguments = ", ".join(f.name for f in c.fields)
        out.append(f"return cls({arguments}), pos")
        return out

    def read_fields(self, out: list[str], fields: list[Field]) -> None:
        run: list[Field] = []
        for f in fields:
            if self.is_flat(f):
                run.append(f)
                continue
            self.flush_read(out, run)
            run = []
            self.read_one(out, f)
        self.flush_read(out, run)

    def flush_read(self, out: list[str], run: list[Field]) -> None:
        if not run:
            return
        fmt, names, after = "", [], []
        for f in run:
            more_fmt, more_names = self.flat_targets(f, f.name, after)
            fmt, names = fmt + more_fmt, names + more_names
        targets = names[0] + "," if len(names) == 1 else ", ".join(names)
        out.append(f"{targets} = {self.struct(fmt)}.unpack_from(data, pos)")
        out.append(f"pos += {_fixed_size(fmt)}")
        out += after

    def flat_targets(self, f: Field, target: str, after: list[str]) -> tuple[str, list[str]]:
        if f.type == "#":
            after += [f"if {target} < 0:", f"    raise bad_flags({target})"]
            return "i", [target]
        if f.type == "Bool":
            raw = self.fresh()
            after.append(f"{target} = BOOLS[{raw}]")
            return "I", [raw]
        if f.type in FIXED:
            return FIXED[f.type], [target]
        fmt, names, arguments = "", [], []
        for inner in self.schema.combinators[f.type].fields:
            local = self.fresh()
            more_fmt, more_names = self.flat_targets(inner, local, after)
            fmt, names = fmt + more_fmt, names + more_names
            arguments.append(local)
        after.append(f"{target} = {_class_name(f.type)}({', '.join(arguments)})")
        return fmt, names

    def read_one(self, out: list[str], f: Field) -> None:
        if not f.vector:
            out += self.read_value(f, f.name)
            return
        element = Field(f.name, f.type)
        count, items, item = self.fresh(), self.fresh(), self.fresh()
        kind = self.python_type(element)
        out += [
            f"{count}, pos = read_count(data, pos, size, {self.least_size(element)})",
            f"{items}: list[{kind}] = []",
            f"for _ in range({count}):",
        ]
        body: list[str] = []
        if self.is_flat(element):
            after: list[str] = []
            fmt, names = self.flat_targets(element, item, after)
            targets = names[0] + "," if len(names) == 1 else ", ".join(names)
            body.append(f"{targets} = {self.struct(fmt)}.unpack_from(data, pos)")
            body.append(f"pos += {_fixed_size(fmt)}")
            body += after
        else:
            body += self.read_value(element, item)
        body.append(f"{items}.append({item})")
        out += _indent(body, 1)
        out.append(f"{f.name} = tuple({items})")

    def read_value(self, f: Field, target: str) -> list[str]:
        if f.type == "bytes":
            return [f"{target}, pos = read_bytes(data, pos, size)"]
        if f.type == "string":
            return [f"{target}, pos = read_str(data, pos, size)"]
        if f.boxed:
            raw, read = self.fresh(), self.fresh()
            return [
                f"{raw}, = _ID.unpack_from(data, pos)",
                f"{read} = _BOXED_{_table_name(f.type)}.get({raw})",
                f"if {read} is None:",
                f'    raise unknown_boxed("{f.type}")',
                f"{target}, pos = {read}(data, pos + 4, size)",
            ]
        return [f"{target}, pos = {_class_name(f.type)}._read(data, pos, size)"]


def _type_text(f: Field) -> str:
    text = f"vector {f.type}" if f.vector else f.type
    return text if f.bit is None else f"flags.{f.bit}?{text}"


def _compress(fmt: str) -> str:
    """``<qqqI`` → ``<3qI``."""
    return re.sub(r"([iqdI])\1+", lambda m: f"{len(m[0])}{m[1]}", fmt)


def _fixed_size(fmt: str) -> int:
    sizes = {"i": 4, "I": 4, "q": 8, "d": 8, "s": 32}
    return sum(sizes[letter] for letter in re.sub(r"\d", "", fmt))


def _table_name(result: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", result.replace(".", "_")).upper()


def _boxed_types(schema: Schema) -> list[str]:
    found = {f.type for c in schema.generated() for f in c.fields if f.boxed}
    return sorted(found)


def _bare_names(schema: Schema) -> set[str]:
    return {f.type for c in schema.generated() for f in c.fields if not f.boxed}


def _runs_by_bit(fields: tuple[Field, ...]) -> list[tuple[int | None, list[Field]]]:
    """Group consecutive fields that depend on the same flag bit."""
    runs: list[tuple[int | None, list[Field]]] = []
    for f in fields:
        if runs and runs[-1][0] == f.bit:
            runs[-1][1].append(f)
        else:
            runs.append((f.bit, [f]))
    return runs


def _in_dependency_order(schema: Schema) -> list[Combinator]:
    """Combinators so that each stands after those its fields use; otherwise as in the schema."""
    done: dict[str, Combinator] = {}

    def visit(c: Combinator, above: tuple[str, ...]) -> None:
        if c.name in above:
            raise SystemExit(f"schema: {c.name} contains itself")
        if c.name in done:
            return
        for f in c.fields:
            if f.type in PYTHON:
                continue
            inner = schema.constructors_of(f.type) if f.boxed else [schema.combinators[f.type]]
            for other in inner:
                visit(other, (*above, c.name))
        done[c.name] = c

    for c in schema.generated():
        visit(c, ())
    return list(done.values())


def _indent(lines: list[str], levels: int) -> list[str]:
    return ["    " * levels + line for line in lines]


def main() -> int:
    """Write or check the generated file; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="fail when types.py is not current")
    arguments = parser.parse_args()
    text = _Generator(tl_schema.load()).module()
    if arguments.check:
        if TARGET.read_text("utf-8") != text:
            print("src/cocoon/tl/types.py is stale: run python tools/generate_tl.py")
            return 1
        return 0
    TARGET.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
