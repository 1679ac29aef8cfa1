"""The one secret that everything of a key manager hangs on. Pure."""

from typing import Final

from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from cocoon.errors import ConfigError

MASTER_BYTES: Final = 32
ID_BYTES: Final = 32
PROOF_BYTES: Final = 32


class MasterSecret:
    """32 secret bytes that do not print themselves, and what is derived from them.

    Args:
        raw: the secret.

    Attributes:
        manager_id: 32 public bytes that name this key manager for ever, over all its updates.

    Raises:
        ConfigError: not 32 bytes.
    """

    __slots__ = ("_raw", "manager_id")

    def __init__(self, raw: bytes) -> None:
        if len(raw) != MASTER_BYTES:
            raise ConfigError(f"a master secret has {MASTER_BYTES} bytes")
        self._raw = bytes(raw)
        self.manager_id: bytes = self._derive(b"id")

    @property
    def store_key(self) -> bytes:
        """Encrypts the store, 32 bytes."""
        return self._derive(b"store")

    @property
    def audit_key(self) -> bytes:
        """Authenticates the audit log, 32 bytes."""
        return self._derive(b"audit")

    def proof(self, message: bytes) -> bytes:
        """Shows possession of the secret to another holder: HMAC-SHA-256, 32 bytes."""
        mac = hmac.HMAC(self._derive(b"proof"), hashes.SHA256())
        mac.update(message)
        return mac.finalize()

    def reveal(self) -> bytes:
        """The secret itself; for sealing it and for handing it over, nothing else."""
        return self._raw

    def _derive(self, purpose: bytes) -> bytes:
        info = b"cocoon-key-manager-v1\0" + purpose
        return HKDF(hashes.SHA256(), 32, salt=None, info=info).derive(self._raw)

    def __repr__(self) -> str:
        return f"MasterSecret(id={self.manager_id.hex()})"

    def __reduce__(self) -> str:
        raise TypeError("a master secret is not pickled")
