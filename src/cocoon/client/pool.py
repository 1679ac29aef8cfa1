"""Which proxy gets a request: of the ready ones that with the fewest running.

The official client always takes the first in its table (``wire-protocol.md`` §5.2).
"""

from collections.abc import Callable, Collection

from cocoon.client.connection import ProxyConnection
from cocoon.client.proxy_pins import NO_PINS, ProxyPins
from cocoon.errors import UnavailableError


class Pool:
    """The connections of a client."""

    def __init__(self) -> None:
        self._connections: list[ProxyConnection] = []

    def add(self, connection: ProxyConnection) -> None:
        """Take a new connection in; it is chosen once it is ready."""
        self._connections.append(connection)

    def remove(self, connection: ProxyConnection) -> None:
        """Forget a connection."""
        self._connections.remove(connection)

    def close(self, which: Callable[[ProxyConnection], bool] = lambda _connection: True) -> None:
        """Close connections; their running requests fail, new connections may be made."""
        for connection in list(self._connections):
            if which(connection):
                connection.close()

    def drain(self, which: Callable[[ProxyConnection], bool]) -> None:
        """Give connections no more requests; they close once those that run have ended."""
        for connection in list(self._connections):
            if which(connection):
                connection.drain()

    @property
    def renewing(self) -> bool:
        """Whether a connection is about to be replaced by a new one."""
        return any(connection.renewing for connection in self._connections)

    @property
    def ready(self) -> list[ProxyConnection]:
        """Connections that can take requests."""
        return [connection for connection in self._connections if connection.ready]

    def choose(
        self, tried: Collection[ProxyConnection] = (), pins: ProxyPins = NO_PINS
    ) -> ProxyConnection:
        """The least busy ready connection that was not tried for this request.

        Raises:
            PolicyError: there is none that the pins accept.
            UnavailableError: there is none.
        """
        best: ProxyConnection | None = None
        refused = False
        for connection in self._connections:
            if not connection.ready or connection in tried:
                continue
            if not pins.accept(connection.image_hash, connection.evidence, connection.operator):
                refused = True
                continue
            if best is None or connection.outstanding < best.outstanding:
                best = connection
        if best is None:
            raise pins.refusal() if refused else UnavailableError("no proxy is ready")
        return best
