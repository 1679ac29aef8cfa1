"""Small words for JSON schemas, so that tables of fields stay tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Schema = dict[str, Any]
"""A JSON schema of dialect 2020-12, which OpenAPI 3.1 takes as it is."""

INT32_MAX = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Field:
    """A member of an object.

    Attributes:
        schema: what its value may be, without its description.
        text: what it means, one or two sentences.
        required: whether it must be there.
        native: whether it exists only here.
    """

    schema: Schema
    text: str
    required: bool = False
    native: bool = False


Fields = Mapping[str, Field]


def string(**more: Any) -> Schema:
    """Text."""
    return {"type": "string", **more}


def words(*values: str) -> Schema:
    """One of a few words."""
    return {"type": "string", "enum": list(values)}


def const(value: str) -> Schema:
    """Exactly this text."""
    return {"type": "string", "const": value}


def integer(low: int | None = 0, high: int | None = None, **more: Any) -> Schema:
    """A whole number within bounds, both included; None is no bound."""
    return {"type": "integer", **_bounds(low, high), **more}


def number(low: float | None = None, high: float | None = None, **more: Any) -> Schema:
    """A number within bounds, both included; None is no bound."""
    return {"type": "number", **_bounds(low, high), **more}


def boolean(**more: Any) -> Schema:
    """True or false."""
    return {"type": "boolean", **more}


def array(items: Schema, **more: Any) -> Schema:
    """A list of equal things."""
    return {"type": "array", "items": items, **more}


def either(*choices: Schema) -> Schema:
    """Any of several."""
    return {"anyOf": list(choices)}


def nullable(schema: Schema) -> Schema:
    """The same, or null."""
    if isinstance(schema.get("type"), str) and "enum" not in schema and "const" not in schema:
        return {**schema, "type": [schema["type"], "null"]}
    return {"anyOf": [schema, {"type": "null"}]}


def ref(name: str) -> Schema:
    """A named schema of the document."""
    return {"$ref": f"#/components/schemas/{name}"}


def free(text: str = "") -> Schema:
    """An object whose members nobody checks here."""
    return {"type": "object", **({"description": text} if text else {})}


def record(
    required: Mapping[str, Schema], optional: Mapping[str, Schema] | None = None, text: str = ""
) -> Schema:
    """An object with these members; others may come with it."""
    made: Schema = {
        "type": "object",
        "properties": {**required, **(optional or {})},
        "required": list(required),
    }
    return {**made, "description": text} if text else made


def body(fields: Fields, text: str = "") -> Schema:
    """The schema of a request body with these fields; a null field counts as not given."""
    properties = {
        name: {
            **(item.schema if item.required else nullable(item.schema)),
            "description": item.text,
            **({"x-cocoon-native": True} if item.native else {}),
        }
        for name, item in fields.items()
    }
    needed = [name for name, item in fields.items() if item.required]
    made: Schema = {"type": "object", "properties": properties}
    if needed:
        made["required"] = needed
    return {**made, "description": text} if text else made


def described(schema: Schema, text: str) -> Schema:
    """The same schema with a description."""
    return {**schema, "description": text}


def names(fields: Fields) -> Sequence[str]:
    """The names in a table of fields."""
    return tuple(fields)


def _bounds(low: float | None, high: float | None) -> Schema:
    bounds: Schema = {}
    if low is not None:
        bounds["minimum"] = low
    if high is not None:
        bounds["maximum"] = high
    return bounds
