"""A schema in words: what a value is, and its limits."""

from cocoon.gateway.openapi.schema import Schema

_BOUNDS = {
    "minimum": "at least {}",
    "exclusiveMinimum": "more than {}",
    "maximum": "at most {}",
    "minLength": "{} characters or more",
    "maxLength": "at most {} characters",
    "minItems": "{} items or more",
    "maxItems": "at most {} items",
    "maxProperties": "at most {} members",
    "pattern": "matches {}",
    "default": "default {}",
    "const": "only {}",
}


def type_text(schema: Schema) -> str:
    """The kind of value, such as ``array of string``."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(type_text(choice) for choice in schema["anyOf"]))
    if "enum" in schema:
        return " | ".join(f'"{value}"' for value in schema["enum"])
    kind = schema.get("type", "anything")
    if isinstance(kind, list):
        kind = " or ".join(kind)
    if kind == "array":
        return f"array of {type_text(schema.get('items', {}))}"
    return str(kind)


def limits_text(schema: Schema) -> str:
    """Its bounds, or nothing."""
    found = [text.format(_shown(schema[name])) for name, text in _BOUNDS.items() if name in schema]
    if "anyOf" in schema:
        found += [text for text in map(limits_text, schema["anyOf"]) if text]
    return ", ".join(found)


def _shown(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
