# ruff: noqa: PLC0415 - imported when the command runs, for a quick `cocoon --help`
"""``cocoon withdraw``: take back what is above the stake."""

from cocoon.cli import options


def withdraw(
    proxy: options.ProxyContract = None,
    state: options.State = None,
    config: options.NodeConfig = None,
    yes: options.Yes = False,
    as_json: options.AsJson = False,
) -> None:
    """Take back what is prepaid at a proxy above the network's stake of clients.

    The contract stays open; `cocoon close` gives the stake back too.
    """
    from cocoon.cli.money import client_orders
    from cocoon.cli.money.run import run
    from cocoon.cli.money.target import Role, find_target

    target = find_target(state, config, Role.CLIENT)
    run(
        lambda console: client_orders.order(
            target, "withdraw", proxy=proxy, console=console, yes=yes
        ),
        as_json=as_json,
    )
