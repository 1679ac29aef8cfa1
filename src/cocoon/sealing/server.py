"""Serves an enclave to guests over a local socket, like the official host service.

Whatever is wrong with a request ends its connection without a word, as there: the protocol has no
error message. The log names the class of the fault only.
"""

import asyncio
import contextlib
import socket
from dataclasses import dataclass
from pathlib import Path

import structlog

from cocoon.errors import CocoonError, UnavailableError
from cocoon.sealing.enclave import SealEnclave
from cocoon.sealing.endpoint import SealEndpoint
from cocoon.sealing.messages import HEADER_BYTES, GetPersistentKey, frame, frame_length

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class SealLimits:
    """Limits of a server.

    Attributes:
        max_connections: further ones are closed at once; the official enclave has 10 threads.
        request_timeout: seconds for one whole request to arrive; the same is the longest silence.
        answer_timeout: seconds for the enclave and for sending its answer.
        max_requests: requests of one connection.
    """

    max_connections: int = 32
    request_timeout: float = 10.0
    answer_timeout: float = 20.0
    max_requests: int = 64


class SealServer:
    """A listening seal service.

    Args:
        enclave: answers; called in a thread.
        endpoint: where to listen. A Unix socket is made with mode 0600; a socket file that is left
            over from a process that is gone must be removed first.
        limits: of connections and time.
    """

    def __init__(
        self, enclave: SealEnclave, endpoint: SealEndpoint, *, limits: SealLimits | None = None
    ) -> None:
        self._enclave = enclave
        self._endpoint = endpoint
        self._limits = limits or SealLimits()
        self._connections: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._port = 0
        self._closing = False

    @property
    def endpoint(self) -> SealEndpoint:
        """Where it listens; with the port that the system chose, if it was to choose one."""
        if self._endpoint.kind == "tcp" and self._port:
            return SealEndpoint("tcp", (str(self._endpoint.address[0]), self._port))
        return self._endpoint

    async def start(self) -> None:
        """Listen.

        Raises:
            UnavailableError: the address cannot be used.
            ConfigError: this system has no such sockets.
        """
        listener, address = self._endpoint.socket()
        try:
            listener.bind(address)
            if self._endpoint.kind == "unix":
                _owner_only(str(address))
            if self._endpoint.kind == "tcp":
                self._port = int(listener.getsockname()[1])
            listener.setblocking(False)
            self._server = await _serve(listener, self._accept)
        except OSError as error:
            listener.close()
            raise UnavailableError(f"cannot listen on {self._endpoint}: {error.strerror}") from None

    async def close(self) -> None:
        """Stop listening and end every connection."""
        self._closing = True
        if self._server is not None:
            self._server.close()
        await asyncio.sleep(0)  # for a connection that is being accepted just now
        for task in list(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._closing or len(self._connections) >= self._limits.max_connections:
            writer.transport.abort()
            return
        task = asyncio.create_task(self._converse(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            for _ in range(self._limits.max_requests):
                async with asyncio.timeout(self._limits.request_timeout):
                    header = await reader.readexactly(HEADER_BYTES)
                    message = await reader.readexactly(frame_length(header))
                request = GetPersistentKey.from_bytes(message)
                async with asyncio.timeout(self._limits.answer_timeout):
                    answer = await asyncio.to_thread(self._enclave.persistent_key, request)
                    writer.write(frame(answer.to_bytes()))
                    await writer.drain()
        except asyncio.IncompleteReadError:
            pass  # the guest is done
        except (CocoonError, TimeoutError, OSError) as error:
            _log.info("seal request refused", reason=type(error).__name__)
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


async def _serve(listener: socket.socket, accept: object) -> asyncio.Server:
    if listener.family == socket.AF_UNIX:
        return await asyncio.start_unix_server(accept, sock=listener)  # type: ignore[arg-type]
    return await asyncio.start_server(accept, sock=listener)  # type: ignore[arg-type]


def _owner_only(path: str) -> None:
    Path(path).chmod(0o600)
