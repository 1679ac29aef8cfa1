"""Tools for engines and models that know none: by a prompt and by a JSON schema.

A model without tools in its chat template is told of them in the system message, and writes calls
as JSON: ``[{"name": …, "arguments": {…}}]``. Where the caller demands a call (``tool_choice`` is
``required`` or names a function), the engine may write nothing else: that form becomes the schema
of its output. With ``auto`` the model is free, and an answer that begins like a call is one.

`plan_tools` rewrites the request, `CallReader` turns the text of the answer into calls as it
arrives.
"""

import re
from dataclasses import dataclass
from typing import Any, Final

import msgspec

MAX_PARALLEL_CALLS: Final = 4
"""Calls in one answer, where the caller allows several and the model must call."""
MAX_HELD: Final = 256
"""Characters that are held back until it is clear whether they begin a call."""

_HEAD = re.compile(
    r'[\s\[\],}]*\{\s*"name"\s*:\s*"([A-Za-z0-9_.\-]{1,64})"\s*,\s*"arguments"\s*:\s*(?=\{)'
)
_BEFORE = "You can call these functions. Their parameters are described by JSON schemas.\n"
_AUTO = '\nTo call a function, answer only with [{"name": its name, "arguments": {…}}].'
_MUST = '\nAnswer with function calls only: [{"name": name, "arguments": {…}}].'


@dataclass(frozen=True, slots=True)
class ToolPlan:
    """How tool calls are read from an answer.

    Attributes:
        names: functions that may be called.
        certain: the answer is nothing but calls, because the schema says so.
    """

    names: frozenset[str]
    certain: bool


def plan_tools(body: dict[str, Any]) -> ToolPlan | None:
    """Rewrite a chat body, in place, for an engine that knows no tools.

    Args:
        body: decoded and checked; ``tools``, ``tool_choice`` and ``parallel_tool_calls`` are
            removed, messages about calls become plain ones.

    Returns: how to read the answer, or None if it has no calls.
    """
    tools = body.pop("tools", None) or []
    choice = body.pop("tool_choice", None)
    several = body.pop("parallel_tool_calls", None) is True
    body["messages"] = [plain_message(message) for message in body["messages"]]
    if choice is None:
        choice = "auto"
    functions = [tool["function"] for tool in tools]
    if isinstance(choice, dict):
        functions = [f for f in functions if f["name"] == choice["function"]["name"]]
    if choice == "none" or not functions:
        return None
    certain = choice != "auto"
    if certain:
        schema = calls_schema(functions, MAX_PARALLEL_CALLS if several else 1)
        body["response_format"] = {"type": "json_schema", "json_schema": {"schema": schema}}
    elif body.get("response_format", {}).get("type", "text") != "text":
        return None  # the answer is JSON of another form
    _tell(body["messages"], functions, _MUST if certain else _AUTO)
    return ToolPlan(frozenset(function["name"] for function in functions), certain)


def calls_schema(functions: list[dict[str, Any]], most: int) -> dict[str, Any]:
    """The JSON schema of one to `most` calls of these functions.

    Parameters stand in ``$defs``, and references inside them are led there.
    """
    definitions = {}
    calls = []
    for at, function in enumerate(functions):
        home = f"#/$defs/f{at}"
        definitions[f"f{at}"] = _moved(_parameters(function), home)
        properties = {"name": {"const": function["name"]}, "arguments": {"$ref": home}}
        calls.append(
            {
                "type": "object",
                "properties": properties,
                "required": ["name", "arguments"],
                "additionalProperties": False,
            }
        )
    item = calls[0] if len(calls) == 1 else {"anyOf": calls}
    bounds = {"minItems": 1, "maxItems": most}
    return {"type": "array", "items": item, **bounds, "$defs": definitions}


def _parameters(function: dict[str, Any]) -> dict[str, Any]:
    parameters = function.get("parameters") or {}
    if "type" in parameters or "$ref" in parameters or "anyOf" in parameters:
        return dict(parameters)
    return {"type": "object", "properties": {}, "additionalProperties": False, **parameters}


def _moved(value: Any, home: str) -> Any:
    """A schema whose references to itself point to where it stands now."""
    if isinstance(value, list):
        return [_moved(item, home) for item in value]
    if not isinstance(value, dict):
        return value
    moved = {name: _moved(inner, home) for name, inner in value.items()}
    reference = value.get("$ref")
    if isinstance(reference, str) and reference.startswith("#"):
        moved["$ref"] = home + reference[1:]
    return moved


