"""Write the small TOML files of a devnet."""

import json
from collections.abc import Mapping
from typing import Any


def to_toml(document: Mapping[str, Any], *, prefix: str = "") -> str:
    """TOML of nested tables with strings, numbers, booleans and arrays of strings.

    Args:
        document: keys are bare TOML keys; tables come after plain values.
        prefix: name of the table with a dot, for inner tables.
    """
    tables = {name: value for name, value in document.items() if isinstance(value, Mapping)}
    plain = [f"{name} = {_value(document[name])}" for name in document if name not in tables]
    parts = ["\n".join(plain)] if plain else []
    for name, table in tables.items():
        inner = to_toml(table, prefix=f"{prefix}{name}.")
        parts.append(f"[{prefix}{name}]\n{inner}".rstrip())
    return "\n\n".join(parts) + ("" if prefix else "\n")


def _value(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case str():
            # A JSON string is a TOML basic string, but for DEL.
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case list() | tuple():
            return "[" + ", ".join(_value(item) for item in value) + "]"
        case _:
            raise TypeError(f"no TOML form for {type(value).__name__}")
