"""``messages`` of a chat: shape, limits, and what kinds of input they bring.

Only what decides is looked at; texts and media are never copied or decoded.
"""

import re
from collections.abc import Callable
from typing import Final

import msgspec
from msgspec import Raw

from cocoon.gateway.reading import fields
from cocoon.gateway.reading.fields import Members, first_byte, invalid_type, invalid_value, missing
from cocoon.gateway.refusal import Refusal
from cocoon.wire import features

MAX_MESSAGES: Final = 2048
"""As OpenAI's."""
MAX_PARTS: Final = 2048
"""Parts of one message."""
MAX_MEDIA: Final = 500
"""Images, sounds and files in one request."""
MAX_CALLS: Final = 128
"""Tool calls in one message."""
MAX_NAME: Final = 256
"""Characters in a call's id or a function's name; models make them up."""

_NOTHING = Raw(b"")
_NULL, _LIST, _QUOTE = b'n["'
_ROLES = ("system", "assistant", "user", "function", "tool", "developer")
_check_role = fields.one_of(*_ROLES)
_plain_roles = {b'"%b"' % role.encode(): role for role in _ROLES}
_index = re.compile(r"\$\[(\d+)\]")


class _Message(msgspec.Struct):
    role: Raw = _NOTHING
    content: Raw = _NOTHING
    tool_calls: Raw = _NOTHING
    tool_call_id: Raw = _NOTHING
    function_call: Raw = _NOTHING
    refusal: Raw = _NOTHING
    audio: Raw = _NOTHING


_messages = msgspec.json.Decoder(list[_Message])


def check_messages(raw: Raw, name: str = "messages") -> frozenset[str]:
    """Check all messages; returns the features that their media need.

    Raises:
        Refusal: something in them is wrong; ``param`` is such as ``messages[2].content[0].type``.
    """
    if first_byte(raw) != _LIST:
        raise invalid_type(raw, name, "an array of objects")
    try:
        messages = _messages.decode(raw)
    except msgspec.ValidationError as error:
        found = _index.search(str(error))
        where = f"{name}[{found[1]}]" if found else name
        raise Refusal(
            f"Invalid type for '{where}': expected an object.", param=where, code="invalid_type"
        ) from None
    if not messages:
        raise Refusal(
            f"Invalid '{name}': empty array. Expected an array with minimum length 1.",
            param=name,
            code="empty_array",
        )
    if len(messages) > MAX_MESSAGES:
        raise fields.too_many(name, MAX_MESSAGES)
    media: list[str] = []
    for index, message in enumerate(messages):
        role = _plain_roles.get(bytes(message.role))
        content = memoryview(message.content)
        if role != "user" or not content or content[0] != _QUOTE:  # else there is nothing to ask
            _check_message(message, f"{name}[{index}]", media)
    if len(media) > MAX_MEDIA:
        raise Refusal(
            f"Invalid '{name}': more than {MAX_MEDIA} images, sounds and files.",
            param=name,
            code="array_above_max_length",
        )
    return frozenset(media)


def _check_message(message: _Message, at: str, media: list[str]) -> None:
    role = _role(message.role, f"{at}.role")
    if _given(message.tool_calls):
        _check_calls(message.tool_calls, f"{at}.tool_calls", role)
    if role == "tool":
        if not _given(message.tool_call_id):
            raise missing(f"{at}.tool_call_id")
        fields.take_string(message.tool_call_id, f"{at}.tool_call_id", MAX_NAME)
    if _given(message.audio):
        raise fields.unsupported(f"{at}.audio", "Nothing is stored here; send the transcript.")
    if not _given(message.content):
        if role == "assistant" and (
            _given(message.tool_calls) or _given(message.function_call) or _given(message.refusal)
        ):
            return
        if role == "function":
            return
        raise missing(f"{at}.content")
    check_content(message.content, f"{at}.content", media)


def _given(raw: Raw) -> bool:
    view = memoryview(raw)
    return len(view) > 0 and view[0] != _NULL


