"""What a change of the root means for everybody, in words, before somebody decides on it."""

from cocoon.chain import opcodes
from cocoon.chain.contracts.params import ContractParams
from cocoon.chain.contracts.root_operations import Operation
from cocoon.cli.screen import ton

MOVES_CONTRACTS = frozenset(
    {
        opcodes.ROOT_CHANGE_PRICE,
        opcodes.ROOT_CHANGE_PARAMS,
        opcodes.ROOT_UPGRADE_CONTRACTS,
        opcodes.ROOT_UPGRADE_FULL,
    }
)
"""Operations that change parameters, which are part of every contract's address."""
_FREE = "nothing is charged for a token, and nobody earns anything"


def consequences(change: Operation, now: ContractParams) -> list[tuple[str, str]]:
    """Rows for the plan of a change; none where nothing needs to be said.

    Args:
        change: what is wanted.
        now: the parameters that hold.
    """
    rows = []
    price = change.details.get("price_per_token")
    fee = change.details.get("worker_fee_per_token")
    if isinstance(price, int) and isinstance(fee, int):
        today = f"{ton(now.price_per_token)}, of which {ton(now.worker_fee_per_token)}"
        rows.append(("a token costs", f"{ton(price)}, of which {ton(fee)} go to the worker"))
        rows.append(("today", f"{today} go to the worker"))
        if not price:
            rows.append(("attention", _FREE))
    if change.code in MOVES_CONTRACTS:
        text = (
            "every proxy, client and worker contract gets a new address: proxies wind the old ones "
            "down, clients are refunded and deposit anew"
        )
        if change.code == opcodes.ROOT_CHANGE_PRICE:
            text += "; a governor's set-tariff changes prices without that"
        rows.append(("consequence", text))
    return rows
