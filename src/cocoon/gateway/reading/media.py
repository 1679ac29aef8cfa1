"""``/v1/images/generations`` and ``/v1/audio/speech``."""

from collections.abc import Mapping
from typing import Final

from msgspec import Raw

from cocoon.gateway.answers.shape import PassedOn
from cocoon.gateway.reading import fields
from cocoon.gateway.reading.draft import open_draft
from cocoon.gateway.reading.fields import Check
from cocoon.gateway.reading.incoming import Incoming, InferenceCall
from cocoon.gateway.settings import GatewaySettings
from cocoon.wire import features

MAX_IMAGES: Final = 10
MAX_IMAGE_PROMPT: Final = 32_000
MAX_SPOKEN: Final = 4096
"""Characters to speak, as OpenAI's."""
TOKENS_PER_CHARACTER: Final = 8
"""Audio tokens that a character of speech may cost at most."""

_WORD = fields.string(64)


def _check_delivery(raw: Raw, name: str) -> None:
    _check_form(raw, name)
    if bytes(raw) == b'"url"':
        raise fields.unsupported(name, "No image is kept behind a URL; ask for 'b64_json'.")


def _check_whole(raw: Raw, name: str) -> None:
    if fields.take_bool(raw, name):
        raise fields.unsupported(name, "Images come whole; leave it out or send false.")


_check_form = fields.one_of("url", "b64_json")
_IMAGES: Final[Mapping[str, Check]] = {
    "prompt": fields.string(MAX_IMAGE_PROMPT, least=1),
    "size": _WORD,
    "quality": _WORD,
    "style": _WORD,
    "background": _WORD,
    "moderation": _WORD,
    "output_format": fields.one_of("png", "jpeg", "webp"),
    "output_compression": fields.integer(0, 100),
    "response_format": _check_delivery,
    "stream": _check_whole,
}
_SPEECH: Final[Mapping[str, Check]] = {
    "input": fields.string(MAX_SPOKEN, least=1),
    "voice": _WORD,
    "instructions": fields.string(4096),
    "response_format": fields.one_of("mp3", "opus", "aac", "flac", "wav", "pcm"),
    "speed": fields.number(0.25, 4),
    "stream_format": fields.one_of("audio", "sse"),
}


def read_images(incoming: Incoming, settings: GatewaySettings) -> InferenceCall:
    """Read a request to draw images; they come back inside the answer.

    Raises:
        Refusal: with status 400, naming the field; its text never quotes a value.
    """
    draft = open_draft(incoming, settings, _IMAGES, ("prompt",))
    members = draft.members
    count = fields.take_int(members.get("n"), "n", 1, MAX_IMAGES) or 1
    members.pop("stream", None)
    members["response_format"] = Raw(b'"b64_json"')
    return draft.call(
        "/v1/images/generations",
        PassedOn(show_usage=True, debug=draft.native.debug),
        requires=(features.IMAGES,),
        max_tokens=count * settings.default_max_tokens,
    )


def read_speech(incoming: Incoming, settings: GatewaySettings) -> InferenceCall:
    """Read a request to speak a text.

    Raises:
        Refusal: with status 400, naming the field; its text never quotes a value.
    """
    draft = open_draft(incoming, settings, _SPEECH, ("input", "voice"))
    members = draft.members
    form = members.get("stream_format")
    size = len(memoryview(members["input"]))
    return draft.call(
        "/v1/audio/speech",
        PassedOn(show_usage=True, debug=draft.native.debug),
        requires=(features.SPEECH,),
        max_tokens=max(settings.default_max_tokens, TOKENS_PER_CHARACTER * size),
        stream=form is not None and bytes(form) == b'"sse"',
    )
