"""Fields and answers of images and audio."""

from cocoon.gateway.openapi.chat import MODEL
from cocoon.gateway.openapi.native import NATIVE
from cocoon.gateway.openapi.schema import (
    Field,
    Fields,
    Schema,
    array,
    boolean,
    free,
    integer,
    nullable,
    number,
    record,
    ref,
    string,
    words,
)

_USER = Field(string(maxLength=256), "Your end user.")
_WORD = string(maxLength=64)

IMAGE: Fields = {
    "model": MODEL,
    "prompt": Field(string(minLength=1), "What the picture shows.", required=True),
    "negative_prompt": Field(string(), "Engines' own: what it does not show."),
    "n": Field(integer(1, 10), "Pictures to make."),
    "size": Field(_WORD, "Such as `512x512`; what there is depends on the model."),
    "quality": Field(_WORD, "Depends on the model."),
    "style": Field(_WORD, "Depends on the model."),
    "background": Field(_WORD, "Depends on the model."),
    "moderation": Field(_WORD, "Depends on the model."),
    "output_format": Field(words("png", "jpeg", "webp"), "Form of the picture."),
    "output_compression": Field(integer(0, 100), "For jpeg and webp."),
    "response_format": Field(
        words("b64_json"), "Only the picture itself: no URL, because nothing is stored."
    ),
    "seed": Field(integer(None), "Engines' own."),
    "num_inference_steps": Field(integer(1, 1000), "Engines' own."),
    "guidance_scale": Field(number(), "Engines' own."),
    "stream": Field({"type": "boolean", "const": False}, "Only false."),
    "user": _USER,
    **NATIVE,
}
SPEECH: Fields = {
    "model": MODEL,
    "input": Field(string(minLength=1), "The text to speak.", required=True),
    "voice": Field(_WORD, "A voice of the model.", required=True),
    "instructions": Field(string(maxLength=4096), "How to speak."),
    "response_format": Field(
        words("mp3", "opus", "aac", "flac", "wav", "pcm"), "Form of the sound."
    ),
    "speed": Field(number(0.25, 4), "1 is normal."),
    "stream_format": Field(words("audio", "sse"), "How it is streamed."),
    "user": _USER,
    **NATIVE,
}
_FILE = Field({"type": "string", "format": "binary"}, "The recording.", required=True)
TRANSLATION: Fields = {
    "file": _FILE,
    "model": MODEL,
    "prompt": Field(string(maxLength=16384), "Text that guides style and spelling."),
    "response_format": Field(
        words("json", "text", "srt", "verbose_json", "vtt"), "Form of the answer."
    ),
    "temperature": Field(number(), "Spread of sampling."),
    "seed": Field(integer(None), "Engines' own."),
    "max_completion_tokens": Field(integer(0), "Tokens of the answer at most."),
    "user": _USER,
    **NATIVE,
}
TRANSCRIPTION: Fields = {
    **TRANSLATION,
    "language": Field(string(maxLength=16), "Language that is spoken, as ISO 639-1."),
    "stream": Field(boolean(), "Answer with server-sent events."),
    "include[]": Field(array(words("logprobs")), "What else to tell."),
    "timestamp_granularities[]": Field(array(words("word", "segment")), "With `verbose_json`."),
    "chunking_strategy": Field(words("auto"), "How long recordings are cut."),
}

_COCOON = {"cocoon": ref("Cocoon"), "debug": free()}
SCHEMAS: dict[str, Schema] = {
    "Images": record(
        {"created": integer(0), "data": array(record({"b64_json": string()}))},
        {"usage": nullable(free()), **_COCOON},
    ),
    "Transcript": record({"text": string()}, {"usage": nullable(free()), **_COCOON}),
}
