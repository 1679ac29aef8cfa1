# ruff: noqa: PLC0415 - imported when the command runs, for a quick `cocoon --help`
"""``cocoon attest policy``."""

from pathlib import Path
from typing import Annotated

import typer

from cocoon.cli import options

EXIT_REFUSED = 3

app = typer.Typer(help="Policies: whom a node accepts, as data.", no_args_is_help=True)


@app.command("check")
def check(
    file: Annotated[
        Path,
        typer.Argument(
            help="TOML file with a table [policy], or the configuration of a node.",
            metavar="FILE",
            show_default=False,
        ),
    ],
    evidence: Annotated[
        str | None,
        typer.Option(
            "--evidence", help="Judge this by the policy too; as in `verify`.", metavar="TARGET"
        ),
    ] = None,
    collateral: Annotated[
        list[Path] | None,
        typer.Option(
            "--collateral", help="As in `verify`; for --evidence. Repeatable.", metavar="PATH"
        ),
    ] = None,
    production: Annotated[
        bool,
        typer.Option("--production", help="Refuse whatever is simulated, fake or unchecked."),
    ] = False,
    as_json: options.AsJson = False,
) -> None:
    """Say what a policy demands and what is wrong with it; exit code 3 if it must not be used.

    A key that is unknown, or demands that contradict one another, end with exit code 2.
    """
    from cocoon.cli.attest.policy_run import check_file

    passed = check_file(
        file,
        evidence=evidence,
        collateral=tuple(collateral or ()),
        production=production,
        as_json=as_json,
    )
    if not passed:
        raise typer.Exit(EXIT_REFUSED)
