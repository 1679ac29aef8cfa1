"""One call of the API: who calls, what is answered, and a last answer for every failure."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import msgspec
import structlog

from cocoon.errors import CocoonError, LoginError, where
from cocoon.gateway.exchange import Exchange, Receive, Scope, Send
from cocoon.gateway.guard import CallerGoneError
from cocoon.gateway.refusal import Header
from cocoon.telegram.auth.login import Login
from cocoon.telegram.auth.sessions import Session
from cocoon.telegram.web.failures import ApiError, Failure, failure
from cocoon.telegram.web.limits import Rates
from cocoon.telegram.web.shapes import Answer

BODY_SECONDS = 30.0
"""In which a request body must have arrived."""
LAST_WORDS = 1.0
"""Seconds to tell a caller why its stream ends."""
MAX_LOG_LINES = 60
"""Refused calls in a minute that get a line in the log; the rest are only counted."""
SECRET_HEADER = b"x-telegram-bot-api-secret-token"
"""https://core.telegram.org/bots/api#setwebhook."""
HEADERS = (
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)

log = structlog.get_logger("cocoon.telegram.web")
_encoder = msgspec.json.Encoder()


class Journal:
    """Counts what is refused and fails, and logs it without content.

    Args:
        clock: monotonic seconds.

    Attributes:
        counts: how often, by code; for metrics and the operators' page.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.counts: Counter[str] = Counter()
        self._clock = clock
        self._minute = 0.0
        self._lines = 0

    def note(self, what: str, code: str, **facts: object) -> None:
        """Count a code; log a line, unless there were many within the minute.

        Args:
            what: the line's event.
            code: one of few words.
            facts: never content, names, initData or tokens.
        """
        self.counts[code] += 1
        now = self._clock()
        if now - self._minute >= 60.0:
            self._minute, self._lines = now, 0
        self._lines += 1
        if self._lines <= MAX_LOG_LINES:
            log.info(what, code=code, **facts)


class Front:
    """Lets users in: their session, and how often they call.

    Args:
        login: checks sessions.
        rates: counts calls.
        journal: of refusals.
    """

    def __init__(self, login: Login, rates: Rates, journal: Journal) -> None:
        self.login = login
        self.rates = rates
        self.journal = journal

    def session(self, exchange: Exchange) -> Session:
        """Whose call it is.

        Raises:
            LoginError: there is no session, it has ended, or it is not ours.
            ApiError: ``rate_limited``.
        """
        scheme, _, token = exchange.headers.get(b"authorization", b"").partition(b" ")
        if scheme.lower() != b"bearer" or not token:
            raise LoginError("this needs a session: POST /app/api/session", "missing")
        session = self.login.check(token.strip().decode("latin-1"))
        self.rates.take(session.user)
        return session


class Call(Exchange):
    """A call.

    Attributes:
        members: of its path.
        secret: that Telegram's calls of a webhook carry, or empty.
    """

    __slots__ = ("members", "secret")

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        super().__init__(scope, receive, send)
        self.members: Mapping[str, str] = scope.get("path_params", {})
        self.secret = next((value for key, value in scope["headers"] if key == SECRET_HEADER), b"")
        self.extra.extend(HEADERS)

    async def answer(self, body: Answer | Mapping[str, Any], status: int = 200) -> None:
        """Send JSON."""
        await self.reply(status, _encoder.encode(body))

    async def start(self, status: int, kind: bytes, headers: Sequence[Header] = ()) -> None:
        """Begin an answer whose parts :meth:`write` sends."""
        self.status = status
        told = [(b"content-type", kind), *self.extra, *headers]
        await self._send({"type": "http.response.start", "status": status, "headers": told})

    async def body(self, limit: int) -> bytes:
        """The request's body.

        Raises:
            Refusal: it is too large.
            ApiError: it did not come in time.
            CallerGoneError: nobody is left to answer.
        """
        try:
            async with asyncio.timeout(BODY_SECONDS):
                return await self.read_body(limit)
        except TimeoutError:
            raise ApiError("timeout", "the body came too slowly", status=408) from None

    async def refuse(self, failed: Failure) -> None:
        """Tell of a failure, as an answer or as the last event of the stream that has begun."""
        if self.status is None:
            wait = failed.body.retry_after
            headers = [] if wait is None else [(b"retry-after", b"%d" % wait)]
            await self.reply(failed.status, failed.json, headers=headers)
        else:
            async with asyncio.timeout(LAST_WORDS):
                await self.write(failed.event, last=True)


Handler = Callable[[Call], Awaitable[None]]


class Endpoint:
    """An ASGI application for one path.

    Args:
        handle: answers.
        journal: of failures.
        logging_in: whether its ``LoginError`` are about initData.
    """

    def __init__(self, handle: Handler, journal: Journal, *, logging_in: bool = False) -> None:
        self._handle = handle
        self._journal = journal
        self._logging_in = logging_in

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call."""
        call = Call(scope, receive, send)
        try:
            await self._handle(call)
        except CallerGoneError:
            self._journal.counts["caller_gone"] += 1
        except asyncio.CancelledError:
            await self._say_goodbye(call)
            raise
        except Exception as error:
            await self._fail(call, error)

    async def _fail(self, call: Call, error: Exception) -> None:
        failed = failure(error, logging_in=self._logging_in)
        facts = {"status": failed.status, "request_id": call.request_id}
        if isinstance(error, LoginError):
            facts["reason"] = error.reason
        if not isinstance(error, CocoonError):
            facts |= {"error": type(error).__name__, "where": where(error)}
        self._journal.note("call refused", failed.body.code, **facts)
        try:
            await call.refuse(failed)
        except TimeoutError:
            self._journal.counts["caller_gone"] += 1

    async def _say_goodbye(self, call: Call) -> None:
        """Tell a caller that its call is cut off by a shutdown."""
        error = ApiError("unavailable", "the service stops now", status=503, action="retry")
        try:
            async with asyncio.timeout(LAST_WORDS):
                await call.refuse(failure(error))
        except Exception:
            self._journal.counts["caller_gone"] += 1
