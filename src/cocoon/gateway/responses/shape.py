"""A chat's answer as a ``response`` object or as the events of one."""

import os

import msgspec

from cocoon.client.api import RequestSummary
from cocoon.gateway.answers.chat_stream import ChatReader
from cocoon.gateway.answers.debug import debug_object, with_debug
from cocoon.gateway.answers.engine_error import engine_error
from cocoon.gateway.responses.answer import IN_PROGRESS, Outcome, ResponseObject
from cocoon.gateway.responses.assembly import Assembly
from cocoon.gateway.responses.endings import broken, outcome_of
from cocoon.gateway.responses.events import EventWriter
from cocoon.gateway.responses.whole import read_completion

_encode = msgspec.json.Encoder().encode


class ResponseShape:
    """The :class:`~cocoon.gateway.answers.shape.AnswerShape` of the Responses API, one a call.

    Args:
        echo: members that repeat the call.
        logprobs: the caller wants log probabilities.
        summarize: the caller wants a summary of the reasoning.
        debug: the caller asked for the hops' debug records.
    """

    __slots__ = ("_assembly", "_debug", "_logprobs", "_object", "_reader", "_writer")

    def __init__(
        self, echo: bytes, *, logprobs: bool = False, summarize: bool = False, debug: bool = False
    ) -> None:
        # Ids only have to be unique, not secret.
        base = os.urandom(23).hex().encode()
        self._object = ResponseObject(b"resp_%b00" % base, echo)
        self._writer = EventWriter()
        self._assembly = Assembly(self._writer, base, summarize=summarize)
        self._reader = ChatReader(logprobs=logprobs)
        self._logprobs = logprobs
        self._debug = debug

    def whole(self, status: int, body: bytes, summary: RequestSummary | None) -> bytes:
        """The ``response`` object; an engine's error in OpenAI's form.

        Raises:
            UpstreamError: the engine's answer is no chat completion.
        """
        if status >= 400:
            return engine_error(body, status, summary)
        self._writer.mute()
        assembly = self._assembly
        for event in read_completion(body, logprobs=self._logprobs):
            assembly.add(event)
        outcome = outcome_of(assembly.reason, None, ended=True)
        assembly.end(complete=outcome.complete)
        answer = self._encode(outcome, summary)
        return with_debug(answer, summary) if self._debug and summary is not None else answer

    def begin(self) -> bytes:
        """``response.created`` and ``response.in_progress``."""
        response = self._object.encode(IN_PROGRESS)
        self._writer.write(b"response.created", b'"response":%b' % response)
        self._writer.write(b"response.in_progress", b'"response":%b' % response)
        return self._writer.take()

    def feed(self, data: bytes) -> bytes:
        """Events that are due.

        Raises:
            UpstreamError: the engine's stream is not readable or beyond a limit.
        """
        add = self._assembly.add
        for event in self._reader.feed(data):
            add(event)
        return self._writer.take()

    def finish(self, summary: RequestSummary | None) -> bytes:
        """The ends of the items and of the response.

        Raises:
            UpstreamError: as :meth:`feed`.
        """
        assembly = self._assembly
        for event in self._reader.finish():
            assembly.add(event)
        outcome = outcome_of(assembly.reason, assembly.failure, ended=self._reader.ended)
        if outcome.error is None:
            assembly.end(complete=outcome.complete)
        else:
            self._error({**outcome.error, "param": None})
        self._last(outcome, summary)
        return self._writer.take()

    def fail(self, error: BaseException) -> bytes:
        """An ``error`` event and ``response.failed``."""
        outcome, event = broken(error)
        self._error(event)
        self._last(outcome, None)
        return self._writer.take()

    def _error(self, event: dict[str, str | None] | dict[str, str]) -> None:
        self._writer.write(b"error", _encode(event)[1:-1])

    def _last(self, outcome: Outcome, summary: RequestSummary | None) -> None:
        kind = b"response." + outcome.status.encode()
        self._writer.write(kind, b'"response":%b' % self._encode(outcome, summary))
        if self._debug and summary is not None:
            self._writer.comment(b"debug " + debug_object(summary))

    def _encode(self, outcome: Outcome, summary: RequestSummary | None) -> bytes:
        assembly = self._assembly
        return self._object.encode(outcome, assembly.output(), assembly.usage, summary)
