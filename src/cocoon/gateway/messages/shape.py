"""The answers of ``/v1/messages``, whole or streamed."""

from cocoon.client.api import RequestSummary
from cocoon.errors import UpstreamError
from cocoon.gateway.answers.debug import debug_object, with_debug
from cocoon.gateway.answers.usage_block import cocoon_block, with_block
from cocoon.gateway.messages.answer import Wanted, new_id, whole_message
from cocoon.gateway.messages.errors import engine_error, error_event
from cocoon.gateway.messages.stream import MessagesStream


class MessagesShape:
    """An :class:`~cocoon.gateway.answers.shape.AnswerShape` in Anthropic's form.

    Args:
        wanted: what the form depends on.
        stream: whether the caller wants events.
        debug: whether it wants the hops' debug records.
        identity: the message's id; made up when empty.
    """

    __slots__ = ("_debug", "_identity", "_stream", "_wanted", "_wants_stream")

    def __init__(
        self, wanted: Wanted, *, stream: bool = False, debug: bool = False, identity: str = ""
    ) -> None:
        self._wanted = wanted
        self._wants_stream = stream
        self._debug = debug
        self._identity = identity or new_id("msg")
        self._stream = MessagesStream(wanted, self._identity)

    def whole(self, status: int, body: bytes, summary: RequestSummary | None) -> bytes:
        """The message object, or Anthropic's form of the engine's error.

        Raises:
            UpstreamError: the engine's answer is no chat completion.
        """
        if status >= 400:
            return engine_error(status, body, summary)
        if self._wants_stream:
            raise UpstreamError("the engine did not answer with a stream")
        message = whole_message(self._identity, body, self._wanted)
        if summary is None:
            return message
        message = with_block(message, summary)
        return with_debug(message, summary) if self._debug else message

    def begin(self) -> bytes:
        """``message_start`` and a ``ping``."""
        return self._stream.begin()

    def feed(self, data: bytes) -> bytes:
        """Events for the engine's next bytes; raises as :meth:`MessagesStream.feed`."""
        return self._stream.feed(data)

    def finish(self, summary: RequestSummary | None) -> bytes:
        """The last events; ``message_delta`` carries the block ``cocoon``.

        Raises:
            UpstreamError: the engine's answer has no end.
            EngineError: the engine told of a failure.
        """
        if summary is None:
            return self._stream.finish()
        last = self._stream.finish(b',"cocoon":' + cocoon_block(summary))
        if self._debug:
            last += b": debug " + debug_object(summary) + b"\n\n"
        return last

    def fail(self, error: BaseException) -> bytes:
        """Anthropic's error event."""
        return error_event(error)
