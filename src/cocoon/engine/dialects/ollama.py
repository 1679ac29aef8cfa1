"""Ollama: what its OpenAI-compatible endpoints take; the rest they ignore.

Sources: ``docs.ollama.com/api/openai-compatibility``; ``openai/openai.go`` of ollama/ollama (what a
request may have is what ``ChatCompletionRequest`` and ``CompletionRequest`` there list).

Prompt cache: there is no field and no switch for it (issue 13208 asks for one), and requests that
share a beginning share it. A worker serves with Ollama only if its operator accepts that. A closed
connection cancels the request's context and with it the generation (``server/routes.go``).
"""

from typing import Final

from cocoon.engine.base import Fields
from cocoon.engine.dialects.dialect import (
    CALLER_FIELDS,
    HINTS,
    Dialect,
    FieldRule,
    for_paths,
    refused,
    same_paths,
    translated,
)
from cocoon.engine.dialects.shared import drop_obfuscation, functions_to_tools, thinking_switch
from cocoon.engine.dialects.values import FALSE, ONE, TRUE, ZERO, array_of, is_text, raw, text_of
from cocoon.engine.dialects.words import (
    CHAT_PATH,
    COMPLETIONS_PATH,
    EMBEDDINGS_PATH,
    JSON_OBJECT,
    JSON_SCHEMA,
    SEED,
)
from cocoon.errors import BadRequestError

_NOT_HERE = "does not take this option"
_EFFORTS: Final = {"minimal": "low", "xhigh": "high", "max": "high"}

_GENERATION: Final[dict[str, FieldRule]] = {
    "stream_options": translated("without include_obfuscation"),
    "n": refused("gives one answer to a request", ONE),
    "logit_bias": refused(_NOT_HERE, b"{}"),
    "top_k": refused(_NOT_HERE, b"-1"),
    "min_p": refused(_NOT_HERE, ZERO, b"0.0"),
    "typical_p": refused(_NOT_HERE, ONE, b"1.0"),
    "repetition_penalty": refused(_NOT_HERE, ONE, b"1.0"),
    "length_penalty": refused(_NOT_HERE, ONE, b"1.0"),
    "min_tokens": refused(_NOT_HERE, ZERO),
    "ignore_eos": refused(_NOT_HERE, FALSE),
    "stop_token_ids": refused(_NOT_HERE, b"[]"),
    "include_stop_str_in_output": refused(_NOT_HERE, FALSE),
    "skip_special_tokens": refused(_NOT_HERE, TRUE),
    "spaces_between_special_tokens": refused(_NOT_HERE, TRUE),
    "truncate_prompt_tokens": refused(_NOT_HERE, b"-1"),
}
_CHAT: Final[dict[str, FieldRule]] = {
    "max_completion_tokens": translated("as `max_tokens`"),
    "functions": translated("as `tools`; the answer has tool calls"),
    "function_call": translated("as `tool_choice`"),
    "tool_choice": translated("`none` without tools, `auto` as it is; others are refused"),
    "parallel_tool_calls": refused("does not limit the number of tool calls", TRUE),
    "chat_template_kwargs": translated("as `reasoning_effort`"),
    "reasoning_effort": translated("as low, medium, high or none"),
    "logprobs": refused("reports no log probabilities here", FALSE),
    "top_logprobs": refused("reports no log probabilities here", ZERO),
}
_COMPLETION: Final[dict[str, FieldRule]] = {
    "prompt": translated("one string; others are refused"),
    "best_of": refused("does not rank answers", ONE, ZERO),
    "echo": refused("does not repeat the prompt", FALSE),
    "logprobs": refused("reports no log probabilities here", FALSE, ZERO),
    "response_format": refused("takes it in chat only", b'{"type":"text"}'),
}
_EMBEDDINGS: Final[dict[str, FieldRule]] = {
    "truncate_prompt_tokens": refused(_NOT_HERE, b"-1"),
}


def _one_limit(path: str, fields: Fields) -> None:
    if path == CHAT_PATH and (limit := fields.pop("max_completion_tokens", None)) is not None:
        fields["max_tokens"] = limit


def _tool_choice(path: str, fields: Fields) -> None:
    """Ollama ignores ``tool_choice``; ``none`` is the same as no tools."""
    choice = fields.pop("tool_choice", None) if path == CHAT_PATH else None
    if choice is None:
        return
    word = text_of(choice)
    if word == "none":
        fields.pop("tools", None)
    elif word != "auto":
        raise BadRequestError("field 'tool_choice': this worker's engine cannot force a tool call")


def _reasoning(path: str, fields: Fields) -> None:
    if path != CHAT_PATH:
        return
    effort = text_of(fields.get("reasoning_effort"))
    if effort is not None:
        fields["reasoning_effort"] = raw(_EFFORTS.get(effort, effort))
    if "chat_template_kwargs" in fields and thinking_switch(fields) is False:
        fields["reasoning_effort"] = raw("none")


def _one_prompt(path: str, fields: Fields) -> None:
    """``openai.go``: a prompt is one string (issue 5259)."""
    if path != COMPLETIONS_PATH or "prompt" not in fields or is_text(fields["prompt"]):
        return
    prompts = array_of(fields, "prompt") or []
    if len(prompts) != 1 or not is_text(prompts[0]):
        raise BadRequestError("field 'prompt': this worker's engine takes one string")
    fields["prompt"] = prompts[0]


OLLAMA: Final = Dialect(
    name="ollama",
    title="Ollama",
    paths=same_paths(CHAT_PATH, COMPLETIONS_PATH, EMBEDDINGS_PATH),
    features=frozenset({JSON_OBJECT, JSON_SCHEMA, SEED}),
    rules={
        **for_paths((CHAT_PATH,), CALLER_FIELDS, HINTS, _GENERATION, _CHAT),
        **for_paths((COMPLETIONS_PATH,), CALLER_FIELDS, HINTS, _GENERATION, _COMPLETION),
        **for_paths((EMBEDDINGS_PATH,), CALLER_FIELDS, _EMBEDDINGS),
    },
    adjust=(
        drop_obfuscation,
        functions_to_tools,
        _one_limit,
        _tool_choice,
        _reasoning,
        _one_prompt,
    ),
)
