"""``input`` of a Responses call as messages of a chat."""

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Raw, Struct

from cocoon.gateway.refusal import Refusal
from cocoon.gateway.responses.checks import (
    decode,
    invalid_value,
    missing,
    unsupported_value,
)
from cocoon.gateway.responses.parts import Part, chat_content, spoken_text, system_text

MESSAGE_ROLES = ("user", "assistant", "system", "developer")
ITEM_TYPES = ("message", "function_call", "function_call_output", "reasoning")
_REFERENCE = (
    "Items of type 'item_reference' cannot be used here: nothing is stored. Send the item itself."
)
_OTHER_ITEM = (
    "Items of this type cannot be used here: only messages, function calls with their outputs and "
    "reasoning can. Leave it out, or write what it says as a message."
)
_HOSTED_ITEMS = frozenset(
    {
        "additional_tools",
        "apply_patch_call",
        "apply_patch_call_output",
        "code_interpreter_call",
        "compaction",
        "compaction_trigger",
        "computer_call",
        "computer_call_output",
        "configuration_update",
        "custom_tool_call",
        "custom_tool_call_output",
        "file_search_call",
        "image_generation_call",
        "local_shell_call",
        "local_shell_call_output",
        "mcp_approval_request",
        "mcp_approval_response",
        "mcp_call",
        "mcp_list_tools",
        "program",
        "program_output",
        "shell_call",
        "shell_call_output",
        "tool_search_call",
        "tool_search_output",
        "web_search_call",
    }
)


class Item(Struct):
    """One item of ``input``, whatever its type; members that no type needs are not read."""

    type: str | None = None
    role: str | None = None
    content: str | list[Part] | None = None
    call_id: str | None = None
    name: str | None = None
    arguments: str | None = None
    output: str | list[Part] | None = None
    summary: list[Part] | None = None


class Function(Struct):
    """A function call of a chat message."""

    name: str
    arguments: str


class ToolCall(Struct):
    """A tool call of a chat message."""

    id: str
    function: Function
    type: str = "function"


class Message(Struct, omit_defaults=True):
    """A message of a chat."""

    role: str
    content: str | list[dict[str, Any]] | None = None
    reasoning_content: str | None = None
    tool_calls: list[ToolCall] | None = None
    tool_call_id: str | None = None


_input = msgspec.json.Decoder(str | list[Item] | None)


def read_messages(raw: Raw, instructions: str | None) -> list[Message]:
    """Messages for an engine.

    Instructions and the system and developer messages that open the input become one system
    message: many chat templates take only one, and only at the start.

    Args:
        raw: the JSON text of ``input``; ``null`` is nothing.
        instructions: as given.

    Raises:
        Refusal: an item is wrong, or of a kind that cannot be had here.
    """
    sent = decode(_input, raw, "input")
    if sent is None:
        raise missing("input")
    chat = _Chat(instructions)
    if isinstance(sent, str):
        chat.messages.append(Message("user", sent))
    for number, item in enumerate([] if isinstance(sent, str) else sent):
        chat.add(item, f"input[{number}]")
    return chat.finished()


class _Chat:
    """Messages so far."""

    def __init__(self, instructions: str | None) -> None:
        self.messages: list[Message] = []
        self._opening = [instructions] if instructions else []
        self._thought: list[str] = []
        self._speaker: Message | None = None  # the assistant's message that can still be added to
        self._waiting: set[str] = set()
        self._called: set[str] = set()

    def add(self, item: Item, at: str) -> None:
        """Add an item; ``at`` names it."""
        kind = item.type or ("message" if item.role is not None else None)
        if kind == "message":
            self._message(item, at)
        elif kind == "function_call":
            self._call(item, at)
        elif kind == "function_call_output":
            self._output(item, at)
        elif kind == "reasoning":
            self._reasoning(item)
        else:
            raise _no_item(item.type, at)

    def finished(self) -> list[Message]:
        """All of them."""
        if self._waiting:
            raise Refusal(
                "No tool output found for a function call: each 'function_call' needs a "
                "'function_call_output' with its 'call_id' behind it.",
                param="input",
            )
        if not self.messages and not self._opening:
            raise missing("input")
        if self._opening:
            self.messages.insert(0, Message("system", "\n\n".join(self._opening)))
        return self.messages

    def _message(self, item: Item, at: str) -> None:
        if item.content is None:
            raise missing(f"{at}.content")
        if item.role == "assistant":
            self._speak().content = spoken_text(item.content, at)
            return
        self._listen()
        if item.role == "user":
            self.messages.append(Message("user", chat_content(item.content, at)))
        elif item.role in ("system", "developer"):
            text = system_text(item.content, at)
            if self.messages:
                self.messages.append(Message("system", text))
            else:
                self._opening.append(text)
        else:
            raise missing(f"{at}.role") if item.role is None else _no_role(at)

    def _call(self, item: Item, at: str) -> None:
        identity = _given(item.call_id, at, "call_id")
        name = _given(item.name, at, "name")
        if item.arguments is None:
            raise missing(f"{at}.arguments")
        if identity in self._called:
            raise Refusal("Two function calls have the same 'call_id'.", param=f"{at}.call_id")
        speaker = self._speaker or self._speak()
        calls = speaker.tool_calls = speaker.tool_calls or []
        calls.append(ToolCall(identity, Function(name, item.arguments)))
        self._take_thought(speaker)
        self._called.add(identity)
        self._waiting.add(identity)

    def _output(self, item: Item, at: str) -> None:
        identity = _given(item.call_id, at, "call_id")
        if item.output is None:
            raise missing(f"{at}.output")
        if identity not in self._called:
            raise Refusal(
                "No tool call found for a function call output: the 'function_call' with this "
                "'call_id' must stand before it; nothing of earlier responses is stored.",
                param=f"{at}.call_id",
            )
        self._waiting.discard(identity)
        self._speaker = None
        content = system_text(item.output, at, "output")
        self.messages.append(Message("tool", content, tool_call_id=identity))

    def _reasoning(self, item: Item) -> None:
        """Keep what was thought for the message that follows it.

        ``encrypted_content`` is what another service alone can read, so nobody gets it.
        """
        self._speaker = None
        parts: Sequence[Part] = item.content if isinstance(item.content, list) else ()
        self._thought += [part.text for part in parts or item.summary or () if part.text]

    def _speak(self) -> Message:
        """A new message of the assistant."""
        message = self._speaker = Message("assistant")
        self.messages.append(message)
        self._take_thought(message)
        return message

    def _listen(self) -> None:
        """Somebody else speaks; thoughts that led to nothing are dropped."""
        self._speaker = None
        self._thought.clear()

    def _take_thought(self, message: Message) -> None:
        if self._thought:
            message.reasoning_content = "\n".join(self._thought)
            self._thought.clear()


def _given(value: str | None, at: str, name: str) -> str:
    if not value:
        raise missing(f"{at}.{name}")
    return value


def _no_role(at: str) -> Refusal:
    return invalid_value(f"{at}.role", MESSAGE_ROLES)


def _no_item(kind: str | None, at: str) -> Refusal:
    if kind is None:
        return missing(f"{at}.type")
    if kind == "item_reference":
        return unsupported_value(f"{at}.type", _REFERENCE)
    if kind in _HOSTED_ITEMS:
        return unsupported_value(f"{at}.type", _OTHER_ITEM)
    return invalid_value(f"{at}.type", ITEM_TYPES)
