"""Rules for chat messages, tools and output formats.

An engine that fetched a URL from a message would tell a server of the caller's choice about the
prompt, and reach what only the enclave reaches. So images, sound and files come as data, never as
URLs, and ids of stored files mean nothing here.
"""

import re
from typing import Final

import msgspec

from cocoon.wire import refusals
from cocoon.worker.rules.nested import list_of, map_of, object_of, one_kind_of
from cocoon.worker.rules.schema import SCHEMA
from cocoon.worker.rules.values import (
    BOOLEAN,
    NULL,
    STRING,
    Rule,
    either,
    one_of,
    starts_with,
    string_up_to,
)

MAX_MESSAGES: Final = 10_000
MAX_PARTS: Final = 1000
"""Parts in one message."""
MAX_TOOLS: Final = 128
MAX_TOOL_CALLS: Final = 128
MAX_STOPS: Final = 16

_NAME = re.compile(r"[A-Za-z0-9_.\-]{1,64}", re.ASCII)
#: What a caller gets back and sends again, or means for another provider.
_DROPPED: Final = frozenset({"cache_control", "annotations", "index"})


def data_url(kind: str) -> Rule:
    """``data:`` URLs with base64 data of a media type such as ``image``."""
    text = f"a data: URL with base64 data of a type {kind}/…; other URLs are never fetched"
    # A JSON string: "/" may stand as "\/".
    start = re.compile(rb'"data:' + kind.encode() + rb"\\?/[A-Za-z0-9.+\-]{1,80};base64,")
    return Rule(text, lambda raw: start.match(memoryview(raw)) is not None)


def _name_inside(raw: msgspec.Raw, path: str) -> msgspec.Raw:
    if not _NAME.fullmatch(bytes(memoryview(raw)[1:-1]).decode("ascii", "replace")):
        raise refusals.wrong(path, "be a name of 1 to 64 letters, digits, '_', '-' and '.'")
    return raw


NAME: Final = Rule("a name", starts_with(b'"'), _name_inside)

_TEXT_PART: Final = object_of(
    "a text part",
    {"type": STRING, "text": STRING},
    required=("text",),
    dropped=_DROPPED,
)
_REFUSAL_PART: Final = object_of(
    "a refusal part", {"type": STRING, "refusal": STRING}, required=("refusal",), dropped=_DROPPED
)
_IMAGE: Final = object_of(
    "an object",
    {"url": data_url("image"), "detail": one_of("auto", "low", "high", "original")},
    required=("url",),
)
_IMAGE_PART: Final = object_of(
    "an image part",
    {"type": STRING, "image_url": either("an object", _IMAGE, data_url("image"))},
    required=("image_url",),
    dropped=_DROPPED,
)
_AUDIO: Final = object_of(
    "an object",
    {"data": STRING, "format": one_of("wav", "mp3", "flac", "ogg", "opus")},
    required=("data", "format"),
)
_AUDIO_PART: Final = object_of(
    "an audio part",
    {"type": STRING, "input_audio": _AUDIO},
    required=("input_audio",),
    dropped=_DROPPED,
)
_FILE: Final = object_of(
    "an object with file_data",
    {"file_data": data_url("application"), "filename": string_up_to(256)},
    required=("file_data",),
)
_FILE_PART: Final = object_of(
    "a file part", {"type": STRING, "file": _FILE}, required=("file",), dropped=_DROPPED
)

CONTENT_PART: Final = one_kind_of(
    "an object with a type",
    {
        "text": _TEXT_PART,
        "image_url": _IMAGE_PART,
        "input_audio": _AUDIO_PART,
        "file": _FILE_PART,
        "refusal": _REFUSAL_PART,
    },
)
CONTENT: Final = either(
    "a string or an array of parts",
    STRING,
    list_of("an array of parts", CONTENT_PART, most=MAX_PARTS),
    NULL,
)

_CALLED: Final = object_of(
    "an object", {"name": NAME, "arguments": STRING}, required=("name", "arguments")
)
_TOOL_CALL: Final = object_of(
    "a tool call",
    {"id": string_up_to(256), "type": one_of("function"), "function": _CALLED},
    required=("function",),
    dropped=_DROPPED,
)

MESSAGE: Final = object_of(
    "a message",
    {
        "role": one_of("system", "developer", "user", "assistant", "tool", "function"),
        "content": CONTENT,
        "name": string_up_to(256),
        "refusal": STRING,
        "reasoning": STRING,
        "reasoning_content": STRING,
        "tool_calls": list_of("an array of tool calls", _TOOL_CALL, most=MAX_TOOL_CALLS),
        "tool_call_id": string_up_to(256),
        "function_call": _CALLED,
        "audio": NULL,
        "prefix": BOOLEAN,
        "partial": BOOLEAN,
    },
    required=("role",),
    dropped=_DROPPED,
)
MESSAGES: Final = list_of("an array of messages", MESSAGE, most=MAX_MESSAGES)

_FUNCTION: Final = object_of(
    "an object with a name",
    {"name": NAME, "description": STRING, "parameters": SCHEMA, "strict": BOOLEAN},
    required=("name",),
)
_TOOL: Final = object_of(
    "a tool",
    {"type": one_of("function"), "function": _FUNCTION},
    required=("type", "function"),
    dropped=_DROPPED,
)
TOOLS: Final = list_of("an array of tools", _TOOL, most=MAX_TOOLS)
FUNCTIONS: Final = list_of("an array of functions", _FUNCTION, most=MAX_TOOLS)

_NAMED: Final = object_of("an object with a name", {"name": NAME}, required=("name",))
TOOL_CHOICE: Final = either(
    "none, auto, required, or an object that names a function",
    one_of("none", "auto", "required"),
    object_of(
        "an object that names a function",
        {"type": one_of("function"), "function": _NAMED},
        required=("type", "function"),
    ),
)
FUNCTION_CALL: Final = either(
    "none, auto, or an object that names a function", one_of("none", "auto"), _NAMED
)

_PLAIN: Final = object_of("an object", {"type": STRING})
_JSON_SCHEMA: Final = object_of(
    "an object with name and schema",
    {"name": NAME, "description": STRING, "schema": SCHEMA, "strict": BOOLEAN},
    required=("name",),
)
RESPONSE_FORMAT: Final = one_kind_of(
    "an object with a type",
    {
        "text": _PLAIN,
        # llama.cpp and older engines take a schema here; there is a newer form for that.
        "json_object": _PLAIN,
        "json_schema": object_of(
            "an object with json_schema",
            {"type": STRING, "json_schema": _JSON_SCHEMA},
            required=("json_schema",),
        ),
    },
)

_STOP: Final = string_up_to(1024)
STOP: Final = either(
    f"a string, or an array of at most {MAX_STOPS} strings",
    _STOP,
    list_of("an array of strings", _STOP, most=MAX_STOPS),
)
METADATA: Final = map_of("an object", string_up_to(512), most=16, name_length=64)
PREDICTION: Final = object_of(
    "an object with type content",
    {
        "type": one_of("content"),
        "content": either(
            "a string or an array of parts",
            STRING,
            list_of("an array of parts", _TEXT_PART, most=MAX_PARTS),
        ),
    },
    required=("content",),
)
