"""``cocoon balance`` behind its options."""

from rich.console import Console

from cocoon.cli.money.close_report import add_coins
from cocoon.cli.money.holdings import holdings_table, read_holdings
from cocoon.cli.money.outcome import Outcome
from cocoon.cli.money.target import Target
from cocoon.devnet.chain_control import ChainControl
from cocoon.errors import CocoonError


async def report(targets: list[Target]) -> Outcome:
    """What nodes have; on a devnet also where every coin of its chain is.

    Raises:
        CocoonError: the chain cannot be reached, or a configuration is wrong.
    """
    await targets[0].require_chain()
    holdings = await read_holdings(targets)
    outcome = Outcome(
        [],
        document={"holdings": [item.document() for item in holdings]},
        tables=[holdings_table(holdings)],
    )
    chain = targets[0].file.chain
    if chain.kind == "embedded" and chain.url is not None:
        await add_coins(outcome, ChainControl(chain.url))
    return outcome


async def show(targets: list[Target], console: Console) -> None:
    """Print the table where it is not what was asked for; a failure is told and is no more."""
    try:
        console.print(holdings_table(await read_holdings(targets)), soft_wrap=False)
    except CocoonError as error:
        console.print(f"balances cannot be read: {error}", style="red", markup=False)
