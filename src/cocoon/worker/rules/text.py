"""What bodies of chat, completions, embeddings, rerank, moderations and tokenize may hold.

The lists for chat and completions are the official ones (``wire-protocol.md`` §5.4) with their
mistakes corrected: fields that engines understand and that they refuse (``tools``, ``seed``,
``logprobs``, sampling options of vLLM and SGLang …) are allowed, ``prediction`` and ``suffix`` have
the types that OpenAI documents as well. Refused on purpose are fields that send content elsewhere
(``web_search_options``), store it, load code or templates (``chat_template``,
``mm_processor_kwargs``), or compile grammars without limits (``guided_regex`` …).
"""

from collections.abc import Callable, Mapping, Sized
from typing import Final

import msgspec

from cocoon.wire import refusals
from cocoon.worker.rules.messages import (
    CONTENT_PART,
    FUNCTION_CALL,
    FUNCTIONS,
    MESSAGES,
    METADATA,
    PREDICTION,
    RESPONSE_FORMAT,
    STOP,
    TOOL_CHOICE,
    TOOLS,
)
from cocoon.worker.rules.nested import list_of, map_of, object_of
from cocoon.worker.rules.values import (
    BAD_JSON,
    BOOLEAN,
    COUNT,
    FALSE,
    INTEGER,
    NUMBER,
    PENALTY,
    POSITIVE,
    STRING,
    TOKENS,
    Rule,
    count_in,
    either,
    first,
    number_in,
    one_of,
    starts_with,
    string_up_to,
)

MAX_PROMPTS: Final = 2048
"""Prompts in one completion request, inputs in one of embeddings."""
MAX_CHOICES: Final = 128
MAX_LOGPROBS: Final = 20
MAX_BIASES: Final = 1024
MAX_DOCUMENTS: Final = 2048
MAX_STOP_TOKENS: Final = 128

_CHOICES: Final = Rule(f"an integer from 1 to {MAX_CHOICES}", count_in(1, MAX_CHOICES))
_LOGPROBS: Final = Rule(f"an integer from 0 to {MAX_LOGPROBS}", count_in(0, MAX_LOGPROBS))
_BIAS: Final = Rule("a number from -100 to 100", number_in(-100, 100))
_EFFORT: Final = string_up_to(32)
_SHORT: Final = string_up_to(512)

STREAM_OPTIONS: Final = object_of(
    "an object with include_usage and include_obfuscation, each true or false",
    {"include_usage": BOOLEAN, "include_obfuscation": BOOLEAN},
)
TEMPLATE_OPTIONS: Final = object_of(
    "an object with enable_thinking or thinking, each true or false",
    {"enable_thinking": BOOLEAN, "thinking": BOOLEAN},
)

_PROMPT_FORMS: Final[dict[int, Callable[[msgspec.Raw], Sized]]] = {
    ord('"'): msgspec.json.Decoder(list[str]).decode,
    ord("["): msgspec.json.Decoder(list[list[int]]).decode,
}
_decode_tokens: Final[Callable[[msgspec.Raw], Sized]] = msgspec.json.Decoder(list[int]).decode
_PROMPT_TEXT: Final = "a string, an array of strings, or one or more arrays of token numbers"


def prompts_in(raw: msgspec.Raw, path: str) -> int:
    """How many prompts a value holds.

    Raises:
        BadRequestError: it is no prompt, or there are more than `MAX_PROMPTS`.
    """
    if first(raw) == ord('"'):
        return 1
    start = memoryview(raw)[1:65].tobytes().lstrip()
    decode = _PROMPT_FORMS.get(start[0] if start else 0, _decode_tokens)
    try:
        items = decode(raw)
    except BAD_JSON:
        raise refusals.wrong(path, f"be {_PROMPT_TEXT}") from None
    if decode is _decode_tokens:
        return 1
    if len(items) > MAX_PROMPTS:
        raise refusals.wrong(path, f"have at most {MAX_PROMPTS} prompts")
    return max(1, len(items))


def _prompt_inside(raw: msgspec.Raw, path: str) -> msgspec.Raw:
    prompts_in(raw, path)
    return raw


PROMPT: Final = Rule(_PROMPT_TEXT, starts_with(b'"', b"["), _prompt_inside)

