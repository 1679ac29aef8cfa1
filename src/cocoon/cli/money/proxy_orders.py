"""A proxy operator's money: commission, and closing the contract for good.

A proxy that runs does both in order (it refunds its clients and pays its workers first). When it is
gone for good, its machine key and its wallet are enough to close the contract after the delay;
what belongs to clients and workers stays theirs.
"""

import asyncio
import secrets
import time
from dataclasses import dataclass
from typing import Any

from rich.console import Console

from cocoon.chain.address import Address
from cocoon.chain.backend import ChainBackend
from cocoon.chain.cells import Cell
from cocoon.chain.contracts.attached import VALUE_CLOSING, VALUE_PROXY_PAYOUT
from cocoon.chain.contracts.fields import ContractPhase
from cocoon.chain.contracts.proxy_envelopes import sign_close_complete, sign_close_request
from cocoon.chain.contracts.proxy_messages import payout_request
from cocoon.chain.contracts.proxy_state import ProxyState
from cocoon.chain.message import OutMessage
from cocoon.chain.root_contract import read_root
from cocoon.chain.wallets.base import Wallet
from cocoon.cli import screen
from cocoon.cli.config import tables
from cocoon.cli.config.chain import backend_maker, node_wallet, root_address
from cocoon.cli.config.proxy_settings import machine_key
from cocoon.cli.money.control import Control
from cocoon.cli.money.intent import Intent, announce
from cocoon.cli.money.outcome import Outcome, step_line
from cocoon.cli.money.sending import send_one
from cocoon.cli.money.target import Target
from cocoon.errors import ConfigError, PaymentError

FEES = 20_000_000
"""nanoTON that a message to a proxy's contract uses up at most."""
WAIT_SECONDS = 30.0
LOOK_SECONDS = 0.5

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Account:
    """A proxy's contract as it is now."""

    file: tables.ProxyFile
    backend: ChainBackend
    address: Address
    state: ProxyState

    @property
    def wallet(self) -> Wallet:
        return node_wallet(self.file)


async def payout(target: Target, *, console: Console, yes: bool) -> Outcome:
    """Pay the commission to the operator; raises as :func:`close`."""
    account = await _open(target)
    try:
        amount = account.state.balance
        if not amount:
            raise PaymentError("there is no commission to be paid")
        intent = Intent(
            "Pay out the commission",
            "the proxy's contract pays its commission to the operator",
            FEES,
            "within a few blocks",
            (("commission", screen.ton(amount)), ("paid to", account.file.owner)),
        )
        announce(intent, console, yes=yes)
        if await target.is_running():
            control = Control(target.control)
            await control.post_text("request/withdraw")
            page = (await control.get("jsonstats"))["smartcontract"]
            sent = page["last_transactions"].get("commission", "")
            done = {"step": "paid out", "amount": amount, "transaction": sent, "fees": 0}
        else:
            body = payout_request(_query_id(), account.wallet.address)
            done = await _send(account, "paid out", VALUE_PROXY_PAYOUT, body, amount)
        console.print(step_line(done))
        return Outcome([f"Paid to {account.file.owner}: {screen.ton(amount)}."], [done])
    finally:
        await account.backend.close()


async def close(target: Target, *, console: Console, yes: bool) -> Outcome:
    """Close the proxy's contract, or take the next step of that.

    Raises:
        CocoonError: it cannot be done; says why.
        typer.Abort: the answer was no.
    """
    account = await _open(target)
    try:
        running = await target.is_running()
        announce(_closing(account, running=running), console, yes=yes)
        if running:
            await Control(target.control).post_text("request/retire")
            return await _watch(account)
        return await _step(account, console)
    finally:
        await account.backend.close()


def _closing(account: _Account, *, running: bool) -> Intent:
    state = account.state
    if state.phase is ContractPhase.CLOSED:
        raise PaymentError("the proxy's contract is closed already")
    first = "every client gets its refund, every worker its last payout, then "
    what = f"{first if running else ''}the contract closes and pays stake and commission"
    rows = [
        ("stake", screen.ton(state.stake)),
        ("commission", screen.ton(state.balance)),
        ("paid to", account.file.owner),
    ]
    if state.ledger is not None:
        owed = state.ledger.client_funds + state.ledger.earned
        rows.append(("stays with clients and workers", f"{screen.ton(owed)} until they take it"))
    if not running:
        rows.append(("the proxy", "does not run: this command acts with its keys"))
    delay = state.params.proxy_delay_before_close
    arrival = f"{delay} s after the first step"
    if state.phase is ContractPhase.CLOSING:
        arrival = f"from {screen.moment(state.unlock_time)} of the chain's clock"
    return Intent("Close the proxy for good", what, FEES, arrival, tuple(rows))


async def _step(account: _Account, console: Console) -> Outcome:
    state, key = account.state, machine_key(account.file)
    excesses = account.wallet.address
    if state.phase is ContractPhase.OPEN:
        signed = sign_close_request(key, _query_id(), account.address, excesses)
        done = await _send(account, "started to close", VALUE_CLOSING, signed.cell())
        console.print(step_line(done))
        after = await _read(account.backend, account.address)
        return Outcome([_later(after)], [done])
    now = (await account.backend.head()).time
    if now < state.unlock_time:
        return Outcome([_later(state)])
    signed = sign_close_complete(key, _query_id(), account.address, excesses)
    amount = state.stake + state.balance
    done = await _send(account, "closed", VALUE_CLOSING, signed.cell(), amount)
    console.print(step_line(done))
    return Outcome([f"Closed: {screen.ton(amount)} paid to {account.file.owner}."], [done])


async def _watch(account: _Account) -> Outcome:
    """Tell what the proxy that runs does, as far as it goes within a short time."""
    limit = time.monotonic() + WAIT_SECONDS
    while True:
        state = await _read(account.backend, account.address)
        if state.phase is not ContractPhase.OPEN:
            return Outcome([_later(state)])
        if time.monotonic() > limit:
            return Outcome(["The proxy winds its contract down; nothing more is to be done."])
        await asyncio.sleep(LOOK_SECONDS)


def _later(state: ProxyState) -> str:
    if state.phase is ContractPhase.CLOSED:
        return "Closed: stake and commission are paid."
    when = screen.moment(state.unlock_time)
    return (
        f"Closing. Stake and commission can be taken from {when} of the chain's clock: the proxy "
        "does it by itself while it runs, else call this again then."
    )


async def _open(target: Target) -> _Account:
    file = target.file
    if not isinstance(file, tables.ProxyFile):
        raise ConfigError(f"{target.name} is no proxy")
    await target.require_chain()
    backend = backend_maker(file.chain, testnet=file.is_testnet)()
    try:
        await backend.start()
        root = await read_root(backend, root_address(file))
        owner, key = Address.parse(file.owner), machine_key(file).public_key
        address = root.proxy_address(owner, key)
        return _Account(file, backend, address, await _read(backend, address))
    except BaseException:
        await backend.close()
        raise


async def _read(backend: ChainBackend, address: Address) -> ProxyState:
    data = (await backend.account(address)).data
    if data is None:
        raise PaymentError(f"there is no proxy contract at {address} under today's parameters")
    return ProxyState.from_data(data)


async def _send(account: _Account, step: str, value: int, body: Cell, amount: int = 0) -> Json:
    message = OutMessage(account.address, value, body)
    return await send_one(account.backend, account.wallet, step, message, amount)


def _query_id() -> int:
    return secrets.randbits(64)
