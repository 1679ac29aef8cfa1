"""The ``response`` object, in OpenAI's form with Cocoon's block."""

import time

import msgspec
from msgspec import Struct

from cocoon.client.api import RequestSummary
from cocoon.gateway.answers.chat_stream import Usage
from cocoon.gateway.answers.usage_block import cocoon_block

_encode = msgspec.json.Encoder().encode


class Outcome(Struct):
    """How a response ended.

    Attributes:
        status: OpenAI's word: ``in_progress``, ``completed``, ``incomplete`` or ``failed``.
        incomplete: why it is incomplete.
        error: members of ``error``.
    """

    status: str
    incomplete: str | None = None
    error: dict[str, str] | None = None

    @property
    def complete(self) -> bool:
        """Whether nothing is missing."""
        return self.status == "completed"


IN_PROGRESS = Outcome("in_progress")
COMPLETED = Outcome("completed")


class _InputDetails(Struct):
    cached_tokens: int
    cache_write_tokens: int = 0


class _OutputDetails(Struct):
    reasoning_tokens: int


class _Usage(Struct):
    input_tokens: int
    input_tokens_details: _InputDetails
    output_tokens: int
    output_tokens_details: _OutputDetails
    total_tokens: int


class ResponseObject:
    """What stays the same while a response grows.

    Args:
        identity: its id.
        echo: members that repeat the call, of :func:`~cocoon.gateway.responses.echo.encode_echo`.
    """

    __slots__ = ("_created", "_echo", "_id")

    def __init__(self, identity: bytes, echo: bytes) -> None:
        self._id = identity
        self._echo = echo
        self._created = int(time.time())

    def encode(
        self,
        outcome: Outcome,
        output: bytes = b"[]",
        usage: Usage | None = None,
        summary: RequestSummary | None = None,
    ) -> bytes:
        """The object as it is now.

        Args:
            outcome: how it stands.
            output: the items as a JSON array.
            usage: tokens as the engine counts them.
            summary: what was charged.
        """
        details = None if outcome.incomplete is None else {"reason": outcome.incomplete}
        ended = int(time.time()) if outcome.complete else None
        parts = [
            b'{"id":"%b","object":"response","created_at":%d,"status":"%b","completed_at":%b,'
            % (self._id, self._created, outcome.status.encode(), _encode(ended)),
            b'"error":%b,"incomplete_details":%b,' % (_encode(outcome.error), _encode(details)),
            self._echo,
            b',"output":%b,"usage":%b' % (output, _encode(_usage(usage))),
            b"}" if summary is None else b',"cocoon":%b}' % cocoon_block(summary),
        ]
        return b"".join(parts)


def _usage(usage: Usage | None) -> _Usage | None:
    if usage is None:
        return None
    return _Usage(
        usage.prompt,
        _InputDetails(usage.cached),
        usage.completion,
        _OutputDetails(usage.reasoning),
        usage.prompt + usage.completion,
    )
