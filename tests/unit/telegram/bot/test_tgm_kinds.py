"""What kind of thing a message carries."""

from typing import Any

import pytest
from aiogram.types import Document, Message, PhotoSize

from cocoon.telegram.bot.media_kinds import kind_of, picture, picture_type, sound

FILE = {"file_id": "a", "file_unique_id": "b"}


def message(**content: Any) -> Message:
    return Message.model_validate(
        {"message_id": 1, "date": 1, "chat": {"id": 5, "type": "private"}, **content}
    )


def photo(*sizes: tuple[int, int]) -> Message:
    return message(
        photo=[
            {**FILE, "file_id": f"{side}", "width": side, "height": side // 2, "file_size": size}
            for side, size in sizes
        ]
    )


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        ({"text": "x"}, None),
        ({"document": {**FILE, "mime_type": "image/png"}}, "picture"),
        ({"document": {**FILE, "mime_type": "image/svg+xml"}}, "document"),
        ({"document": {**FILE, "mime_type": "audio/flac"}}, "sound"),
        ({"document": FILE}, "document"),
        ({"voice": {**FILE, "duration": 1}}, "sound"),
        ({"video_note": {**FILE, "duration": 1, "length": 2}}, "sound"),
        (
            {
                "animation": {**FILE, "duration": 1, "width": 1, "height": 1},
                "document": {**FILE, "mime_type": "image/gif"},
            },
            None,
        ),
    ],
)
def test_kinds(content: dict[str, Any], kind: str | None) -> None:
    assert kind_of(message(**content)) == kind


def test_the_largest_form_that_fits() -> None:
    shown = photo((90, 1000), (800, 90_000), (1280, 300_000), (4000, 3_000_000))

    assert _side(picture(shown)) == 1280
    assert _side(picture(shown, 100_000)) == 800
    assert _side(picture(shown, 10)) == 90  # Telegram is asked, and what comes is measured
    assert _side(picture(photo((4000, 9_000_000)))) == 4000


def _side(size: PhotoSize | Document | None) -> int:
    assert isinstance(size, PhotoSize)
    return size.width


def test_types_by_first_bytes() -> None:
    assert picture_type(b"RIFF\0\0\0\0WEBPVP8 ") == "image/webp"
    assert picture_type(b"\x89PNG\r\n\x1a\n") == "image/png"
    assert picture_type(b"GIF89a") == "image/gif"
    assert picture_type(b"<svg>") is None


def test_recordings_have_an_ending_that_fits() -> None:
    def name(**content: Any) -> str:
        found = sound(message(**content))
        assert found is not None
        return found[1]

    assert name(voice={**FILE, "duration": 1}) == "voice.ogg"
    assert name(voice={**FILE, "duration": 1, "mime_type": "audio/mpeg"}) == "voice.mp3"
    assert name(voice={**FILE, "duration": 1, "mime_type": "audio/x"}) == "voice.ogg"
    assert name(audio={**FILE, "duration": 1, "file_name": "Song.M4A"}) == "audio.m4a"
    assert name(audio={**FILE, "duration": 1, "file_name": "x.exe"}) == "audio.mp3"
    assert name(video_note={**FILE, "duration": 1, "length": 1}) == "note.mp4"
    assert sound(message(text="x")) is None
