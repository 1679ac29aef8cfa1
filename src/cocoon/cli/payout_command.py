# ruff: noqa: PLC0415 - imported when the command runs, for a quick `cocoon --help`
"""``cocoon payout``: have what was earned paid out."""

from typing import Annotated

import typer

from cocoon.cli import options


def payout(
    proxy: options.ProxyContract = None,
    role: Annotated[
        str, typer.Option("--role", help="Who is paid: `worker` or `proxy`.", metavar="ROLE")
    ] = "worker",
    number: options.Number = 1,
    state: options.State = None,
    config: options.NodeConfig = None,
    yes: options.Yes = False,
    as_json: options.AsJson = False,
) -> None:
    """Have a worker's earnings, or a proxy's commission, paid out now.

    A worker needs nobody for it: the newest payment that a proxy signed is enough, as long as the
    proxy's contract has charged for it.
    """
    from cocoon.cli.money import proxy_orders, worker_orders
    from cocoon.cli.money.run import run
    from cocoon.cli.money.target import Role, find_target, parse_role

    chosen = parse_role(role, Role.WORKER, Role.PROXY)
    target = find_target(state, config, chosen, number)
    if chosen is Role.PROXY:
        run(lambda console: proxy_orders.payout(target, console=console, yes=yes), as_json=as_json)
        return
    run(
        lambda console: worker_orders.payout(target, proxy=proxy, console=console, yes=yes),
        as_json=as_json,
    )
