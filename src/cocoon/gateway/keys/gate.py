"""The gate that keeps keys, budgets and limits in a store. See :class:`KeyGate`."""

import hmac
import time
from dataclasses import dataclass, field

from cocoon.gateway.access import invalid_key
from cocoon.gateway.gate import Caller, Demand
from cocoon.gateway.keys.account import Account
from cocoon.gateway.keys.budgets import key_account, user_account
from cocoon.gateway.keys.keeper import Keeper
from cocoon.gateway.keys.limits import Limits
from cocoon.gateway.keys.periods import WORDS, resets
from cocoon.gateway.keys.permit import KeyPermit
from cocoon.gateway.keys.purse import Purse
from cocoon.gateway.keys.rates import rate_headers
from cocoon.gateway.keys.record import KeyRecord
from cocoon.gateway.keys.refusals import (
    inactive_key,
    reserved,
    scope_missing,
    spent,
    store_away,
)
from cocoon.gateway.keys.scopes import ADMIN, allows_endpoint, allows_model
from cocoon.gateway.keys.secret import split_key
from cocoon.gateway.keys.settings import MAX_USERS, KeysSettings

BYTES_PER_TOKEN = 4
"""What the tokens of a prompt are guessed from until the network tells them."""
MAX_DECISIONS = 1000
"""Endpoint and model pairs that are remembered for a key."""
USER_SECONDS = 120.0
"""An end user who was quiet for so long is forgotten: no rate looks back further."""
KEY, USER = "this API key", "this end user"
END_USER_BYTES = 16


@dataclass(slots=True)
class _Key:
    """A key in memory."""

    record: KeyRecord
    caller: Caller
    account: Account
    users: dict[str, tuple[str, Account]] = field(default_factory=dict)
    decisions: dict[tuple[str, str], bool] = field(default_factory=dict)


