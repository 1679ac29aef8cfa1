"""Which proxy gets a request: of the ready ones that with the fewest running.

The official client always takes the first in its table (``wire-protocol.md`` §5.2).

Proxies below version 3 do not hear what a request requires. One that needs more than official
workers do goes to them only if no other proxy is there: their workers refuse it without a charge,
or are ours. Endpoints that official workers do not have are never sent there.
"""

from collections.abc import Callable, Collection

from cocoon.client.connection import ProxyConnection
from cocoon.client.proxy_pins import NO_PINS, ProxyPins
from cocoon.errors import UnavailableError, UnsupportedError
from cocoon.wire import features
from cocoon.wire.negotiation import OURS


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
        self,
        tried: Collection[ProxyConnection] = (),
        pins: ProxyPins = NO_PINS,
        *,
        path: str = "/v1/chat/completions",
        requires: Collection[str] = (),
    ) -> ProxyConnection:
        """The least busy ready connection that was not tried for this request.

        Args:
            tried: connections to leave out.
            pins: what the proxy must be.
            path: at the engine.
            requires: features that the worker must have.

        Raises:
            PolicyError: there is none that the pins accept.
            UnsupportedError: there is none that passes such a request on.
            UnavailableError: there is none.
        """
        is_official = features.ENDPOINTS.get(path) in features.OFFICIAL
        is_plain = features.OFFICIAL.issuperset(requires)
        best: ProxyConnection | None = None
        best_rank = (False, 0)
        refused = unsupported = False
        for connection in self._connections:
            if not connection.ready or connection in tried:
                continue
            if not pins.accept(connection.image_hash, connection.evidence, connection.operator):
                refused = True
                continue
            knows = connection.version >= OURS
            if not (knows or is_official):
                unsupported = True
                continue
            rank = (not (knows or is_plain), connection.outstanding)
            if best is None or rank < best_rank:
                best, best_rank = connection, rank
        if best is not None:
            return best
        if refused:
            raise pins.refusal()
        raise _official_only(path) if unsupported else UnavailableError("no proxy is ready")


def _official_only(path: str) -> UnsupportedError:
    error = UnsupportedError(
        f"the connected proxies are official ones, whose workers do not serve {path}"
        if path in features.ENDPOINTS
        else "the connected proxies are official ones, whose workers do not serve this path"
    )
    error.fix = "use chat or text completions, or a network with proxies of version 3"
    return error
