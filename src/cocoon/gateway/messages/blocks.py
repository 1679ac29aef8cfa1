"""What a Messages request holds, as typed as it must be read.

Only members that mean something here are named; others inside of blocks (``cache_control``,
``citations``, ``caller`` …) are accepted and not looked at, see the reference page. Types are
checked by the decoder, whose texts name a place and a type and never a value.
"""

from msgspec import Raw, Struct


class Source(Struct):
    """``source`` of an image or a document."""

    type: str
    media_type: str | None = None
    data: str | None = None
    content: "str | list[Block] | None" = None


class Block(Struct):
    """A content block of any kind; ``type`` says which members count."""

    type: str
    text: str | None = None
    source: Source | str | None = None
    title: str | None = None
    context: str | None = None
    id: str | None = None
    name: str | None = None
    input: Raw = Raw()
    tool_use_id: str | None = None
    content: "str | list[Block] | None" = None
    is_error: bool | None = None
    thinking: str | None = None


class Message(Struct):
    """One turn."""

    role: str
    content: str | list[Block]


class Tool(Struct):
    """A tool, the caller's own or one that only Anthropic has."""

    type: str | None = None
    name: str | None = None
    description: str | None = None
    input_schema: Raw = Raw()
    strict: bool | None = None
    defer_loading: bool | None = None
    allowed_callers: list[str] | None = None


class ToolChoice(Struct):
    """``tool_choice``."""

    type: str
    name: str | None = None
    disable_parallel_tool_use: bool | None = None


class Thinking(Struct):
    """``thinking``."""

    type: str
    budget_tokens: int | None = None
    display: str | None = None


class OutputFormat(Struct):
    """``output_config.format``, and ``output_format`` of older packages."""

    type: str
    schema: Raw = Raw()


class OutputConfig(Struct):
    """``output_config``."""

    effort: str | None = None
    format: OutputFormat | None = None


class Metadata(Struct):
    """``metadata``."""

    user_id: str | None = None
