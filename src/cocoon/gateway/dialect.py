"""How an API tells its callers of a failure before anything was answered."""

from typing import Protocol

from cocoon.gateway.refusal import ErrorAnswer, Header, error_answer


class Dialect(Protocol):
    """One API's form of errors."""

    def answer(self, error: BaseException, request_id: str) -> ErrorAnswer:
        """Status, body and headers that tell of ``error``."""
        ...

    def headers(self, request_id: str) -> tuple[Header, ...]:
        """Headers that every answer of the API carries, beside the gateway's own."""
        ...


class OpenAIDialect:
    """OpenAI's form, which all paths have unless their API has its own."""

    def answer(self, error: BaseException, request_id: str) -> ErrorAnswer:
        """See :func:`cocoon.gateway.refusal.error_answer`."""
        return error_answer(error, request_id)

    def headers(self, request_id: str) -> tuple[Header, ...]:  # noqa: ARG002
        """None: ``x-request-id`` is always there."""
        return ()


OPENAI = OpenAIDialect()
