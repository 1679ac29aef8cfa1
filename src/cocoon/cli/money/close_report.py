"""After closing: what went in and out of a client contract, and where every coin is."""

from rich.table import Table

from cocoon.chain.address import Address
from cocoon.cli import screen
from cocoon.cli.config.chain import backend_maker
from cocoon.cli.money.coins_report import coins_line
from cocoon.cli.money.outcome import Json, Outcome
from cocoon.cli.money.target import Target
from cocoon.client.chain.statement import Statement, read_statement
from cocoon.devnet.chain_control import ChainControl
from cocoon.devnet.coins import count_coins
from cocoon.errors import ChainError


async def add_statement(outcome: Outcome, target: Target, contract: Json) -> None:
    """Add the contract's books, read from the chain, and on a devnet the chain's.

    Raises:
        ChainError: the chain cannot be read.
    """
    table = target.file.chain
    backend = backend_maker(table, testnet=target.file.is_testnet)()
    address = Address.parse(contract["sc_address"])
    try:
        statement = await read_statement(
            backend, address, Address.parse(contract["proxy_sc_address"])
        )
    finally:
        await backend.close()
    outcome.tables.append(statement_table(statement))
    outcome.lines.append(_balanced(statement, contract))
    outcome.document["statement"] = {
        "deposited": statement.deposited,
        "charged": statement.charged,
        "returned": statement.returned,
        "left": statement.left,
    }
    if table.kind == "embedded" and table.url is not None:
        await add_coins(outcome, ChainControl(table.url))


async def add_coins(outcome: Outcome, control: ChainControl) -> None:
    """Add where every coin of a devnet's chain is; a chain that is too large is not counted."""
    try:
        supply = await count_coins(control)
    except ChainError as error:
        outcome.lines.append(f"The chain's coins were not counted: {error}.")
        return
    outcome.tables.append(coins_line(supply))
    outcome.document["supply"] = {
        "minted": supply.minted,
        "balances": supply.balances,
        "fees": supply.fees,
        "missing": supply.missing,
    }


def statement_table(statement: Statement) -> Table:
    """Deposited, charged, returned, left; the last three make up the first."""
    table = Table(title="Every coin of the deposit", show_header=False, title_justify="left")
    table.title_style = "bold"
    table.add_column("", style="cyan")
    table.add_column("", justify="right", no_wrap=True)
    for name, amount in (
        ("charged for work", statement.charged),
        ("returned to the wallet", statement.returned),
        ("left at the proxy", statement.left),
    ):
        table.add_row(name, f"{screen.decimals(amount)} TON")
    table.add_section()
    table.add_row("deposited", f"{screen.decimals(statement.deposited)} TON", style="bold")
    return table


def _balanced(statement: Statement, contract: Json) -> str:
    if statement.left == contract["balance"]:
        return (
            f"{screen.ton(statement.deposited)} deposited = {screen.ton(statement.charged)} "
            f"charged + {screen.ton(statement.returned)} returned + "
            f"{screen.ton(statement.left)} left."
        )
    return (
        f"THE BOOKS DO NOT BALANCE: {screen.ton(statement.left)} should be left, the contract "
        f"says {screen.ton(contract['balance'])}."
    )
