"""``tools`` and ``tool_choice`` of a chat."""

import re
from typing import Final

import msgspec
from msgspec import Raw

from cocoon.gateway.reading import fields
from cocoon.gateway.reading.fields import Members, first_byte, invalid_type, invalid_value, missing
from cocoon.gateway.refusal import Refusal

MAX_TOOLS: Final = 128
"""As OpenAI's."""
MAX_TOOL_BYTES: Final = 2**17
"""Bytes of JSON of one tool."""
MAX_TOOLS_BYTES: Final = 2**20
"""Bytes of JSON of all tools."""

_name = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_encoder = msgspec.json.Encoder()
_NEEDED = "is only allowed when 'tools' are specified."
_WORDS = ("none", "auto", "required")
_check_word = fields.one_of(*_WORDS)
_check_mode = fields.one_of("auto", "required")


def check_tools(raw: Raw, name: str = "tools") -> list[str]:
    """Check the tools; returns the functions' names, in order.

    Raises:
        Refusal: something in them is wrong, or one is a tool that a provider would run itself.
    """
    if len(memoryview(raw)) > MAX_TOOLS_BYTES:
        raise _too_large(name, MAX_TOOLS_BYTES)
    items = fields.take_list(raw, name, MAX_TOOLS)
    return [_check_tool(item, f"{name}[{index}]") for index, item in enumerate(items)]


def check_functions(raw: Raw, name: str = "functions") -> None:
    """Check the old form of tools.

    Raises:
        Refusal: something in it is wrong.
    """
    if len(memoryview(raw)) > MAX_TOOLS_BYTES:
        raise _too_large(name, MAX_TOOLS_BYTES)
    for index, item in enumerate(fields.take_list(raw, name, MAX_TOOLS, least=1)):
        check_function(item, f"{name}[{index}]")


def _check_tool(raw: Raw, at: str) -> str:
    if len(memoryview(raw)) > MAX_TOOL_BYTES:
        raise _too_large(at, MAX_TOOL_BYTES)
    tool = fields.take_object(raw, at)
    if "type" not in tool:
        raise missing(f"{at}.type")
    if fields.take_string(tool["type"], f"{at}.type", 256) != "function":
        raise fields.unsupported(
            f"{at}.type",
            "Only tools of the type 'function' are there; nothing is run or looked up for a model.",
        )
    if "function" not in tool:
        raise missing(f"{at}.function")
    return check_function(tool["function"], f"{at}.function")


def check_function(raw: Raw, at: str) -> str:
    """Check what a function is; returns its name.

    Raises:
        Refusal: something in it is wrong.
    """
    function = fields.take_object(raw, at)
    if "name" not in function:
        raise missing(f"{at}.name")
    name = fields.take_string(function["name"], f"{at}.name", 64, least=1)
    if not _name.fullmatch(name):
        raise Refusal(
            f"Invalid '{at}.name': string does not match pattern. Expected a string that matches "
            "the pattern '^[a-zA-Z0-9_-]+$'.",
            param=f"{at}.name",
            code="invalid_value",
        )
    _optional(function, at)
    return name


def _optional(function: Members, at: str) -> None:
    description, parameters = function.get("description"), function.get("parameters")
    if description is not None and first_byte(description) not in b'"n':
        raise invalid_type(description, f"{at}.description", "a string")
    if parameters is not None and first_byte(parameters) not in b"{n":
        raise invalid_type(parameters, f"{at}.parameters", "an object")
    strict = function.get("strict")
    if strict is not None and first_byte(strict) != ord("n"):
        fields.take_bool(strict, f"{at}.strict")


def settle_tool_choice(members: Members, names: list[str]) -> bool:
    """Check ``tool_choice``, write ``allowed_tools`` as plain tools; returns whether it commands.

    Without tools there is nothing to choose: ``none``, ``auto`` and ``parallel_tool_calls`` are
    left out then.

    Args:
        members: of the request; ``tools`` were checked.
        names: of the functions.

    Raises:
        Refusal: it makes no sense.
    """
    raw = members.get("tool_choice")
    if not names:
        members.pop("tools", None)
        members.pop("parallel_tool_calls", None)
    if raw is None:
        return False
    if first_byte(raw) == 0x22:
        _check_word(raw, "tool_choice")
        commands = fields.take_string(raw, "tool_choice", 16) == "required"
    elif first_byte(raw) == 0x7B:
        commands = _choose(members, raw, names)
    else:
        raise invalid_type(raw, "tool_choice", "one of 'none', 'auto', 'required', or an object")
    if not names:
        if commands:
            raise invalid_value("tool_choice", f"'tool_choice' {_NEEDED}")
        members.pop("tool_choice", None)
    return commands


def _choose(members: Members, raw: Raw, names: list[str]) -> bool:
    choice = fields.take_object(raw, "tool_choice")
    if "type" not in choice:
        raise missing("tool_choice.type")
    kind = fields.take_string(choice["type"], "tool_choice.type", 256)
    if kind == "function":
        _named(choice, "tool_choice", names)
        return True
    if kind == "allowed_tools":
        return _allow(members, choice, names)
    raise fields.unsupported(
        "tool_choice.type", "Supported values are: 'function' and 'allowed_tools'."
    )


def _named(choice: Members, at: str, names: list[str]) -> str:
    if "function" not in choice:
        raise missing(f"{at}.function")
    function = fields.take_object(choice["function"], f"{at}.function")
    if "name" not in function:
        raise missing(f"{at}.function.name")
    name = fields.take_string(function["name"], f"{at}.function.name", 64)
    if not names:
        raise invalid_value("tool_choice", f"'tool_choice' {_NEEDED}")
    if name not in names:
        raise invalid_value("tool_choice", "the function is not among the 'tools'.")
    return name


def _allow(members: Members, choice: Members, names: list[str]) -> bool:
    at = "tool_choice.allowed_tools"
    if "allowed_tools" not in choice:
        raise missing(at)
    allowed = fields.take_object(choice["allowed_tools"], at)
    for name in ("mode", "tools"):
        if name not in allowed:
            raise missing(f"{at}.{name}")
    _check_mode(allowed["mode"], f"{at}.mode")
    kept: set[str] = set()
    for index, item in enumerate(fields.take_list(allowed["tools"], f"{at}.tools", MAX_TOOLS)):
        where = f"{at}.tools[{index}]"
        kept.add(_named(fields.take_object(item, where), where, names))
    if not kept:
        raise invalid_value(f"{at}.tools", "name at least one of the 'tools'.")
    every = fields.take_list(members["tools"], "tools", MAX_TOOLS)
    some = [tool for tool, name in zip(every, names, strict=True) if name in kept]
    members["tools"] = Raw(_encoder.encode(some))
    members["tool_choice"] = allowed["mode"]
    return bytes(allowed["mode"]) == b'"required"'


def _too_large(name: str, limit: int) -> Refusal:
    return Refusal(
        f"Invalid '{name}': too large. Expected at most {limit} bytes of JSON.",
        param=name,
        code="string_above_max_length",
    )
