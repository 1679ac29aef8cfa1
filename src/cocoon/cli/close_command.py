# ruff: noqa: PLC0415 - imported when the command runs, for a quick `cocoon --help`
"""``cocoon close``: get everything back."""

from typing import Annotated

import typer

from cocoon.cli import options


def close(
    proxy: options.ProxyContract = None,
    role: Annotated[
        str, typer.Option("--role", help="Whose contract: `client` or `proxy`.", metavar="ROLE")
    ] = "client",
    number: options.Number = 1,
    force: Annotated[
        bool,
        typer.Option(
            "--force",
            help="Do not publish the newest charge first; it works whatever the proxy does.",
        ),
    ] = False,
    state: options.State = None,
    config: options.NodeConfig = None,
    yes: options.Yes = False,
    as_json: options.AsJson = False,
) -> None:
    """Close a contract and take back all that is in it, the stake included.

    A client's proxy refunds within a few blocks. Without the proxy, and even without its keys, the
    money can be taken after the network's delay: call this again then. A proxy (`--role proxy`)
    refunds its clients, pays its workers and gets its stake back.
    """
    from cocoon.cli.money import client_orders, proxy_orders
    from cocoon.cli.money.run import run
    from cocoon.cli.money.target import Role, find_target, parse_role

    chosen = parse_role(role, Role.CLIENT, Role.PROXY)
    target = find_target(state, config, chosen, number)
    if chosen is Role.PROXY:
        run(lambda console: proxy_orders.close(target, console=console, yes=yes), as_json=as_json)
        return
    run(
        lambda console: client_orders.close(
            target, proxy=proxy, console=console, yes=yes, force=force
        ),
        as_json=as_json,
    )
