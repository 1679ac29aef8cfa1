"""Users' money and what else is kept of them: balances, allowance, holds, ledger, top-ups.

Everything that a promise stands on is on disk before the promise is made: a hold before anything is
sent to the network, a credit before the user is told. Each movement of money has a unique (kind,
reference) in the ledger, so that doing it again changes nothing.
"""

from cocoon.telegram.accounts.accounts import Accounts
from cocoon.telegram.accounts.store import Store
from cocoon.telegram.accounts.values import (
    Account,
    AccountPolicy,
    AnswerRow,
    Charged,
    Cursor,
    DayUsage,
    Entry,
    Hold,
    Kind,
    Overview,
    Topup,
    Transfer,
    UserRow,
)

__all__ = [
    "Account",
    "AccountPolicy",
    "Accounts",
    "AnswerRow",
    "Charged",
    "Cursor",
    "DayUsage",
    "Entry",
    "Hold",
    "Kind",
    "Overview",
    "Store",
    "Topup",
    "Transfer",
    "UserRow",
]
