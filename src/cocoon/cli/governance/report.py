"""Tables about a root: what it says, who decides, what waits and what was decided."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rich.table import Table

from cocoon.chain.address import Address
from cocoon.chain.backend import AccountState
from cocoon.chain.contracts.governor_state import GovernorState, Proposal
from cocoon.chain.contracts.root_operations import Detail, describe_action
from cocoon.chain.rent import YEAR, rent_lasts, yearly_rent
from cocoon.chain.root_history import Change
from cocoon.cli import screen

if TYPE_CHECKING:
    from cocoon.cli.governance.session import Network

SHORT_HASH = 16
_TECHNICAL = frozenset({"hash_of_action", "rules_version"})
ONE_OWNER = "ONE OWNER, NO DELAY: it can change everything at once. Only for a devnet."


def when(moment: int) -> str:
    """A time of the chain, for people."""
    return screen.moment(moment)


def details_text(details: Mapping[str, Detail], network: "Network", *, short: bool = False) -> str:
    """The fields of an operation on one line; hashes in full, or their beginning."""
    testnet = network.backend.is_testnet
    parts = []
    for name, value in details.items():
        text = _detail(value, testnet=testnet)
        if short and isinstance(value, bytes):
            text = f"{text[:SHORT_HASH]}…"
        if name.endswith("_at") and isinstance(value, int):
            if not value:
                continue
            text = when(value)
        parts.append(f"{name} {text}")
    return ", ".join(parts)


def root_rows(network: "Network", now: int) -> list[tuple[str, str]]:
    """What a root says."""
    root, testnet = network.root, network.backend.is_testnet
    params = root.params
    rows = [
        ("root contract", root.address.friendly(testnet=testnet)),
        ("version", f"{root.version} (parameters {params.params_version})"),
        ("owner", "nobody here" if root.owner is None else root.owner.friendly(testnet=testnet)),
        ("who decides", _who(network.governor)),
        ("price", f"{screen.ton(params.price_per_token)} a token"),
        ("of which the worker gets", screen.ton(params.worker_fee_per_token)),
        ("stakes", f"client {screen.ton(params.min_client_stake)}, "
                   f"proxy {screen.ton(params.min_proxy_stake)}"),
        ("delays", f"client {params.client_delay_before_close} s, "
                   f"proxy {params.proxy_delay_before_close} s"),
        *_tariff(network.governor, now),
    ]  # fmt: skip
    for name, hashes in (
        ("trusted proxy image", root.proxy_hashes),
        ("trusted worker image", root.worker_hashes),
        ("model", root.model_hashes),
    ):
        rows += [(name, item.hex()) for item in sorted(hashes)] or [(name, "none")]
    rows += [
        (f"proxy {item.seqno}", f"{item.for_workers} for workers, {item.for_clients} for clients")
        for item in root.proxies
    ]
    return rows


async def rent_rows(network: "Network") -> list[tuple[str, str]]:
    """For how long root and governor can pay what storing them costs.

    Raises:
        ChainError: the chain cannot be read.
    """
    rows = [("rent of the root", _rent(await network.backend.account(network.root.address)))]
    if network.governor is not None:
        rows.append(("rent of the governor", _rent(await network.backend.account(network.owner))))
    return rows


def root_document(network: "Network") -> dict[str, Any]:
    """The same for programs."""
    root, state, testnet = network.root, network.governor, network.backend.is_testnet
    document: dict[str, Any] = {
        "address": root.address.friendly(testnet=testnet),
        "version": root.version,
        "params_version": root.params.params_version,
        "owner": None if root.owner is None else root.owner.friendly(testnet=testnet),
        "one_owner": state is None,
        "price_per_token": root.params.price_per_token,
        "worker_fee_per_token": root.params.worker_fee_per_token,
        "proxy_hashes": sorted(item.hex() for item in root.proxy_hashes),
        "worker_hashes": sorted(item.hex() for item in root.worker_hashes),
        "model_hashes": sorted(item.hex() for item in root.model_hashes),
        "proxies": {item.seqno: str(item.for_clients) for item in root.proxies},
    }
    if state is not None:
        rules = state.rules
        document["rules"] = {
            "version": rules.version,
            "owners": [owner.friendly(testnet=testnet) for owner in rules.owners],
            "threshold": rules.threshold,
            "revoke_threshold": rules.revoke_threshold,
            "delay": rules.delay,
        }
    return document


def queue_table(network: "Network", now: int) -> Table:
    """The governor's open proposals."""
    state = network.ruled()
    table = Table(title="Proposals", title_justify="left", title_style="bold")
    for name in ("id", "what", "approvals", "state", "hash"):
        table.add_column(name, overflow="fold")
    for proposal in sorted(state.proposals.values(), key=lambda item: item.id):
        what = describe_action(proposal.action)
        table.add_row(
            str(proposal.id),
            f"{what.name}: {details_text(what.details, network, short=True)}",
            f"{len(state.approvals(proposal))} of {state.needed(proposal)}",
            _standing(state, proposal, now),
            f"{proposal.hash.hex()[:SHORT_HASH]}…",
        )
    return table


