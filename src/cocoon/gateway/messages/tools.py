"""Tools and the choice among them, written as those of a chat completion."""

import re
from typing import Any

import msgspec

from cocoon.gateway.messages.blocks import Tool, ToolChoice
from cocoon.gateway.refusal import Refusal

MAX_TOOLS = 128
"""Tools in one request."""

_name = re.compile(r"[a-zA-Z0-9_-]{1,64}", re.ASCII)
_CHOICES = {"auto": "auto", "any": "required", "none": "none"}


def chat_tools(tools: list[Tool]) -> list[dict[str, Any]]:
    """Function tools.

    Raises:
        Refusal: 400: a tool that is not the caller's own, or not whole.
    """
    if len(tools) > MAX_TOOLS:
        raise Refusal(f"tools: at most {MAX_TOOLS} are taken", param="tools")
    names: set[str] = set()
    functions = []
    for number, tool in enumerate(tools):
        place = f"tools.{number}"
        functions.append({"type": "function", "function": _function(tool, place)})
        if tool.name in names:
            raise _refuse(f"{place}.name", "occurs twice")
        names.add(tool.name or "")
    return functions


def _function(tool: Tool, place: str) -> dict[str, Any]:
    if tool.type not in (None, "custom"):
        raise _refuse(
            f"{place}.type",
            "only tools of your own run here, with a name and an input_schema; web search, code "
            "execution and other tools of Anthropic's need its servers or its models",
        )
    if tool.defer_loading or (tool.allowed_callers or ["direct"]) != ["direct"]:
        raise _refuse(place, "'defer_loading' and 'allowed_callers' need tools of Anthropic's")
    if tool.name is None or not _name.fullmatch(tool.name):
        raise _refuse(f"{place}.name", "must have 1 to 64 letters, digits, '_' and '-'")
    schema = bytes(tool.input_schema)
    if not schema.startswith(b"{"):
        raise _refuse(f"{place}.input_schema", "must be an object")
    function: dict[str, Any] = {"name": tool.name}
    if tool.description:
        function["description"] = tool.description
    function["parameters"] = msgspec.Raw(schema)
    if tool.strict:
        function["strict"] = True
    return function


def chat_tool_choice(choice: ToolChoice, tools: list[Tool]) -> dict[str, Any]:
    """Members ``tool_choice`` and ``parallel_tool_calls``, as far as they are needed.

    Raises:
        Refusal: 400: an unknown choice, or one without the tool that it names.
    """
    members: dict[str, Any] = {}
    if choice.type == "tool":
        if choice.name is None or choice.name not in {tool.name for tool in tools}:
            raise _refuse("tool_choice.name", "must be the name of one of 'tools'")
        members["tool_choice"] = {"type": "function", "function": {"name": choice.name}}
    elif choice.type not in _CHOICES:
        raise _refuse("tool_choice.type", "must be 'auto', 'any', 'tool' or 'none'")
    elif tools:
        members["tool_choice"] = _CHOICES[choice.type]
    elif choice.type == "any":
        raise _refuse("tool_choice.type", "'any' needs 'tools'")
    if choice.disable_parallel_tool_use and tools:
        members["parallel_tool_calls"] = False
    return members


def _refuse(place: str, text: str) -> Refusal:
    return Refusal(f"{place}: {text}", param=place)