class KeyGate:
    """A :class:`~cocoon.gateway.gate.Gate` with API keys, budgets, limits and a ledger.

    Call :meth:`start` before it is used and :meth:`close` after the last request. What a request
    needs is in memory; a task and a thread of the gate's own exchange it with the store.

    Args:
        settings: where the store is, and defaults.
    """

    def __init__(self, settings: KeysSettings) -> None:
        self._settings = settings
        self._keys: dict[str, _Key] = {}
        self._users = 0
        self._full_until = 0.0
        self._salt = b""
        self.keeper = Keeper(settings, self._apply, self._forget_users)

    async def start(self) -> None:
        """Open the store and read all keys.

        Raises:
            ConfigError: the store's address is wrong.
            StoreError: it does not work.
        """
        self._salt = await self.keeper.start()

    async def close(self) -> None:
        """Write what is left and give all leases back."""
        await self.keeper.close()

    async def identify(self, credential: bytes | None) -> Caller:
        """See :class:`~cocoon.gateway.gate.Gate`; 401 for expired and revoked keys too."""
        if self.keeper.is_away():
            raise store_away()
        parts = None if credential is None else split_key(credential)
        key = None if parts is None else self._keys.get(parts[0])
        if parts is None or key is None:
            raise invalid_key()
        record = key.record
        if not hmac.compare_digest(record.secret_hash, parts[1]) and not (
            record.old_hash is not None
            and hmac.compare_digest(record.old_hash, parts[1])
            and time.time() < (record.old_until or 0)
        ):
            raise invalid_key()
        _check_active(record)
        return key.caller

    async def admit(self, caller: Caller, demand: Demand) -> KeyPermit:
        """See :class:`~cocoon.gateway.gate.Gate`."""
        keeper = self.keeper
        if keeper.is_full():
            raise store_away()
        key = self._keys[caller.key_id]
        _check_active(key.record)  # the body may have taken its time
        if (demand.endpoint, demand.model) not in key.decisions:
            _decide(key, demand.endpoint, demand.model)
        now = time.time()
        end_user, purses = "", key.account.roll(now)
        accounts: tuple[Account, ...] = (key.account,)
        if demand.user:
            end_user, user = self._user(key, demand.user, now)
            accounts = (key.account, user)
            purses += user.roll(now)
        most = int(demand.max_cost)
        tokens = demand.prompt_bytes // BYTES_PER_TOKEN + demand.max_tokens
        self._enter(accounts, tokens, now)
        try:
            for purse in purses:
                if purse.cap is not None and purse.room() < most:
                    await self._wait_for_room(purses, most)
                    break
        except BaseException:
            for account in accounts:
                account.undo(tokens, now, time.time())
            raise
        for purse in purses:
            purse.reserved += most
            purse.touched = True
            if purse.cap is not None and purse.room() < purse.low:
                keeper.lease_ahead(purse, now)
        headers = rate_headers(accounts, now, keeper.share)
        return KeyPermit(
            keeper, caller.key_id, end_user, accounts, purses, demand, most, tokens, now, headers
        )

    def check(self, caller: Caller, endpoint: str, model: str) -> None:
        """See :class:`~cocoon.gateway.gate.Gate`."""
        _decide(self._keys[caller.key_id], endpoint, model)

    def allows_model(self, caller: Caller, model: str) -> bool:
        """See :class:`~cocoon.gateway.gate.Gate`."""
        return allows_model(self._keys[caller.key_id].record.models, model)

    def _enter(self, accounts: tuple[Account, ...], tokens: int, now: float) -> None:
        entered: list[Account] = []
        try:
            for account in accounts:
                account.enter(tokens, now, self.keeper.share)
                entered.append(account)
        except BaseException:
            for account in entered:
                account.undo(tokens, now, now)
            raise

    async def _wait_for_room(self, purses: tuple[Purse, ...], most: int) -> None:
        """Until all purses can promise ``most``; nothing may be awaited before it is reserved.

        Raises:
            Refusal: 429 one of them never will, 503 the store does not answer.
        """
        while short := [purse for purse in purses if purse.lacks(most)]:
            now = time.time()
            for purse in short:
                if purse.is_refused(most, now):
                    raise _refusal(purse, most)
            await self.keeper.more(short, most)

    def _user(self, key: _Key, name: str, now: float) -> tuple[str, Account]:
        """Pseudonym and account of an end user."""
        known = key.users.get(name)
        if known is None:
            if self._users >= MAX_USERS:
                self._make_room_for_user(now)
            end_user = pseudonym(self._salt, name)
            account_name = user_account(key.record.key_id, end_user)
            account = Account(account_name, USER, self.keeper.purse, counts=False)
            account.set_limits(key.record.user_limits.over(self._settings.user_limits))
            known = key.users[name] = (end_user, account)
            self._users += 1
        return known

    def _make_room_for_user(self, now: float) -> None:
        if now >= self._full_until:
            self._forget_users(now)
            self._full_until = now + 1.0
        if self._users >= MAX_USERS:
            raise store_away()

    def _forget_users(self, now: float) -> None:
        """Drop end users who have nothing open; the keeper calls this now and then."""
        for key in self._keys.values():
            idle = [n for n, (_, user) in key.users.items() if user.is_idle(now - USER_SECONDS)]
            for name in idle:
                self.keeper.forget(key.users.pop(name)[1].purses)
            self._users -= len(idle)

    def _apply(self, record: KeyRecord) -> None:
        """A key is new or has changed."""
        limits = record.limits.over(self._settings.key_limits)
        key = self._keys.get(record.key_id)
        caller = Caller(record.key_id, ADMIN in record.scopes)
        if key is None:
            account = Account(key_account(record.key_id), KEY, self.keeper.purse, counts=True)
            key = self._keys[record.key_id] = _Key(record, caller, account)
        key.record, key.caller = record, caller
        key.decisions.clear()
        self._limit(key.account, limits)
        for _, user in key.users.values():
            self._limit(user, record.user_limits.over(self._settings.user_limits))

    def _limit(self, account: Account, limits: Limits) -> None:
        if account.limits == limits:
            return
        account.set_limits(limits)
        for purse in account.purses:  # a lease under an old cap may be too much under the new one
            if purse.return_spare():
                self.keeper.changed(purse)

    def record_of(self, caller: Caller) -> KeyRecord:
        """The key of a caller that :meth:`identify` has returned."""
        return self._keys[caller.key_id].record

    def limits_of(self, record: KeyRecord) -> tuple[Limits, Limits]:
        """What holds for a key and for each of its end users, defaults included."""
        return (
            record.limits.over(self._settings.key_limits),
            record.user_limits.over(self._settings.user_limits),
        )

    def pseudonym(self, user: str) -> str:
        """What the ledger has instead of the name of an end user."""
        return pseudonym(self._salt, user)


def pseudonym(salt: bytes, user: str) -> str:
    """What the ledger has instead of the name of an end user: 32 hex digits.

    Args:
        salt: of the store, which keeps others from trying names.
        user: as the caller named it.
    """
    digest = hmac.digest(salt, user.encode("utf-8", "surrogatepass"), "sha256")
    return digest[:END_USER_BYTES].hex()


def _check_active(record: KeyRecord) -> None:
    """Refuse a key that is out of use.

    Raises:
        Refusal: 401.
    """
    if record.disabled or record.revoked_at is not None or record.expires_at is not None:
        state = record.state(time.time())
        if state != "active":
            raise inactive_key(state)


def _decide(key: _Key, endpoint: str, model: str) -> None:
    """Whether a key may call this endpoint with this model, and remember a yes.

    Raises:
        Refusal: 403.
    """
    if not allows_endpoint(key.record.scopes, endpoint):
        raise scope_missing("this API key may not use this endpoint", "endpoint_not_allowed")
    if not allows_model(key.record.models, model):
        raise scope_missing("this API key may not use this model", "model_not_allowed", "model")
    if len(key.decisions) >= MAX_DECISIONS:
        key.decisions.clear()
    key.decisions[endpoint, model] = True


def _refusal(purse: Purse, most: int) -> Exception:
    account, word, cap = purse.name[0], WORDS[purse.budget], purse.cap or 0
    whose = USER if "/" in account else KEY
    if purse.left() >= most:
        return reserved(word, cap, whose)
    return spent(word, cap, purse.left(), resets(purse.ends_at), whose, most)
