"""The interface to the seal service of a real SGX host: one blocking call over a local socket.

A role asks once, at start, so this is plain blocking code with one deadline over everything; call
it from a thread where an event loop runs.
"""

import socket
import time

from cocoon.errors import DeadlineError, RemoteProtocolError, UnavailableError
from cocoon.sealing.endpoint import SealEndpoint
from cocoon.sealing.messages import (
    HEADER_BYTES,
    GetPersistentKey,
    PersistentKeyAnswer,
    frame,
    frame_length,
)

TIMEOUT = 30.0
"""Seconds for connecting, the quote and the answer together."""


class SgxEnclave:
    """A :class:`~cocoon.sealing.enclave.SealEnclave` behind a socket, official or ours.

    Nothing that comes back is believed here: that is :mod:`cocoon.sealing.checks`.

    Args:
        endpoint: where it listens.
        timeout: seconds for one call.
    """

    def __init__(self, endpoint: SealEndpoint, *, timeout: float = TIMEOUT) -> None:
        self._endpoint = endpoint
        self._timeout = timeout

    def persistent_key(self, request: GetPersistentKey) -> PersistentKeyAnswer:
        """Ask; raises as the interface says."""
        deadline = time.monotonic() + self._timeout
        connection, address = self._endpoint.socket()
        with connection:
            try:
                connection.settimeout(self._timeout)
                connection.connect(address)
                connection.settimeout(_left(deadline))
                connection.sendall(frame(request.to_bytes()))
                length = frame_length(_read(connection, HEADER_BYTES, deadline))
                answer = _read(connection, length, deadline)
            except TimeoutError:
                raise DeadlineError(
                    f"no answer from the seal service at {self._endpoint} in {self._timeout:g} s"
                ) from None
            except OSError as error:
                raise UnavailableError(
                    f"the seal service at {self._endpoint} cannot be reached: {error.strerror}"
                ) from None
        return PersistentKeyAnswer.from_bytes(answer)


def _read(connection: socket.socket, size: int, deadline: float) -> bytes:
    data = bytearray()
    while len(data) < size:
        connection.settimeout(_left(deadline))
        piece = connection.recv(size - len(data))
        if not piece:
            raise RemoteProtocolError(
                "the seal service closed the connection: it refuses this guest's report"
            )
        data += piece
    return bytes(data)


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
