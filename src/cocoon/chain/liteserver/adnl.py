"""ADNL over TCP: an encrypted connection to a server that is known by its public key.

The server proves who it is by being able to answer at all: the session keys are encrypted to it.
"""

import asyncio
import secrets
from hashlib import sha256, sha512

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR

from cocoon.chain.liteserver import tl
from cocoon.chain.liteserver.servers import Server
from cocoon.errors import ChainDataError, ChainError, DecodeError

MAX_FRAME = 16 * 1024 * 1024
MAX_QUERIES = 64
NONCE_BYTES = 32
PING_SECONDS = 20.0

_KEY_TYPE = bytes.fromhex("c6b41348")
_PRIME = 2**255 - 19
_PARAMS = 160


def key_id(public_key: bytes) -> bytes:
    """Short name of a key."""
    return sha256(_KEY_TYPE + public_key).digest()


def to_x25519(public_key: bytes) -> X25519PublicKey:
    """The key for key exchange that belongs to an Ed25519 key.

    Raises:
        DecodeError: it is no such key.
    """
    y = int.from_bytes(public_key, "little") & (1 << 255) - 1
    if y in (0, 1) or y >= _PRIME:
        raise DecodeError("not an Ed25519 key")
    u = (1 + y) * pow(1 - y, -1, _PRIME) % _PRIME
    return X25519PublicKey.from_public_bytes(u.to_bytes(32, "little"))


def secret_to_x25519(seed: bytes) -> X25519PrivateKey:
    """The secret for key exchange that belongs to an Ed25519 seed."""
    return X25519PrivateKey.from_private_bytes(sha512(seed).digest()[:32])


def stream_cipher(key: bytes, start: bytes) -> CipherContext:
    """AES-256 in counter mode; encrypts and decrypts alike."""
    return Cipher(AES(key), CTR(start)).encryptor()


def handshake_cipher(shared: bytes, checksum: bytes) -> CipherContext:
    """The cipher that hides the session's keys."""
    return stream_cipher(shared[:16] + checksum[16:], checksum[:4] + shared[20:])


def frame(payload: bytes) -> bytes:
    """A frame before encryption."""
    body = secrets.token_bytes(NONCE_BYTES) + payload
    return (len(body) + 32).to_bytes(4, "little") + body + sha256(body).digest()


async def read_frame(reader: asyncio.StreamReader, cipher: CipherContext) -> bytes:
    """The payload of the next frame.

    Raises:
        DecodeError: too long, too short or damaged.
    """
    size = int.from_bytes(cipher.update(await reader.readexactly(4)), "little")
    if not NONCE_BYTES + 32 <= size <= MAX_FRAME:
        raise DecodeError(f"liteserver sends a frame of {size} bytes")
    body = cipher.update(await reader.readexactly(size))
    if sha256(body[:-32]).digest() != body[-32:]:
        raise DecodeError("liteserver sends a damaged frame")
    return body[NONCE_BYTES:-32]


