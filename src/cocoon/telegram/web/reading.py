"""Reading what the Mini App sends; every limit is here, and no refusal quotes what was sent."""

import binascii
import re
from typing import TypeVar
from urllib.parse import parse_qsl

import msgspec

from cocoon.telegram.assistant.values import Question, Turn
from cocoon.telegram.settings import TelegramSettings
from cocoon.telegram.web.failures import ApiError, invalid, too_large
from cocoon.telegram.web.shapes import AppLimits, ChatRequest, Message, Request

SMALL_BODY = 16 * 1024
"""Bytes of every body but that of ``POST chat``."""
CHAT_BODY = 7 * 2**20
"""Bytes of ``POST chat``; a gateway takes 8 MiB (:mod:`cocoon.gateway.settings`)."""
MAX_MESSAGES = 200
MAX_IMAGES = 3
"""In a conversation."""
MAX_IMAGE_BYTES = 3 * 2**19
"""Of one picture, decoded: 1.5 MiB."""
MAX_MODEL = 200
MAX_QUERY = 1024

T = TypeVar("T", bound=Request)

_id = re.compile(r"[A-Za-z0-9_-]{22,64}")
_where = re.compile(r"at `(\$[A-Za-z0-9_.\[\]…]{0,80})`")
_image = re.compile(r"data:image/(jpeg|png|webp|gif);base64,")
_MAGIC = {
    "jpeg": (b"\xff\xd8\xff",),
    "png": (b"\x89PNG\r\n\x1a\n",),
    "webp": (b"RIFF",),
    "gif": (b"GIF87a", b"GIF89a"),
}


def app_limits(settings: TelegramSettings) -> AppLimits:
    """What the app is told that ``POST chat`` takes."""
    return AppLimits(
        prompt_chars=settings.limits.prompt_chars,
        messages=MAX_MESSAGES,
        images=MAX_IMAGES,
        image_bytes=MAX_IMAGE_BYTES,
        body_bytes=CHAT_BODY,
        max_tokens=settings.assistant.max_tokens,
    )


def decode(body: bytes, kind: type[T]) -> T:
    """A body as one of :mod:`cocoon.telegram.web.shapes`.

    Raises:
        ApiError: ``invalid``, with the place of what is wrong.
    """
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        found = _where.search(str(error))
        place = found[1] if found else "$"
        raise invalid(f"the body has a wrong, unknown or missing member at {place}") from None
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise invalid("the body is not JSON in UTF-8") from None


def answer_id(text: str) -> str:
    """A client's name of an answer, checked.

    Raises:
        ApiError: ``invalid``.
    """
    if not _id.fullmatch(text):
        raise invalid("an id is 22 to 64 characters of A-Z a-z 0-9 _ -")
    return text


def reference(user: int, name: str) -> str:
    """What an answer is called in accounts and ledger."""
    return f"app:{user}:{answer_id(name)}"


def read_question(user: int, asked: ChatRequest, settings: TelegramSettings) -> Question:
    """A conversation as the assistant takes it.

    Raises:
        ApiError: ``invalid`` or ``too_large``; says what, and quotes nothing.
    """
    classes = settings.assistant.price_classes
    name = asked.price_class or settings.assistant.price_class
    if name not in classes:
        raise invalid("there is no such price class")
    if len(asked.model) > MAX_MODEL:
        raise invalid("there is no such model")
    most = settings.assistant.max_tokens
    if asked.max_tokens is not None and asked.max_tokens < 1:
        raise invalid("max_tokens must be at least 1")
    _check_text(asked.system, settings)
    _check_messages(asked.messages, settings)
    return Question(
        user=user,
        reference=reference(user, asked.id),
        chat=f"app:{user}",
        turns=tuple(Turn(one.role, one.content, one.images) for one in asked.messages),
        model=asked.model,
        system=asked.system,
        max_coefficient=classes[name],
        max_tokens=min(asked.max_tokens or most, most),
    )


def query(text: bytes) -> dict[str, str]:
    """The members of a query string, the first of each name.

    Raises:
        ApiError: ``invalid``, there is too much of it.
    """
    if len(text) > MAX_QUERY:
        raise invalid("the query string is too long")
    try:
        pairs = parse_qsl(text.decode("latin-1"), max_num_fields=16)
    except ValueError:
        raise invalid("the query string has too many members") from None
    return dict(reversed(pairs))


def _check_messages(messages: tuple[Message, ...], settings: TelegramSettings) -> None:
    if not messages or messages[-1].role != "user":
        raise invalid("the last message must be the user's")
    if len(messages) > MAX_MESSAGES:
        raise too_large(f"a conversation has at most {MAX_MESSAGES} messages")
    images = 0
    for message in messages:
        _check_text(message.content, settings)
        if message.images and message.role != "user":
            raise invalid("only the user's messages have pictures")
        if not message.content and not message.images:
            raise invalid("a message is empty")
        images += len(message.images)
    if images > MAX_IMAGES:
        raise too_large(f"a conversation has at most {MAX_IMAGES} pictures")
    for message in messages:
        for image in message.images:
            _check_image(image)


def _check_text(text: str, settings: TelegramSettings) -> None:
    most = settings.limits.prompt_chars
    if len(text) > most:
        raise too_large(f"a message has at most {most} characters")


def _check_image(url: str) -> None:
    """Refuse what is no picture of a kind that engines read."""
    found = _image.match(url)
    if found is None:
        raise _no_image()
    coded = url[found.end() :]
    if len(coded) > MAX_IMAGE_BYTES * 4 // 3 + 4:
        raise too_large(f"a picture has at most {MAX_IMAGE_BYTES} bytes")
    try:
        data = binascii.a2b_base64(coded, strict_mode=True)
    except (binascii.Error, ValueError):
        raise _no_image() from None
    if not data.startswith(_MAGIC[found[1]]):
        raise _no_image()


def _no_image() -> ApiError:
    return invalid("a picture is a data URL with a JPEG, PNG, WebP or GIF in base64")