_MODEL: Final[Mapping[str, Rule]] = {"model": STRING, "user": _SHORT}
_SAMPLED: Final[Mapping[str, Rule]] = {
    "frequency_penalty": PENALTY,
    "presence_penalty": NUMBER,
    "temperature": NUMBER,
    "top_p": NUMBER,
    "max_tokens": TOKENS,
    "n": _CHOICES,
    "seed": INTEGER,
    "stop": STOP,
    "stream": BOOLEAN,
    "stream_options": STREAM_OPTIONS,
    "response_format": RESPONSE_FORMAT,
    "logit_bias": map_of("an object", _BIAS, most=MAX_BIASES, name_length=10),
    # Sampling options that vLLM, SGLang and llama.cpp share.
    "top_k": INTEGER,
    "min_p": NUMBER,
    "typical_p": NUMBER,
    "repetition_penalty": NUMBER,
    "length_penalty": NUMBER,
    "min_tokens": TOKENS,
    "ignore_eos": BOOLEAN,
    "stop_token_ids": list_of("an array", INTEGER, most=MAX_STOP_TOKENS),
    "include_stop_str_in_output": BOOLEAN,
    "skip_special_tokens": BOOLEAN,
    "spaces_between_special_tokens": BOOLEAN,
    "truncate_prompt_tokens": INTEGER,
}
_COMMON: Final[Mapping[str, Rule]] = {**_MODEL, **_SAMPLED}

CHAT_FIELDS: Final[Mapping[str, Rule]] = {
    **_COMMON,
    "messages": MESSAGES,
    "max_completion_tokens": TOKENS,
    "parallel_tool_calls": BOOLEAN,
    # Official workers take a number here, and nothing else.
    "prediction": either("an object with type content", PREDICTION, NUMBER),
    "reasoning_effort": _EFFORT,
    "verbosity": _EFFORT,
    "logprobs": BOOLEAN,
    "top_logprobs": _LOGPROBS,
    "chat_template_kwargs": TEMPLATE_OPTIONS,
    "tools": TOOLS,
    "tool_choice": TOOL_CHOICE,
    "functions": FUNCTIONS,
    "function_call": FUNCTION_CALL,
    "metadata": METADATA,
    "store": FALSE,
    "service_tier": _EFFORT,
    "safety_identifier": _SHORT,
    "prompt_cache_key": _SHORT,
}

COMPLETION_FIELDS: Final[Mapping[str, Rule]] = {
    **_COMMON,
    "prompt": PROMPT,
    "best_of": Rule(f"an integer from 0 to {MAX_CHOICES}", count_in(0, MAX_CHOICES)),
    "echo": BOOLEAN,
    "logprobs": either("an integer from 0 to 20, or true or false", BOOLEAN, _LOGPROBS),
    # Official workers take true or false here, and nothing else.
    "suffix": either("a string", STRING, BOOLEAN),
}

EMBEDDING_FIELDS: Final[Mapping[str, Rule]] = {
    **_MODEL,
    "input": PROMPT,
    "encoding_format": one_of("float", "base64"),
    "dimensions": POSITIVE,
    "truncate_prompt_tokens": INTEGER,
}

_DOCUMENT: Final = either(
    "a string or an object with text",
    STRING,
    object_of("an object with text", {"text": STRING}, required=("text",)),
)
RERANK_FIELDS: Final[Mapping[str, Rule]] = {
    **_MODEL,
    "query": STRING,
    "documents": list_of("an array of strings", _DOCUMENT, most=MAX_DOCUMENTS, least=1),
    "top_n": COUNT,
    "return_documents": BOOLEAN,
    "max_tokens_per_doc": POSITIVE,
    "truncate_prompt_tokens": INTEGER,
}

_MODERATED: Final = either("a string or a part", STRING, CONTENT_PART)
MODERATION_FIELDS: Final[Mapping[str, Rule]] = {
    **_MODEL,
    "input": either(
        "a string or an array of strings or parts",
        STRING,
        list_of("an array of strings or parts", _MODERATED, most=MAX_PROMPTS),
    ),
}

TOKENIZE_FIELDS: Final[Mapping[str, Rule]] = {
    **_MODEL,
    "prompt": STRING,
    "messages": MESSAGES,
    "tools": TOOLS,
    "add_special_tokens": BOOLEAN,
    "add_generation_prompt": BOOLEAN,
    "continue_final_message": BOOLEAN,
    "return_token_strs": BOOLEAN,
    "chat_template_kwargs": TEMPLATE_OPTIONS,
}


def _tokens_inside(raw: msgspec.Raw, path: str) -> msgspec.Raw:
    try:
        _decode_tokens(raw)
    except BAD_JSON:
        raise refusals.wrong(path, "be an array of token numbers") from None
    return raw


DETOKENIZE_FIELDS: Final[Mapping[str, Rule]] = {
    **_MODEL,
    "tokens": Rule("an array of token numbers", starts_with(b"["), _tokens_inside),
}
