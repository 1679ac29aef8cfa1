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
    keep_collateral: Annotated[
        Path | None,
        typer.Option(
            "--keep-collateral",
            help="Directory in which Intel's collateral is kept current.",
            metavar="DIR",
        ),
    ] = None,
    pccs: Annotated[
        str | None,
        typer.Option(
            "--pccs", help="With --keep-collateral: service to ask instead of Intel.", metavar="URL"
        ),
    ] = None,
    pccs_certificate: Annotated[
        Path | None,
        typer.Option(
            "--pccs-certificate", help="Certificate that it signs itself, in PEM.", metavar="FILE"
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
    `tdx` needs --keep-collateral, --collateral or --simulated-tee.
    """
    from cocoon.cli import logging, process
    from cocoon.cli.config.collateral_table import NONE, PCS, CollateralTable
    from cocoon.cli.router_role import RouterRole, RouterTrust
    from cocoon.net.router_config import parse_arguments

    config = parse_arguments(context.args)
    logging.configure(logging.level_of("debug" if config.verbosity > 0 else "info"))
    kept = CollateralTable()
    if keep_collateral is not None or pccs is not None or pccs_certificate is not None:
        kept = CollateralTable(
            directory=keep_collateral,
            intel=pccs or PCS,
            intel_certificate=pccs_certificate,
            amd=NONE,
            nvidia=False,
        )
    trust = RouterTrust(tuple(collateral or ()), kept, simulated_tee, simulated_image)
    role = RouterRole(config, trust)
    process.run(role, "router", maintain=[role.maintain()])
