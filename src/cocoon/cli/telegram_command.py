# ruff: noqa: PLC0415 - imported when the command runs, for a quick `cocoon --help`
"""``cocoon telegram``: the bot and its Mini App, and what their operator does."""

from pathlib import Path
from typing import Annotated

import typer

from cocoon.cli import options

app = typer.Typer(
    help="Private AI in Telegram: a bot, a Mini App, their users' money.", no_args_is_help=True
)

Config = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="The service's file, TOML.", metavar="FILE"),
]
User = Annotated[int, typer.Argument(help="Telegram's id of the person.", metavar="USER", min=1)]
ConfigFile = Annotated[
    Path, typer.Option("--config", "-c", help="The service's file, TOML.", metavar="FILE")
]


@app.command("up")
def up(
    config: Config = None,
    stand_in: Annotated[
        bool,
        typer.Option(
            "--stand-in",
            help="Without Telegram: a network, a stand-in for Telegram and a chat in your browser.",
        ),
    ] = False,
    state: options.State = None,
    port: Annotated[
        int | None,
        typer.Option(
            "--port",
            help="Of the stand-in's page; 8089 without it, 0 takes free ports.",
            metavar="PORT",
            min=0,
            max=65535,
        ),
    ] = None,
    verbosity: options.Verbosity = None,
) -> None:
    """Run the bot, its Mini App and the operators' page until Ctrl-C.

    With `--stand-in` nothing else is needed: it starts a network on this machine (or uses the one
    that runs there), and prints an address where you chat as a made-up person.
    """
    from cocoon.errors import ConfigError

    if stand_in == (config is not None):
        raise ConfigError("give `--config FILE`, or `--stand-in` to try it without Telegram")
    if stand_in:
        from cocoon.cli import foreground
        from cocoon.cli.telegram.stand_in import StandInOptions, run_stand_in
        from cocoon.devnet.options import default_state

        wanted = StandInOptions(state=state or default_state(), port=port)
        foreground.run(run_stand_in(wanted))
        return
    from cocoon.cli import process
    from cocoon.cli.telegram.role import prepare

    assert config is not None
    role = prepare(config, verbosity)
    process.run(role, "telegram", maintain=[role.wait()])


@app.command("users")
def users(config: ConfigFile) -> None:
    """List users with their balances and what they spent; no names, no content."""
    from cocoon.cli.telegram.desk import show_users

    show_users(config)


@app.command("ledger")
def ledger(
    user: User,
    config: ConfigFile,
    as_json: Annotated[bool, typer.Option("--json", help="JSON lines instead of CSV.")] = False,
) -> None:
    """Write one person's ledger to the standard output: every credit, charge and refund, as CSV."""
    from cocoon.cli.telegram.desk import write_ledger

    write_ledger(config, user, as_json=as_json)


@app.command("grant")
def grant(
    user: User,
    amount: Annotated[str, typer.Argument(help='In TON, such as "0.5".', metavar="TON")],
    reference: Annotated[
        str,
        typer.Argument(
            help="Names the gift: giving it again under the same name changes nothing.",
            metavar="NAME",
        ),
    ],
    config: ConfigFile,
) -> None:
    """Add to a person's balance, once for each name."""
    from cocoon.cli.telegram.desk import give

    give(config, user, amount, reference)


@app.command("block")
def block(
    user: User,
    config: ConfigFile,
    undo: Annotated[bool, typer.Option("--undo", help="Let the person in again.")] = False,
) -> None:
    """Turn a person away; money and ledger stay."""
    from cocoon.cli.telegram.desk import set_blocked

    set_blocked(config, user, blocked=not undo)
