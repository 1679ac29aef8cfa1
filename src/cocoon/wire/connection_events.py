"""What a :class:`~cocoon.wire.connection.Connection` tells its owner."""

import msgspec

from cocoon import tl
from cocoon.errors import CocoonError


class Opened(msgspec.Struct, frozen=True, gc=False):
    """The handshake is done; ``connection_id`` is the one the connector chose."""

    connection_id: int


class MessageReceived(msgspec.Struct, frozen=True, gc=False):
    """A one-way message."""

    body: tl.TLObject


class UnknownMessage(msgspec.Struct, frozen=True, gc=False):
    """A message with a constructor that we do not know; ignore it."""

    magic: int


class QueryReceived(msgspec.Struct, frozen=True, gc=False):
    """A query; answer it with :meth:`Connection.send_answer` or :meth:`Connection.send_error`."""

    query_id: int
    body: tl.TLObject


class UnknownQuery(msgspec.Struct, frozen=True, gc=False):
    """A query with a constructor that we do not know; answer it with an error."""

    query_id: int
    magic: int


class AnswerReceived(msgspec.Struct, frozen=True, gc=False):
    """The answer to one of our queries; whether its type fits is for the asker to check."""

    query_id: int
    body: tl.TLObject


class QueryFailed(msgspec.Struct, frozen=True, gc=False):
    """One of our queries was answered with an error (``wire-protocol.md`` §2.9)."""

    query_id: int
    code: int
    message: str


class Closed(msgspec.Struct, frozen=True):
    """The last event: drop the byte stream. ``error`` is None when we closed it ourselves."""

    error: CocoonError | None


Event = (
    Opened
    | MessageReceived
    | UnknownMessage
    | QueryReceived
    | UnknownQuery
    | AnswerReceived
    | QueryFailed
    | Closed
)
"""Everything that a connection can say; :class:`Closed` is always the last."""
