"""One admitted request: what it holds, and its end."""

import time
from collections.abc import Sequence
from typing import Protocol

from cocoon.accounting import Nano
from cocoon.client.api import Outcome
from cocoon.gateway.gate import Demand
from cocoon.gateway.keys.account import Account
from cocoon.gateway.keys.ledger import MAX_ENDPOINT, MAX_MODEL, MAX_REQUEST_ID, UsageRow
from cocoon.gateway.keys.purse import Purse
from cocoon.gateway.refusal import Header


class Books(Protocol):
    """Where an ended request is written."""

    def changed(self, purse: Purse) -> None:
        """A purse has something for the next batch."""
        ...

    def note(self, row: UsageRow) -> None:
        """A row for the ledger."""
        ...


class KeyPermit:
    """See :class:`cocoon.gateway.gate.Permit`; what comes after the first end is ignored."""

    __slots__ = (
        "_accounts",
        "_amount",
        "_at",
        "_books",
        "_demand",
        "_end_user",
        "_key_id",
        "_open",
        "_purses",
        "_tokens",
        "headers",
    )

    def __init__(
        self,
        books: Books,
        key_id: str,
        end_user: str,
        accounts: tuple[Account, ...],
        purses: tuple[Purse, ...],
        demand: Demand,
        amount: int,
        tokens: int,
        at: float,
        headers: Sequence[Header] = (),
    ) -> None:
        self.headers = headers
        self._books = books
        self._key_id = key_id
        self._end_user = end_user
        self._accounts = accounts
        self._purses = purses
        self._demand = demand
        self._amount = amount
        self._tokens = tokens
        self._at = at
        self._open = True

    def extend(self, most: Nano) -> bool:
        """Reserve ``most`` in all, if that can be promised at once."""
        more = int(most) - self._amount
        if not self._open or any(purse.lacks(more) for purse in self._purses):
            return False
        for purse in self._purses:
            purse.reserved += more
        self._amount = int(most)
        return True

    def settle(self, outcome: Outcome, status: int) -> None:
        """Book what the request cost, give the rest back, write it down."""
        if not self._open:
            return
        now = time.time()
        cost = int(outcome.cost)
        used = outcome.prompt_tokens + outcome.completion_tokens
        self._end(cost)
        for account in self._accounts:
            account.leave(max(0, self._tokens - used), self._at, now)
        demand = self._demand
        self._books.note(
            UsageRow(
                int(self._at * 1000),
                demand.request_id[:MAX_REQUEST_ID],
                self._key_id,
                self._end_user,
                demand.endpoint[:MAX_ENDPOINT],
                _plain(demand.model),
                status,
                outcome.prompt_tokens,
                outcome.completion_tokens,
                cost,
                outcome.told,
                max(0, int((now - self._at) * 1000)),
            )
        )

    def _end(self, cost: int) -> None:
        self._open = False
        amount = self._amount
        for purse in self._purses:
            purse.reserved -= amount
            if cost:
                purse.unflushed += cost
                if not purse.dirty:
                    self._books.changed(purse)


def _plain(model: str) -> str:
    """A caller's text as every database takes it."""
    if model.isascii() and model.isprintable():
        return model[:MAX_MODEL]
    return "".join(c if c.isprintable() else "?" for c in model[:MAX_MODEL])
