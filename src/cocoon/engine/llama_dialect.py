"""What the embedded engine can do: llama.cpp's dialect, and what is done for it here.

Beside what llama.cpp's server does itself, this engine calls tools by schema, repeats prompts, and
counts the tokens of messages. Every word here is one that a test with the real model has shown
(``tests/integration/test_embedded_surface.py``).
"""

from dataclasses import replace
from importlib import metadata
from typing import Final

from cocoon.engine.base import EngineCapabilities
from cocoon.engine.dialects.dialect import FieldRule, renamed, translated
from cocoon.engine.dialects.llamacpp import LLAMACPP
from cocoon.engine.dialects.words import (
    CHAT_PATH,
    CHOICES,
    COMPLETIONS_PATH,
    DETOKENIZE_PATH,
    EMBEDDINGS_PATH,
    JSON_OBJECT,
    JSON_SCHEMA,
    LOGIT_BIAS,
    LOGPROBS,
    PATH_WORDS,
    SAMPLING,
    SEED,
    TOKENIZE_PATH,
    TOOL_CHOICE,
    TOOLS,
)

_OWN: Final[dict[str, dict[str, FieldRule]]] = {
    COMPLETIONS_PATH: {"echo": translated("the prompt is put before the answer")},
    TOKENIZE_PATH: {
        "prompt": renamed("content"),
        "add_special_tokens": renamed("add_special"),
        "return_token_strs": renamed("with_pieces"),
        "messages": translated("by the model's template"),
        "tools": translated("by the model's template"),
        "add_generation_prompt": translated("by the model's template"),
    },
}
_PATHS: Final = (CHAT_PATH, COMPLETIONS_PATH, EMBEDDINGS_PATH, TOKENIZE_PATH, DETOKENIZE_PATH)

EMBEDDED: Final = replace(
    LLAMACPP,
    paths={path: path for path in _PATHS},
    features=LLAMACPP.features | {TOOLS, TOOL_CHOICE},
    rules={
        path: {**LLAMACPP.rules.get(path, {}), **_OWN.get(path, {})}
        for path in {*LLAMACPP.rules, *_OWN}
    },
)

_WORDS: Final = (CHOICES, JSON_OBJECT, JSON_SCHEMA, LOGIT_BIAS, LOGPROBS, SAMPLING, SEED)
FEATURES: Final = tuple(
    sorted((*(PATH_WORDS[path] for path in _PATHS[:4]), *_WORDS, TOOLS, TOOL_CHOICE))
)


def capabilities(context: int) -> EngineCapabilities:
    """What the embedded engine says of itself.

    Args:
        context: tokens of prompt and answer together.
    """
    try:
        version = metadata.version("xllamacpp")
    except metadata.PackageNotFoundError:
        version = ""
    return EngineCapabilities("llama.cpp", version, context, FEATURES)
