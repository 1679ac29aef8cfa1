"""What an inference engine is to a worker: one Protocol and the values that cross it.

A worker holds one engine. It checks it (``GET /v1/models``, ``wire-protocol.md`` §4.4), sends it
requests and reads the answers in pieces as they arrive (§4.3). Prompts and answers pass through
these values, so none of them shows its content in ``repr``.
"""

from typing import NamedTuple, Protocol

import msgspec

#: Header names and values in order, as they stand in ``http.request`` and ``http.response``: text
#: whose bytes are UTF-8 with ``surrogateescape``, so that any byte survives the round trip.
Headers = tuple[tuple[str, str], ...]


#: Top-level fields of a request body by name; each value is unread JSON text.
Fields = dict[str, msgspec.Raw]

JSON_TYPE = "application/json"


class EngineRequest(msgspec.Struct, frozen=True, repr_omit_defaults=True):
    """One HTTP request for the engine.

    Attributes:
        method: ``GET`` or ``POST``.
        path: path with query, from its first ``/``, such as ``/v1/chat/completions``.
        headers: the caller's headers; the adapter drops those that belong to one hop.
        body: the request body, complete; the prompt is in it.
        content_type: of the body: JSON, or ``multipart/form-data; boundary=…`` as the worker has
            checked it. A ``Content-Type`` among `headers` is ignored.
    """

    method: str
    path: str
    headers: Headers = ()
    body: bytes = b""
    content_type: str = JSON_TYPE

    def __repr__(self) -> str:
        return f"EngineRequest({self.method} {self.path.partition('?')[0]}, {len(self.body)} bytes)"


class EngineLoad(msgspec.Struct, frozen=True):
    """How busy the engine says it is; None where it does not say.

    Attributes:
        running: requests that are being generated.
        waiting: requests in its queue.
        kv_used: part of its key-value cache in use, 0 to 1.
    """

    running: int | None = None
    waiting: int | None = None
    kv_used: float | None = None


class EngineHealth(msgspec.Struct, frozen=True):
    """Whether the engine can take a request now.

    Attributes:
        ready: it answered the last check with its model list.
        models: the names that it answers to, in its own order; empty unless ready.
        reason: why it is not ready, for an operator; empty when ready.
        load: how busy it is, where it tells; may be a few seconds old.
    """

    ready: bool
    models: tuple[str, ...] = ()
    reason: str = ""
    load: EngineLoad | None = None


class EngineCapabilities(msgspec.Struct, frozen=True):
    """What an engine is and can do with the model that it serves.

    Attributes:
        engine: ``vllm``, ``sglang``, ``llama.cpp``, ``ollama`` or ``openai`` (nothing known).
        version: as it reports it, at most 64 characters; empty if it does not.
        context_length: tokens of prompt and answer together; 0 is unknown.
        features: words of `cocoon.wire.features`, sorted.
        shares_prompt_cache: requests of different clients meet in one prompt cache, so that one
            can tell by timing what another has asked. A worker refuses to serve with it unless
            its operator accepts that.
        refusal: why a worker must not serve with it, for its operator; empty: it may.
    """

    engine: str = "openai"
    version: str = ""
    context_length: int = 0
    features: tuple[str, ...] = ()
    shares_prompt_cache: bool = False
    refusal: str = ""


class Prepared(NamedTuple):
    """A request in the form that the engine takes.

    Attributes:
        path: where it goes, such as ``/v1/chat/completions``.
        fields: of the body.
    """

    path: str
    fields: Fields


class EngineResponse(Protocol):
    """An answer whose head has arrived; the body is read in pieces.

    Every response is either read to its end or closed: an engine goes on generating for an answer
    that nobody reads.

    Attributes:
        status: HTTP status. An error status is an answer like any other, not an exception.
        reason: HTTP reason phrase.
        headers: end-to-end headers only: no hop-by-hop names and no ``Content-Length`` in any
            case, because the hop behind frames the body itself.
        content_length: length in bytes that the engine announced, or None.
    """

    @property
    def status(self) -> int:
        """HTTP status."""
        ...

    @property
    def reason(self) -> str:
        """HTTP reason phrase."""
        ...

    @property
    def headers(self) -> Headers:
        """End-to-end headers."""
        ...

    @property
    def content_length(self) -> int | None:
        """Announced length of the body in bytes."""
        ...

    @property
    def content_type(self) -> str:
        """Value of ``Content-Type``, empty if there is none."""
        ...

    @property
    def complete(self) -> bool:
        """Whether the whole body has arrived; pieces of it may still wait in ``next_chunk``."""
        ...

    async def next_chunk(self) -> bytes | None:
        """Return all bytes that have arrived since the last call, waiting for at least one.

        Returns None at the end of the body.

        Raises:
            EngineError: the engine broke off or broke HTTP.
            DeadlineError: the request's deadline passed.
        """
        ...

    async def aclose(self) -> None:
        """Stop reading. Closes the connection of an unfinished answer, which stops the engine."""
        ...


class Engine(Protocol):
    """An inference engine that speaks the OpenAI HTTP API."""

    async def start(self) -> None:
        """Make the engine usable: start its process, open its pool.

        Raises:
            EngineError: it cannot be started; the text says what to do.
        """
        ...

    async def close(self) -> None:
        """Stop everything that `start` started; unfinished answers break off."""
        ...

    async def check(self) -> EngineHealth:
        """Ask for the model list. Never raises: an engine that is down is a state, not an error."""
        ...

    async def capabilities(self, model: str = "") -> EngineCapabilities:
        """Ask what the engine is and can do; `prepare` goes by the last answer.

        Args:
            model: the name that requests will carry, for engines with several; empty: the first.

        Raises:
            EngineError: it does not answer, or with nonsense.
        """
        ...

    def prepare(self, path: str, fields: Fields, scope: bytes) -> Prepared:
        """Put a checked request into the engine's own words: translate, drop, refuse.

        Args:
            path: an endpoint of `cocoon.wire.features.ENDPOINTS`.
            fields: of the body, as the worker accepted them; not changed.
            scope: 32 bytes that stand for the client, or none when nobody is known. Requests of
                different scopes never meet in a prompt cache; without one, no two requests do.

        Raises:
            BadRequestError: this engine cannot do what is asked; the text names the field and
                quotes no value.
        """
        ...

    async def send(self, request: EngineRequest, deadline: float) -> EngineResponse:
        """Send one request and return when the head of the answer has arrived.

        Args:
            request: what to send.
            deadline: when the whole answer must be there, in the time of the running event loop
                (``loop.time()``, seconds).

        Raises:
            EngineError: the engine refused the connection, broke off or broke HTTP. The official
                worker answers HTTP 502 with an empty body then (``wire-protocol.md`` §4.3).
            DeadlineError: the head did not arrive in time.
            BadRequestError: the request cannot be written as HTTP.
        """
        ...
