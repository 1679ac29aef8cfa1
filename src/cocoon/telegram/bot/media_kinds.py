"""What kind of thing a message carries, and which of its files stands for it."""

from typing import Literal

from aiogram.types import Audio, Document, ExternalReplyInfo, Message, PhotoSize, VideoNote, Voice

Kind = Literal["picture", "document", "sound"]

PICTURE_TYPES = {"image/jpeg", "image/png", "image/webp", "image/gif"}
_MAGIC = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)
_VOICES = {"audio/mpeg": "mp3", "audio/mp4": "m4a", "audio/webm": "webm", "audio/wav": "wav"}
MAX_SIDE = 2048
"""Pixels; what is larger costs more and shows models nothing further."""
MAX_PICTURE_BYTES = 5 * 1024 * 1024
MAX_PICTURES_BYTES = 10 * 1024 * 1024
"""Of one question; engines take bodies of 16 MiB, and base64 makes a third more of it."""

Sent = Message | ExternalReplyInfo
"""A message, or what Telegram shows of one in another chat."""
Sound = Voice | Audio | VideoNote | Document


def kind_of(message: Sent) -> Kind | None:
    """What a model could be given of a message besides text."""
    if message.photo:
        return "picture"
    if message.voice or message.audio or message.video_note:
        return "sound"
    if message.document is None or message.animation is not None:
        return None
    of_file = (message.document.mime_type or "").lower()
    if of_file in PICTURE_TYPES:
        return "picture"
    return "sound" if of_file.startswith("audio/") else "document"


def picture(message: Sent, most: int = MAX_PICTURE_BYTES) -> PhotoSize | Document | None:
    """The largest form of a picture that is worth sending.

    Args:
        message: has it.
        most: bytes, as far as there is a form that small.
    """
    if not message.photo:
        return message.document
    fitting = [
        size
        for size in message.photo
        if max(size.width, size.height) <= MAX_SIDE and (size.file_size or 0) <= most
    ]
    area = {id(size): size.width * size.height for size in message.photo}
    if fitting:
        return max(fitting, key=lambda size: area[id(size)])
    return min(message.photo, key=lambda size: area[id(size)])


def picture_type(data: bytes) -> str | None:
    """Media type of a picture by its first bytes; None for what models do not take."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return next((name for magic, name in _MAGIC if data.startswith(magic)), None)


def sound(message: Sent) -> tuple[Sound, str, int] | None:
    """The recording of a message, a name with an ending that fits it, and its seconds."""
    if message.voice is not None:
        ending = _VOICES.get((message.voice.mime_type or "").lower(), "ogg")
        return message.voice, f"voice.{ending}", message.voice.duration
    if message.video_note is not None:
        return message.video_note, "note.mp4", message.video_note.duration
    if message.audio is not None:
        ending = _ending(message.audio.file_name, "mp3")
        return message.audio, f"audio.{ending}", message.audio.duration
    if message.document is not None and kind_of(message) == "sound":
        return message.document, f"audio.{_ending(message.document.file_name, 'mp3')}", 0
    return None


def _ending(name: str | None, otherwise: str) -> str:
    ending = (name or "").rpartition(".")[2].lower()
    known = {"mp3", "m4a", "ogg", "oga", "opus", "wav", "flac", "webm", "mp4", "aac"}
    return ending if ending in known else otherwise
