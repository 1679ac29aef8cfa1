"""llama.cpp's server: what it takes beside OpenAI's fields, and by which names.

Source: ``tools/server/README.md`` of ggml-org/llama.cpp; answers were recorded from the embedded
engine, which is the same server (``vectors/engines/llama.cpp``).

Prompt cache: every request carries ``cache_prompt: false``, so that nothing that another client
left in a slot is reused. The server may still copy a slot's state to and from memory between
requests (``--cache-ram``); operators switch that off with ``--cache-ram 0``. A closed connection
stops a generation: the embedded engine frees its slot within 100 ms (tested).
"""

from typing import Final

from cocoon.engine.base import Fields
from cocoon.engine.dialects.answers import detokenized, tokenized
from cocoon.engine.dialects.dialect import (
    CALLER_FIELDS,
    HINTS,
    Dialect,
    FieldRule,
    dropped,
    for_paths,
    refused,
    renamed,
    same_paths,
    translated,
)
from cocoon.engine.dialects.shared import drop_obfuscation, functions_to_tools
from cocoon.engine.dialects.values import FALSE, ONE, TRUE, ZERO, object_of, raw, text_of
from cocoon.engine.dialects.words import (
    CHAT_PATH,
    CHOICES,
    COMPLETIONS_PATH,
    DETOKENIZE_PATH,
    EMBEDDINGS_PATH,
    GENERATING,
    JSON_OBJECT,
    JSON_SCHEMA,
    LOGIT_BIAS,
    LOGPROBS,
    RERANK_PATH,
    SAMPLING,
    SEED,
    TOKENIZE_PATH,
)
from cocoon.errors import BadRequestError

_GENERATION: Final[dict[str, FieldRule]] = {
    "stream_options": translated("without include_obfuscation"),
    "repetition_penalty": renamed("repeat_penalty"),
    "length_penalty": refused("has no beam search", ONE, b"1.0"),
    "min_tokens": refused("has no least number of tokens", ZERO),
    "stop_token_ids": refused("stops at strings only", b"[]"),
    "include_stop_str_in_output": refused("never writes the stop string", FALSE),
    "skip_special_tokens": refused("decides on special tokens when it starts", TRUE),
    "spaces_between_special_tokens": refused("always writes them", TRUE),
    "truncate_prompt_tokens": refused("does not cut prompts", b"-1"),
}
_CHAT: Final[dict[str, FieldRule]] = {
    "functions": translated("as `tools`; the answer has tool calls"),
    "function_call": translated("as `tool_choice`"),
    "reasoning_effort": translated("as `chat_template_kwargs`, for the model's template"),
}
_COMPLETION: Final[dict[str, FieldRule]] = {
    "best_of": refused("does not rank answers", ONE, b"0"),
    "suffix": refused("does not fill in before a suffix here", b'""', FALSE),
    "echo": refused("does not repeat the prompt", FALSE),
    "response_format": translated("as `json_schema`"),
}
_EMBEDDINGS: Final[dict[str, FieldRule]] = {
    "dimensions": refused("always answers all dimensions"),
    "truncate_prompt_tokens": refused("does not cut prompts", b"-1"),
}
_TOKENIZE: Final[dict[str, FieldRule]] = {
    "prompt": renamed("content"),
    "add_special_tokens": renamed("add_special"),
    "return_token_strs": renamed("with_pieces"),
    "messages": refused("counts the tokens of a `prompt` only"),
    "tools": refused("counts the tokens of a `prompt` only", b"[]"),
    "add_generation_prompt": dropped("there are no messages"),
    "model": dropped("it has one model"),
}


def _json_schema(path: str, fields: Fields) -> None:
    """Completions take a schema, not OpenAI's ``response_format``."""
    if path != COMPLETIONS_PATH or "response_format" not in fields:
        return
    wanted = object_of(fields, "response_format") or {}
    del fields["response_format"]
    kind = text_of(wanted.get("type"))
    if kind == "json_object":
        fields["json_schema"] = raw({"type": "object"})
    elif kind == "json_schema":
        schema = (object_of(wanted, "json_schema") or {}).get("schema")
        if schema is None:
            raise BadRequestError("field 'response_format' must have a schema")
        fields["json_schema"] = schema
    elif kind != "text":
        raise BadRequestError("field 'response_format' has a type that does not exist")


def _effort(path: str, fields: Fields) -> None:
    """Templates read the effort; ``none`` is also the switch that most of them know."""
    effort = fields.pop("reasoning_effort", None) if path == CHAT_PATH else None
    if effort is None:
        return
    options = object_of(fields, "chat_template_kwargs") or {}
    options.setdefault("reasoning_effort", effort)
    if text_of(effort) == "none":
        options.setdefault("enable_thinking", raw(False))
    fields["chat_template_kwargs"] = raw(options)


def _tokenize(path: str, fields: Fields) -> None:
    """Special tokens are added unless told otherwise, as vLLM does it; llama.cpp does not."""
    if path == TOKENIZE_PATH:
        fields.setdefault("add_special", raw(True))


def _no_prompt_cache(path: str, fields: Fields) -> None:
    if path in GENERATING:
        fields["cache_prompt"] = raw(False)


LLAMACPP: Final = Dialect(
    name="llama.cpp",
    title="llama.cpp",
    paths=same_paths(
        CHAT_PATH, COMPLETIONS_PATH, EMBEDDINGS_PATH, RERANK_PATH, TOKENIZE_PATH, DETOKENIZE_PATH
    ),
    features=frozenset(
        {JSON_OBJECT, JSON_SCHEMA, LOGPROBS, SEED, LOGIT_BIAS, CHOICES, SAMPLING, "tokenize"}
    ),
    rules={
        **for_paths((CHAT_PATH,), CALLER_FIELDS, HINTS, _GENERATION, _CHAT),
        **for_paths((COMPLETIONS_PATH,), CALLER_FIELDS, HINTS, _GENERATION, _COMPLETION),
        **for_paths((EMBEDDINGS_PATH, RERANK_PATH), CALLER_FIELDS, _EMBEDDINGS),
        **for_paths((TOKENIZE_PATH,), CALLER_FIELDS, _TOKENIZE),
    },
    adjust=(
        drop_obfuscation,
        functions_to_tools,
        _json_schema,
        _effort,
        _tokenize,
        _no_prompt_cache,
    ),
    cacheless=frozenset(
        {*GENERATING, EMBEDDINGS_PATH, RERANK_PATH, TOKENIZE_PATH, DETOKENIZE_PATH}
    ),
    restate={TOKENIZE_PATH: tokenized, DETOKENIZE_PATH: detokenized},
    load_metrics=(
        "llamacpp:requests_processing",
        "llamacpp:requests_deferred",
        ("llamacpp:kv_cache_usage_ratio",),
    ),
)