def queue_document(network: "Network", now: int) -> list[dict[str, Any]]:
    """The same for programs."""
    state = network.ruled()
    return [
        {
            "id": item.id,
            "operation": describe_action(item.action).name,
            "hash": item.hash.hex(),
            "approvals": len(state.approvals(item)),
            "needed": state.needed(item),
            "ready_at": item.ready_at,
            "expires_at": item.expires_at,
            "executable": state.is_executable(item, now),
        }
        for item in sorted(state.proposals.values(), key=lambda item: item.id)
    ]


def history_lines(changes: list[Change], network: "Network") -> list[str]:
    """Every change and every decision, oldest first, a line each."""
    lines = []
    for change in changes:
        version = "" if change.version is None else f"version {change.version}, "
        number = "" if change.proposal is None else f" proposal {change.proposal}"
        what = "" if change.what is None else f" {change.what}"
        details = details_text(
            {name: value for name, value in change.details.items() if name not in _TECHNICAL},
            network,
            short=True,
        )
        lines.append(
            f"{when(change.time)}  {version}{change.step}{number}{what}"
            f"{': ' if details else ''}{details}"
        )
    return lines or ["Nothing has happened yet."]


def history_document(changes: list[Change], network: "Network") -> list[dict[str, Any]]:
    """The same for programs."""
    testnet = network.backend.is_testnet
    return [
        {
            "time": change.time,
            "version": change.version,
            "step": change.step,
            "what": change.what,
            "details": {
                name: value if isinstance(value, int | str) else _detail(value, testnet=testnet)
                for name, value in change.details.items()
            },
            "who": None if change.who is None else change.who.friendly(testnet=testnet),
            "proposal": change.proposal,
            "transaction": change.transaction.hex(),
        }
        for change in changes
    ]


def _who(state: GovernorState | None) -> str:
    if state is None:
        return ONE_OWNER
    rules = state.rules
    return (
        f"{rules.threshold} of {len(rules.owners)} owners, then {rules.delay} s of delay; "
        f"{rules.revoke_threshold} at once to take trust away"
    )


def _tariff(state: GovernorState | None, now: int) -> list[tuple[str, str]]:
    step = None if state is None else state.tariff.tariff_at(now)
    if step is None:
        return []
    weights = step.multipliers
    return [
        (
            "tariff",
            f"prompt {weights.prompt}, cached {weights.cached}, completion {weights.completion}, "
            f"reasoning {weights.reasoning} (10000 is one token)",
        )
    ]


def _standing(state: GovernorState, proposal: Proposal, now: int) -> str:
    if now >= proposal.expires_at:
        return "expired"
    if state.is_executable(proposal, now):
        return "can be executed"
    if proposal.ready_at:
        return f"waits until {when(proposal.ready_at)}"
    return "waits for approvals"


def _rent(state: AccountState) -> str:
    a_year = screen.ton(yearly_rent(state))
    if not (left := rent_lasts(state)):
        return f"OWED, {a_year} a year: send it TON without a comment before it is frozen"
    text = f"paid for about {left / YEAR:.1f} years ({screen.ton(state.balance)})"
    return text if left >= YEAR // 2 else f"{text}: send it TON without a comment"


def _detail(value: Detail, *, testnet: bool) -> str:
    if isinstance(value, Address):
        return value.friendly(testnet=testnet)
    return value.hex() if isinstance(value, bytes) else str(value)
