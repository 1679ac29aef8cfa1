"""Private keys at rest, encrypted with a password.

A file holds one key as JSON: format and version, the public key, the parameters of scrypt, and the
seed under AES-256-GCM. Everything but the ciphertext is bound to it as associated data, so nothing
in the file can be exchanged. Passwords are normalised (NFKC), so that the same characters count as
the same password on every keyboard.
"""

import contextlib
import os
import re
import stat
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from cocoon.chain.keys import SEED_BYTES, SecretKey
from cocoon.errors import ConfigError

MAX_FILE_BYTES = 4096
MIN_COST = 2**15
DEFAULT_COST = 2**17
"""128 MiB and some tenths of a second for each attempt."""
MAX_COST = 2**18
"""A hostile file may not ask for more than 256 MiB."""
MAX_PASSWORD_BYTES = 1024

_BLOCK_SIZE = 8
_KEY_BYTES = 32
_SALT_BYTES = 32
_NONCE_BYTES = 12
_TAG_BYTES = 16
_PUBLIC_KEY_BYTES = 32
_HEX = re.compile("[0-9a-f]*")


class _Kdf(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    name: Literal["scrypt"]
    n: int
    r: Literal[8]
    p: Literal[1]
    salt: str


class _Document(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    format: Literal["cocoon-keystore"]
    version: Literal[1]
    public_key: str
    kdf: _Kdf
    cipher: Literal["aes-256-gcm"]
    nonce: str
    ciphertext: str


@dataclass(frozen=True, slots=True)
class Keystore:
    """An encrypted key; the public half can be read without the password.

    Args:
        public_key: 32 bytes; proven only once the key is opened.
        cost: scrypt's ``n``.
        salt: 32 bytes.
        nonce: 12 bytes.
        ciphertext: the encrypted seed with its tag, 48 bytes.
    """

    public_key: bytes
    cost: int
    salt: bytes
    nonce: bytes
    ciphertext: bytes

    def open(self, password: str) -> SecretKey:
        """Decrypt; takes some tenths of a second and, at most, 256 MiB of memory.

        Raises:
            ConfigError: wrong password, or the file was changed.
        """
        secret = _derive(password, self.salt, self.cost)
        try:
            seed = AESGCM(secret).decrypt(self.nonce, self.ciphertext, self._header())
        except InvalidTag:
            raise ConfigError("wrong password, or the key file was changed") from None
        key = SecretKey(seed)
        if key.public_key != self.public_key:
            raise ConfigError("the key file names another public key than it holds")
        return key

    def to_bytes(self) -> bytes:
        """The file's content."""
        document = msgspec.structs.replace(self._document(), ciphertext=self.ciphertext.hex())
        return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"

    @classmethod
    def seal(cls, key: SecretKey, password: str, *, cost: int = DEFAULT_COST) -> "Keystore":
        """Encrypt a key.

        Args:
            key: what to keep.
            password: at least one character.
            cost: a power of two, ``MIN_COST`` to ``MAX_COST``.

        Raises:
            ConfigError: no password, one that is too long, or a cost out of range.
        """
        _check_cost(cost)
        salt, nonce = os.urandom(_SALT_BYTES), os.urandom(_NONCE_BYTES)
        empty = cls(key.public_key, cost, salt, nonce, b"")
        secret = _derive(password, salt, cost)
        sealed = AESGCM(secret).encrypt(nonce, key.seed_for_keystore(), empty._header())
        return cls(key.public_key, cost, salt, nonce, sealed)

    def _document(self) -> _Document:
        return _Document(
            format="cocoon-keystore",
            version=1,
            public_key=self.public_key.hex(),
            kdf=_Kdf(name="scrypt", n=self.cost, r=8, p=1, salt=self.salt.hex()),
            cipher="aes-256-gcm",
            nonce=self.nonce.hex(),
            ciphertext="",
        )

    def _header(self) -> bytes:
        """What is bound to the ciphertext: the document without it, in one fixed form."""
        return msgspec.json.encode(self._document())


def parse_keystore(data: bytes) -> Keystore:
    """Read a file's content.

    Raises:
        ConfigError: not such a file, of another version, or with parameters out of range.
    """
    if len(data) > MAX_FILE_BYTES:
        raise ConfigError(f"a key file has at most {MAX_FILE_BYTES} bytes")
    try:
        document = msgspec.json.decode(data, type=_Document)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        # The original error may quote the file.
        raise ConfigError("not a key file of version 1") from None
    _check_cost(document.kdf.n)
    return Keystore(
        public_key=_bytes(document.public_key, _PUBLIC_KEY_BYTES, "public_key"),
        cost=document.kdf.n,
        salt=_bytes(document.kdf.salt, _SALT_BYTES, "salt"),
        nonce=_bytes(document.nonce, _NONCE_BYTES, "nonce"),
        ciphertext=_bytes(document.ciphertext, SEED_BYTES + _TAG_BYTES, "ciphertext"),
    )


def load_keystore(path: Path) -> Keystore:
    """Read a key file.

    Raises:
        ConfigError: missing, malformed, or readable by others.
    """
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            content = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"cannot read key file {path}: {error.strerror}") from None
    if stat.S_IMODE(mode) & (stat.S_IRWXG | stat.S_IRWXO):
        raise ConfigError(f"key file {path} is open to other users: chmod 600 {path}")
    try:
        return parse_keystore(content)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None


def save_keystore(path: Path, keystore: Keystore, *, replace: bool = False) -> None:
    """Write a key file with mode 0600, complete or not at all.

    Args:
        path: where to.
        keystore: what.
        replace: whether an existing file may be replaced, for a new password.

    Raises:
        FileExistsError: there is a file already, and it may not be replaced.
        ConfigError: it cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        with os.fdopen(os.open(temporary, flags, 0o600), "wb") as file:
            file.write(keystore.to_bytes())
            file.flush()
            os.fsync(file.fileno())
        if replace:
            temporary.replace(path)
        else:
            os.link(temporary, path)  # fails if the file exists, unlike a rename
        _sync_directory(path.parent)
    except FileExistsError:
        raise
    except OSError as error:
        raise ConfigError(f"cannot write key file {path}: {error.strerror}") from None
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _derive(password: str, salt: bytes, cost: int) -> bytes:
    if not password:
        raise ConfigError("the password is empty")
    # A lone surrogate is no character; it comes from bytes that are no text.
    raw = unicodedata.normalize("NFKC", password).encode(errors="surrogatepass")
    if len(raw) > MAX_PASSWORD_BYTES:
        raise ConfigError(f"the password has more than {MAX_PASSWORD_BYTES} bytes")
    try:
        return Scrypt(salt=salt, length=_KEY_BYTES, n=cost, r=_BLOCK_SIZE, p=1).derive(raw)
    except MemoryError:
        raise ConfigError("too little memory to open the key file") from None


def _check_cost(cost: int) -> None:
    if not MIN_COST <= cost <= MAX_COST or cost & (cost - 1):
        raise ConfigError(f"scrypt's n must be a power of two, {MIN_COST} to {MAX_COST}")


def _bytes(text: str, size: int, name: str) -> bytes:
    # Checked here because fromhex() skips white space.
    if len(text) != 2 * size or not _HEX.fullmatch(text):
        raise ConfigError(f"{name} of a key file must be {2 * size} lower-case hex digits")
    return bytes.fromhex(text)
