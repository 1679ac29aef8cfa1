"""Content of items: parts of the Responses API as parts of a chat message."""

from typing import Any

from msgspec import Struct

from cocoon.gateway.refusal import Refusal
from cocoon.gateway.responses.checks import invalid_value, missing, one_of, unsupported_value

DETAILS = ("auto", "low", "high", "original")
AUDIO_FORMATS = ("wav", "mp3")
PART_TYPES = ("input_text", "input_image", "input_file", "input_audio")
TEXT_TYPES = ("input_text", "output_text")
SPOKEN_TYPES = ("output_text", "refusal")
_NO_FILES = (
    "Files cannot be named by 'file_id' here: nothing is stored. Send the content itself, as "
    "'image_url' with a data URL or as 'file_data'."
)
_NO_LINKS = "'file_url' is not fetched here. Send the file itself as 'file_data' with 'filename'."
_NO_FETCH = "Workers fetch nothing: send the image itself as a data: URL (base64)."
_TEXT_ONLY = "Only text can stand here: send images and files in a message of the user."

Content = str | list[dict[str, Any]]


class Audio(Struct):
    """``input_audio`` of a part."""

    data: str
    format: str


class Part(Struct):
    """One part of an item's content, whatever its type."""

    type: str | None = None
    text: str | None = None
    refusal: str | None = None
    image_url: str | None = None
    detail: str | None = None
    file_id: str | None = None
    file_data: str | None = None
    file_url: str | None = None
    filename: str | None = None
    input_audio: Audio | None = None


def chat_content(content: str | list[Part], at: str) -> Content:
    """What a user says: a string when it is one text, which every chat template takes.

    Raises:
        Refusal: a part is wrong, or cannot be had here.
    """
    if isinstance(content, str):
        return content
    parts = [_chat_part(part, f"{at}.content[{number}]") for number, part in enumerate(content)]
    if len(parts) == 1 and parts[0]["type"] == "text":
        text: str = parts[0]["text"]
        return text
    return parts


def spoken_text(content: str | list[Part], at: str) -> str:
    """What the assistant said; a refusal is what it said too.

    Raises:
        Refusal: a part is neither text nor a refusal.
    """
    if isinstance(content, str):
        return content
    texts = []
    for number, part in enumerate(content):
        where = f"{at}.content[{number}]"
        if part.type == "refusal":
            texts.append(_text(part.refusal, f"{where}.refusal"))
        elif part.type in TEXT_TYPES:
            texts.append(_text(part.text, f"{where}.text"))
        else:
            raise _wrong_type(part, where, SPOKEN_TYPES)
    return "".join(texts)


def system_text(content: str | list[Part], at: str, member: str = "content") -> str:
    """Content that an engine takes only as text: of a system message or of a tool.

    Args:
        content: as sent.
        at: names the item.
        member: of the item that holds the content.

    Raises:
        Refusal: a part is no text.
    """
    if isinstance(content, str):
        return content
    texts = []
    for number, part in enumerate(content):
        where = f"{at}.{member}[{number}]"
        if part.type in TEXT_TYPES:
            texts.append(_text(part.text, f"{where}.text"))
        elif part.type in PART_TYPES:
            raise unsupported_value(f"{where}.type", _TEXT_ONLY)
        else:
            raise _wrong_type(part, where, ("input_text",))
    return "\n".join(texts)


def _chat_part(part: Part, at: str) -> dict[str, Any]:
    if part.file_id is not None:
        raise unsupported_value(f"{at}.file_id", _NO_FILES)
    if part.type in TEXT_TYPES:
        return {"type": "text", "text": _text(part.text, f"{at}.text")}
    if part.type == "input_image":
        return _image(part, at)
    if part.type == "input_file":
        return _file(part, at)
    if part.type == "input_audio":
        return _audio(part, at)
    raise _wrong_type(part, at, PART_TYPES)


def _image(part: Part, at: str) -> dict[str, Any]:
    if not part.image_url:
        raise missing(f"{at}.image_url")
    if part.image_url[:5].lower() != "data:":
        raise Refusal(_NO_FETCH, param=f"{at}.image_url", code="invalid_value")
    one_of(part.detail, DETAILS, f"{at}.detail")
    image = {"url": part.image_url}
    if part.detail is not None:
        image["detail"] = part.detail
    return {"type": "image_url", "image_url": image}


def _file(part: Part, at: str) -> dict[str, Any]:
    if part.file_url is not None:
        raise unsupported_value(f"{at}.file_url", _NO_LINKS)
    if not part.file_data:
        raise missing(f"{at}.file_data")
    file = {"file_data": part.file_data}
    if part.filename is not None:
        file["filename"] = part.filename
    return {"type": "file", "file": file}


def _audio(part: Part, at: str) -> dict[str, Any]:
    audio = part.input_audio
    if audio is None:
        raise missing(f"{at}.input_audio")
    one_of(audio.format, AUDIO_FORMATS, f"{at}.input_audio.format")
    return {"type": "input_audio", "input_audio": {"data": audio.data, "format": audio.format}}


def _text(text: str | None, param: str) -> str:
    if text is None:
        raise missing(param)
    return text


def _wrong_type(part: Part, at: str, supported: tuple[str, ...]) -> Refusal:
    param = f"{at}.type"
    return missing(param) if part.type is None else invalid_value(param, supported)
