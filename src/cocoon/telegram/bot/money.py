"""What is left, what was used, and the ledger as a file."""

from datetime import UTC, datetime

from aiogram.types import BufferedInputFile, CallbackQuery

from cocoon.accounting import Nano
from cocoon.telegram.accounts import DayUsage
from cocoon.telegram.accounts.export import ledger_csv
from cocoon.telegram.accounts.values import DAY_SECONDS, MAX_ENTRIES
from cocoon.telegram.bot.amounts import ton
from cocoon.telegram.bot.deps import BotDeps
from cocoon.telegram.bot.endings import available
from cocoon.telegram.bot.here import Here
from cocoon.telegram.bot.keyboards import MONEY, app_button, button, keyboard
from cocoon.telegram.bot.pages import answer, show

DAYS = 7
"""Days of /usage."""
BARS = 10
"""Length of the longest bar."""
MAX_EXPORTED = 100_000
"""Entries in one file."""


async def balance_page(deps: BotDeps, here: Here, query: CallbackQuery | None = None) -> None:
    """Balance, what is left of today's allowance, what is held."""
    words, account = here.words, await deps.accounts.account(here.user)
    parts = [words("balance.title", total=ton(Nano(available(account))))]
    if account.free_daily:
        free, daily = ton(account.free_left), ton(account.free_daily)
        parts.append(words("balance.free", left=free, daily=daily))
    parts.append(words("balance.paid", balance=ton(account.balance)))
    if account.held:
        parts.append(words("balance.held", held=ton(account.held)))
    facts = await deps.assistant.last_facts(here.chat)
    if facts is not None and facts.charged:
        answers = available(account) // facts.charged
        cost = ton(Nano(facts.charged), is_cost=True)
        parts.append(words("balance.last", cost=cost, answers=answers))
    rows = [
        [
            button(words("money.button_topup"), f"{MONEY}:topup"),
            button(words("money.button_usage"), f"{MONEY}:usage"),
        ]
    ]
    await show(deps, here, "\n".join(parts), keyboard(rows), pressed=query)


async def usage_page(deps: BotDeps, here: Here, query: CallbackQuery | None = None) -> None:
    """The last days, with a small bar each."""
    words = here.words
    days = (await deps.accounts.usage(here.user, DAYS))[:DAYS]
    parts = [words("usage.title", days=DAYS)]
    most = max((_spent(day) for day in days), default=0)
    for day in days:
        parts.append(
            words(
                "usage.day",
                day=_date(day),
                bar="▇" * max(1, round(BARS * _spent(day) / most)) if most else "·",
                answers=day.answers,
                cost=ton(Nano(_spent(day)), is_cost=True),
                free=ton(day.free),
            )
        )
    if days:
        total = ton(Nano(sum(_spent(day) for day in days)), is_cost=True)
        parts.append(words("usage.total", answers=sum(day.answers for day in days), cost=total))
    else:
        parts.append(words("usage.none"))
    url = deps.settings.app.url
    rows = [
        [
            button(words("money.button_balance"), f"{MONEY}:balance"),
            button(words("money.button_export"), f"{MONEY}:export"),
        ],
        [app_button(words("usage.button_app"), f"{url}/app/?screen=usage")] if url else [],
    ]
    await show(deps, here, "\n".join(parts), keyboard(rows), pressed=query)


async def export(deps: BotDeps, here: Here, query: CallbackQuery | None = None) -> None:
    """Send the ledger as CSV."""
    if query is not None:
        await answer(query)
    chunks: list[str] = []
    after = count = 0
    while count < MAX_EXPORTED:
        entries = await deps.accounts.ledger(here.user, after=after, limit=MAX_ENTRIES)
        chunks.append(ledger_csv(entries, head=not chunks))
        count += len(entries)
        if len(entries) < MAX_ENTRIES:
            break
        after = entries[-1].id
    if not count:
        await deps.delivery.send(here.where, here.words("export.empty"))
        return
    data = "".join(chunks).encode()
    await deps.bot.send_document(
        here.where.chat,
        BufferedInputFile(data, "cocoon-ledger.csv"),
        message_thread_id=here.where.topic,
        caption=here.words("export.done", count=count),
    )


def _spent(day: DayUsage) -> int:
    return int(day.free) + int(day.paid)


def _date(day: DayUsage) -> str:
    return datetime.fromtimestamp(day.day * DAY_SECONDS, UTC).strftime("%d.%m.")
