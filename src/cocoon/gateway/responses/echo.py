"""The members of a ``response`` object that repeat what was asked for."""

import msgspec
from msgspec import Raw, Struct

from cocoon.gateway.responses.formats import TextConfig
from cocoon.gateway.responses.tools import Tool

MAX_ECHO = 2**18
"""Bytes of instructions and tools that are repeated; the object goes out up to three times."""


class Reasoning(Struct):
    """``reasoning``."""

    effort: str | None = None
    summary: str | None = None


class Echo(Struct):
    """The members in OpenAI's order, without those that change while an answer grows."""

    instructions: str | None
    max_output_tokens: int | None
    max_tool_calls: int | None
    metadata: dict[str, str]
    model: str
    parallel_tool_calls: bool
    prompt_cache_key: str | None
    reasoning: Reasoning
    safety_identifier: str | None
    temperature: float | None
    text: TextConfig
    tool_choice: Raw | str
    tools: list[Tool]
    top_logprobs: int
    top_p: float | None
    user: str | None
    background: bool = False
    previous_response_id: None = None
    service_tier: str = "default"
    store: bool = False
    truncation: str = "disabled"


_encode = msgspec.json.Encoder().encode


def encode_echo(echo: Echo) -> bytes:
    """Members as they stand in an object, without its braces.

    Beyond ``MAX_ECHO`` bytes instructions, tools and the schema of the text are left out: a body
    of megabytes must not come back three times over.
    """
    # What the caller wrote may hold line ends between values, which would end a line of an event.
    members = _encode(echo)[1:-1].replace(b"\n", b" ").replace(b"\r", b" ")
    if len(members) <= MAX_ECHO:
        return members
    short = msgspec.structs.replace(
        echo, instructions=None, tools=[], tool_choice="auto", text=TextConfig()
    )
    return _encode(short)[1:-1]
