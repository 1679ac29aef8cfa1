# ruff: noqa: PLC0415 - imported when the command runs, for a quick `cocoon --help`
"""``cocoon balance``: who has how much, and where."""

from cocoon.cli import options


def balance(
    state: options.State = None,
    config: options.NodeConfig = None,
    as_json: options.AsJson = False,
) -> None:
    """Show what the members of a devnet have, or one node: wallets, deposits, stake, commission.

    On a devnet the last line accounts for every coin of its chain.
    """
    from cocoon.cli.money.balance_report import report
    from cocoon.cli.money.run import run
    from cocoon.cli.money.target import all_targets

    targets = all_targets(state, config)
    run(lambda _console: report(targets), as_json=as_json)
