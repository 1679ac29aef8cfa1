"""How an engine's answer becomes what one caller gets: one object a call.

The network always answers in the engine's own form. A shape passes that on (:class:`PassedOn`) or
translates it into another API's; :mod:`cocoon.gateway.inference` drives it and does all the IO. A
shape never waits and never sees a socket.
"""

from typing import Protocol

from cocoon.client.api import RequestSummary
from cocoon.gateway.answers.debug import debug_object, with_debug
from cocoon.gateway.answers.engine_error import engine_error
from cocoon.gateway.answers.sse import EventRelay
from cocoon.gateway.answers.usage_block import cocoon_block, with_block
from cocoon.gateway.refusal import error_event

ERROR = 400
"""Statuses from here on are errors."""


class AnswerShape(Protocol):
    """Turns one answer into the caller's form.

    For a stream :meth:`begin` comes first, then :meth:`feed` for all bytes of the body, then either
    :meth:`finish` or :meth:`fail`. A whole answer is one call of :meth:`whole`.
    """

    def whole(self, status: int, body: bytes, summary: RequestSummary | None) -> bytes:
        """The body for the caller.

        Args:
            status: HTTP status of the engine, which the caller gets too; may be an error's.
            body: all of the engine's.
            summary: what the request used and cost.

        Raises:
            UpstreamError: the engine's answer is not what it should be.
        """
        ...

    def begin(self) -> bytes:
        """Events that stand before everything else; possibly none."""
        ...

    def feed(self, data: bytes) -> bytes:
        """Whole events that can go out now; what is held back has a limit.

        Raises:
            UpstreamError: the engine's stream is not what it should be.
        """
        ...

    def finish(self, summary: RequestSummary | None) -> bytes:
        """What is left at the regular end."""
        ...

    def fail(self, error: BaseException) -> bytes:
        """The events that end a stream that broke off."""
        ...


class PassedOn:
    """The engine's own form.

    Args:
        show_usage: the caller of a stream asked for the usage event.
        debug: the caller asked for the hops' debug records.
    """

    __slots__ = ("_debug", "_relay")

    def __init__(self, *, show_usage: bool = False, debug: bool = False) -> None:
        self._relay = EventRelay(show_usage=show_usage)
        self._debug = debug

    def whole(self, status: int, body: bytes, summary: RequestSummary | None) -> bytes:
        """The same with the ``cocoon`` block; an error in OpenAI's form."""
        if status >= ERROR:
            body = engine_error(body, status, summary)
        if summary is None:
            return body
        return (
            with_debug(with_block(body, summary), summary)
            if self._debug
            else (with_block(body, summary))
        )

    def begin(self) -> bytes:
        """Nothing."""
        return b""

    def feed(self, data: bytes) -> bytes:
        """Whole events, without an unasked usage event."""
        return self._relay.feed(data)

    def finish(self, summary: RequestSummary | None) -> bytes:
        """The rest with the ``cocoon`` block, and the debug record as a comment.

        Parsers of event streams skip comments.
        """
        if summary is None:
            return self._relay.finish()
        rest = self._relay.finish(cocoon_block(summary))
        if self._debug:
            rest += b": debug " + debug_object(summary) + b"\n\n"
        return rest

    def fail(self, error: BaseException) -> bytes:
        """OpenAI's error event."""
        return error_event(error)
