"""``tools`` and ``tool_choice`` of a Responses call in a chat's form."""

import re
from typing import Any

import msgspec
from msgspec import Raw, Struct

from cocoon.gateway.refusal import Refusal
from cocoon.gateway.responses.checks import (
    decode,
    invalid_type,
    invalid_value,
    missing,
    one_of,
    unsupported_value,
)

MAX_TOOLS = 128
CHOICES = ("none", "auto", "required")
MODES = ("auto", "required")
_HOSTED = frozenset(
    {
        "apply_patch",
        "code_interpreter",
        "computer",
        "computer_use",
        "computer_use_preview",
        "custom",
        "file_search",
        "image_generation",
        "local_shell",
        "mcp",
        "namespace",
        "programmatic_tool_calling",
        "shell",
        "tool_search",
        "web_search",
        "web_search_2025_08_26",
        "web_search_preview",
        "web_search_preview_2025_03_11",
    }
)
_NO_HOSTED = (
    "Only tools of type 'function' can be used here: nobody in the network runs hosted tools. Run "
    "the tool yourself and describe it to the model as a function."
)
_NO_HOSTED_CHOICE = "Only functions can be chosen here: nobody in the network runs hosted tools."
NULL = Raw(b"null")
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}", re.ASCII)


class Tool(Struct):
    """A tool as sent and as shown again in the answer."""

    type: str
    name: str | None = None
    description: str | None = None
    parameters: Raw = NULL
    strict: bool | None = None


class _Named(Struct):
    """A tool in ``allowed_tools``."""

    type: str | None = None
    name: str | None = None


class _Choice(Struct):
    """``tool_choice`` that is an object."""

    type: str
    name: str | None = None
    mode: str | None = None
    tools: list[_Named] | None = None


_tools = msgspec.json.Decoder(list[Tool] | None)
_choice = msgspec.json.Decoder(str | _Choice | None)


def read_tools(raw: Raw) -> list[Tool]:
    """The functions that the model may call; ``null`` is none.

    Raises:
        Refusal: a tool is wrong, or a hosted one.
    """
    tools = decode(_tools, raw, "tools") or []
    if len(tools) > MAX_TOOLS:
        raise Refusal(
            f"Invalid 'tools': array too long. Expected at most {MAX_TOOLS} tools.",
            param="tools",
            code="array_above_max_length",
        )
    for number, tool in enumerate(tools):
        _check_tool(tool, f"tools[{number}]")
    return tools


def chat_tools(tools: list[Tool]) -> list[dict[str, Any]]:
    """The same for a chat, which nests them."""
    return [{"type": "function", "function": _function(tool)} for tool in tools]


def read_choice(raw: Raw, tools: list[Tool]) -> tuple[Any, list[Tool]]:
    """``tool_choice`` for a chat, and the tools that are left.

    ``allowed_tools`` is the same as giving only those tools, and that every engine understands.

    Returns:
        A word, an object or None; and ``tools`` or fewer.

    Raises:
        Refusal: it is wrong, names no tool of ``tools``, or a hosted one.
    """
    choice = decode(_choice, raw, "tool_choice")
    if choice is None:
        return None, tools
    if isinstance(choice, str):
        one_of(choice, CHOICES, "tool_choice")
        if choice == "required" and not tools:
            raise Refusal("'tool_choice' is 'required' but there are no 'tools'.", param="tools")
        return (choice if tools else None), tools
    if choice.type == "function":
        _check_known(choice.name, tools, "tool_choice.name")
        return {"type": "function", "function": {"name": choice.name}}, tools
    if choice.type == "allowed_tools":
        return _allowed(choice, tools)
    if choice.type in _HOSTED:
        raise unsupported_value("tool_choice.type", _NO_HOSTED_CHOICE)
    raise invalid_value("tool_choice.type", ("function", "allowed_tools"))


def _allowed(choice: _Choice, tools: list[Tool]) -> tuple[str, list[Tool]]:
    if choice.mode is None:
        raise missing("tool_choice.mode")
    one_of(choice.mode, MODES, "tool_choice.mode")
    if not choice.tools:
        raise missing("tool_choice.tools")
    for number, named in enumerate(choice.tools):
        at = f"tool_choice.tools[{number}]"
        if named.type != "function":
            raise unsupported_value(f"{at}.type", _NO_HOSTED_CHOICE)
        _check_known(named.name, tools, f"{at}.name")
    names = {named.name for named in choice.tools}
    return choice.mode, [tool for tool in tools if tool.name in names]


def _check_tool(tool: Tool, at: str) -> None:
    if tool.type != "function":
        if tool.type in _HOSTED:
            raise unsupported_value(f"{at}.type", _NO_HOSTED)
        raise invalid_value(f"{at}.type", ("function",))
    if tool.name is None:
        raise missing(f"{at}.name")
    if not _NAME.fullmatch(tool.name):
        raise Refusal(
            f"Invalid '{at}.name': expected 1 to 64 letters, digits, underscores and hyphens.",
            param=f"{at}.name",
            code="invalid_value",
        )
    if memoryview(tool.parameters)[0] not in b"{n":
        raise invalid_type(f"{at}.parameters", "an object")


def _check_known(name: str | None, tools: list[Tool], param: str) -> None:
    if name is None:
        raise missing(param)
    if all(tool.name != name for tool in tools):
        raise Refusal("Tool choice names a function that is not in 'tools'.", param=param)


def _function(tool: Tool) -> dict[str, Any]:
    members = {
        "name": tool.name,
        "description": tool.description,
        "parameters": None if bytes(tool.parameters) == b"null" else tool.parameters,
        "strict": tool.strict,
    }
    return {name: value for name, value in members.items() if value is not None}
