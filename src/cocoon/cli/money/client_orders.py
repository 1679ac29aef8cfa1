"""``cocoon deposit``, ``withdraw`` and ``close`` of a client: say, ask, do, wait, tell."""

import asyncio
import time
from dataclasses import dataclass
from typing import Any

from rich.console import Console

from cocoon.cli import screen
from cocoon.cli.money.choice import choose, is_over
from cocoon.cli.money.client_agent import ClientAgent, client_agent
from cocoon.cli.money.close_report import add_statement
from cocoon.cli.money.intent import Intent, announce
from cocoon.cli.money.outcome import Outcome, step_line
from cocoon.cli.money.target import Target
from cocoon.client.chain.plan import Operation
from cocoon.errors import PaymentError

Json = dict[str, Any]
SETTLE_SECONDS = {"embedded": 15.0}
USUAL_SETTLE_SECONDS = 90.0
"""How long a command waits for what a few blocks bring."""
LOOK_SECONDS = 0.5
SHORT_WAIT = 30
"""Seconds; a longer wait for the contract's delay is left to the next call."""
_TITLES = {
    "topup": "Deposit",
    "reopen": "Open again and deposit",
    "withdraw": "Withdraw what is above the stake",
    "close": "Close, and take everything back",
}


async def order(
    target: Target,
    name: str,
    *,
    proxy: str | None,
    console: Console,
    yes: bool,
    amount: int = 0,
    force: bool = False,
) -> Outcome:
    """Carry out an order at one of a client's contracts.

    Args:
        target: the client.
        name: ``topup``, ``withdraw`` or ``close``.
        proxy: address of the proxy's contract; None if there is only one.
        console: where intent and progress are told.
        yes: do not ask.
        amount: nanoTON of a deposit.
        force: close without publishing the newest charge and without waiting for the proxy.

    Raises:
        CocoonError: it cannot be done; says why.
        typer.Abort: the answer was no.
    """
    await target.require_chain()
    async with client_agent(target) as agent:
        one = choose(await agent.contracts(), proxy, finished=name != "withdraw")
        if name == "topup" and is_over(one):
            name = "reopen"
        if name == "topup" and one["closing"]:
            raise PaymentError(
                "the contract is closing: wait until its money is back, which `cocoon close` "
                "tells, then deposit again"
            )
        where = one["proxy_sc_address"]
        outlook = await agent.outlook(name, where, amount)
        if not outlook["fees"]:
            return Outcome([_sentence(outlook["steps"][0])], [], {"contract": one, "next": None})
        if force:  # that step is left out then
            outlook["steps"] = [step for step in outlook["steps"] if step != Operation.CHARGE.value]
        announce(_intent(name, one, outlook, amount, running=agent.running), console, yes=yes)
        done = await agent.order(name, where, amount=amount, force=force)
        receipts: list[Json] = [*done["done"]]
        for receipt in receipts:
            console.print(step_line(receipt))
        seconds = SETTLE_SECONDS.get(target.file.chain.kind, USUAL_SETTLE_SECONDS)
        progress = _Progress(agent, name, where, force, seconds, receipts, console)
        one, done = await progress.settle(done)
        return Outcome(_said(name, one, done, agent), receipts, {"contract": one, "next": done})


async def close(
    target: Target, *, proxy: str | None, console: Console, yes: bool, force: bool
) -> Outcome:
    """Close a contract, and account for every coin that went in; raises as :func:`order`."""
    outcome = await order(target, "close", proxy=proxy, console=console, yes=yes, force=force)
    await add_statement(outcome, target, outcome.document["contract"])
    return outcome


_AWAY = (
    "this proxy is not connected now; should it stay away, the money comes back only by closing, "
    "after the network's delay"
)


def _intent(name: str, one: Json, outlook: Json, amount: int, *, running: bool) -> Intent:
    rows = [
        ("proxy", one["proxy_sc_address"]),
        ("prepaid there now", screen.ton(one["balance"])),
    ]
    if amount:
        rows.append(("deposit", screen.ton(amount)))
    if outlook["attached"]:
        rows.append(("wallet needs", f"{screen.ton(outlook['attached'])}; what is left comes back"))
    if outlook["returns_now"]:
        rows.append(("comes back at once", screen.ton(outlook["returns_now"])))
    if outlook["returns_later"]:
        rows.append(("comes back later", screen.ton(outlook["returns_later"])))
    if amount and running and not one.get("is_ready"):
        rows.append(("careful", _AWAY))
    if outlook["warning"]:
        rows.append(("careful", outlook["warning"]))
    if not running:
        rows.append(("the client", "does not run: this command acts with its key"))
    return Intent(
        title=_TITLES[name],
        what=", then ".join(outlook["steps"]),
        fee=outlook["fees"],
        arrival=_arrival(outlook),
        rows=tuple(rows),
    )


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _arrival(outlook: Json) -> str:
    latest = outlook["latest"]
    if latest is None:
        return "within a few blocks"
    return (
        f"as soon as the proxy refunds; without it by {screen.moment(latest)} of the chain's clock"
    )


@dataclass(frozen=True, slots=True)
class _Progress:
    """Waits until the chain shows what was ordered, or until only time helps."""

    agent: ClientAgent
    name: str
    proxy: str
    force: bool
    seconds: float
    receipts: list[Json]
    console: Console

    async def settle(self, done: Json) -> tuple[Json, Json]:
        if done["blocked"]:
            raise PaymentError(done["next"])
        limit = time.monotonic() + self.seconds
        while True:
            one = choose(await self.agent.contracts(), self.proxy, finished=True)
            if self._is_done(one) or time.monotonic() > limit:
                return one, done
            if self.name == "close" and not self.agent.running:
                if _is_long(done):
                    return one, done
                done = await self._go_on()
            await asyncio.sleep(LOOK_SECONDS)

    async def _go_on(self) -> Json:
        """Nobody else does the next step."""
        done = await self.agent.order("close", self.proxy, force=self.force)
        for receipt in done["done"]:
            self.receipts.append(receipt)
            self.console.print(step_line(receipt))
        return done

    def _is_done(self, one: Json) -> bool:
        if self.name == "withdraw":
            return bool(one["balance"] <= one["stake"])
        if self.name != "close":
            return not one["in_flight"]
        return bool(one["finished"]) or one["state"] in ("closed", "none")


def _is_long(done: Json) -> bool:
    return done["until"] is not None and done["until"] - done["now"] > SHORT_WAIT


def _said(name: str, one: Json, done: Json, agent: ClientAgent) -> list[str]:
    """What is so now, and what has to be done still."""
    lines = [f"Prepaid at the proxy now: {screen.ton(one['balance'])}."]
    if one["in_flight"]:
        lines.append(f"On its way: {screen.ton(one['in_flight'])}.")
    if name != "close":
        return lines
    if one["finished"] or one["state"] == "closed":
        return ["Closed: everything has come back."]
    how = "the client does it by itself" if agent.running else "call `cocoon close` again then"
    until = done["until"] or one["unlock_time"]
    if until:
        when = screen.moment(until)
        lines.append(f"The rest can be taken at {when} of the chain's clock: {how}.")
    else:
        lines.append(f"Next: {done['next'] or one['next']}: {how}.")
    return lines
