"""Photos, documents and voice notes in messages.

Sources: https://core.telegram.org/bots/api#photosize, #document, #voice, #audio.
"""

import struct

from cocoon.devnet.telegram.answers import Json, bad_request
from cocoon.devnet.telegram.arguments import Upload
from cocoon.devnet.telegram.files import StoredFile
from cocoon.devnet.telegram.limits import MAX_PHOTO
from cocoon.devnet.telegram.world import World

FOLDERS = {"photo": "photos", "document": "documents", "voice": "voice", "audio": "music"}
MAX_PHOTO_SIDES = 10_000
"""Width and height of a photo together."""
_UNKNOWN_SIZE = (90, 90)
THUMBNAIL = 90
"""Pixels of the longer side of a photo's smallest size."""
DOT = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b55"
    "0000000a49444154789c636000000002000148afa4710000000049454e44ae426082"
)
"""A picture of one pixel."""


def attach(world: World, kind: str, given: Upload | str, details: Json) -> Json:
    """Keeps a file and gives the field of a message that shows it.

    Args:
        world: keeps it.
        kind: ``photo``, ``document``, ``voice`` or ``audio``.
        given: the file, or the id of one that is there.
        details: ``duration`` in seconds, ``performer``, ``title``.

    Raises:
        BotApiError: 400.
    """
    stored = _stored(world, kind, given)
    if kind == "photo":
        return {"photo": _sizes(world, stored)}
    shown = stored.json()
    if stored.content_type:
        shown["mime_type"] = stored.content_type
    if kind in {"document", "audio"} and stored.name:
        shown["file_name"] = stored.name
    if kind in {"voice", "audio"}:
        shown["duration"] = int(details.get("duration", 0))
    for name in ("performer", "title"):
        if kind == "audio" and details.get(name):
            shown[name] = str(details[name])
    return {kind: shown}


def _stored(world: World, kind: str, given: Upload | str) -> StoredFile:
    if isinstance(given, str):
        found = world.files.by_id(given)
        if found is None:
            raise bad_request("wrong file identifier/HTTP URL specified")
        return found
    if not given.data:
        raise bad_request("file must be non-empty")
    if kind == "photo" and len(given.data) > MAX_PHOTO:
        raise bad_request("file is too big")
    return world.files.add(FOLDERS[kind], given)


def _sizes(world: World, stored: StoredFile) -> list[Json]:
    """Smallest first, as Telegram lists them; the small one is a dot here, of no use to a bot."""
    width, height = image_size(stored.data)
    if width + height > MAX_PHOTO_SIDES:
        raise bad_request("PHOTO_INVALID_DIMENSIONS")
    whole = stored.json() | {"width": width, "height": height}
    if max(width, height) <= THUMBNAIL:
        return [whole]
    dot = world.files.add(FOLDERS["photo"], Upload("dot.png", "image/png", DOT))
    scale = THUMBNAIL / max(width, height)
    small = {"width": max(1, int(width * scale)), "height": max(1, int(height * scale))}
    return [dot.json() | small, whole]


def image_size(data: bytes) -> tuple[int, int]:
    """Width and height of a PNG or JPEG; of others a guess."""
    if data[:8] == b"\x89PNG\r\n\x1a\n" and len(data) >= 24:
        width, height = struct.unpack(">II", data[16:24])
        return width, height
    return _jpeg_size(data) if data[:2] == b"\xff\xd8" else _UNKNOWN_SIZE


def _jpeg_size(data: bytes) -> tuple[int, int]:
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if 0xC0 <= marker <= 0xCF and marker not in {0xC4, 0xC8, 0xCC}:
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return width, height
        at += 2 + max(2, length)
    return _UNKNOWN_SIZE
