"""What accounts are made of; money is :class:`cocoon.accounting.Nano`, times are Unix seconds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from cocoon.accounting import NO_NANO, Nano

DAY_SECONDS = 86_400
MAX_REFERENCE = 160
"""Characters of a reference."""
MAX_DETAIL_BYTES = 4096
"""Of the JSON beside an entry of the ledger."""
MAX_ENTRIES = 1000
"""Entries that one call returns."""

Method = Literal["ton", "stars"]
TopupState = Literal["open", "paid", "refunding", "refunded"]


class Kind(StrEnum):
    """Why money moved; with the reference it is unique in the ledger."""

    CHARGE = "charge"
    """An answer; the reference is the answer's."""
    TON = "ton"
    """A transfer on chain; the reference is its transaction's hash."""
    STARS = "stars"
    """A payment with Telegram Stars; the reference is Telegram's id of the charge."""
    REFUND = "refund"
    """A payment with Stars that was given back."""
    REFUND_FAILED = "refund_failed"
    """Telegram did not give it back after all."""
    GIFT = "gift"
    """From the operator."""
    CORRECTION = "correction"
    """By the operator, either way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountPolicy:
    """What an operator decides about accounts.

    Attributes:
        free_daily: what a user may use on a UTC day without paying; it does not add up.
        max_topups_an_hour: top-ups that one user may begin in an hour.
    """

    free_daily: Nano = NO_NANO
    max_topups_an_hour: int = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A user's money.

    Attributes:
        user: Telegram's id.
        balance: paid in and neither spent nor held.
        free_left: of today's allowance.
        free_daily: the allowance of a UTC day.
        held: of balance and allowance, for answers that are being made.
        blocked: whether the operator turned the user away.
        language: as Telegram last told, such as ``en``; empty if it did not.
        created: first seen.
    """

    user: int
    balance: Nano
    free_left: Nano
    free_daily: Nano
    held: Nano
    blocked: bool
    language: str
    created: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Money put aside for one answer: ``free`` of the allowance, ``paid`` of the balance."""

    reference: str
    user: int
    free: Nano
    paid: Nano

    @property
    def total(self) -> Nano:
        """The most that the answer can be charged."""
        return self.free + self.paid


@dataclass(frozen=True, slots=True, kw_only=True)
class Charged:
    """What one answer was charged: ``free`` by the allowance, ``paid`` by the balance."""

    free: Nano
    paid: Nano

    @property
    def total(self) -> Nano:
        """Both together."""
        return self.free + self.paid


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the ledger.

    Attributes:
        id: grows with time.
        user: whose.
        at: when.
        kind: why; one of :class:`Kind`.
        reference: of what; unique among those of its kind.
        amount: nanoTON by which it changed the balance; negative for charges.
        free: nanoTON that the allowance paid beside it.
        detail: more about it; never content.
    """

    id: int
    user: int
    at: int
    kind: str
    reference: str
    amount: int
    free: Nano
    detail: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class DayUsage:
    """What happened to one account on one UTC day.

    Attributes:
        day: days since 1970-01-01.
        answers: that were charged.
        free: nanoTON of allowance that they took.
        paid: nanoTON of balance that they took.
        topped_up: nanoTON that came in, refunds taken off; never below zero.
    """

    day: int
    answers: int
    free: Nano
    paid: Nano
    topped_up: Nano


@dataclass(frozen=True, slots=True, kw_only=True)
class Topup:
    """Money that a user wants to pay in, or did.

    Attributes:
        id: 20 characters of ``a-z2-7``; the text of a transfer is ``cocoon:<id>``.
        user: who gets it.
        method: ``ton`` or ``stars``.
        created: when it was begun.
        nano: what was asked for; with Stars, what the Stars are worth here.
        stars: how many Stars; 0 for TON.
        state: ``open`` until money came; ``refunding`` while Telegram is asked to give it back.
        received: nanoTON credited so far; transfers on chain bring what they bring, and may repeat.
        paid_at: when money came last; None before.
        charge_id: Telegram's id of a payment with Stars; a secret between payer and us.
    """

    id: str
    user: int
    method: Method
    created: int
    nano: Nano
    stars: int
    state: TopupState
    received: Nano
    paid_at: int | None
    charge_id: str | None = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """Money that came in on chain with the text of a top-up.

    Attributes:
        topup: id that its text names.
        hash: of its transaction, 64 hex digits.
        amount: nanoTON that arrived.
    """

    topup: str
    hash: str
    amount: Nano


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """How far an account on chain was read: logical time and hash of its last known transaction."""

    lt: int
    hash: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerRow:
    """Who computed an answer, as JSON of :class:`cocoon.telegram.assistant.values.Facts`."""

    reference: str
    user: int
    chat: str
    at: int
    facts: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """What operators see of all users together.

    Attributes:
        users, blocked, active_today: numbers of users.
        balances: of all users, nanoTON.
        held: nanoTON in holds; ``holds`` is how many there are.
        days: one for each UTC day asked for, the newest first, of all users together.
        topups: numbers of top-ups by ``method/state``.
        failures: (UTC day, code, how often), the newest first.
    """

    users: int
    blocked: int
    active_today: int
    balances: int
    holds: int
    held: int
    days: tuple[DayUsage, ...]
    topups: Mapping[str, int]
    failures: tuple[tuple[int, str, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UserRow:
    """One user as operators see them."""

    user: int
    created: int
    last_seen: int
    balance: Nano
    blocked: bool
    answers: int
    free: Nano
    paid: Nano
