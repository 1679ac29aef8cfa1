"""The two messages of the official seal protocol, byte-exact (``attestation.md`` §10.1).

A frame is ``u32 length || message``; a message is a little-endian magic and TL strings, with
nothing behind them. Request and answer alternate on one stream. Nothing here touches a socket.
"""

import struct
from dataclasses import dataclass, field
from typing import Final

from cocoon.errors import DecodeError, LocalProtocolError
from cocoon.wire import tl_string

REQUEST_MAGIC: Final = 0x317A821C
"""``getPersistentKey``."""
ANSWER_MAGIC: Final = 0x163A179A
"""``persistentKey``."""
MAX_FRAME: Final = 16536
"""Bytes of a message at most; sic, as the official frame reader has it."""
REPORT_BYTES: Final = 1024
PUBLIC_KEY_BYTES: Final = 64
SECRET_BYTES: Final = 32
ENCRYPTED_SECRET_BYTES: Final = PUBLIC_KEY_BYTES + SECRET_BYTES
MAX_KEY_NAME: Final = 256

_U32 = struct.Struct("<I")
HEADER_BYTES: Final = _U32.size


@dataclass(frozen=True, slots=True)
class GetPersistentKey:
    """A guest asks the enclave for the key that belongs to its measurements and a name.

    Attributes:
        tdx_report: the guest's TDREPORT, 1024 bytes.
        public_key: P-256, X then Y, each 32 bytes little-endian.
        key_name: 1 to 256 bytes; another name gives an unrelated key.
    """

    tdx_report: bytes = field(repr=False)
    public_key: bytes = field(repr=False)
    key_name: bytes

    def __post_init__(self) -> None:
        if len(self.tdx_report) != REPORT_BYTES:
            raise LocalProtocolError(f"a TD report has {REPORT_BYTES} bytes")
        if len(self.public_key) != PUBLIC_KEY_BYTES:
            raise LocalProtocolError(f"a seal request's public key has {PUBLIC_KEY_BYTES} bytes")
        if not 1 <= len(self.key_name) <= MAX_KEY_NAME:
            raise LocalProtocolError(f"a key name has 1 to {MAX_KEY_NAME} bytes")

    def to_bytes(self) -> bytes:
        """The message without its length."""
        strings = (self.tdx_report, self.public_key, self.key_name)
        return _U32.pack(REQUEST_MAGIC) + b"".join(map(tl_string.pack, strings))

    @classmethod
    def from_bytes(cls, data: bytes) -> "GetPersistentKey":
        """Read a whole message.

        Raises:
            DecodeError: another message, a field of a wrong size, or bytes that are left over.
        """
        report, public_key, name = _read_strings(data, REQUEST_MAGIC, 3)
        try:
            return cls(report, public_key, name)
        except LocalProtocolError as error:
            raise DecodeError(str(error)) from None


@dataclass(frozen=True, slots=True)
class PersistentKeyAnswer:
    """The enclave's answer: the key under the guest's public key, and a quote that vouches for it.

    Attributes:
        sgx_quote: a quote of the enclave over both public values.
        encrypted_secret: the enclave's public key (64 bytes) and the encrypted key (32).
    """

    sgx_quote: bytes = field(repr=False)
    encrypted_secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.encrypted_secret) != ENCRYPTED_SECRET_BYTES:
            raise LocalProtocolError(f"an encrypted key has {ENCRYPTED_SECRET_BYTES} bytes")

    def to_bytes(self) -> bytes:
        """The message without its length."""
        strings = (self.sgx_quote, self.encrypted_secret)
        return _U32.pack(ANSWER_MAGIC) + b"".join(map(tl_string.pack, strings))

    @classmethod
    def from_bytes(cls, data: bytes) -> "PersistentKeyAnswer":
        """Read a whole message.

        Raises:
            DecodeError: another message, a field of a wrong size, or bytes that are left over.
        """
        quote, secret = _read_strings(data, ANSWER_MAGIC, 2)
        try:
            return cls(quote, secret)
        except LocalProtocolError as error:
            raise DecodeError(str(error)) from None


def frame(message: bytes) -> bytes:
    """A message with its length in front.

    Raises:
        LocalProtocolError: longer than ``MAX_FRAME``.
    """
    if len(message) > MAX_FRAME:
        raise LocalProtocolError(f"a seal message of {len(message)} bytes, at most {MAX_FRAME}")
    return _U32.pack(len(message)) + message


def frame_length(header: bytes) -> int:
    """How many bytes follow a header of 4 bytes.

    Raises:
        DecodeError: not 4 bytes, or more bytes than ``MAX_FRAME`` follow.
    """
    if len(header) != HEADER_BYTES:
        raise DecodeError("a frame is cut short")
    length: int = _U32.unpack(header)[0]
    if length > MAX_FRAME:
        raise DecodeError(f"a seal message of {length} bytes, at most {MAX_FRAME}")
    return length


def _read_strings(data: bytes, magic: int, count: int) -> list[bytes]:
    if len(data) > MAX_FRAME:
        raise DecodeError(f"a seal message of {len(data)} bytes, at most {MAX_FRAME}")
    if len(data) < _U32.size or _U32.unpack_from(data)[0] != magic:
        raise DecodeError("not the expected seal message")
    strings, at = [], _U32.size
    for _ in range(count):
        value, at = tl_string.unpack(data, at)
        strings.append(bytes(value))
    if at != len(data):
        raise DecodeError(f"{len(data) - at} bytes after the seal message")
    return strings
