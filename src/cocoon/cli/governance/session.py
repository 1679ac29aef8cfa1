"""The root of a network, who decides about it, and the wallet that somebody decides with."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from rich.console import Console

from cocoon.chain import opcodes
from cocoon.chain.address import Address
from cocoon.chain.backend import ChainBackend
from cocoon.chain.cells import Cell
from cocoon.chain.contracts import governor
from cocoon.chain.contracts.code import load_code
from cocoon.chain.contracts.governor_rules import Rules, check_delay
from cocoon.chain.contracts.governor_state import GovernorState, Proposal
from cocoon.chain.contracts.root import change_owner
from cocoon.chain.contracts.root_operations import Operation, describe_action
from cocoon.chain.contracts.state_init import state_init
from cocoon.chain.governance import read_governor
from cocoon.chain.message import OutMessage
from cocoon.chain.root_config import RootConfig
from cocoon.chain.root_contract import read_root
from cocoon.chain.wallets.base import Wallet
from cocoon.cli.governance.actions import Wish
from cocoon.cli.governance.consequences import consequences
from cocoon.cli.governance.report import details_text, when
from cocoon.cli.money.intent import Intent, announce
from cocoon.cli.money.outcome import Outcome, step_line
from cocoon.cli.money.sending import send_one
from cocoon.devnet.options import NANO
from cocoon.errors import ConfigError, PaymentError

VALUE = NANO // 5
"""Attached to a vote or an operation; what is not used comes back."""
DEPLOY_GOVERNOR = NANO // 2
FEES = 30_000_000
"""nanoTON that a vote or an operation uses up at most, beside the rent of a proposal."""


@dataclass(frozen=True, slots=True)
class Network:
    """A root and its owner, as read now.

    Attributes:
        backend: the chain.
        root: its root contract's content.
        governor: the owner's state; None where the owner is a plain wallet.
    """

    backend: ChainBackend
    root: RootConfig
    governor: GovernorState | None

    @property
    def owner(self) -> Address:
        """Who owns the root."""
        if self.root.owner is None:
            raise ConfigError("the root's owner is not in workchain 0: nobody here can be it")
        return self.root.owner

    def ruled(self) -> GovernorState:
        """The governor's state.

        Raises:
            ConfigError: there is none.
        """
        if self.governor is None:
            raise ConfigError("this root has one owner and no delay: there is no queue")
        return self.governor

    def proposal(self, number: int) -> Proposal:
        """A proposal in the queue.

        Raises:
            PaymentError: there is none.
        """
        found = self.ruled().proposals.get(number)
        if found is None:
            raise PaymentError(f"there is no proposal {number} in the queue")
        return found


@asynccontextmanager
async def opened(backend: ChainBackend, root: Address) -> AsyncIterator[Network]:
    """Read a root and its governor.

    Raises:
        ChainError: the chain cannot be reached, or there is no root contract.
    """
    try:
        await backend.start()
        config = await read_root(backend, root)
        state = None
        if config.owner is not None:
            state = await read_governor(backend, config.owner)
        yield Network(backend, config, state)
    finally:
        await backend.close()


async def propose(
    network: Network, wallet: Wallet, wish: Wish, *, console: Console, yes: bool
) -> Outcome:
    """Put an operation into the governor's queue, or do it where there is one owner.

    Raises:
        CocoonError: it cannot be done; says why.
        typer.Abort: the answer was no.
    """
    what = describe_action(wish.action)
    rows = [("operation", what.name), ("details", details_text(what.details, network))]
    rows += consequences(what, network.root.params)
    if network.governor is None:
        if wish.own:
            raise ConfigError(f"{wish.name} is an affair of governors, and this root has none")
        if network.owner != wallet.address:
            raise ConfigError(f"this key is of {wallet.address}, but the root's owner is another")
        text = "the one owner changes the root at once; nobody else is asked, nothing waits"
        announce(Intent("Change the root", text, FEES, "at once", tuple(rows)), console, yes=yes)
        return await _send(network, wallet, network.root.address, "changed", wish.cell, console)
    _check_owner(network, wallet)
    _check_rules(network, what)
    rows.append(("hash", wish.action.hash.hex()))
    text = "a proposal is put into the public queue, which is your approval of it"
    arrival = _delay(network.governor.rules)
    intent = Intent("Propose a change of the root", text, FEES, arrival, tuple(rows))
    announce(intent, console, yes=yes)
    body = governor.propose(_query_id(), wish.action)
    value = governor.VALUE_PROPOSE
    outcome = await _send(network, wallet, network.owner, "proposed", body, console, value)
    after = await read_governor(network.backend, network.owner)
    if after is None:
        return outcome
    if mine := [item.id for item in after.proposals.values() if item.hash == wish.action.hash]:
        number = max(mine)
        outcome.lines.append(
            f"It is proposal {number}: {_progress(after, after.proposals[number])}."
        )
        outcome.document["proposal"] = number
    return outcome


async def approve(
    network: Network, wallet: Wallet, number: int, *, console: Console, yes: bool
) -> Outcome:
    """Approve a proposal; raises as :func:`propose`."""
    state, proposal = network.ruled(), network.proposal(number)
    _check_owner(network, wallet)
    what = describe_action(proposal.action)
    _check_rules(network, what)
    _check_version(network, what)
    rows = _proposal_rows(network, proposal)
    text = "your approval is counted; it can be taken back until the execution"
    intent = Intent(f"Approve proposal {number}", text, FEES, _delay(state.rules), rows)
    announce(intent, console, yes=yes)
    body = governor.approve(_query_id(), number, proposal.hash, state.rules.version)
    outcome = await _send(network, wallet, network.owner, "approved", body, console)
    after = await read_governor(network.backend, network.owner)
    if after is not None and (left := after.proposals.get(number)) is not None:
        outcome.lines.append(f"Proposal {number}: {_progress(after, left)}.")
    return outcome


async def execute(
    network: Network, wallet: Wallet, number: int, *, console: Console, yes: bool
) -> Outcome:
    """Carry out a proposal that is ready; anybody may. Raises as :func:`propose`."""
    state, proposal = network.ruled(), network.proposal(number)
    now = (await network.backend.head()).time
    if not state.is_executable(proposal, now) and now < proposal.expires_at:
        raise PaymentError(f"not yet: {_progress(state, proposal)}")
    text = "the governor does what was decided; what the root answers is recorded"
    intent = Intent(
        f"Execute proposal {number}", text, FEES, "at once", _proposal_rows(network, proposal)
    )
    announce(intent, console, yes=yes)
    body = governor.execute(_query_id(), number)
    value = max(VALUE, governor.execution_value(proposal.action))
    return await _send(network, wallet, network.owner, "executed", body, console, value)


async def govern(
    network: Network, wallet: Wallet, rules: Rules, *, console: Console, yes: bool
) -> Outcome:
    """Put a root with one owner under a governor. Raises as :func:`propose`."""
    if network.owner != wallet.address:
        raise ConfigError("only the root's one owner can hand it over; a governor changes itself")
    check_delay(rules.delay, is_test=network.root.params.is_test)
    data = governor.governor_data(network.root.address, rules)
    init = state_init(load_code("governor"), data)
    address = Address(init.hash)
    shown = address.friendly(testnet=network.backend.is_testnet)
    rows = [
        ("governor", shown),
        *(
            (f"owner {number}", owner.friendly(testnet=network.backend.is_testnet))
            for number, owner in enumerate(rules.owners, 1)
        ),
        ("approvals", f"{rules.threshold}; {rules.revoke_threshold} to take trust away"),
        ("delay", f"{rules.delay} s"),
    ]
    text = "a governor is deployed and gets the root; this key alone decides no more"
    intent = Intent("Put the root under a governor", text, 2 * FEES, "at once", tuple(rows))
    announce(intent, console, yes=yes)
    message = OutMessage(address, DEPLOY_GOVERNOR, bounce=False, init=init)
    deployed = await send_one(network.backend, wallet, "governor deployed", message)
    console.print(step_line(deployed))
    body = change_owner(_query_id(), address)
    outcome = await _send(network, wallet, network.root.address, "root handed over", body, console)
    outcome.done.insert(0, deployed)
    outcome.lines.append(f"The root is owned by governor {shown}.")
    return outcome


async def _send(
    network: Network,
    wallet: Wallet,
    dest: Address,
    step: str,
    body: Cell,
    console: Console,
    value: int = VALUE,
) -> Outcome:
    message = OutMessage(dest, value, body)
    done = await send_one(network.backend, wallet, step, message)
    console.print(step_line(done))
    version = (await read_root(network.backend, network.root.address)).version
    return Outcome([f"The root has version {version}."], [done], {"version": version})


def _check_owner(network: Network, wallet: Wallet) -> None:
    if wallet.address not in network.ruled().rules.owners:
        raise ConfigError(f"{wallet.address} is none of the governor's owners")


def _check_rules(network: Network, what: Operation) -> None:
    delay = what.details.get("delay")
    if what.code == opcodes.GOVERNOR_SET_RULES and isinstance(delay, int):
        check_delay(delay, is_test=network.root.params.is_test)


def _check_version(network: Network, what: Operation) -> None:
    """An upgrade made for a later version would pass after other changes, and undo them."""
    version = network.root.version + 1
    if what.code == opcodes.ROOT_UPGRADE_FULL and what.details.get("version") != version:
        raise ConfigError(f"not made from the root as it is: the data must have version {version}")


def _proposal_rows(network: Network, proposal: Proposal) -> tuple[tuple[str, str], ...]:
    what = describe_action(proposal.action)
    return (
        ("operation", what.name),
        ("details", details_text(what.details, network)),
        *consequences(what, network.root.params),
        ("hash", proposal.hash.hex()),
        ("stands at", _progress(network.ruled(), proposal)),
    )


def _progress(state: GovernorState, proposal: Proposal) -> str:
    have, need = len(state.approvals(proposal)), state.needed(proposal)
    text = f"{have} of {need} approvals"
    if have >= need:
        text += f", can be executed from {when(proposal.ready_at)} of the chain's clock"
    return text


def _delay(rules: Rules) -> str:
    return (
        f"{rules.delay} s after {rules.threshold} approvals; what only takes trust away at once "
        f"after {rules.revoke_threshold}"
    )


def _query_id() -> int:
    return secrets.randbits(64)
