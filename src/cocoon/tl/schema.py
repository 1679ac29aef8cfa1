"""Parser of ``schema.tl`` and the rule that gives a combinator its id.

Used by ``tools/generate_tl.py`` and by tests; nothing at run time reads the schema.
Source: ``wire-protocol.md`` §1.1-§1.3.
"""

import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

from cocoon.errors import ConfigError

FUNCTIONS_MARK = "---functions---"
PRIMITIVES = frozenset({"#", "int", "long", "double", "string", "bytes", "int256", "Bool"})

_COMMENT = re.compile(r"//[^\n]*")
_EXPLICIT_ID = re.compile(r"^([\w.]+)#([0-9a-f]{8})\b")
_FIELD = re.compile(r"(\w+):((?:flags\.\d+\?)?(?:\(vector [\w.]+\)|[\w.#]+))")
_FLAG = re.compile(r"^flags\.(\d+)\?(.+)$")


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a combinator.

    ``type`` is a primitive name or a combinator (lower case: bare) or result type (upper case:
    boxed) name; ``vector`` says that the field is a bare vector of it; ``bit`` is the bit of the
    preceding ``flags`` that says whether the field is there, or None when it always is.
    """

    name: str
    type: str
    vector: bool = False
    bit: int | None = None

    @property
    def boxed(self) -> bool:
        """Whether an id stands before the field's own fields."""
        return self.type not in PRIMITIVES and self.type.rpartition(".")[2][0].isupper()


@dataclass(frozen=True, slots=True)
class Combinator:
    """One line of the schema; ``text`` is what the CRC-32 is taken of."""

    name: str
    id: int
    fields: tuple[Field, ...]
    result: str
    is_function: bool
    has_explicit_id: bool
    text: str

    @property
    def is_builtin(self) -> bool:
        """Whether the codec itself knows this type, so that no class is generated for it."""
        return "." not in self.name and self.name not in {"tokensUsed"}


@dataclass(frozen=True, slots=True)
class Schema:
    """Every combinator by name, in the order of the file."""

    combinators: Mapping[str, Combinator]

    def generated(self) -> list[Combinator]:
        """Return the combinators that get a class of their own."""
        return [c for c in self.combinators.values() if not c.is_builtin]

    def constructors_of(self, result: str) -> list[Combinator]:
        """Return the constructors (not functions) of the type ``result``."""
        return [c for c in self.generated() if c.result == result and not c.is_function]


def combinator_id(text: str) -> int:
    """Return the id of a combinator: the CRC-32 of its normalised text (§1.2)."""
    return zlib.crc32(text.encode())


def normalise(text: str) -> str:
    """Return ``text`` without comments, explicit id, parentheses and needless white space."""
    text = " ".join(_COMMENT.sub("", text).split()).rstrip("; ")
    text = _EXPLICIT_ID.sub(r"\1", text)
    return text.replace("(", "").replace(")", "")


def parse(text: str) -> Schema:
    """Parse a whole schema.

    Raises:
        ConfigError: a combinator is malformed, appears twice or uses a type that is not there.
    """
    constructors, _, functions = _COMMENT.sub("", text).partition(FUNCTIONS_MARK)
    combinators: dict[str, Combinator] = {}
    for part, is_function in ((constructors, False), (functions, True)):
        for statement in part.split(";"):
            if statement.strip():
                combinator = _parse_combinator(statement, is_function=is_function)
                if combinator.name in combinators:
                    raise ConfigError(f"schema: {combinator.name} appears twice")
                combinators[combinator.name] = combinator
    schema = Schema(combinators)
    _check_types(schema)
    return schema


def load() -> Schema:
    """Parse the schema that ships with the package."""
    return parse(files("cocoon.tl").joinpath("schema.tl").read_text("utf-8"))


def _parse_combinator(statement: str, *, is_function: bool) -> Combinator:
    statement = " ".join(statement.split())
    left, equals, result = statement.partition(" = ")
    if not equals:
        raise ConfigError(f"schema: no result type in {statement!r}")
    explicit = _EXPLICIT_ID.match(left)
    name = explicit[1] if explicit else left.split()[0]
    normal = normalise(statement)
    return Combinator(
        name=name,
        id=int(explicit[2], 16) if explicit else combinator_id(normal),
        fields=tuple(_parse_field(m[1], m[2]) for m in _FIELD.finditer(left)),
        result=result.strip(),
        is_function=is_function,
        has_explicit_id=explicit is not None,
        text=normal,
    )


def _parse_field(name: str, type_text: str) -> Field:
    flag = _FLAG.match(type_text)
    bit = int(flag[1]) if flag else None
    kind = flag[2] if flag else type_text
    if kind.startswith("(vector "):
        return Field(name, kind[len("(vector ") : -1], vector=True, bit=bit)
    return Field(name, kind, bit=bit)


def _check_types(schema: Schema) -> None:
    for combinator in schema.generated():
        for field in combinator.fields:
            if field.type in PRIMITIVES:
                continue
            known = (
                bool(schema.constructors_of(field.type))
                if field.boxed
                else field.type in schema.combinators
            )
            if not known:
                raise ConfigError(f"schema: {combinator.name}.{field.name}: no type {field.type}")
