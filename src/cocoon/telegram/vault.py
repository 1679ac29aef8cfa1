"""Encrypts what people wrote, at rest: AES-256-GCM under a key that only the service's host has.

Whoever gets hold of the database alone, or of a backup of it, reads nothing; deleting the key file
erases every history at once.
"""

import hashlib
import hmac
import os
from pathlib import Path
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cocoon.errors import ConfigError, StoreError

KEY_BYTES = 32
NONCE_BYTES = 12
_LABEL = b"cocoon telegram keys v1"


class Vault:
    """Seals and opens small texts.

    Args:
        key: 32 random bytes.

    Raises:
        ConfigError: the key has another length.
    """

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise ConfigError(f"the content key has {len(key)} bytes instead of {KEY_BYTES}")
        self._cipher = AESGCM(key)
        self._root = hmac.digest(key, _LABEL, hashlib.sha256)

    @classmethod
    def open(cls, path: Path) -> Self:
        """Read the key, or make one where there is none; nobody but the owner can read the file.

        Raises:
            ConfigError: the file cannot be used.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            except FileExistsError:
                return cls(path.read_bytes())
            with os.fdopen(handle, "wb") as file:
                file.write(key := os.urandom(KEY_BYTES))
                file.flush()
                os.fsync(file.fileno())
            return cls(key)
        except OSError as error:
            raise ConfigError(f"cannot use the content key {path}: {error.strerror}") from None

    def key_for(self, purpose: str) -> bytes:
        """32 bytes that follow from the key and say nothing about it.

        Args:
            purpose: names them; another purpose has other bytes.
        """
        return hmac.digest(self._root, purpose.encode(), hashlib.sha256)

    def seal(self, text: bytes, place: str) -> bytes:
        """Encrypt.

        Args:
            text: what nobody else may read.
            place: where it will stand, such as ``turn:42/7``; it opens nowhere else.
        """
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, text, place.encode())

    def open_sealed(self, sealed: bytes, place: str) -> bytes:
        """Decrypt.

        Raises:
            StoreError: it was sealed under another key or for another place, or was changed.
        """
        try:
            return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], place.encode())
        except (InvalidTag, ValueError):
            raise StoreError(
                "the store holds texts that the content key does not open; was it replaced?"
            ) from None
