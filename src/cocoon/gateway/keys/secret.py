"""API keys as text: a public id to look them up by, and 256 random bits that nobody keeps.

``sk-cocoon-`` + 12 characters of id + ``-`` + 43 characters of secret. Only the SHA-256 of the
secret is stored: guessing 256 bits is hopeless, so the hash need not be slow.
"""

import hashlib
import secrets
from dataclasses import dataclass, field

PREFIX = b"sk-cocoon-"
ID_LENGTH = 12
SECRET_BYTES = 32
SECRET_LENGTH = 43
"""Characters of 32 bytes in URL-safe base64 without padding."""
KEY_LENGTH = len(PREFIX) + ID_LENGTH + 1 + SECRET_LENGTH

_ID_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"
_ID_END = len(PREFIX) + ID_LENGTH


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was just made; its text is shown once.

    Attributes:
        key_id: public part.
        text: the whole key.
        secret_hash: 32 bytes that the store keeps.
    """

    key_id: str
    text: str = field(repr=False)
    secret_hash: bytes = field(repr=False)


def new_key(key_id: str | None = None) -> NewKey:
    """Make a key, or another secret for the key with a given id."""
    chosen = key_id or "".join(secrets.choice(_ID_LETTERS) for _ in range(ID_LENGTH))
    secret = secrets.token_urlsafe(SECRET_BYTES)
    text = f"{PREFIX.decode()}{chosen}-{secret}"
    return NewKey(chosen, text, hashlib.sha256(secret.encode()).digest())


def split_key(credential: bytes) -> tuple[str, bytes] | None:
    """Id and SHA-256 of the secret of a key, or None where it has not the form of one."""
    if len(credential) != KEY_LENGTH or credential[: len(PREFIX)] != PREFIX:
        return None
    key_id = credential[len(PREFIX) : _ID_END]
    if not key_id.isalnum():  # ASCII only, for bytes
        return None
    return key_id.decode(), hashlib.sha256(credential[_ID_END + 1 :]).digest()
