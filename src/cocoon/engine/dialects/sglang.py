"""SGLang: what its OpenAI-compatible server takes.

Sources: ``python/sglang/srt/entrypoints/openai/protocol.py`` of sgl-project/sglang;
``docs.sglang.io/references/production_metrics.html``. Unknown fields are ignored without a word.

Prompt cache: requests carry ``cache_salt``, but for some time it did not reach the scheduler
(pull 23300); it is trusted from 0.5.18 on, where issue 37160 measured that it works. The same issue
shows that LMCache and other storage behind the radix cache ignore it. Embeddings and rerank have no
such field. Whoever cannot have it runs with ``--disable-radix-cache``.

A closed connection aborts a request: the server looks whether the client is still there between
outputs (``http_server.py``, ``tokenizer_manager.py``).
"""

from typing import Final

from cocoon.engine.dialects.answers import detokenized, reranked
from cocoon.engine.dialects.dialect import (
    CALLER_FIELDS,
    HINTS,
    Dialect,
    FieldRule,
    for_paths,
    refused,
    renamed,
    same_paths,
    translated,
    write_cache_salt,
)
from cocoon.engine.dialects.shared import drop_obfuscation, functions_to_tools
from cocoon.engine.dialects.values import FALSE, ONE, TRUE
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

SALTED_SINCE: Final = (0, 5, 18)
"""First version of which it was measured that salts keep caches apart."""

_GENERATION: Final[dict[str, FieldRule]] = {
    "stream_options": translated("without include_obfuscation"),
    "include_stop_str_in_output": renamed("no_stop_trim"),
    "spaces_between_special_tokens": refused("always writes them", TRUE),
    "typical_p": refused("has no typical_p", ONE, b"1.0"),
    "length_penalty": refused("has no beam search", ONE, b"1.0"),
    "truncate_prompt_tokens": refused("does not cut prompts", b"-1"),
}
_CHAT: Final[dict[str, FieldRule]] = {
    "functions": translated("as `tools`; the answer has tool calls"),
    "function_call": translated("as `tool_choice`"),
}
_COMPLETION: Final[dict[str, FieldRule]] = {
    "best_of": refused("does not rank answers", ONE, b"0"),
    "suffix": refused("does not fill in before a suffix", b'""', FALSE),
}
_RERANK: Final[dict[str, FieldRule]] = {
    "truncate_prompt_tokens": refused("does not cut prompts", b"-1"),
}

SGLANG: Final = Dialect(
    name="sglang",
    title="SGLang",
    paths=same_paths(
        CHAT_PATH, COMPLETIONS_PATH, EMBEDDINGS_PATH, RERANK_PATH, TOKENIZE_PATH, DETOKENIZE_PATH
    ),
    features=frozenset(
        {JSON_OBJECT, JSON_SCHEMA, LOGPROBS, SEED, LOGIT_BIAS, CHOICES, SAMPLING, "tokenize"}
    ),
    rules={
        **for_paths((CHAT_PATH,), CALLER_FIELDS, HINTS, _GENERATION, _CHAT),
        **for_paths((COMPLETIONS_PATH,), CALLER_FIELDS, HINTS, _GENERATION, _COMPLETION),
        **for_paths((EMBEDDINGS_PATH, RERANK_PATH), CALLER_FIELDS, _RERANK),
        **for_paths((TOKENIZE_PATH,), CALLER_FIELDS),
    },
    adjust=(drop_obfuscation, functions_to_tools),
    salted=frozenset(GENERATING),
    salt=write_cache_salt,
    cacheless=frozenset({TOKENIZE_PATH, DETOKENIZE_PATH}),
    restate={RERANK_PATH: reranked, DETOKENIZE_PATH: detokenized},
    load_metrics=("sglang:num_running_reqs", "sglang:num_queue_reqs", ("sglang:token_usage",)),
)
