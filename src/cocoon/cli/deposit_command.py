# ruff: noqa: PLC0415 - imported when the command runs, for a quick `cocoon --help`
"""``cocoon deposit``: prepay for work at a proxy."""

from typing import Annotated

import typer

from cocoon.cli import options


def deposit(
    amount: Annotated[str, typer.Argument(help="How much, in TON, such as 12.5.")],
    proxy: options.ProxyContract = None,
    state: options.State = None,
    config: options.NodeConfig = None,
    yes: options.Yes = False,
    as_json: options.AsJson = False,
) -> None:
    """Prepay for work, from the client's wallet to its contract at a proxy.

    A contract that was closed is opened again. What is not used can be withdrawn, the network's
    stake of clients only by closing.
    """
    from cocoon.cli.money import client_orders
    from cocoon.cli.money.amount import parse_ton
    from cocoon.cli.money.run import run
    from cocoon.cli.money.target import Role, find_target

    nano, target = parse_ton(amount), find_target(state, config, Role.CLIENT)
    run(
        lambda console: client_orders.order(
            target, "topup", proxy=proxy, console=console, yes=yes, amount=nano
        ),
        as_json=as_json,
    )