def _tell(messages: list[dict[str, Any]], functions: list[dict[str, Any]], how: str) -> None:
    text = _BEFORE + "\n".join(_described(function) for function in functions) + how
    if messages and messages[0].get("role") == "system":
        messages[0] = {"role": "system", "content": f"{flat(messages[0]['content'])}\n\n{text}"}
    else:
        messages.insert(0, {"role": "system", "content": text})


def _described(function: dict[str, Any]) -> str:
    described: dict[str, Any] = {
        name: function[name] for name in ("name", "description") if name in function
    }
    described["parameters"] = function.get("parameters") or {}
    return _json(described)


def plain_message(message: dict[str, Any]) -> dict[str, Any]:
    """A message without what only models with tools understand."""
    role, content = message.get("role"), message.get("content")
    if role in ("tool", "function"):
        return {"role": "user", "content": f"Result of the function: {flat(content)}"}
    if role == "developer":
        return {"role": "system", "content": content}
    calls = [call["function"] for call in message.get("tool_calls") or []]
    if message.get("function_call"):
        calls.append(message["function_call"])
    if calls:
        return {"role": "assistant", "content": flat(content) + _written(calls)}
    return {"role": role, "content": flat(content) if content is None else content}


def flat(content: Any) -> str:
    """The text of a message's content."""
    if isinstance(content, list):
        return "\n".join(str(part.get("text") or part.get("refusal") or "") for part in content)
    return content if isinstance(content, str) else ""


def _written(calls: list[dict[str, Any]]) -> str:
    # The arguments are text already, and need not be JSON.
    items = [
        f'{{"name": {_json(call["name"])}, "arguments": {call["arguments"]}}}' for call in calls
    ]
    return f"[{', '.join(items)}]"


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


@dataclass(frozen=True, slots=True)
class CallStarted:
    """A call begins: its position in the answer and the function's name."""

    index: int
    name: str


@dataclass(frozen=True, slots=True)
class CallArguments:
    """More of a call's arguments."""

    index: int
    text: str


CallEvent = CallStarted | CallArguments | str
"""What a piece of text is: a call, its arguments, or text of the answer."""


class CallReader:
    """Reads calls from the text of one answer, piece by piece.

    Args:
        plan: which functions there are.

    Attributes:
        calls: calls that have begun.
    """

    def __init__(self, plan: ToolPlan) -> None:
        self.calls = 0
        self._plan = plan
        self._held = ""
        self._depth = 0
        self._in_string = self._escaped = False
        self._is_text = False

    def feed(self, text: str) -> list[CallEvent]:
        """Take the next piece of text."""
        if self._is_text:
            return [text] if text else []
        self._held += text
        events: list[CallEvent] = []
        while self._held:
            if self._depth:
                events += self._arguments()
                continue
            head = _HEAD.match(self._held)
            if head is None or head[1] not in self._plan.names:
                if not self.calls:
                    events += self._undecided(head is not None)
                break
            self._held = self._held[head.end() :]
            events.append(CallStarted(self.calls, head[1]))
            self.calls += 1
            events += self._arguments()
        return events

    def end(self) -> list[CallEvent]:
        """The text has ended: what was held back is text, unless it ends calls."""
        held, self._held = self._held, ""
        return [held] if held and not self.calls and not self._plan.certain else []

    def _undecided(self, other: bool) -> list[CallEvent]:
        start = self._held.lstrip()[:1]
        if self._plan.certain or (not other and start in "[{" and len(self._held) <= MAX_HELD):
            return []
        self._is_text = True
        held, self._held = self._held, ""
        return [held]

    def _arguments(self) -> list[CallEvent]:
        end = self._object_end()
        taken, self._held = self._held[:end], self._held[end:]
        return [CallArguments(self.calls - 1, taken)] if taken else []

    def _object_end(self) -> int:
        """Where the object that is being read ends in the held text, or the end of that."""
        for at, char in enumerate(self._held):
            if self._escaped:
                self._escaped = False
            elif self._in_string:
                self._escaped = char == "\\"
                self._in_string = char != '"'
            elif char == '"':
                self._in_string = True
            elif char in "{[":
                self._depth += 1
            elif char in "}]":
                self._depth -= 1
                if self._depth == 0:
                    return at + 1
        return len(self._held)
