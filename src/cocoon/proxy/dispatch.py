"""Running requests: from an admitted query to its settled end, whatever happens between.

Every request ends exactly once, in :meth:`Dispatcher._end`, where its reservation is settled or
released. Failures are answered at once: a worker that disconnects fails its requests (those not
yet answered go to another worker first), a deadline fails one. A request that its client cancels,
or leaves behind, is stopped at workers of version 3 and charged what it used until then; workers
of versions 0 to 2 cannot be stopped, and it runs to its end. The official proxy lets all of them
wait for the alarm and leaks reservations (``wire-protocol.md`` §7.3).
"""

import asyncio
import hashlib
import secrets
from collections.abc import Callable

import msgspec
import structlog

from cocoon.accounting import AdjustedUsage, Ledger, Reservation, Tokens
from cocoon.errors import (
    WIRE_CANCELLED,
    WIRE_TIMEOUT,
    CocoonError,
    DeadlineError,
    LocalProtocolError,
    PaymentError,
    RemoteProtocolError,
    RequestError,
    UnavailableError,
    exact_code,
)
from cocoon.proxy.admission import Terms, admit
from cocoon.proxy.metrics import Statistics
from cocoon.proxy.peers import ClientEnd, WorkerEnd
from cocoon.proxy.registry import Registry, Worker
from cocoon.tl.types import TokensUsed
from cocoon.wire.events import (
    NO_TOKENS,
    AnswerFailed,
    AnswerPart,
    AnswerStarted,
    FinalInfo,
    RunQuery,
    WorkerQuery,
)

MAX_ATTEMPTS = 3
"""Workers tried for a request as long as nothing of an answer has been sent."""
WORKER_SHARE = 0.95
"""Part of the time limit that the next hop gets (``wire-protocol.md`` §4.3)."""
SPENT_SHARE = 0.85
"""Part of the time limit after which a worker may say that it is spent: twice 0.95, and less."""

_log = structlog.get_logger(__name__)


class Running:
    """One request between its admission and its end."""

    __slots__ = (
        "answered",
        "attempts",
        "cancelled",
        "client",
        "deadline",
        "query",
        "request_id",
        "reservation",
        "spent_at",
        "started",
        "started_unix",
        "timer",
        "worker",
    )

    def __init__(
        self,
        query: RunQuery,
        client: ClientEnd,
        reservation: Reservation,
        started: float,
        started_unix: float,
        deadline: float,
    ) -> None:
        self.query = query
        self.client = client
        self.reservation = reservation
        self.started = started
        self.started_unix = started_unix
        self.deadline = deadline
        self.worker: WorkerEnd | None = None
        self.request_id = b""
        self.answered = False
        self.cancelled = False
        self.attempts = 0
        self.spent_at = deadline
        self.timer: asyncio.TimerHandle | None = None


