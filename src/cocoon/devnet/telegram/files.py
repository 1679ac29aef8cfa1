"""Files that people and the bot sent.

Sources: https://core.telegram.org/bots/api#file, #getfile (up to 20 MB, links live an hour),
#sending-files (50 MB, photos 10 MB).
"""

import secrets
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from cocoon.devnet.telegram.answers import Json, bad_request
from cocoon.devnet.telegram.arguments import Upload
from cocoon.devnet.telegram.limits import MAX_DOWNLOAD

MAX_HELD = 512 << 20
"""Bytes that a stand-in keeps; the oldest files go first."""


@dataclass(slots=True)
class StoredFile:
    """One file.

    Attributes:
        path: what ``getFile`` names and a download asks for.
    """

    id: str
    unique: str
    path: str
    name: str
    content_type: str
    data: bytes = field(repr=False)

    def json(self) -> Json:
        """What every kind of attachment says of its file."""
        return {"file_id": self.id, "file_unique_id": self.unique, "file_size": len(self.data)}


class FileStore:
    """Files in memory."""

    def __init__(self) -> None:
        self._by_id: dict[str, StoredFile] = {}
        self._by_path: dict[str, str] = {}
        self._held = 0

    def add(self, folder: str, upload: Upload) -> StoredFile:
        """Keeps a file under ``folder`` (``photos``, ``documents``, ``voice``)."""
        number = len(self._by_id) + 1
        unique = secrets.token_hex(6)
        ending = PurePosixPath(upload.name).suffix[:8]
        stored = StoredFile(
            f"STANDIN-{folder}-{number}-{secrets.token_urlsafe(12)}",
            unique,
            f"{folder}/file_{number}_{unique}{ending}",
            upload.name,
            upload.content_type,
            upload.data,
        )
        self._by_id[stored.id] = stored
        self._by_path[stored.path] = stored.id
        self._held += len(upload.data)
        while self._held > MAX_HELD and len(self._by_id) > 1:
            self._forget(next(iter(self._by_id)))
        return stored

    def _forget(self, file_id: str) -> None:
        gone = self._by_id.pop(file_id)
        self._by_path.pop(gone.path)
        self._held -= len(gone.data)

    def by_id(self, file_id: str) -> StoredFile | None:
        """The file with this id."""
        return self._by_id.get(file_id)

    def by_path(self, path: str) -> StoredFile | None:
        """The file at this path."""
        return self._by_id.get(self._by_path.get(path, ""))

    def describe(self, file_id: str) -> Json:
        """What ``getFile`` answers.

        Raises:
            BotApiError: there is no such file, or it is above 20 MB.
        """
        stored = self.by_id(file_id)
        if stored is None:
            raise bad_request("invalid file_id")
        if len(stored.data) > MAX_DOWNLOAD:
            raise bad_request("file is too big")
        return stored.json() | {"file_path": stored.path}
