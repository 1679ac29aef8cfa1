"""The admin API over keys and usage, and what a key may see of itself.

Bodies are JSON, errors are OpenAI's, lists are paged by a cursor.
"""

import time
from collections.abc import Callable, Mapping
from datetime import date
from typing import TypeVar

import msgspec

from cocoon.errors import StoreError
from cocoon.gateway.keys.budgets import Budgets, key_account
from cocoon.gateway.keys.changes import MAX_BODY, draft, read_changes, read_rotation
from cocoon.gateway.keys.gate import KeyGate
from cocoon.gateway.keys.ledger import GROUPS, Ledger, UsageFilter
from cocoon.gateway.keys.refusals import scope_missing, store_away
from cocoon.gateway.keys.registry import KeyConflictError, Registry, UnknownKeyError
from cocoon.gateway.keys.scopes import ADMIN, USAGE_READ
from cocoon.gateway.keys.secret import new_key
from cocoon.gateway.keys.shown import (
    budget_objects,
    key_object,
    summary_object,
    usage_csv,
    usage_object,
)
from cocoon.gateway.refusal import Refusal
from cocoon.gateway.routes import ExtraReply, ExtraRequest, ExtraRoute

KEYS = "/v1/admin/keys"
USAGE = "/v1/admin/usage"
EXPORT = "/v1/admin/usage/export"
OWN_USAGE = "/v1/usage"
MAX_PAGE = 1000
MAX_EXPORT = 10_000
CSV = b"text/csv; charset=utf-8"

T = TypeVar("T")
_encoder = msgspec.json.Encoder()


