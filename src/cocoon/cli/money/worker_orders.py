"""``cocoon payout`` of a worker: by the worker that runs, or with its key when it does not."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from rich.console import Console

from cocoon.accounting import PaymentClaim
from cocoon.chain.address import Address
from cocoon.chain.contracts.payment import WORKER_PAYOUT
from cocoon.chain.root_contract import read_root
from cocoon.cli import screen
from cocoon.cli.config import tables
from cocoon.cli.config.chain import chain_settings
from cocoon.cli.config.common import same_fields
from cocoon.cli.money.choice import parse_proxy
from cocoon.cli.money.control import Control
from cocoon.cli.money.intent import Intent, announce
from cocoon.cli.money.outcome import Outcome, step_line
from cocoon.cli.money.target import Target
from cocoon.errors import ConfigError, PaymentError
from cocoon.net.chain_access import ChainAccess
from cocoon.net.payment_book import PaymentBook
from cocoon.worker.chain.limits import PayoutRules
from cocoon.worker.chain.money import WorkerMoney
from cocoon.worker.chain.plan import PAYOUT_FEES

Json = dict[str, Any]


async def payout(target: Target, *, proxy: str | None, console: Console, yes: bool) -> Outcome:
    """Have earnings paid out.

    Args:
        target: the worker.
        proxy: address of the proxy's contract; None for all of them.
        console: where intent and progress are told.
        yes: do not ask.

    Raises:
        CocoonError: it cannot be done; says why.
        typer.Abort: the answer was no.
    """
    where = None if proxy is None else parse_proxy(proxy)
    await target.require_chain()
    if await target.is_running():
        control = Control(target.control)
        accounts = (await control.get("jsonstats"))["proxies"]
        announce(_intent(target, accounts, where, running=True), console, yes=yes)
        path = "request/payout" + (
            "" if where is None else f"?proxy={where.friendly(testnet=target.file.is_testnet)}"
        )
        paid = (await control.post(path))["paid"]
        done = [_receipt(one["nanoton"], one["transaction"], one["fees_nanoton"]) for one in paid]
    else:
        async with _stopped(target) as money:
            await money.look()
            announce(_intent(target, _accounts(money), where, running=False), console, yes=yes)
            done = [
                _receipt(one.amount, one.transaction, one.fees) for one in await money.payout(where)
            ]
    for receipt in done:
        console.print(step_line(receipt))
    total = sum(receipt["amount"] for receipt in done)
    return Outcome([f"Paid to {target.file.owner}: {screen.ton(total)}."], done)


_DEPLOYS = (
    "also deploys the worker's contract there, which keeps 0.11 TON of the wallet's money until "
    "its last payout"
)


def _intent(
    target: Target, accounts: list[Json], where: Address | None, *, running: bool
) -> Intent:
    chosen = [
        one for one in accounts if where is None or Address.parse(one["proxy_sc_address"]) == where
    ]
    due = sum(one.get("due_nanoton", 0) for one in chosen)
    payable = sum(_payable(one) for one in chosen)
    if not due:
        raise PaymentError("nothing is due: every signed payment was paid out")
    rows = [
        ("signed and not paid", screen.ton(due)),
        ("can be paid now", screen.ton(payable)),
        ("paid to", str(target.file.owner)),
    ]
    if payable < due:
        rows.append(("the rest", "stays yours until the proxy has charged its clients for it"))
    if any(one.get("due_nanoton") and not one.get("deployed", True) for one in chosen):
        rows.append(("first payout", _DEPLOYS))
    if not running:
        rows.append(("the worker", "does not run: this command acts with its key"))
    return Intent(
        "Pay out what the worker has earned",
        "publish the newest signed payment at each proxy's contract",
        PAYOUT_FEES * max(len([one for one in chosen if one.get("due_nanoton")]), 1),
        "within a few blocks",
        tuple(rows),
    )


def _payable(one: Json) -> int:
    due = one.get("due_tokens", 0)
    return one.get("due_nanoton", 0) * one.get("payable_tokens", 0) // due if due else 0


def _accounts(money: WorkerMoney) -> list[Json]:
    return [
        {
            "proxy_sc_address": one.proxy.raw(),
            "due_tokens": one.facts.due_tokens,
            "due_nanoton": one.facts.due,
            "payable_tokens": one.facts.payable_tokens,
            "deployed": one.facts.worker is not None,
        }
        for one in money.all
        if one.facts is not None
    ]


def _receipt(amount: int, transaction: str, fees: int) -> Json:
    return {"step": "paid out", "amount": amount, "transaction": transaction, "fees": fees}


@asynccontextmanager
async def _stopped(target: Target) -> AsyncIterator[WorkerMoney]:
    file = target.file
    if not isinstance(file, tables.WorkerFile):
        raise ConfigError(f"{target.name} is no worker")
    chain = chain_settings(file, None if file.state is None else file.state.parent)
    if chain is None or chain.root is None:
        raise ConfigError(f"{target.name}: TON is simulated there, so there is no money to move")
    book = PaymentBook(WORKER_PAYOUT, file.state)

    def claim(contract: Address, proxy: Address, key: bytes) -> PaymentClaim:
        return book.open(proxy=proxy, contract=contract, public_key=key).known

    backend = chain.backend()
    try:
        await backend.start()
        access = ChainAccess(chain, await read_root(backend, chain.root), backend=backend)
        rules = PayoutRules(**same_fields(file.payouts))
        await access.start()
        try:
            money = WorkerMoney(access, Address.parse(file.owner), rules, claim)
            try:
                yield money
            finally:
                await money.close()
        finally:
            await access.close()
    finally:
        await backend.close()
