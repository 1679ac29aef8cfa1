"""Arguments of a call: from a form or a JSON body to values of the published kinds.

Sources: https://core.telegram.org/bots/api#making-requests, #sending-files.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from cocoon.devnet.telegram.answers import Json, bad_request, not_implemented
from cocoon.devnet.telegram.schema import REFUSED, SCHEMA, Parameter

MAX_NUMBER_DIGITS = 19

# What Telegram says when these are missing.
_MISSING = {
    "chat_id": "chat_id is empty",
    "text": "message text is empty",
    "message_id": "message identifier is not specified",
    "action": "wrong parameter action in request",
    "photo": "there is no photo in the request",
    "document": "there is no document in the request",
    "voice": "there is no voice in the request",
    "audio": "there is no audio in the request",
    "draft_id": "wrong draft identifier specified",
    "url": "bad webhook: URL is not specified",
}


@dataclass(frozen=True, slots=True)
class Upload:
    """A file in a call."""

    name: str
    content_type: str
    data: bytes = field(repr=False)


def read_arguments(method: str, raw: Mapping[str, Any], files: Mapping[str, Upload]) -> Json:
    """The arguments of a call.

    Args:
        method: its published name.
        raw: the form's or JSON body's values.
        files: uploads by the name of their part.

    Returns:
        Values by name; files as :class:`Upload` or as the file id.

    Raises:
        BotApiError: 400 for what is missing or malformed, and for parameters that Telegram does not
            publish (Telegram passes over these; here they are a mistake of the caller); 404 for
            published ones that the stand-in does not have.
    """
    schema = SCHEMA[method]
    arguments: Json = {}
    for name, value in raw.items():
        parameter = schema.get(name)
        if parameter is None:
            raise bad_request(f"stand-in: {method} has no parameter {name[:64]}")
        if value is not None and value != "":
            arguments[name] = _read(parameter, value, files)
    for name, upload in files.items():
        if name in schema and schema[name].kind == "file":
            arguments[name] = upload
    for parameter in schema.values():
        if parameter.required and parameter.name not in arguments:
            name = parameter.name
            raise bad_request(_MISSING.get(name, f"parameter {name} is required"))
    _refuse_missing_features(method, arguments)
    return arguments


def _refuse_missing_features(method: str, arguments: Json) -> None:
    names = set(REFUSED)
    if method != "answerCallbackQuery":
        names.add("callback_query_id")
    for name in names & arguments.keys():
        if arguments[name]:
            raise not_implemented(f"the parameter {name} of {method}")


def _read(parameter: Parameter, value: Any, files: Mapping[str, Upload]) -> Any:
    kind, name = parameter.kind, parameter.name
    if kind == "str":
        return value if isinstance(value, str) else str(value)
    if kind == "int":
        return _number(name, value)
    if kind == "bool":
        return str(value).lower() in {"true", "1", "yes", "t", "y"}
    if kind == "chat":
        text = str(value)
        return text if text.startswith("@") else _number(name, value, "chat not found")
    if kind == "file":
        return _file(name, value, files)
    return _json(name, value, list if kind == "list" else dict)


def _number(name: str, value: Any, otherwise: str = "") -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    text = str(value)
    digits = text.removeprefix("-")
    if digits.isascii() and digits.isdigit() and len(digits) <= MAX_NUMBER_DIGITS:
        return int(text)
    raise bad_request(otherwise or f"{name} must be an integer")


def _file(name: str, value: Any, files: Mapping[str, Upload]) -> Upload | str:
    text = str(value)
    if not text.startswith("attach://"):
        return text
    upload = files.get(text.removeprefix("attach://"))
    if upload is None:
        raise bad_request(f"wrong remote file identifier specified: {name} is not attached")
    return upload


def _json(name: str, value: Any, shape: type) -> Any:
    if isinstance(value, str):
        try:
            value = msgspec.json.decode(value)
        except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
            raise bad_request(f"can't parse {name} JSON object") from error
    if not isinstance(value, shape):
        expected = "an Array" if shape is list else "an Object"
        raise bad_request(f"expected {expected} as {name}")
    return value
