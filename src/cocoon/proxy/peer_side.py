"""What client and worker connections of a proxy have in common: limits, queries, announcements."""

from abc import ABC, abstractmethod
from typing import Generic, Protocol, TypeVar

import structlog

from cocoon.accounting import Account
from cocoon.errors import CocoonError, OverloadedError
from cocoon.net.link import Link
from cocoon.tl import TLObject
from cocoon.wire.negotiation import RefusedError

_log = structlog.get_logger(__name__)


class PeerSession(Protocol):
    """The proxy's half of a session."""

    def receive_query(self, query: TLObject) -> object | None:
        """Understand a query; None for one that a proxy does not know."""
        ...

    def fail(self) -> None:
        """Nothing is legal any more."""
        ...


class PeerConnection(Protocol):
    """One connection and what belongs to it."""

    @property
    def session(self) -> PeerSession:
        """Its protocol state."""
        ...

    @property
    def owner(self) -> str | None:
        """Key of its account; None before the peer has said who it is."""
        ...

    def announce_payment(self) -> None:
        """Send the newest payment, if one is due."""
        ...


ConnectionT = TypeVar("ConnectionT", bound=PeerConnection)


class PeerSide(ABC, Generic[ConnectionT]):
    """All connections of one kind: the handler of their links.

    Args:
        kind: ``client`` or ``worker``, for messages.
        max_connections: further ones are closed at once.
    """

    def __init__(self, kind: str, max_connections: int) -> None:
        self._kind = kind
        self._max_connections = max_connections
        self._links: set[Link] = set()
        self._by_owner: dict[str, set[ConnectionT]] = {}

    @property
    def connections(self) -> int:
        """Open connections, those in handshake included."""
        return len(self._links)

    def close_all(self) -> None:
        """Close every connection."""
        for link in list(self._links):
            link.close()

    def announce_payments(self, account: Account) -> None:
        """More has become signable for this owner."""
        # A copy: sending to a peer that does not read closes its link, which changes the set.
        for connection in tuple(self._by_owner.get(account.owner, ())):
            connection.announce_payment()

    def introduced(self, connection: ConnectionT, owner: str) -> None:
        """A connection has said whose it is: payments of that account are announced to it."""
        self._by_owner.setdefault(owner, set()).add(connection)

    # --- what the two kinds do differently ----------------------------------------------------

    @abstractmethod
    def new_connection(self, link: Link) -> ConnectionT:
        """A peer has connected."""

    @abstractmethod
    def answer(
        self, link: Link, query_id: int, connection: ConnectionT, event: object
    ) -> TLObject | None:
        """The answer to a query that the session has understood; None if it is given later.

        Raises:
            RefusedError: the peer is told the reason, then its connection is closed.
        """

    @abstractmethod
    def left(self, connection: ConnectionT) -> None:
        """A peer is gone."""

    # --- events of links ----------------------------------------------------------------------

    def on_opened(self, link: Link) -> None:
        """A peer has connected."""
        if len(self._links) >= self._max_connections:
            link.close(OverloadedError(f"this proxy takes no more {self._kind} connections"))
            return
        self._links.add(link)
        link.context = self.new_connection(link)

    @abstractmethod
    def on_message(self, link: Link, obj: TLObject) -> None:
        """A one-way message came."""

    def on_query(self, link: Link, query_id: int, obj: TLObject) -> None:
        """Answer a step of the handshake, or a question in session."""
        connection: ConnectionT = link.context
        try:
            event = connection.session.receive_query(obj)
            if event is None:
                link.answer_error(query_id, 0, "Lost promise")
                return
            answer = self.answer(link, query_id, connection, event)
            if answer is not None:
                link.answer(query_id, answer)
        except RefusedError as refusal:
            link.answer_error(query_id, refusal.code, str(refusal))
            link.close(refusal)

    def on_closed(self, link: Link, reason: CocoonError | None) -> None:
        """Forget the connection."""
        self._links.discard(link)
        connection: ConnectionT | None = link.context
        if connection is None:
            return
        connection.session.fail()
        if connection.owner is not None:
            others = self._by_owner.get(connection.owner, set())
            others.discard(connection)
            if not others:
                self._by_owner.pop(connection.owner, None)
        self.left(connection)
        if reason is not None:
            _log.info("connection closed", kind=self._kind, reason=type(reason).__name__)
