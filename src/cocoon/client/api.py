"""What a caller of the client role sees: requests, streamed answers, summaries.

The gateway, the command line and tests speak to any :class:`InferenceClient`; the real one is
:class:`cocoon.client.Client`.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

import msgspec

from cocoon.accounting import Nano, PriceList
from cocoon.client.proxy_pins import NO_PINS, ProxyPins

DEFAULT_MAX_COEFFICIENT = 4000
"""Highest price multiplier accepted when the caller names none (× 1000)."""
DEFAULT_TIMEOUT = 120.0
"""Seconds a request may take when the caller names no limit."""
DEFAULT_MAX_TOKENS = 1000
"""Completion tokens declared and enforced when the caller names no limit."""


class Outcome(msgspec.Struct, frozen=True):
    """What one request cost in the end, over all its attempts.

    Attributes:
        cost: nanoTON that the proxies charged, or where one never told, the most that it may.
        told: whether every proxy told; a link that died leaves it unknown.
        prompt_tokens, completion_tokens: adjusted tokens (``onchain.md`` §13), cached ones among
            the prompt's and reasoning among the completion's.
    """

    cost: Nano
    told: bool
    prompt_tokens: int = 0
    completion_tokens: int = 0


OnSettled = Callable[[Outcome], None]
MayCost = Callable[[Nano], bool]


class ClientRequest(msgspec.Struct, frozen=True):
    """One inference request.

    Attributes:
        model: base model name, or the full ``name@commit:hash``: then the request is pinned. It
            runs only on a worker that declares exactly this, and only if the root contract lists
            it; the body's ``model`` must be the same string, which the worker checks. Official
            proxies and workers refuse pinned requests.
        path: HTTP path at the engine, such as ``/v1/chat/completions``.
        body: JSON that the engine gets, already without Cocoon's own fields. Never shown in repr.
        max_tokens: completion tokens at most, all choices together; what the proxy reserves for.
        max_coefficient: highest price multiplier accepted, × 1000.
        timeout: seconds from now until the whole answer must be there.
        debug: ask every hop for its debug record.
        headers: HTTP headers for the engine; never credentials.
        method: HTTP method.
        pins: what the proxy must be; one that is not never sees the request.
        requires: features that the worker must have, of :mod:`cocoon.wire.features`; proxies of
            version 3 choose by them, official ones ignore them.
        cache_scope: 32 bytes; of this client's requests those with the same one may share a prompt
            cache at an engine. Empty: all of them.
        on_settled: called once, when it is known what the request cost, which for an abandoned one
            is after the caller has gone; also with cost 0 when nothing was ever sent.
        may_cost: asked before every attempt with the most that all attempts can then cost together;
            a proxy that was lost may charge as well as the one that is tried next. An attempt that
            may not be made fails as the one before it did. None: as many as the client makes.
    """

    model: str
    path: str
    body: bytes
    max_tokens: int = DEFAULT_MAX_TOKENS
    max_coefficient: int = DEFAULT_MAX_COEFFICIENT
    timeout: float = DEFAULT_TIMEOUT
    debug: bool = False
    headers: tuple[tuple[str, str], ...] = (("Content-Type", "application/json"),)
    method: str = "POST"
    pins: ProxyPins = NO_PINS
    requires: tuple[str, ...] = ()
    cache_scope: bytes = b""
    on_settled: OnSettled | None = None
    may_cost: MayCost | None = None

    def __repr__(self) -> str:
        return f"ClientRequest({self.method} {self.path}, {self.model!r}, {len(self.body)} bytes)"


@dataclass(frozen=True, slots=True)
class PeerSummary:
    """Who answered, as far as this side can prove it.

    Attributes:
        image_hash: lower-case hex of 32 bytes; empty when nothing is known.
        evidence: evidence kind, such as ``tdx`` or ``tdx-simulated``.
        address: contract address in friendly form, or empty.
    """

    image_hash: str
    evidence: str
    address: str = ""


@dataclass(frozen=True, slots=True)
class RequestSummary:
    """What a finished request used and cost.

    Attributes:
        prompt, cached, completion, reasoning, total: adjusted tokens (``onchain.md`` §13).
        cost: what the client owes for it, in nanoTON.
        proxy: the attested proxy.
        worker: the worker as the proxy reported it; None unless ``debug`` was asked for.
        worker_debug, proxy_debug: JSON texts of the hops, or None.
        first_byte: seconds from the call until the first body byte, or None without a body.
        duration: seconds from the call until the end.
    """

    prompt: int
    cached: int
    completion: int
    reasoning: int
    total: int
    cost: Nano
    proxy: PeerSummary
    worker: PeerSummary | None = None
    worker_debug: str | None = None
    proxy_debug: str | None = None
    first_byte: float | None = None
    duration: float = 0.0


class InferenceResponse(Protocol):
    """A response whose head has arrived; iterate for body bytes as they come.

    Iteration raises a :class:`cocoon.errors.RequestError` when the answer breaks off. Leaving the
    context manager early abandons the request.
    """

    status: int
    reason: str
    headers: Sequence[tuple[str, str]]
    summary: RequestSummary | None
    """Set once the body has ended."""

    def __aiter__(self) -> AsyncIterator[bytes]: ...
    async def read(self) -> bytes:
        """All remaining body bytes."""
        ...

    async def aclose(self) -> None:
        """Abandon the request if it has not ended."""
        ...

    async def __aenter__(self) -> Self: ...
    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


@dataclass(frozen=True, slots=True)
class WorkerInfo:
    """One worker connection as a proxy reports it.

    Attributes:
        coefficient: price multiplier × 1000.
        running_requests, max_running_requests: its load and its capacity.
        model: full name ``name@commit:hash``; like all that follows empty below version 3.
        image_hash: lower-case hex of 32 bytes.
        evidence: kind of its evidence, such as ``tdx``.
        engine: what runs the model, such as ``vllm``.
        context_length: tokens of prompt and answer together; 0 is unknown.
        features: what it can do, of :mod:`cocoon.wire.features`.
    """

    coefficient: int
    running_requests: int
    max_running_requests: int
    model: str = ""
    image_hash: str = ""
    evidence: str = ""
    engine: str = ""
    context_length: int = 0
    features: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A model that some proxy knows, with the workers behind it now (possibly none)."""

    name: str
    workers: tuple[WorkerInfo, ...]


class InferenceClient(Protocol):
    """Sends inference requests into the network."""

    @property
    def ready(self) -> bool:
        """Whether at least one proxy connection can take requests."""
        ...

    async def run(self, request: ClientRequest) -> InferenceResponse:
        """Send a request and wait for the head of its answer.

        Raises:
            RequestError: refused, failed or late; see :mod:`cocoon.errors`.
        """
        ...

    async def models(self) -> list[ModelInfo]:
        """Models over all ready proxies, sorted by name.

        Raises:
            UnavailableError: no proxy is ready.
        """
        ...

    def bound(self, request: ClientRequest) -> Nano:
        """The most that one attempt of a request can cost; nothing is sent.

        Raises:
            BadRequestError: its limits make no sense.
        """
        ...

    def prices(self) -> PriceList:
        """Prices of the root configuration that the client goes by."""
        ...
