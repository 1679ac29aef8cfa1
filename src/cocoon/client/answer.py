"""One running request: what has arrived of its answer and how it ends.

:class:`Answer` is the state machine; every event is legal in some states only, listed in
:data:`STEPS`. Whatever order events come in, it ends once: complete or failed. Bytes wait in a
deque with a single future for whoever reads; nothing here knows about connections.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from enum import Enum, auto
from typing import Final

from cocoon.client.waiting import Waiting
from cocoon.errors import (
    WIRE_PROTOCOL_VIOLATION,
    BadRequestError,
    CocoonError,
    DeadlineError,
    DecodeError,
    RemoteProtocolError,
    RequestError,
    UnknownModelError,
    UpstreamError,
    request_error,
)
from cocoon.tl.types import HttpResponse
from cocoon.wire.events import AnswerFailed, AnswerPart, AnswerStarted, FinalInfo
from cocoon.wire.refusals import param_of

MAX_HEADERS = 256
MAX_ERROR_TEXT = 1000


class AnswerState(Enum):
    """How far an answer is."""

    WAITING = auto()
    STREAMING = auto()
    COMPLETE = auto()
    FAILED = auto()


class Step(Enum):
    """What can happen to it."""

    STARTED = auto()
    STARTED_AND_ENDED = auto()
    PART = auto()
    LAST_PART = auto()
    FAILED = auto()


STEPS: Final[Mapping[tuple[AnswerState, Step], AnswerState]] = {
    (AnswerState.WAITING, Step.STARTED): AnswerState.STREAMING,
    (AnswerState.WAITING, Step.STARTED_AND_ENDED): AnswerState.COMPLETE,
    (AnswerState.WAITING, Step.FAILED): AnswerState.FAILED,
    (AnswerState.STREAMING, Step.PART): AnswerState.STREAMING,
    (AnswerState.STREAMING, Step.LAST_PART): AnswerState.COMPLETE,
    (AnswerState.STREAMING, Step.FAILED): AnswerState.FAILED,
}
"""Every legal step; any other is the proxy's fault. COMPLETE and FAILED have none."""


