"""Ed25519 keys that do not print themselves, and their files.

A proxy has two: the *machine* key signs payments and is part of every contract address, the
*wallet* key signs the messages of its wallet. A file holds one key: 64 hex digits and a newline,
readable by its owner only.
"""

import base64
import binascii
import os
import stat
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from cocoon.errors import ConfigError, PaymentError

SEED_BYTES = 32
SIGNATURE_BYTES = 64
_MAX_FILE_BYTES = 1024


class SecretKey:
    """An Ed25519 private key. ``repr`` shows the public half only.

    Args:
        seed: 32 secret bytes.

    Raises:
        ConfigError: not 32 bytes.
    """

    __slots__ = ("_key", "_seed", "public_key")

    def __init__(self, seed: bytes) -> None:
        if len(seed) != SEED_BYTES:
            raise ConfigError(f"a private key has {SEED_BYTES} bytes, not {len(seed)}")
        self._seed = bytes(seed)
        self._key = Ed25519PrivateKey.from_private_bytes(self._seed)
        self.public_key: bytes = self._key.public_key().public_bytes_raw()

    @classmethod
    def generate(cls) -> "SecretKey":
        """A new key from the operating system's random source."""
        return cls(os.urandom(SEED_BYTES))

    @classmethod
    def from_base64(cls, text: str) -> "SecretKey":
        """A key as the official configuration files hold it (``wire-protocol.md`` §9).

        Raises:
            ConfigError: not base64 of 32 bytes.
        """
        try:
            return cls(base64.b64decode(text, validate=True))
        except (binascii.Error, ValueError):
            # The text is a secret: neither it nor the original error may be shown.
            raise ConfigError("a private key must be base64 of 32 bytes") from None

    @classmethod
    def load(cls, path: Path) -> "SecretKey":
        """Read a key file.

        Raises:
            ConfigError: missing, malformed, or readable by others.
        """
        try:
            with path.open("rb") as file:
                mode = os.fstat(file.fileno()).st_mode
                content = file.read(_MAX_FILE_BYTES)
        except OSError as error:
            raise ConfigError(f"cannot read key file {path}: {error.strerror}") from None
        if stat.S_IMODE(mode) & (stat.S_IRWXG | stat.S_IRWXO):
            raise ConfigError(f"key file {path} is open to other users: chmod 600 {path}")
        try:
            return cls(bytes.fromhex(content.decode("ascii")))
        except (ValueError, ConfigError):
            raise ConfigError(f"key file {path} does not hold 64 hex digits") from None

    @classmethod
    def load_or_create(cls, path: Path) -> "SecretKey":
        """Read a key file, or make one where there is none.

        Raises:
            ConfigError: the file cannot be read or made.
        """
        if not path.exists():
            key = cls.generate()
            try:
                key.save(path)
            except FileExistsError:
                pass  # another process was faster: its key is the key
            else:
                return key
        return cls.load(path)

    def save(self, path: Path) -> None:
        """Write a new key file with mode 0600, complete or not at all.

        Raises:
            FileExistsError: a key is never overwritten.
            ConfigError: the file cannot be written.
        """
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
            with os.fdopen(os.open(temporary, flags, 0o600), "wb") as file:
                file.write(self._seed.hex().encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
            try:
                os.link(temporary, path)  # fails if the file exists, unlike a rename
            finally:
                temporary.unlink()
        except FileExistsError:
            raise
        except OSError as error:
            raise ConfigError(f"cannot write key file {path}: {error.strerror}") from None

    def seed_for_keystore(self) -> bytes:
        """The 32 secret bytes; for ``chain.keystore``, which encrypts them."""
        return self._seed

    def sign(self, message: bytes) -> bytes:
        """A 64-byte signature."""
        return self._key.sign(message)

    def __repr__(self) -> str:
        return f"SecretKey(public={self.public_key.hex()})"

    def __reduce__(self) -> str:
        raise TypeError("a secret key is not pickled")


class PublicKey:
    """An Ed25519 public key, loaded once for many checks.

    Raises:
        PaymentError: not a public key.
    """

    __slots__ = ("_key", "raw")

    def __init__(self, raw: bytes) -> None:
        try:
            self._key = Ed25519PublicKey.from_public_bytes(raw)
        except ValueError:
            raise PaymentError("not an Ed25519 public key") from None
        self.raw = raw

    def verify(self, signature: bytes, message: bytes) -> None:
        """Check a signature.

        Raises:
            PaymentError: it is not by this key over this message.
        """
        try:
            self._key.verify(signature, message)
        except InvalidSignature:
            raise PaymentError("signature does not verify") from None

    def __repr__(self) -> str:
        return f"PublicKey({self.raw.hex()})"
