"""The secret that lets later connections authorize without a transaction (``onchain.md`` §11).

One random key for each client; every contract has its own secret made from it, so that a proxy that
was told one cannot use it at another proxy.
"""

import hashlib
import hmac
import os
from pathlib import Path

from cocoon.errors import StoreError
from cocoon.net.state_file import write_private

SECRET_NAME = "client-secret.key"  # noqa: S105 - a file's name
_KEY_BYTES = 32
_LABEL = b"cocoon client secret\0"


class Secrets:
    """Makes the secret of each contract; ``repr`` shows nothing.

    Args:
        directory: where the key is kept, readable by its owner only; None makes a new one.
        fixed: use this secret everywhere instead: the official ``secret_string``.

    Raises:
        StoreError: the file cannot be read or written, or is damaged.
    """

    __slots__ = ("_fixed", "_key")

    def __init__(self, directory: Path | None, fixed: bytes = b"") -> None:
        self._fixed = fixed
        self._key = os.urandom(_KEY_BYTES) if directory is None or fixed else _load(directory)

    def of(self, contract: bytes) -> bytes:
        """The secret for a contract, given by the 32 bytes of its account: text on the wire."""
        if self._fixed:
            return self._fixed
        return hmac.digest(self._key, _LABEL + contract, "sha256").hex().encode()

    def hash_of(self, contract: bytes) -> bytes:
        """What the contract shall hold: SHA-256 of the secret."""
        return hashlib.sha256(self.of(contract)).digest()


def _load(directory: Path) -> bytes:
    path = directory / SECRET_NAME
    try:
        key = path.read_bytes()
    except FileNotFoundError:
        key = os.urandom(_KEY_BYTES)
        write_private(path, key)
        return key
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error.strerror}") from None
    if len(key) != _KEY_BYTES:
        raise StoreError(f"{path} is damaged; restore it, or delete it to register anew")
    return key
