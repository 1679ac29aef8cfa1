"""The part of SOCKS5 that routers and runners speak, both halves, without IO.

CONNECT to an IPv4 address, methods 0x00 and 0x02 (RFC 1928, RFC 1929; ``wire-protocol.md`` §2.4,
``attestation.md`` §7.2). A user name selects a router policy; the password means nothing.

Unlike the official router, which only hangs up, the server half queues the RFC's error reply
before it raises.
"""

from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum
from ipaddress import AddressValueError, IPv4Address

from cocoon.errors import DecodeError, LocalProtocolError, RemoteProtocolError

VERSION = 5
NO_AUTHENTICATION = 0
USER_NAME = 2
NO_METHOD = 0xFF

_CONNECT = 1
_IPV4 = 1
_IPV6 = 4
_COMMAND_NOT_SUPPORTED = 7
_ADDRESS_NOT_SUPPORTED = 8
_ADDRESS_SIZES = {_IPV4: 4, _IPV6: 16}


@dataclass(frozen=True, slots=True)
class ConnectRequest:
    """What the application asks for.

    Attributes:
        host: IPv4 address in text.
        port: 1..65535.
        username: the policy it named, or None.
    """

    host: str
    port: int
    username: str | None


def _reply(code: int, host: str = "0.0.0.0", port: int = 0) -> bytes:  # noqa: S104 (not a bind)
    return bytes((VERSION, code, 0, _IPV4)) + IPv4Address(host).packed + port.to_bytes(2, "big")


class _ServerState(Enum):
    GREETING = "greeting"
    USER = "user name"
    REQUEST = "request"
    DONE = "done"
    FAILED = "failed"


class Socks5Server:
    """The router's half, up to the request.

    Args:
        usernames: names that method 0x02 accepts; None does not offer the method. When both sides
            know it, it is preferred.

    Attributes:
        rest: once the request is complete, the bytes behind it: the application's.
    """

    __slots__ = ("_buffer", "_out", "_state", "_username", "_usernames", "rest")

    def __init__(self, usernames: Collection[str] | None = None) -> None:
        self._usernames = usernames
        self._username: str | None = None
        self._buffer = bytearray()
        self._out = bytearray()
        self._state = _ServerState.GREETING
        self.rest = b""

    def receive_data(self, data: bytes) -> ConnectRequest | None:
        """Take bytes; return the request once it is complete, None before.

        Raises:
            RemoteProtocolError: what was asked is not SOCKS5, or not supported. Drain
                :meth:`data_to_send`, then hang up.
            LocalProtocolError: called after the request or a failure.
        """
        if self._state in {_ServerState.DONE, _ServerState.FAILED}:
            raise LocalProtocolError("the SOCKS5 exchange is over")
        self._buffer += data
        try:
            return self._advance()
        except RemoteProtocolError:
            self._state = _ServerState.FAILED
            raise

    def data_to_send(self) -> bytes:
        """Return what is queued and forget it."""
        data = bytes(self._out)
        self._out.clear()
        return data

    def accept(self) -> None:
        """Queue the success reply.

        Raises:
            LocalProtocolError: there is no complete request.
        """
        if self._state is not _ServerState.DONE:
            raise LocalProtocolError("there is no SOCKS5 request to accept")
        self._out += _reply(0)

    def _advance(self) -> ConnectRequest | None:
        if self._state is _ServerState.GREETING and not self._read_greeting():
            return None
        if self._state is _ServerState.USER and not self._read_username():
            return None
        return self._read_request()

    def _take(self, count: int) -> bytes:
        data = bytes(self._buffer[:count])
        del self._buffer[:count]
        return data

    def _read_greeting(self) -> bool:
        buffer = self._buffer
        if buffer and buffer[0] != VERSION:
            raise DecodeError(f"not SOCKS5: version {buffer[0]}")
        if len(buffer) < 2 or len(buffer) < 2 + buffer[1]:
            return False
        methods = self._take(2 + buffer[1])[2:]
        if USER_NAME in methods and self._usernames is not None:
            self._state, method = _ServerState.USER, USER_NAME
        elif NO_AUTHENTICATION in methods:
            self._state, method = _ServerState.REQUEST, NO_AUTHENTICATION
        else:
            self._out += bytes((VERSION, NO_METHOD))
            raise RemoteProtocolError("no SOCKS5 method in common")
        self._out += bytes((VERSION, method))
        return True

    def _read_username(self) -> bool:
        buffer = self._buffer
        if buffer and buffer[0] != 1:
            raise DecodeError(f"unknown version {buffer[0]} of user-name authentication")
        if len(buffer) < 2 or len(buffer) < 3 + buffer[1]:
            return False
        name_end = 2 + buffer[1]
        end = name_end + 1 + buffer[name_end]
        if len(buffer) < end:
            return False
        name = self._take(end)[2:name_end].decode("utf-8", "replace")
        if self._usernames is None or name not in self._usernames:
            self._out += b"\x01\x01"
            raise RemoteProtocolError("the SOCKS5 user name is not a known policy")
        self._out += b"\x01\x00"
        self._username = name
        self._state = _ServerState.REQUEST
        return True

    def _read_request(self) -> ConnectRequest | None:
        buffer = self._buffer
        if buffer and buffer[0] != VERSION:
            raise DecodeError(f"not a SOCKS5 request: version {buffer[0]}")
        if len(buffer) < 4:
            return None
        if buffer[1] != _CONNECT:
            self._out += _reply(_COMMAND_NOT_SUPPORTED)
            raise RemoteProtocolError(f"SOCKS5 command {buffer[1]} is not supported")
        if buffer[3] != _IPV4:
            self._out += _reply(_ADDRESS_NOT_SUPPORTED)
            raise RemoteProtocolError(f"SOCKS5 address type {buffer[3]} is not supported")
        if len(buffer) < 10:
            return None
        request = self._take(10)
        port = int.from_bytes(request[8:10], "big")
        if port == 0:
            raise DecodeError("SOCKS5 request for port 0")
        self._state = _ServerState.DONE
        self.rest = bytes(self._buffer)
        return ConnectRequest(str(IPv4Address(request[4:8])), port, self._username)


