"""Tables about money on chain: what was settled, who has how much, and where every coin is."""

from rich.table import Table

from cocoon.cli import screen
from cocoon.devnet.balances import Balances
from cocoon.devnet.coins import Supply
from cocoon.devnet.settled import Movement, Settled

SHORT_HASH = 16
_NAMES = (
    ("client_deposit", "client's deposit, not charged"),
    ("earned", "charged, not paid out yet"),
    ("commission", "proxy's commission"),
    ("worker_owners", "wallet of the worker's owner"),
    ("client_wallet", "client's wallet"),
)


def settled_rows(settled: Settled) -> list[tuple[str, str]]:
    """The charge and the payout, for a table of facts."""
    return [
        ("charged on chain", _movement(settled.charge)),
        ("worker paid on chain", _movement(settled.payout)),
    ]


def balances_table(before: Balances, after: Balances) -> Table:
    """Balances before and after, in TON."""
    table = Table(title="Balances in TON", title_justify="left", title_style="bold")
    table.add_column("", style="cyan")
    for name in ("before", "after", "change"):
        table.add_column(name, justify="right", no_wrap=True)
    for field, name in _NAMES:
        old, new = getattr(before, field), getattr(after, field)
        change = f"{'+' if new > old else ''}{screen.decimals(new - old)}" if new != old else ""
        table.add_row(name, screen.decimals(old), screen.decimals(new), change)
    return table


def coins_line(supply: Supply) -> str:
    """One sentence that accounts for every coin of the chain."""
    balances, fees = screen.decimals(supply.balances), screen.decimals(supply.fees)
    made = screen.decimals(supply.minted)
    if supply.missing:
        return (
            f"COINS ARE MISSING: {balances} in all accounts + {fees} fees is not the {made} TON "
            f"that the faucet gave: {screen.decimals(supply.missing)} TON too little"
        )
    return f"Every coin: {balances} in all accounts + {fees} fees = {made} TON from the faucet."


def _movement(movement: Movement) -> str:
    return (
        f"{screen.ton(movement.amount)}  (block {movement.block}, "
        f"transaction {movement.hash[:SHORT_HASH]}…)"
    )