class Dispatcher:
    """All running requests of a proxy.

    Args:
        ledger: the books.
        registry: the workers.
        terms: what admission depends on; may be replaced at any time.
        statistics: counters for metrics and status.
        new_request_id: 32 random bytes.
        unix_time: Unix seconds.
    """

    def __init__(
        self,
        ledger: Ledger,
        registry: Registry,
        terms: Terms,
        statistics: Statistics,
        new_request_id: Callable[[], bytes],
        unix_time: Callable[[], float],
    ) -> None:
        self.terms = terms
        self._ledger = ledger
        self._registry = registry
        self._statistics = statistics
        self._new_request_id = new_request_id
        self._unix_time = unix_time
        self._loop = asyncio.get_running_loop()
        self._scope_key = secrets.token_bytes(32)
        self._ends: dict[int, WorkerEnd] = {}
        self._by_worker: dict[int, dict[bytes, Running]] = {}
        self._by_client: dict[tuple[int, bytes], Running] = {}

    @property
    def running(self) -> int:
        """Requests that have not ended."""
        return len(self._by_client)

    # --- workers come and go ------------------------------------------------------------------

    def worker_joined(self, end: WorkerEnd) -> None:
        """A worker connection can be given requests from now on."""
        self._registry.add(end.worker)
        self._ends[end.worker.connection_id] = end
        self._by_worker[end.worker.connection_id] = {}

    def worker_left(self, worker: Worker) -> None:
        """A worker connection is gone: its requests move on or fail, now."""
        self._registry.remove(worker)
        self._ends.pop(worker.connection_id, None)
        orphans = self._by_worker.pop(worker.connection_id, {})
        for running in orphans.values():
            running.worker = None
            worker.running -= 1
            self._move_on(running)

    def _move_on(self, running: Running) -> None:
        """Give a request whose worker is gone to another one, if its client saw nothing yet."""
        gone = UnavailableError("the worker's connection broke; try again")
        if running.answered or running.cancelled or running.attempts >= MAX_ATTEMPTS:
            self._fail(running, gone)
            return
        query = running.query
        try:
            worker = self._registry.choose(
                query.model, query.max_coefficient, self.terms.scheduler, query.requires
            )
            self._assign(running, worker)
        except RequestError:
            self._fail(running, gone)

    # --- a request starts ---------------------------------------------------------------------

    def run(self, client: ClientEnd, query: RunQuery) -> None:
        """Admit a query and send it to a worker, or answer with the reason why not.

        Raises:
            RemoteProtocolError: the client has a request running under this id.
        """
        key = (id(client), query.request_id)
        if key in self._by_client:
            raise RemoteProtocolError("two running requests with the same id")
        self._statistics.queries += 1
        try:
            admitted = admit(query, client.record, self.terms, self._registry, self._ledger)
        except CocoonError as error:
            self._statistics.rejected += 1
            refusal = AnswerFailed(query.request_id, exact_code(error), str(error), FinalInfo())
            client.answer_failed(refusal, started=False)
            return
        now, unix = self._loop.time(), self._unix_time()
        running = Running(query, client, admitted.reservation, now, unix, now + admitted.timeout)
        self._by_client[key] = running
        client.record.last_request_at = int(unix)
        running.timer = self._loop.call_at(running.deadline, self._expire, running)
        self._assign(running, admitted.worker)

    def _assign(self, running: Running, worker: Worker) -> None:
        running.attempts += 1
        running.request_id = self._new_request_id()
        end = self._ends[worker.connection_id]
        query = running.query
        left = running.deadline - self._loop.time()
        running.spent_at = running.deadline - (1 - SPENT_SHARE) * left
        forwarded = WorkerQuery(
            running.request_id,
            query.query,
            worker.record.signer.latest(),
            worker.coefficient,
            max(left * WORKER_SHARE, 0.0),
            query.debug,
            query.max_tokens,
            self._cache_scope(running),
        )
        # Before sending, which can find out that the worker is gone and call worker_left.
        running.worker = end
        worker.running += 1
        worker.record.last_request_at = int(running.started_unix)
        self._by_worker[worker.connection_id][running.request_id] = running
        try:
            end.run(forwarded)
        except (UnavailableError, LocalProtocolError) as error:
            if running.worker is end:
                self._fail(running, UnavailableError(f"the worker cannot be reached: {error}"))

    def _cache_scope(self, running: Running) -> bytes:
        """Who may share a prompt cache: one client, and what it keeps together.

        Keyed with a secret of this process, so that workers do not learn who a client is.
        """
        text = running.client.record.account.owner.encode() + b"\0" + running.query.cache_scope
        return hashlib.blake2b(text, digest_size=32, key=self._scope_key).digest()

    # --- a client gives up ----------------------------------------------------------------------

    def cancel(self, client: ClientEnd, request_id: bytes) -> None:
        """Stop a request; an unknown one has just ended."""
        running = self._by_client.get((id(client), request_id))
        if running is not None:
            self._stop(running)

    def client_left(self, client: ClientEnd) -> None:
        """Stop everything that a client has running whose connection is gone."""
        for running in [each for each in self._by_client.values() if each.client is client]:
            self._stop(running)

    def _stop(self, running: Running) -> None:
        """Ask the worker to stop. Its answer tells what there is to pay, and ends the request."""
        if running.cancelled or running.worker is None:
            return
        # Before sending, which can find out that the worker is gone: then nobody else gets it.
        running.cancelled = True
        running.cancelled = running.worker.cancel(running.request_id)

    # --- what workers answer ------------------------------------------------------------------

    def answer_started(self, end: WorkerEnd, event: AnswerStarted) -> None:
        """Pass the head of an answer on.

        Raises:
            RemoteProtocolError: the answer had started already, or its usage does not add up.
        """
        running = self._find(end, event.request_id)
        if running is None:
            return
        if running.answered:
            raise RemoteProtocolError("an answer started twice")
        final = self._settle_if_final(running, event.final)
        self._pass_on(
            running,
            lambda: running.client.answer_started(
                AnswerStarted(running.query.request_id, event.response, final)
            ),
            final,
        )
        running.answered = True  # not before: the head may not have fitted

    def answer_part(self, end: WorkerEnd, event: AnswerPart) -> None:
        """Pass a part of an answer on; raises as :meth:`answer_started`."""
        running = self._find(end, event.request_id)
        if running is None:
            return
        if not running.answered:
            raise RemoteProtocolError("a part came before the answer")
        final = self._settle_if_final(running, event.final)
        self._pass_on(
            running,
            lambda: running.client.answer_part(
                AnswerPart(running.query.request_id, event.data, final)
            ),
            final,
        )

    def answer_failed(self, end: WorkerEnd, event: AnswerFailed) -> None:
        """The worker gave up: the client gets its reason, and pays for what it ended itself.

        Raises:
            RemoteProtocolError: the usage of such a request does not add up.
        """
        running = self._find(end, event.request_id)
        if running is None:
            return
        final: FinalInfo | None = None
        if self._ended_by_client(running, event.code):
            final = self._settle_if_final(running, event.final)
        if final is None:
            self._statistics.failed += 1
            self._end(running)
            final = self._final_info(running, event.final or FinalInfo(), NO_TOKENS)
        failed = AnswerFailed(running.query.request_id, event.code, event.message, final)
        self._pass_on(
            running, lambda: running.client.answer_failed(failed, started=running.answered)
        )

    def _ended_by_client(self, running: Running, code: int) -> bool:
        """Whether a request was ended for its client: cancelled, or cut off at its time limit.

        Else short limits would make streams free. Who got nothing within the limit pays nothing.
        """
        if code == WIRE_CANCELLED:
            return running.cancelled
        return code == WIRE_TIMEOUT and running.answered and self._loop.time() >= running.spent_at

    def _pass_on(
        self, running: Running, send: Callable[[], None], final: FinalInfo | None = None
    ) -> None:
        """Send, or fail the request; ``final`` tells what it was charged if it was settled."""
        try:
            send()
        except LocalProtocolError as error:
            # Our framing adds some bytes: what just fitted the worker's frame may not fit ours.
            _log.warning("answer does not fit a frame", error=str(error))
            too_long = UnavailableError("the answer does not fit a frame")
            if self._is_running(running):
                self._fail(running, too_long)
            else:
                self._tell_failure(running, too_long, NO_TOKENS if final is None else final.usage)

    # --- the end ------------------------------------------------------------------------------

    def _settle_if_final(self, running: Running, final: FinalInfo | None) -> FinalInfo | None:
        """Charge and credit a finished request; the final info that the client gets."""
        if final is None:
            return None
        end = running.worker
        assert end is not None  # _find returned it from this worker's requests
        used = final.usage
        try:
            usage = AdjustedUsage.from_wire(
                used.prompt_tokens_used,
                used.cached_tokens_used,
                used.completion_tokens_used,
                used.reasoning_tokens_used,
                used.total_tokens_used,
            )
            settled = self._ledger.settle(
                running.reservation, end.worker.record.account, usage.total
            )
        except PaymentError as error:
            raise RemoteProtocolError(f"token usage is impossible: {error}") from error
        if settled.was_capped:
            _log.warning(
                "a worker reported more than was reserved",
                worker=end.worker.record.account.owner,
                reported=int(settled.reported),
                charged=int(settled.charged),
            )
        now = self._loop.time()
        end.worker.finished(now - running.started, now)
        self._statistics.finished(usage, settled.charged)
        self._end(running)
        charged = int(settled.charged)
        running.client.charged(running.query.request_id, charged)
        end.earned(running.request_id, charged, running.client.record.account.owner)
        return self._final_info(running, final, capped(used, settled.charged))

    def _final_info(self, running: Running, final: FinalInfo, usage: TokensUsed) -> FinalInfo:
        debug: str | None = None
        if running.query.debug or running.client.tells_worker:
            debug = _debug_record(running)
        return FinalInfo(
            usage,
            final.worker_debug,
            debug,
            running.started_unix,
            self._unix_time(),
            final.worker_start,
            final.worker_end,
        )

    def _expire(self, running: Running) -> None:
        running.timer = None
        if self._is_running(running):
            self._fail(running, DeadlineError("timeout in proxy"))
            if running.worker is not None:
                running.worker.cancel(running.request_id)

    def _fail(self, running: Running, error: RequestError) -> None:
        self._statistics.failed += 1
        self._end(running)
        self._tell_failure(running, error)

    def _tell_failure(
        self, running: Running, error: RequestError, usage: TokensUsed = NO_TOKENS
    ) -> None:
        final = self._final_info(running, FinalInfo(), usage)
        running.client.answer_failed(
            AnswerFailed(running.query.request_id, exact_code(error), str(error), final),
            started=running.answered,
        )

    def _end(self, running: Running) -> None:
        """Forget a request; its reservation is released unless it was settled."""
        if running.timer is not None:
            running.timer.cancel()
            running.timer = None
        del self._by_client[id(running.client), running.query.request_id]
        if running.worker is not None:
            worker = running.worker.worker
            worker.running -= 1
            self._by_worker[worker.connection_id].pop(running.request_id, None)
        if running.reservation.is_open:
            self._ledger.release(running.reservation)

    def _find(self, end: WorkerEnd, request_id: bytes) -> Running | None:
        """The running request, or None for a late message about one that has ended."""
        return self._by_worker.get(end.worker.connection_id, {}).get(request_id)

    def _is_running(self, running: Running) -> bool:
        return self._by_client.get((id(running.client), running.query.request_id)) is running


def capped(used: TokensUsed, charged: Tokens) -> TokensUsed:
    """The same usage, cut from the end so that its total is what was charged."""
    if used.total_tokens_used == charged:
        return used
    left = int(charged)
    parts = []
    for part in (
        used.prompt_tokens_used,
        used.cached_tokens_used,
        used.completion_tokens_used,
        used.reasoning_tokens_used,
    ):
        parts.append(min(part, left))
        left -= parts[-1]
    prompt, cached, completion, reasoning = parts
    return TokensUsed(prompt, cached, completion, reasoning, int(charged))


def _debug_record(running: Running) -> str:
    """Who ran the request, for a client that asked; nothing about its content."""
    record: dict[str, object] = {"attempts": running.attempts}
    if running.worker is not None:
        worker = running.worker.worker
        record["worker"] = {
            "image_hash": worker.peer.image_hash.hex(),
            "evidence": worker.peer.kind.value,
            "owner": worker.record.account.owner,
            "model": worker.model,
            "coefficient": worker.coefficient,
            "connection": worker.connection_id,
        }
    return msgspec.json.encode(record).decode()
