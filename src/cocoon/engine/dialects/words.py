"""Paths and feature words, as `cocoon.wire.features` has them.

The wire stands above the engines, so they cannot be imported from there; a test holds both equal.
"""

from typing import Final

CHAT_PATH: Final = "/v1/chat/completions"
COMPLETIONS_PATH: Final = "/v1/completions"
EMBEDDINGS_PATH: Final = "/v1/embeddings"
RERANK_PATH: Final = "/v1/rerank"
MODERATIONS_PATH: Final = "/v1/moderations"
TOKENIZE_PATH: Final = "/tokenize"
DETOKENIZE_PATH: Final = "/detokenize"
IMAGES_PATH: Final = "/v1/images/generations"
TRANSCRIPTIONS_PATH: Final = "/v1/audio/transcriptions"
TRANSLATIONS_PATH: Final = "/v1/audio/translations"
SPEECH_PATH: Final = "/v1/audio/speech"

PATH_WORDS: Final[dict[str, str]] = {
    CHAT_PATH: "chat",
    COMPLETIONS_PATH: "completions",
    EMBEDDINGS_PATH: "embeddings",
    RERANK_PATH: "rerank",
    MODERATIONS_PATH: "moderations",
    TOKENIZE_PATH: "tokenize",
    DETOKENIZE_PATH: "tokenize",
    IMAGES_PATH: "images",
    TRANSCRIPTIONS_PATH: "transcriptions",
    TRANSLATIONS_PATH: "translations",
    SPEECH_PATH: "speech",
}

GENERATING: Final = (CHAT_PATH, COMPLETIONS_PATH)

TOOLS: Final = "tools"
TOOL_CHOICE: Final = "tool-choice"
JSON_OBJECT: Final = "json-object"
JSON_SCHEMA: Final = "json-schema"
LOGPROBS: Final = "logprobs"
SEED: Final = "seed"
LOGIT_BIAS: Final = "logit-bias"
CHOICES: Final = "choices"
IMAGE_INPUT: Final = "image-input"
AUDIO_INPUT: Final = "audio-input"
FILE_INPUT: Final = "file-input"
REASONING: Final = "reasoning"
SAMPLING: Final = "sampling"

ALL_WORDS: Final = frozenset(PATH_WORDS.values()) | {
    TOOLS,
    TOOL_CHOICE,
    JSON_OBJECT,
    JSON_SCHEMA,
    LOGPROBS,
    SEED,
    LOGIT_BIAS,
    CHOICES,
    IMAGE_INPUT,
    AUDIO_INPUT,
    FILE_INPUT,
    REASONING,
    SAMPLING,
}
