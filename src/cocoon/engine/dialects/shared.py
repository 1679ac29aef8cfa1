"""Translations that several engines need."""

from cocoon.engine.base import Fields
from cocoon.engine.dialects.values import array_of, is_text, object_of, raw
from cocoon.engine.dialects.words import CHAT_PATH
from cocoon.errors import BadRequestError


def drop_obfuscation(_path: str, fields: Fields) -> None:
    """``stream_options.include_obfuscation`` pads events; links here are encrypted in frames."""
    options = fields.get("stream_options")
    if options is None or b"include_obfuscation" not in bytes(options):
        return
    inner = object_of(fields, "stream_options") or {}
    inner.pop("include_obfuscation", None)
    fields["stream_options"] = raw(inner)


def functions_to_tools(path: str, fields: Fields) -> None:
    """``functions`` and ``function_call``, which engines ignore, in their newer form.

    The answer then has tool calls.

    Raises:
        BadRequestError: they are malformed.
    """
    if path != CHAT_PATH or ("functions" not in fields and "function_call" not in fields):
        return
    functions = array_of(fields, "functions")
    choice = fields.pop("function_call", None)
    fields.pop("functions", None)
    if functions and "tools" not in fields:
        fields["tools"] = raw([{"type": "function", "function": item} for item in functions])
    if choice is None or "tool_choice" in fields:
        return
    if is_text(choice):
        fields["tool_choice"] = choice
        return
    named = object_of({"function_call": choice}, "function_call") or {}
    if "name" not in named:
        raise BadRequestError("field 'function_call' must name a function")
    fields["tool_choice"] = raw({"type": "function", "function": {"name": named["name"]}})


def thinking_switch(fields: Fields) -> bool | None:
    """Take ``chat_template_kwargs`` away; return whether it switches reasoning on or off."""
    options = object_of(fields, "chat_template_kwargs")
    fields.pop("chat_template_kwargs", None)
    for name in ("enable_thinking", "thinking"):
        value = bytes((options or {}).get(name, b""))
        if value in (b"true", b"false"):
            return value == b"true"
    return None
