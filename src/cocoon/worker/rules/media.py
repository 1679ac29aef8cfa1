"""What bodies of images, speech, transcriptions and translations may hold.

An answer is the data itself: an engine that kept a picture and gave a URL would store content.
"""

from collections.abc import Mapping
from typing import Final

from cocoon.worker.rules.values import (
    BOOLEAN,
    INTEGER,
    NUMBER,
    STRING,
    TOKENS,
    Rule,
    count_in,
    number_in,
    one_of,
    string_up_to,
)

_WORD: Final = string_up_to(64)
_PERCENT: Final = Rule("an integer from 0 to 100", count_in(0, 100))

IMAGE_FIELDS: Final[Mapping[str, Rule]] = {
    "model": STRING,
    "user": string_up_to(512),
    "prompt": STRING,
    "negative_prompt": STRING,
    "n": Rule("an integer from 1 to 10", count_in(1, 10)),
    "size": _WORD,
    "quality": _WORD,
    "style": _WORD,
    "background": _WORD,
    "moderation": _WORD,
    "output_format": one_of("png", "jpeg", "webp"),
    "output_compression": _PERCENT,
    "response_format": one_of("b64_json"),
    "seed": INTEGER,
    "num_inference_steps": Rule("an integer from 1 to 1000", count_in(1, 1000)),
    "guidance_scale": NUMBER,
    "stream": Rule("false: pictures come whole", lambda raw: bytes(raw) == b"false"),
}

SPEECH_FIELDS: Final[Mapping[str, Rule]] = {
    "model": STRING,
    "user": string_up_to(512),
    "input": STRING,
    "voice": _WORD,
    "instructions": string_up_to(4096),
    "response_format": one_of("mp3", "opus", "aac", "flac", "wav", "pcm"),
    "speed": Rule("a number from 0.25 to 4", number_in(0.25, 4)),
    "stream_format": one_of("audio", "sse"),
}

TRANSLATION_FORM: Final[Mapping[str, Rule]] = {
    "model": STRING,
    "user": string_up_to(512),
    "prompt": string_up_to(16384),
    "response_format": one_of("json", "text", "srt", "verbose_json", "vtt"),
    "temperature": NUMBER,
    "seed": INTEGER,
    "max_completion_tokens": TOKENS,
}
TRANSCRIPTION_FORM: Final[Mapping[str, Rule]] = {
    **TRANSLATION_FORM,
    "language": string_up_to(16),
    "stream": BOOLEAN,
    "include[]": one_of("logprobs"),
    "timestamp_granularities[]": one_of("word", "segment"),
    "chunking_strategy": one_of("auto"),
}
"""Fields of a form: the text of each is read as JSON where the rule is not for strings."""
