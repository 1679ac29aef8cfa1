"""Secrets of a node in one file, under a key that the seal service gives this guest only.

The file is JSON: format, version, the seal key's name, a generation and the secrets under
AES-256-GCM; everything but the ciphertext is bound to it as associated data. The generation grows
with every change. Whoever has the disk (the host) can put an old copy back: that cannot be seen
from the file alone, so a caller that remembers the generation elsewhere says the least it accepts.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cocoon.errors import ConfigError
from cocoon.sealing.derivation import PersistentKey
from cocoon.sealing.messages import MAX_KEY_NAME

MAX_FILE_BYTES: Final = 64 << 10
MAX_ENTRIES: Final = 64
MAX_ENTRY_BYTES: Final = 256
MAX_GENERATION: Final = 2**53

_NONCE_BYTES = 12
_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
_PURPOSE = b"keyring"


class _Document(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    format: Literal["cocoon-keyring"]
    version: Literal[1]
    key_name: str
    generation: int
    nonce: bytes
    ciphertext: bytes


@dataclass(frozen=True, slots=True)
class Keyring:
    """Named secrets; never printed.

    Attributes:
        secrets: 1 to 256 bytes each, by a name of small letters, digits, ``_``, ``.`` and ``-``.
        generation: grows with every change.
    """

    secrets: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    generation: int = 0

    def __post_init__(self) -> None:
        if len(self.secrets) > MAX_ENTRIES:
            raise ConfigError(f"a keyring holds at most {MAX_ENTRIES} secrets")
        for name, secret in self.secrets.items():
            if not _NAME.fullmatch(name):
                raise ConfigError("a keyring's names are small letters, digits, _, . and -")
            if not 1 <= len(secret) <= MAX_ENTRY_BYTES:
                raise ConfigError(f"a keyring's secrets have 1 to {MAX_ENTRY_BYTES} bytes")
        if not 0 <= self.generation < MAX_GENERATION:
            raise ConfigError("a keyring's generation is out of range")

    def with_secret(self, name: str, secret: bytes) -> "Keyring":
        """The next generation, with one secret more or replaced; raises ConfigError as above."""
        return Keyring({**self.secrets, name: bytes(secret)}, self.generation + 1)


def seal_keyring(keyring: Keyring, key: PersistentKey) -> bytes:
    """The file's content."""
    empty = _Document(
        format="cocoon-keyring",
        version=1,
        key_name=key.name,
        generation=keyring.generation,
        nonce=os.urandom(_NONCE_BYTES),
        ciphertext=b"",
    )
    content = msgspec.json.encode(dict(keyring.secrets))
    sealed = AESGCM(key.derive(_PURPOSE)).encrypt(empty.nonce, content, msgspec.json.encode(empty))
    document = msgspec.structs.replace(empty, ciphertext=sealed)
    return msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n"


def open_keyring(data: bytes, key: PersistentKey, *, least_generation: int = 0) -> Keyring:
    """Read a file's content.

    Args:
        data: the content.
        key: of the seal service.
        least_generation: an older file is refused: the host put an old copy back.

    Raises:
        ConfigError: not a keyring, sealed for another guest or name, changed, or too old.
    """
    document = _parse(data)
    if document.key_name != key.name:
        raise ConfigError(f"this keyring is sealed as {document.key_name!r}, not as {key.name!r}")
    bound = msgspec.json.encode(msgspec.structs.replace(document, ciphertext=b""))
    try:
        content = AESGCM(key.derive(_PURPOSE)).decrypt(document.nonce, document.ciphertext, bound)
        secrets = msgspec.json.decode(content, type=dict[str, bytes])
    except InvalidTag:
        raise ConfigError(
            "the keyring does not open: it was sealed by another image, TDX module, enclave or "
            "machine, or was changed; go back to what sealed it, or get the keys from a key "
            "manager or a backup"
        ) from None
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise ConfigError("the keyring holds no secrets of this form") from None
    if document.generation < least_generation:
        raise ConfigError(
            f"the keyring is of generation {document.generation}, but {least_generation} was seen "
            "before: somebody put an old copy back"
        )
    return Keyring(secrets, document.generation)


def load_keyring(path: Path, key: PersistentKey, *, least_generation: int = 0) -> Keyring | None:
    """Read a file; None if there is none. Raises as :func:`open_keyring`."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(f"cannot read keyring {path}: {error.strerror}") from None
    try:
        return open_keyring(content, key, least_generation=least_generation)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None


def _parse(data: bytes) -> _Document:
    if len(data) > MAX_FILE_BYTES:
        raise ConfigError(f"a keyring has at most {MAX_FILE_BYTES} bytes")
    try:
        document = msgspec.json.decode(data, type=_Document)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise ConfigError("not a keyring of version 1") from None  # the error may quote the file
    if len(document.nonce) != _NONCE_BYTES or not 1 <= len(document.key_name) <= MAX_KEY_NAME:
        raise ConfigError("not a keyring of version 1")
    if not 0 <= document.generation < MAX_GENERATION:
        raise ConfigError("a keyring's generation is out of range")
    return document