class Answer:
    """The answer to one request.

    Args:
        request_id: 32 bytes.
        clock: seconds, for the time of the first byte.
        on_end: called once, with the answer, when it is complete or failed.
        tells_worker: final info has the worker's times when a worker was involved (version 2).
        waiting: counts what waits for slow readers, of all answers.

    Attributes:
        head: status, reason and headers; None until it started.
        final: what the proxy said at the end; None if it said nothing.
        given_up: it ended by our decision; the proxy does not know.
        error: why it failed.
        first_byte_at: when the first body byte came, by ``clock``.
        ended_at: when it ended.
        timer: of its time limit; cancelled at the end.
    """

    __slots__ = (
        "_buffered",
        "_clock",
        "_on_end",
        "_parts",
        "_tells_worker",
        "_waiter",
        "_waiting",
        "ended_at",
        "error",
        "final",
        "first_byte_at",
        "given_up",
        "head",
        "request_id",
        "state",
        "timer",
    )

    def __init__(
        self,
        request_id: bytes,
        clock: Callable[[], float],
        on_end: Callable[["Answer"], None],
        *,
        tells_worker: bool = False,
        waiting: Waiting | None = None,
    ) -> None:
        self.request_id = request_id
        self.state = AnswerState.WAITING
        self.head: HttpResponse | None = None
        self.final: FinalInfo | None = None
        self.error: CocoonError | None = None
        self.first_byte_at: float | None = None
        self.ended_at = 0.0
        self.given_up = False
        self.timer: asyncio.TimerHandle | None = None
        self._clock = clock
        self._on_end = on_end
        self._tells_worker = tells_worker
        self._parts: deque[bytes] = deque()
        self._buffered = 0
        self._waiter: asyncio.Future[None] | None = None
        self._waiting = waiting or Waiting()

    def __repr__(self) -> str:
        return f"Answer({self.state.name}, {self._buffered} bytes waiting)"

    @property
    def ended(self) -> bool:
        """Whether nothing more can arrive."""
        return self.state is AnswerState.COMPLETE or self.state is AnswerState.FAILED

    # --- what the proxy sends ---

    def receive(self, event: AnswerStarted | AnswerPart | AnswerFailed) -> None:
        """Take an event about this request.

        Raises:
            RemoteProtocolError: not legal now: the proxy broke the protocol.
        """
        if type(event) is AnswerStarted:
            self._started(event)
        elif type(event) is AnswerPart:
            self._part(event)
        else:
            assert type(event) is AnswerFailed
            self._step(Step.FAILED)
            self.final = event.final
            self._end(_failure(event, self._tells_worker))

    def _started(self, event: AnswerStarted) -> None:
        self._step(Step.STARTED if event.final is None else Step.STARTED_AND_ENDED)
        try:
            head = HttpResponse.from_bytes(event.response)
        except DecodeError:
            # The worker wrote this, the proxy only passed it on: the link is not to blame.
            self._give_up(UpstreamError("the worker's answer is malformed"))
            return
        if len(head.headers) > MAX_HEADERS or not 100 <= head.status_code <= 599:
            self._give_up(UpstreamError("the head of the worker's answer makes no sense"))
            return
        self.head = head
        self._keep(head.payload)
        self._after(event.final)

    def _part(self, event: AnswerPart) -> None:
        self._step(Step.PART if event.final is None else Step.LAST_PART)
        self._keep(event.data)
        self._after(event.final)

    def _after(self, final: FinalInfo | None) -> None:
        if final is not None:
            self.final = final
            self._end(None)
        elif not self._waiting.allows(self._buffered):
            self._give_up(UpstreamError("the answer is not read fast enough"))
        else:
            self._wake()

    def _step(self, step: Step) -> None:
        after = STEPS.get((self.state, step))
        if after is None:
            raise RemoteProtocolError(f"answer: {step.name} while {self.state.name}")
        self.state = after

    def _keep(self, data: bytes) -> None:
        if not data:
            return
        if self.first_byte_at is None:
            self.first_byte_at = self._clock()
        self._parts.append(data)
        self._buffered += len(data)
        self._waiting.held += len(data)

    # --- what we decide ---

    def fail(self, error: CocoonError) -> None:
        """End it with this error, unless it has ended; bytes that are here can still be read."""
        if not self.ended:
            self._give_up(error)

    def expire(self, timeout: float) -> None:
        """The caller's time limit, so many seconds, has passed."""
        self.fail(DeadlineError(f"no complete answer within {timeout:g} s"))

    def _give_up(self, error: CocoonError) -> None:
        self.given_up = True
        self.state = AnswerState.FAILED
        self._end(error)

    def _end(self, error: CocoonError | None) -> None:
        self.error = error
        self.ended_at = self._clock()
        if self.timer is not None:
            self.timer.cancel()
        self._wake()
        self._on_end(self)

    # --- reading ---

    async def wait_head(self) -> HttpResponse:
        """Wait until the answer starts.

        Raises:
            RequestError: it failed instead.
        """
        while self.head is None:
            if self.error is not None:
                raise _for_caller(self.error)
            await self._wait()
        return self.head

    async def next_bytes(self) -> bytes | None:
        """All body bytes that have arrived since the last call, or None at the end.

        Raises:
            RequestError: the answer broke off.
        """
        while True:
            parts = self._parts
            if parts:
                data = parts.popleft() if len(parts) == 1 else b"".join(parts)
                self._forget()
                return data
            if self.error is not None:
                raise _for_caller(self.error)
            if self.state is AnswerState.COMPLETE:
                return None
            await self._wait()

    def drop(self) -> None:
        """Nobody will read what is left."""
        self._forget()

    def __del__(self) -> None:
        # Of a caller that neither read its answer nor closed it.
        self._waiting.held -= self._buffered

    def _forget(self) -> None:
        self._parts.clear()
        self._waiting.held -= self._buffered
        self._buffered = 0

    async def _wait(self) -> None:
        self._waiter = waiter = asyncio.get_running_loop().create_future()
        try:
            await waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


def _failure(event: AnswerFailed, tells_worker: bool) -> RequestError:
    """The error that a caller can act on.

    A worker refuses a body with the same code as a proxy that does not know the model (§7.1 item
    4, §4.3 item 1). Where versions tell, an error without a worker's times is the proxy's own,
    unless it names a field: an old worker behind a newer proxy has no times.
    """
    text = readable(event.message[:MAX_ERROR_TEXT])
    if event.code == WIRE_PROTOCOL_VIOLATION and tells_worker and not _worker_start(event.final):
        return UnknownModelError(text) if param_of(text) is None else BadRequestError(text)
    return request_error(event.code, text)


def readable(text: str) -> str:
    """A peer's text, fit for JSON and terminals: valid Unicode without control characters."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else "\ufffd" for c in text)


def _worker_start(final: FinalInfo | None) -> float | None:
    return None if final is None else final.worker_start


def _for_caller(error: CocoonError) -> RequestError:
    """Callers see request errors only; each raise gets an exception of its own."""
    if isinstance(error, RequestError):
        return type(error)(*error.args)
    return UpstreamError(str(error))
