"""One call as the readers of the endpoints see it, and what they make of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import msgspec

from cocoon.accounting import Nano
from cocoon.client.api import ClientRequest
from cocoon.gateway.answers.shape import AnswerShape
from cocoon.gateway.settings import GatewaySettings


@dataclass(frozen=True, slots=True)
class Incoming:
    """A request with its whole body.

    Attributes:
        path: as called.
        body: as sent; never shown in repr.
        headers: those that the gateway looks at, by lower-case name.
    """

    path: str
    body: bytes = field(repr=False)
    headers: Mapping[bytes, bytes] = field(default_factory=dict, repr=False)

    @property
    def content_type(self) -> bytes:
        """Its media type with parameters, or empty."""
        return self.headers.get(b"content-type", b"")

    def with_body(self, body: bytes) -> "Incoming":
        """The same call with another body, for APIs that are translated."""
        return Incoming(self.path, body, self.headers)


class InferenceCall(msgspec.Struct, frozen=True):
    """A checked request.

    Attributes:
        request: what the client role is asked for.
        stream: whether the answer is wanted as server-sent events.
        shape: turns the engine's answer into the caller's.
        user: the end user that the caller names, or empty; budgets may be kept for each.
        max_cost: nanoTON that the caller is ready to pay for this request, or None.
    """

    request: ClientRequest
    stream: bool
    shape: AnswerShape
    user: str = ""
    max_cost: Nano | None = None


Reader = Callable[[Incoming, GatewaySettings], InferenceCall]
"""Checks a call; raises :class:`~cocoon.gateway.refusal.Refusal`, which never quotes a value."""
