"""What the gateway lets engines compute: every path, its reader, and how it tells of errors."""

from dataclasses import dataclass

from cocoon.gateway.body import read_chat, read_completion
from cocoon.gateway.dialect import OPENAI, Dialect
from cocoon.gateway.incoming import Reader
from cocoon.gateway.messages import ANTHROPIC, read_messages
from cocoon.gateway.responses import read_response


@dataclass(frozen=True, slots=True)
class Operation:
    """One endpoint.

    Attributes:
        path: where it is called; also its name in metrics and in the ledger.
        read: checks a call.
        dialect: the form of its errors.
    """

    path: str
    read: Reader
    dialect: Dialect = OPENAI


OPERATIONS: tuple[Operation, ...] = (
    Operation("/v1/chat/completions", read_chat),
    Operation("/v1/completions", read_completion),
    Operation("/v1/messages", read_messages, ANTHROPIC),
    Operation("/v1/responses", read_response),
)
