"""What an operator does with accounts, beside a running service or without one."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from rich.table import Table

from cocoon.accounting import Nano
from cocoon.cli import screen
from cocoon.cli.config.reader import Context
from cocoon.cli.config.telegram_tables import load_telegram
from cocoon.cli.config.values import ton
from cocoon.errors import ConfigError
from cocoon.telegram.accounts import AccountPolicy, Accounts, Entry, Kind, UserRow
from cocoon.telegram.accounts.export import ledger_csv, ledger_lines

T = TypeVar("T")
PAGE = 500


def show_users(config: Path) -> None:
    """Print a table of users.

    Raises:
        ConfigError, StoreError: the file or the store cannot be used.
    """

    async def read(accounts: Accounts) -> Table:
        table = Table("user", "balance", "answers", "free", "paid", "last seen", "", title="users")
        after = 0
        while page := await accounts.users(after=after, limit=PAGE):
            for row in page:
                table.add_row(*_row(row))
            after = page[-1].user
        return table

    screen.stdout().print(_with_accounts(config, read))


def write_ledger(config: Path, user: int, *, as_json: bool) -> None:
    """Print a person's ledger; raises as :func:`show_users`."""

    async def read(accounts: Accounts) -> str:
        found: list[Entry] = []
        after = 0
        while page := await accounts.ledger(user, after=after, limit=PAGE):
            found += page
            after = page[-1].id
        return ledger_lines(found) if as_json else ledger_csv(found)

    sys.stdout.write(_with_accounts(config, read))


def give(config: Path, user: int, amount: str, reference: str) -> None:
    """Add to a balance; raises as :func:`show_users`."""
    nano = Nano(ton(amount, Context(Path(), "TON")))
    if not nano:
        raise ConfigError("the amount must be more than 0")

    async def add(accounts: Accounts) -> str:
        await accounts.account(user)
        done = await accounts.credit(user, Kind.GIFT, reference, nano)
        said = f"added {nano.ton()}" if done else "this gift was given before; nothing was changed"
        return f"{user}: {said}; the balance is {(await accounts.account(user)).balance.ton()}"

    said = _with_accounts(config, add)
    screen.stdout().print(said, markup=False)


def set_blocked(config: Path, user: int, *, blocked: bool) -> None:
    """Turn a person away or let them in; raises as :func:`show_users`."""
    _with_accounts(config, lambda accounts: accounts.block(user, blocked))
    said = "turned away: nothing is answered any more" if blocked else "let in again"
    screen.stdout().print(f"{user}: {said}", markup=False)


def _row(row: UserRow) -> tuple[str, ...]:
    return (
        str(row.user),
        row.balance.ton(),
        str(row.answers),
        row.free.ton(),
        row.paid.ton(),
        screen.moment(row.last_seen),
        "blocked" if row.blocked else "",
    )


def _with_accounts(config: Path, work: Callable[[Accounts], Awaitable[T]]) -> T:
    file = load_telegram(config)

    async def run() -> T:
        accounts = Accounts(file.store, AccountPolicy(free_daily=Nano(file.money.free_daily)))
        await accounts.start(serve=False)
        try:
            return await work(accounts)
        finally:
            await accounts.close()

    return asyncio.run(run())