class AdminApi:
    """Answers the paths under ``/v1/admin`` and ``/v1/usage``.

    Args:
        gate: whose keys.
    """

    def __init__(self, gate: KeyGate) -> None:
        self._gate = gate

    def routes(self) -> dict[str, ExtraRoute]:
        """The routes to add to a gateway."""
        own = ExtraRoute(self._own_usage, admin=False)
        keys = ExtraRoute(self._keys, ("GET", "POST"), max_body=MAX_BODY)
        one = ExtraRoute(self._key, ("GET", "POST"), max_body=MAX_BODY)
        return {
            KEYS: keys,
            f"{KEYS}/": one,
            USAGE: ExtraRoute(self._usage),
            EXPORT: ExtraRoute(self._export),
            OWN_USAGE: own,
        }

    async def _keys(self, request: ExtraRequest) -> ExtraReply:
        registry, now = Registry(self._gate.keeper.database), int(time.time())
        if request.method == "POST":
            wanted = draft(read_changes(request.body), now)
            made = new_key()
            record = await self._ask(lambda: registry.create(wanted, made))
            return _reply({**key_object(record, now), "key": made.text})
        limit, after = _limit(request.query, MAX_PAGE), _cursor_text(request.query)
        found = await self._ask(lambda: registry.page(limit + 1, after))
        more = len(found) > limit
        return _reply(
            {
                "object": "list",
                "data": [key_object(record, now) for record in found[:limit]],
                "has_more": more,
                "next_cursor": found[limit - 1].key_id if more else None,
            }
        )

    async def _key(self, request: ExtraRequest) -> ExtraReply:
        registry, now = Registry(self._gate.keeper.database), int(time.time())
        key_id, _, action = request.path.removeprefix(f"{KEYS}/").partition("/")
        if action not in ("", "rotate", "revoke") or not _is_id(key_id):
            raise Refusal("there is nothing at this path", status=404, code="not_found")
        if request.method != "POST":
            if action:
                raise Refusal("use POST", status=405, code="method_not_allowed")
            return await self._show(registry, key_id, now)
        if action == "rotate":
            overlap = read_rotation(request.body)
            record, made = await self._ask(lambda: registry.rotate(key_id, overlap, now))
            return _reply({**key_object(record, now), "key": made.text})
        if action == "revoke":
            record = await self._ask(lambda: registry.revoke(key_id, now))
        else:
            changes = read_changes(request.body)
            record = await self._ask(lambda: registry.update(key_id, changes, now))
        return _reply(key_object(record, now))

    async def _show(self, registry: Registry, key_id: str, now: int) -> ExtraReply:
        budgets = Budgets(self._gate.keeper.database)
        record = await self._ask(lambda: registry.get(key_id))
        states = await self._ask(lambda: budgets.state(key_account(key_id), now))
        limits = self._gate.limits_of(record)[0]
        shown = key_object(record, now)
        return _reply({**shown, "budgets": budget_objects(states, limits)})

    async def _usage(self, request: ExtraRequest) -> ExtraReply:
        query = request.query
        by = [word for word in query.get("by", "day").split(",") if word]
        if set(by) - set(GROUPS):
            raise _wrong("by", f"must be some of {','.join(GROUPS)}")
        first, last = _day(query, "from", "0000-01-01"), _day(query, "to", "9999-12-31")
        key_id, limit = _key_id(query), _limit(query, MAX_PAGE)
        ledger = Ledger(self._gate.keeper.database)
        found = await self._ask(
            lambda: ledger.summary(
                by, first_day=first, last_day=last, key_id=key_id, limit=limit + 1
            )
        )
        rows = [summary_object(row) for row in found[:limit]]
        return _reply({"object": "list", "data": rows, "has_more": len(found) > limit})

    async def _export(self, request: ExtraRequest) -> ExtraReply:
        query = request.query
        user = query.get("user")
        wanted = UsageFilter(
            _time(query, "since"),
            _time(query, "until"),
            _key_id(query),
            None if user is None else self._gate.pseudonym(user),
        )
        form = query.get("format", "json")
        if form not in ("json", "csv"):
            raise _wrong("format", "must be json or csv")
        limit, after = _limit(query, MAX_EXPORT), _cursor_number(query)
        ledger = Ledger(self._gate.keeper.database)
        found = await self._ask(lambda: ledger.page(wanted, limit + 1, after))
        rows = [row for _, row in found[:limit]]
        following = str(found[limit - 1][0]) if len(found) > limit else None
        if form == "csv":
            headers = [] if following is None else [(b"x-cocoon-next-cursor", following.encode())]
            text = usage_csv(rows, header=after == 0)
            return ExtraReply(text.encode(), content_type=CSV, headers=headers)
        return _reply(
            {
                "object": "list",
                "data": [usage_object(row) for row in rows],
                "has_more": following is not None,
                "next_cursor": following,
            }
        )

    async def _own_usage(self, request: ExtraRequest) -> ExtraReply:
        record, now = self._gate.record_of(request.caller), time.time()
        if not {USAGE_READ, ADMIN} & set(record.scopes):
            raise scope_missing("this API key may not read its usage", "scope_missing")
        budgets, ledger = Budgets(self._gate.keeper.database), Ledger(self._gate.keeper.database)
        states = await self._ask(lambda: budgets.state(key_account(record.key_id), now))
        sums = await self._ask(
            lambda: ledger.summary(
                ["model"], first_day=states[0].period, key_id=record.key_id, limit=MAX_PAGE
            )
        )
        limits, user_limits = self._gate.limits_of(record)
        return _reply(
            {
                "object": "cocoon.usage",
                "key_id": record.key_id,
                "name": record.name,
                "expires_at": record.expires_at,
                "limits": msgspec.to_builtins(limits),
                "user_limits": msgspec.to_builtins(user_limits),
                "budgets": budget_objects(states, limits),
                "today": [summary_object(row) for row in sums],
            }
        )

    async def _ask(self, function: Callable[[], T]) -> T:
        try:
            return await self._gate.keeper.in_thread(function)
        except UnknownKeyError as error:
            raise Refusal(str(error), status=404, code="not_found") from None
        except KeyConflictError as error:
            raise Refusal(str(error), status=409, code="conflict") from None
        except StoreError:
            raise store_away() from None


def _reply(value: object) -> ExtraReply:
    return ExtraReply(_encoder.encode(value))


def _is_id(text: str) -> bool:
    return text.isascii() and text.isalnum()


def _limit(query: Mapping[str, str], most: int) -> int:
    return _number(query, "limit", 1, most, min(100, most))


def _key_id(query: Mapping[str, str]) -> str | None:
    key_id = query.get("key")
    if key_id is not None and not _is_id(key_id):
        raise _wrong("key", "is not the id of a key")
    return key_id


def _cursor_text(query: Mapping[str, str]) -> str:
    cursor = query.get("cursor", "")
    if cursor and not _is_id(cursor):
        raise _wrong("cursor", "is not one of ours")
    return cursor


def _cursor_number(query: Mapping[str, str]) -> int:
    return _number(query, "cursor", 0, 2**63 - 1, 0)


def _time(query: Mapping[str, str], name: str) -> int | None:
    return _number(query, name, 0, 2**40, 0) if name in query else None


def _number(query: Mapping[str, str], name: str, low: int, high: int, default: int) -> int:
    text = query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit()) or len(text) > 19 or not low <= int(text) <= high:
        raise _wrong(name, f"must be a whole number from {low} to {high}")
    return int(text)


def _day(query: Mapping[str, str], name: str, default: str) -> str:
    text = query.get(name)
    if text is None:
        return default
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise _wrong(name, "must be a day like 2026-11-22") from None


def _wrong(param: str, what: str) -> Refusal:
    return Refusal(f"`{param}` {what}", param=param)
