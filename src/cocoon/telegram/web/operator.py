"""The operators' page: users, spend and errors; no content, no names.

It is one HTML page without scripts. The browser asks for the token as a password (RFC 7617), which
programs may also send as ``Authorization: Bearer``. On a loopback address only this machine gets
to it, whatever name a web page gave the machine (:mod:`cocoon.net.page_guard`).
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from cocoon import __version__
from cocoon.gateway.refusal import Header
from cocoon.telegram.web.calls import Call, Journal
from cocoon.telegram.web.deps import WebDeps
from cocoon.telegram.web.failures import ApiError, failure, invalid
from cocoon.telegram.web.operator_page import STYLE, page
from cocoon.telegram.web.reading import query
from cocoon.telegram.web.shown import EPOCH

if TYPE_CHECKING:
    from cocoon.telegram.accounts import DayUsage, Overview, UserRow

DAYS = 30
USERS_SHOWN = 100
MAX_CREDENTIAL = 1024
_REALM = (b"www-authenticate", b'Basic realm="operators", charset="UTF-8"')
_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest())
_POLICY: Header = (
    b"content-security-policy",
    b"default-src 'none'; style-src 'sha256-" + _STYLE_HASH + b"'; base-uri 'none'; "
    b"form-action 'none'; frame-ancestors 'none'",
)


class OperatorPage:
    """Answers ``/operator`` and ``/operator/data``.

    Args:
        deps: of the server; ``settings.app.operator_token`` is not empty.
        journal: whose counts are shown, and of refusals.
    """

    def __init__(self, deps: WebDeps, journal: Journal) -> None:
        self._deps = deps
        self._journal = journal
        self._right = _digest(deps.settings.app.operator_token.encode())

    async def page(self, call: Call) -> None:
        """``GET /operator``: HTML."""
        if await self._is_refused(call):
            return
        call.extra[:] = [one for one in call.extra if one[0] != b"content-security-policy"]
        html = page(await self._data(call)).encode()
        await call.reply(200, html, b"text/html; charset=utf-8", [_POLICY])

    async def data(self, call: Call) -> None:
        """``GET /operator/data``: the same as JSON."""
        if not await self._is_refused(call):
            await call.answer(await self._data(call))

    async def _is_refused(self, call: Call) -> bool:
        given = credential(call.headers.get(b"authorization", b""))
        if hmac.compare_digest(_digest(given), self._right):
            return False
        if given:
            self._journal.note("operator refused", "operator_token", request_id=call.request_id)
        call.extra.append(_REALM)
        text = "this needs the operators' token"
        await call.refuse(failure(ApiError("login_required", text, status=401, action=None)))
        return True

    async def _data(self, call: Call) -> dict[str, Any]:
        text = query(call.query).get("after", "0")
        if not (text.isascii() and text.isdigit() and len(text) < 17):
            raise invalid("after is a user's id")
        accounts = self._deps.accounts
        overview = await accounts.overview(DAYS)
        users = await accounts.users(after=int(text), limit=USERS_SHOWN)
        today = int(self._deps.clock()) // 86_400
        return {
            "service": {"version": __version__, **self._facts()},
            "totals": _totals(overview),
            "days": _days(overview, today),
            "topups": dict(overview.topups),
            "failures": [
                {"day": _date(day), "code": code, "count": count}
                for day, code, count in overview.failures
            ],
            "since_start": dict(sorted(self._journal.counts.items())),
            "users": [_user(one) for one in users],
            "next": users[-1].user if len(users) == USERS_SHOWN else None,
        }

    def _facts(self) -> Mapping[str, str | int | float]:
        return {} if self._deps.operator is None else self._deps.operator()


def _digest(text: bytes) -> bytes:
    return hashlib.sha256(text).digest()


def credential(header: bytes) -> bytes:
    """The token in an ``Authorization`` header; the name of Basic does not matter."""
    scheme, _, value = header[:MAX_CREDENTIAL].partition(b" ")
    if scheme.lower() == b"bearer":
        return value.strip()
    if scheme.lower() != b"basic":
        return b""
    try:
        return base64.b64decode(value, validate=True).partition(b":")[2]
    except binascii.Error:
        return b""


def _totals(overview: "Overview") -> dict[str, int]:
    return {
        "users": overview.users,
        "blocked": overview.blocked,
        "active_today": overview.active_today,
        "balances_nano": int(overview.balances),
        "holds": overview.holds,
        "held_nano": int(overview.held),
    }


def _days(overview: "Overview", today: int) -> list[dict[str, Any]]:
    """Every day, the oldest first."""
    known: dict[int, DayUsage] = {one.day: one for one in overview.days}
    shown = []
    for day in range(today - DAYS + 1, today + 1):
        one = known.get(day)
        shown.append(
            {
                "day": _date(day),
                "answers": one.answers if one else 0,
                "free_nano": int(one.free) if one else 0,
                "paid_nano": int(one.paid) if one else 0,
                "topped_up_nano": int(one.topped_up) if one else 0,
            }
        )
    return shown


def _user(row: "UserRow") -> dict[str, Any]:
    return {
        "user": row.user,
        "since": _date(row.created // 86_400),
        "seen": _date(row.last_seen // 86_400),
        "blocked": row.blocked,
        "answers": row.answers,
        "balance_nano": int(row.balance),
        "free_nano": int(row.free),
        "paid_nano": int(row.paid),
    }


def _date(day: int) -> str:
    return f"{EPOCH + timedelta(days=day):%Y-%m-%d}"
