"""What a worker can do, as words that travel in version 3.

A worker declares the words that hold for its engine and model, a client names those that a request
needs, and a proxy brings the two together. So a request that nobody can serve is refused before it
is sent anywhere, and a proxy that sees only sealed bodies can still choose. A proxy passes on words
that it does not know.
"""

from typing import Final

CHAT: Final = "chat"
COMPLETIONS: Final = "completions"
EMBEDDINGS: Final = "embeddings"
RERANK: Final = "rerank"
MODERATIONS: Final = "moderations"
TOKENIZE: Final = "tokenize"
IMAGES: Final = "images"
TRANSCRIPTIONS: Final = "transcriptions"
TRANSLATIONS: Final = "translations"
SPEECH: Final = "speech"

ENDPOINTS: Final[dict[str, str]] = {
    "/v1/chat/completions": CHAT,
    "/v1/completions": COMPLETIONS,
    "/v1/embeddings": EMBEDDINGS,
    "/v1/rerank": RERANK,
    "/v1/moderations": MODERATIONS,
    "/tokenize": TOKENIZE,
    "/detokenize": TOKENIZE,
    "/v1/images/generations": IMAGES,
    "/v1/audio/transcriptions": TRANSCRIPTIONS,
    "/v1/audio/translations": TRANSLATIONS,
    "/v1/audio/speech": SPEECH,
}
"""The word for each path that a worker may serve."""

TOOLS: Final = "tools"
"""Takes ``tools`` and answers with tool calls."""
TOOL_CHOICE: Final = "tool-choice"
"""Holds to ``tool_choice`` when it is ``required`` or names a function."""
JSON_OBJECT: Final = "json-object"
JSON_SCHEMA: Final = "json-schema"
LOGPROBS: Final = "logprobs"
SEED: Final = "seed"
LOGIT_BIAS: Final = "logit-bias"
CHOICES: Final = "choices"
"""More than one answer to a request (``n``)."""
IMAGE_INPUT: Final = "image-input"
AUDIO_INPUT: Final = "audio-input"
FILE_INPUT: Final = "file-input"
REASONING: Final = "reasoning"
"""Tells what it thought apart from what it answers."""
SAMPLING: Final = "sampling"
"""Takes the engines' own sampling options, such as ``top_k`` and ``min_p``."""

OFFICIAL: Final = frozenset({CHAT, COMPLETIONS, JSON_OBJECT, CHOICES})
"""What workers of versions 0 to 2 are taken to do (``wire-protocol.md`` §5.4)."""

MAX_FEATURES: Final = 64
MAX_FEATURE: Final = 32
"""Words in one list, and characters in one."""


def readable(features: tuple[str, ...]) -> bool:
    """Whether a peer's list is one: few short words of small letters, digits and hyphens."""
    return len(features) <= MAX_FEATURES and all(
        0 < len(word) <= MAX_FEATURE and word.isascii() and word.replace("-", "a").isalnum()
        for word in features
    )
