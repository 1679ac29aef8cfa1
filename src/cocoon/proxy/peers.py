"""What the dispatcher needs of the connections on both sides."""

from typing import Protocol

from cocoon.errors import RemoteProtocolError
from cocoon.proxy.books import ClientRecord
from cocoon.proxy.registry import Worker
from cocoon.wire.events import AnswerFailed, AnswerPart, AnswerStarted, WorkerQuery


class ClientEnd(Protocol):
    """The client's side of a running request.

    Sending to a client that is gone does nothing.
    """

    @property
    def record(self) -> ClientRecord:
        """The client's account."""
        ...

    @property
    def tells_worker(self) -> bool:
        """Whether it is told who ran a request even if it did not ask (version 3)."""
        ...

    def answer_started(self, event: AnswerStarted) -> None:
        """Send the head of an answer."""
        ...

    def answer_part(self, event: AnswerPart) -> None:
        """Send more of an answer."""
        ...

    def answer_failed(self, event: AnswerFailed, *, started: bool) -> None:
        """Send the error that ends an answer."""
        ...

    def charged(self, request_id: bytes, tokens: int) -> None:
        """A request was charged: send the newest payment when it is committed."""
        ...


class WorkerEnd(Protocol):
    """The worker's side of a running request."""

    @property
    def worker(self) -> Worker:
        """What the registry knows about the connection."""
        ...

    def run(self, query: WorkerQuery) -> None:
        """Send a request.

        Raises:
            UnavailableError: the connection is gone.
            LocalProtocolError: the request fits no frame.
        """
        ...

    def cancel(self, request_id: bytes) -> bool:
        """Ask for the end of a request; returns whether the worker understands that."""
        ...

    def earned(self, request_id: bytes, tokens: int, client_owner: str) -> None:
        """A request was credited: send the newest payment when it is committed."""
        ...

    def broke(self, fault: RemoteProtocolError) -> None:
        """The worker broke the protocol: close its connection."""
        ...