def _role(raw: Raw, at: str) -> str:
    role = _plain_roles.get(bytes(raw))
    if role is not None:
        return role
    if not memoryview(raw):
        raise missing(at)
    _check_role(raw, at)
    return fields.take_string(raw, at, MAX_NAME)


def check_content(raw: Raw, at: str, media: list[str]) -> None:
    """Check a string or an array of parts; their media's features go to ``media``.

    Raises:
        Refusal: something in it is wrong.
    """
    first = first_byte(raw)
    if first == _QUOTE:
        return
    if first != _LIST:
        raise invalid_type(raw, at, "a string or an array of content parts")
    for index, part in enumerate(fields.take_list(raw, at, MAX_PARTS, least=1)):
        where = f"{at}[{index}]"
        members = fields.take_object(part, where)
        kind = members.get("type")
        if kind is None:
            raise missing(f"{where}.type")
        _check_kind(kind, f"{where}.type")
        check, feature = _PARTS[fields.take_string(kind, f"{where}.type", MAX_NAME)]
        check(members, where)
        if feature:
            media.append(feature)


def _member(members: Members, name: str, at: str) -> Raw:
    raw = members.get(name)
    if raw is None:
        raise missing(f"{at}.{name}")
    return raw


def _text(members: Members, name: str, at: str) -> None:
    raw = _member(members, name, at)
    if first_byte(raw) != _QUOTE:
        raise invalid_type(raw, f"{at}.{name}", "a string")


def _check_text(members: Members, at: str) -> None:
    _text(members, "text", at)


def _check_refusal(members: Members, at: str) -> None:
    _text(members, "refusal", at)


def _check_image(members: Members, at: str) -> None:
    image = fields.take_object(_member(members, "image_url", at), f"{at}.image_url")
    _text(image, "url", f"{at}.image_url")
    if bytes(memoryview(image["url"])[:6]).lower() != b'"data:':
        # To fetch it a worker would have to call a stranger's server, out of its walls.
        raise invalid_value(
            f"{at}.image_url.url",
            "workers fetch nothing; send the image itself as a data: URL (base64).",
        )
    if "detail" in image:
        _check_detail(image["detail"], f"{at}.image_url.detail")


def _check_audio(members: Members, at: str) -> None:
    audio = fields.take_object(_member(members, "input_audio", at), f"{at}.input_audio")
    _text(audio, "data", f"{at}.input_audio")
    _check_format(_member(audio, "format", f"{at}.input_audio"), f"{at}.input_audio.format")


def _check_file(members: Members, at: str) -> None:
    file = fields.take_object(_member(members, "file", at), f"{at}.file")
    if "file_id" in file:
        raise fields.unsupported(
            f"{at}.file.file_id", "No files are stored here; send the content as 'file_data'."
        )
    _text(file, "file_data", f"{at}.file")


_PART_CHECKS = dict[str, tuple[Callable[[Members, str], None], str]]
_PARTS: _PART_CHECKS = {
    "text": (_check_text, ""),
    "image_url": (_check_image, features.IMAGE_INPUT),
    "input_audio": (_check_audio, features.AUDIO_INPUT),
    "file": (_check_file, features.FILE_INPUT),
    "refusal": (_check_refusal, ""),
}
_check_kind = fields.one_of(*_PARTS)
_check_detail = fields.one_of("auto", "low", "high", "original")
_check_format = fields.one_of("wav", "mp3")


def _check_calls(raw: Raw, at: str, role: str) -> None:
    if role != "assistant":
        raise invalid_value(at, "only messages of the role 'assistant' have tool calls.")
    for index, item in enumerate(fields.take_list(raw, at, MAX_CALLS, least=1)):
        where = f"{at}[{index}]"
        call = fields.take_object(item, where)
        fields.take_string(_member(call, "id", where), f"{where}.id", MAX_NAME)
        _check_call_kind(_member(call, "type", where), f"{where}.type")
        function = fields.take_object(_member(call, "function", where), f"{where}.function")
        name = _member(function, "name", f"{where}.function")
        fields.take_string(name, f"{where}.function.name", MAX_NAME)
        _text(function, "arguments", f"{where}.function")


_check_call_kind = fields.one_of("function")
