"""The fields of a Responses call: their types, limits, and those that cannot be had here."""

from typing import Any, Final

from msgspec import Raw, Struct

from cocoon.gateway.refusal import Refusal
from cocoon.gateway.responses.checks import invalid_type, one_of, unsupported
from cocoon.gateway.responses.formats import TextConfig

INT32_MAX = 2**31 - 1
MAX_METADATA = 16
MAX_METADATA_KEY = 64
MAX_METADATA_VALUE = 512
MAX_CACHE_KEY = 1024
MAX_IDENTIFIER = 64
MAX_USER = 256
MAX_TOP_LOGPROBS = 20
EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
SUMMARIES = ("auto", "concise", "detailed")
CONTEXTS = ("auto", "current_turn", "all_turns")
TIERS = ("auto", "default", "flex", "scale", "priority", "fast", "ultrafast")
TRUNCATIONS = ("auto", "disabled")
INCLUDABLE = (
    "code_interpreter_call.outputs",
    "computer_call_output.output.image_url",
    "file_search_call.results",
    "message.input_image.image_url",
    "message.output_text.logprobs",
    "reasoning.encrypted_content",
    "web_search_call.action.sources",
    "web_search_call.results",
)
_RESEND = "Nothing is stored here: send the input items of earlier turns again."
_NOT_HERE = "The network has nothing like it; leave it out."

NULL = Raw(b"null")


class ReasoningConfig(Struct):
    """``reasoning``."""

    effort: str | None = None
    summary: str | None = None
    generate_summary: str | None = None
    context: str | None = None


class StreamOptions(Struct):
    """``stream_options``; nothing is obfuscated here."""

    include_obfuscation: bool | None = None


class Sent(Struct):
    """A call as sent: the fields of OpenAI's API."""

    model: str | None = None
    input: Raw = NULL
    instructions: str | None = None
    background: bool | None = None
    conversation: Any = None
    include: list[str] | None = None
    max_output_tokens: int | None = None
    max_tool_calls: int | None = None
    metadata: dict[str, str] | None = None
    parallel_tool_calls: bool | None = None
    previous_response_id: str | None = None
    prompt: Any = None
    prompt_cache_key: str | None = None
    prompt_cache_options: dict[str, Any] | None = None
    prompt_cache_retention: str | None = None
    reasoning: ReasoningConfig | None = None
    safety_identifier: str | None = None
    service_tier: str | None = None
    store: bool | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    temperature: float | None = None
    text: TextConfig | None = None
    tool_choice: Raw = NULL
    tools: Raw = NULL
    top_logprobs: int | None = None
    top_p: float | None = None
    truncation: str | None = None
    user: str | None = None
    access_programs: Any = None
    background_options: Any = None
    context_management: Any = None
    image: Any = None
    moderation: Any = None


OWN: Final = frozenset(Sent.__struct_fields__)

MOVED: Final[dict[str, str]] = {
    "audio": "",
    "function_call": "tool_choice",
    "functions": "tools",
    "logprobs": "include",
    "max_completion_tokens": "max_output_tokens",
    "max_tokens": "max_output_tokens",
    "messages": "input",
    "modalities": "",
    "n": "",
    "prediction": "",
    "reasoning_effort": "reasoning.effort",
    "response_format": "text.format",
    "verbosity": "text.verbosity",
    "web_search_options": "",
}
"""Fields of a chat that this API does not have, with what it has instead."""


def check_options(sent: Sent) -> None:
    """Check everything but input, tools and text.

    Raises:
        Refusal: a value is out of range, or cannot be had here.
    """
    _check_state(sent)
    _check_numbers(sent)
    _check_words(sent)
    _check_metadata(sent.metadata)
    _not_longer("prompt_cache_key", sent.prompt_cache_key, MAX_CACHE_KEY)
    _not_longer("safety_identifier", sent.safety_identifier, MAX_IDENTIFIER)
    _not_longer("user", sent.user, MAX_USER)
    if sent.stream_options is not None and not sent.stream:
        raise Refusal("'stream_options' needs 'stream': true", param="stream_options")


def _check_state(sent: Sent) -> None:
    """Nothing is stored, and nothing runs behind a caller's back."""
    if sent.previous_response_id is not None:
        raise unsupported("previous_response_id", _RESEND)
    if sent.conversation is not None:
        raise unsupported("conversation", _RESEND)
    if sent.store:
        raise unsupported("store", "Nothing is stored here: leave it out or set it to false.")
    if sent.background:
        raise unsupported("background", "Nothing is stored here: wait for the answer or stream it.")
    if sent.prompt is not None:
        raise unsupported("prompt", "Nothing is stored here: send instructions and input.")
    for name in ("access_programs", "background_options", "image", "moderation"):
        if getattr(sent, name) is not None:
            raise unsupported(name, _NOT_HERE)
    if sent.context_management:
        raise unsupported("context_management", _NOT_HERE)


def _check_numbers(sent: Sent) -> None:
    _within("max_output_tokens", sent.max_output_tokens, 1, INT32_MAX)
    _within("max_tool_calls", sent.max_tool_calls, 1, INT32_MAX)
    _within("top_logprobs", sent.top_logprobs, 0, MAX_TOP_LOGPROBS)
    _within("temperature", sent.temperature, 0, 2)
    _within("top_p", sent.top_p, 0, 1)


def _check_words(sent: Sent) -> None:
    one_of(sent.service_tier, TIERS, "service_tier")
    one_of(sent.truncation, TRUNCATIONS, "truncation")
    for number, name in enumerate(sent.include or ()):
        one_of(name, INCLUDABLE, f"include[{number}]")
    reasoning = sent.reasoning
    if reasoning is not None:
        one_of(reasoning.effort, EFFORTS, "reasoning.effort")
        one_of(reasoning.summary, SUMMARIES, "reasoning.summary")
        one_of(reasoning.generate_summary, SUMMARIES, "reasoning.generate_summary")
        one_of(reasoning.context, CONTEXTS, "reasoning.context")
        reasoning.summary = reasoning.summary or reasoning.generate_summary


def _check_metadata(metadata: dict[str, str] | None) -> None:
    if not metadata:
        return
    if len(metadata) > MAX_METADATA:
        raise Refusal(
            f"Invalid 'metadata': too many properties. Expected at most {MAX_METADATA}.",
            param="metadata",
            code="object_above_max_properties",
        )
    for key, value in metadata.items():
        if len(key) > MAX_METADATA_KEY or len(value) > MAX_METADATA_VALUE:
            raise Refusal(
                f"Invalid 'metadata': string too long. Expected keys of at most {MAX_METADATA_KEY} "
                f"and values of at most {MAX_METADATA_VALUE} characters.",
                param="metadata",
                code="string_above_max_length",
            )


def _not_longer(param: str, value: str | None, most: int) -> None:
    if value is not None and len(value) > most:
        raise Refusal(
            f"Invalid '{param}': string too long. Expected at most {most} characters.",
            param=param,
            code="string_above_max_length",
        )


def _within(param: str, value: float | None, low: int, high: int) -> None:
    if value is None or low <= value <= high:
        return
    kind = "integer" if isinstance(value, int) else "decimal"
    if value != value:  # noqa: PLR0124 - not a number
        raise invalid_type(param, "a number")
    side, limit = ("above max", high) if value > high else ("below min", low)
    sign = "<=" if value > high else ">="
    raise Refusal(
        f"Invalid '{param}': {kind} {side}imum value. Expected a value {sign} {limit}.",
        param=param,
        code=f"{kind}_{side.replace(' ', '_')}_value",
    )