class AdnlConnection:
    """A connection to one server; made by :meth:`open`, used by several tasks at once.

    Args:
        server: whom to talk to.
        timeout: seconds to connect, and for each query.
    """

    def __init__(self, server: Server, timeout: float) -> None:
        self.server = server
        self._timeout = timeout
        self._waiting: dict[bytes, asyncio.Future[bytes]] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._writer: asyncio.StreamWriter | None = None
        self._encrypt: CipherContext | None = None

    @property
    def is_open(self) -> bool:
        """Whether queries can be made."""
        return self._writer is not None

    async def open(self) -> None:
        """Connect.

        Raises:
            UnreachableError: nobody is there, or not the owner of the key.
        """
        try:
            async with asyncio.timeout(self._timeout):
                reader, decrypt = await self._connect()
        except (TimeoutError, OSError, EOFError, DecodeError) as error:
            await self.close()
            reason = str(error) or "no answer"
            raise UnreachableError(
                f"liteserver {self.server} cannot be reached: {reason}"
            ) from None
        except BaseException:
            await self.close()
            raise
        self._tasks = [
            asyncio.create_task(self._read(reader, decrypt)),
            asyncio.create_task(self._ping()),
        ]

    async def _connect(self) -> tuple[asyncio.StreamReader, CipherContext]:
        reader, self._writer = await asyncio.open_connection(self.server.host, self.server.port)
        params, seed = secrets.token_bytes(_PARAMS), secrets.token_bytes(32)
        checksum = sha256(params).digest()
        shared = secret_to_x25519(seed).exchange(to_x25519(self.server.key))
        mine = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
        hidden = handshake_cipher(shared, checksum).update(params)
        decrypt = stream_cipher(params[:32], params[64:80])
        self._encrypt = stream_cipher(params[32:64], params[80:96])
        self._writer.write(key_id(self.server.key) + mine + checksum + hidden)
        await self._writer.drain()
        if await read_frame(reader, decrypt):
            raise DecodeError("liteserver does not begin with an empty frame")
        return reader, decrypt

    async def close(self) -> None:
        """Close the connection; queries that wait fail."""
        writer, self._writer = self._writer, None
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            if task is not asyncio.current_task():
                task.cancel()
        self._fail("the connection was closed")
        if writer is not None:
            writer.close()

    async def query(self, data: bytes) -> tl.TlReader:
        """Ask and wait for the answer.

        Raises:
            ChainError: no answer in time, or the connection is lost.
            LiteserverError: the server answers with an error.
        """
        if self._writer is None or self._encrypt is None:
            raise ChainError(f"liteserver {self.server} is not connected")
        if len(self._waiting) >= MAX_QUERIES:
            raise ChainError(f"too many queries wait for liteserver {self.server}")
        query_id = secrets.token_bytes(32)
        future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._waiting[query_id] = future
        inner = tl.LITESERVER_QUERY + tl.text(data)
        self._writer.write(self._encrypt.update(frame(tl.ADNL_QUERY + query_id + tl.text(inner))))
        try:
            async with asyncio.timeout(self._timeout):
                await self._writer.drain()
                answer = await future
        except (TimeoutError, OSError):
            raise ChainError(f"liteserver {self.server} does not answer") from None
        finally:
            self._waiting.pop(query_id, None)
        read = tl.TlReader(answer)
        if answer[:4] == tl.ERROR:
            raise _error(read, self.server)
        return read

    async def _read(self, reader: asyncio.StreamReader, decrypt: CipherContext) -> None:
        reason = "the connection is lost"
        try:
            while True:
                self._take(await read_frame(reader, decrypt))
        except (OSError, EOFError):
            pass
        except DecodeError as error:
            reason = str(error)
        finally:
            self._fail(reason)
            writer, self._writer = self._writer, None
            if writer is not None:
                writer.close()

    def _take(self, payload: bytes) -> None:
        if payload[:4] != tl.ADNL_ANSWER:
            return  # an answer to our ping
        read = tl.TlReader(payload[4:])
        future = self._waiting.get(read.take(32))
        answer = read.text()
        if future is not None and not future.done():
            future.set_result(answer)

    async def _ping(self) -> None:
        """Servers close connections that say nothing."""
        while self._writer is not None and self._encrypt is not None:
            await asyncio.sleep(PING_SECONDS)
            if self._writer is not None:
                self._writer.write(self._encrypt.update(frame(tl.PING + secrets.token_bytes(8))))

    def _fail(self, reason: str) -> None:
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(ChainError(f"liteserver {self.server}: {reason}"))


class UnreachableError(ChainError):
    """A liteserver cannot be connected to, so that it did not get our query."""


class LiteserverError(ChainError):
    """A liteserver answers with an error.

    Args:
        code: its number.
        text: its text.
        server: which.
    """

    def __init__(self, code: int, text: str, server: Server) -> None:
        super().__init__(f"liteserver {server} refuses with code {code}: {text}")
        self.text = text


def _error(read: tl.TlReader, server: Server) -> ChainError:
    try:
        code, raw = read.expect(tl.ERROR).number(), read.text()
    except DecodeError as error:
        return ChainDataError(f"liteserver {server}: {error}")
    text = raw[:600].decode(errors="replace")
    clean = "".join(char if char.isprintable() else " " for char in text)
    return LiteserverError(code, clean[:300], server)
