"""vLLM: what its OpenAI-compatible server takes.

Sources: ``docs.vllm.ai/en/stable/serving/openai_compatible_server.html``; the request models in
``vllm/entrypoints/openai/chat_completion/protocol.py``, ``…/completion/protocol.py`` and
``vllm/entrypoints/pooling/base/protocol.py`` of vllm-project/vllm. Fields that a model does not
have are ignored with a warning in its log, so whatever changes an answer must be refused here.

Prompt cache: ``cache_salt`` keeps clients apart, in chat since 0.9.0 (vllm pull 17045), in
completions since 0.10.0 (pull 20981). Embeddings lost it in some releases (pull 47696), so they are
only served where the prefix cache is off. Closing the connection stops a generation, streamed or
not (pull 32442, maintainer's answer).
"""

from typing import Final

from cocoon.engine.dialects.dialect import (
    CALLER_FIELDS,
    HINTS,
    Dialect,
    FieldRule,
    for_paths,
    refused,
    same_paths,
    translated,
    write_cache_salt,
)
from cocoon.engine.dialects.shared import drop_obfuscation, functions_to_tools
from cocoon.engine.dialects.values import FALSE, ONE
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
    TRANSCRIPTIONS_PATH,
    TRANSLATIONS_PATH,
)

SALTED_SINCE: Final = (0, 10)
"""First version whose chat and completions both take a salt."""

_GENERATION: Final[dict[str, FieldRule]] = {
    "stream_options": translated("without include_obfuscation"),
    "typical_p": refused("has no typical_p", ONE, b"1.0"),
    "length_penalty": refused("uses it for beam search only", ONE, b"1.0"),
}
_CHAT: Final[dict[str, FieldRule]] = {
    "functions": translated("as `tools`; the answer has tool calls"),
    "function_call": translated("as `tool_choice`"),
}
_COMPLETION: Final[dict[str, FieldRule]] = {
    "suffix": refused("does not fill in before a suffix", b'""', FALSE),
    "best_of": refused("does not rank answers", ONE, b"0"),
}

VLLM: Final = Dialect(
    name="vllm",
    title="vLLM",
    paths=same_paths(
        CHAT_PATH,
        COMPLETIONS_PATH,
        EMBEDDINGS_PATH,
        RERANK_PATH,
        TOKENIZE_PATH,
        DETOKENIZE_PATH,
        TRANSCRIPTIONS_PATH,
        TRANSLATIONS_PATH,
    ),
    features=frozenset(
        {JSON_OBJECT, JSON_SCHEMA, LOGPROBS, SEED, LOGIT_BIAS, CHOICES, SAMPLING, "tokenize"}
    ),
    rules={
        **for_paths((CHAT_PATH,), CALLER_FIELDS, HINTS, _GENERATION, _CHAT),
        **for_paths((COMPLETIONS_PATH,), CALLER_FIELDS, HINTS, _GENERATION, _COMPLETION),
        **for_paths((EMBEDDINGS_PATH, RERANK_PATH, TOKENIZE_PATH), CALLER_FIELDS),
    },
    adjust=(drop_obfuscation, functions_to_tools),
    salted=frozenset(GENERATING),
    salt=write_cache_salt,
    cacheless=frozenset({TOKENIZE_PATH, DETOKENIZE_PATH, TRANSCRIPTIONS_PATH, TRANSLATIONS_PATH}),
    load_metrics=(
        "vllm:num_requests_running",
        "vllm:num_requests_waiting",
        ("vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc"),
    ),
)