class _ClientState(Enum):
    METHOD = "method"
    USER = "user name"
    REPLY = "reply"
    DONE = "done"
    FAILED = "failed"


class Socks5Client:
    """The application's half.

    Args:
        host: IPv4 address in text.
        port: 1..65535.
        username: the router policy to name, or None.

    Attributes:
        rest: once connected, the bytes behind the reply: the stream's.

    Raises:
        LocalProtocolError: the address is not IPv4, or a value is out of range.
    """

    __slots__ = ("_buffer", "_out", "_request", "_state", "_username", "rest")

    def __init__(self, host: str, port: int, username: str | None = None) -> None:
        try:
            address = IPv4Address(host).packed
        except AddressValueError:
            raise LocalProtocolError(f"routers connect to IPv4 addresses, not {host!r}") from None
        if not 0 < port < 2**16:
            raise LocalProtocolError(f"no such port: {port}")
        self._username = None if username is None else username.encode()
        if self._username is not None and not 0 < len(self._username) < 256:
            raise LocalProtocolError("a SOCKS5 user name has 1 to 255 bytes")
        head = bytes((VERSION, _CONNECT, 0, _IPV4))
        self._request = head + address + port.to_bytes(2, "big")
        methods = (NO_AUTHENTICATION,) if username is None else (USER_NAME,)
        self._out = bytearray((VERSION, len(methods), *methods))
        self._buffer = bytearray()
        self._state = _ClientState.METHOD
        self.rest = b""

    def receive_data(self, data: bytes) -> bool:
        """Take bytes; return whether the router has accepted.

        Raises:
            RemoteProtocolError: the router refuses or does not speak SOCKS5.
            LocalProtocolError: called after the end of the exchange.
        """
        if self._state in {_ClientState.DONE, _ClientState.FAILED}:
            raise LocalProtocolError("the SOCKS5 exchange is over")
        self._buffer += data
        try:
            return self._advance()
        except RemoteProtocolError:
            self._state = _ClientState.FAILED
            raise

    def data_to_send(self) -> bytes:
        """Return what is queued and forget it."""
        data = bytes(self._out)
        self._out.clear()
        return data

    def _advance(self) -> bool:
        if self._state is _ClientState.METHOD and not self._read_method():
            return False
        if self._state is _ClientState.USER and not self._read_verdict():
            return False
        return self._read_reply()

    def _read_method(self) -> bool:
        if len(self._buffer) < 2:
            return False
        version, method = self._buffer[:2]
        del self._buffer[:2]
        if version != VERSION:
            raise DecodeError(f"not SOCKS5: version {version}")
        if self._username is None and method == NO_AUTHENTICATION:
            self._out += self._request
            self._state = _ClientState.REPLY
        elif self._username is not None and method == USER_NAME:
            # RFC 1929 wants a password of at least one byte; routers ignore it.
            self._out += bytes((1, len(self._username))) + self._username + b"\x01-"
            self._state = _ClientState.USER
        else:
            raise RemoteProtocolError(f"the router does not take our SOCKS5 method, but {method}")
        return True

    def _read_verdict(self) -> bool:
        if len(self._buffer) < 2:
            return False
        verdict = bytes(self._buffer[:2])
        del self._buffer[:2]
        if verdict != b"\x01\x00":
            raise RemoteProtocolError("the router does not know the policy that we named")
        self._out += self._request
        self._state = _ClientState.REPLY
        return True

    def _read_reply(self) -> bool:
        buffer = self._buffer
        if buffer and buffer[0] != VERSION:
            raise DecodeError(f"not a SOCKS5 reply: version {buffer[0]}")
        if len(buffer) < 4:
            return False
        if buffer[1] != 0:
            raise RemoteProtocolError(f"the router refuses: SOCKS5 reply {buffer[1]}")
        size = _ADDRESS_SIZES.get(buffer[3])
        if size is None:
            raise DecodeError(f"SOCKS5 reply with address type {buffer[3]}")
        if len(buffer) < 6 + size:
            return False
        self.rest = bytes(buffer[6 + size :])
        self._state = _ClientState.DONE
        return True
