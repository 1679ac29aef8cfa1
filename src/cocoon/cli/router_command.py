# ruff: noqa: PLC0415 - imported when the command runs, for a quick `cocoon --help`
"""``cocoon router``: the official router's command line, and where collateral comes from."""

from pathlib import Path
from typing import Annotated

import typer


def router(
    context: typer.Context,
    collateral: Annotated[
        list[Path] | None,
        typer.Option(
            "--collateral", help="File with Intel's signed collateral; repeatable.", metavar="FILE"
        ),
    ] = None,
    simulated_tee: Annotated[
        Path | None,
        typer.Option(
            "--simulated-tee", help="Trust a devnet's simulated machine, not Intel.", metavar="DIR"
        ),
    ] = None,
    simulated_image: Annotated[
        str | None,
        typer.Option(
            "--simulated-image",
            help="Show simulated evidence of this image ourselves.",
            metavar="NAME",
        ),
    ] = None,
) -> None:
    """Connect local runners to attested peers.

    Takes the official router's options (`cocoon router -h` lists them) and these. A policy of type
    `tdx` needs --collateral or --simulated-tee.
    """
    from cocoon.cli import logging, process
    from cocoon.cli.router_role import RouterRole, RouterTrust
    from cocoon.net.router_config import parse_arguments

    config = parse_arguments(context.args)
    logging.configure(logging.level_of("debug" if config.verbosity > 0 else "info"))
    trust = RouterTrust(tuple(collateral or ()), simulated_tee, simulated_image)
    process.run(RouterRole(config, trust), "router")
