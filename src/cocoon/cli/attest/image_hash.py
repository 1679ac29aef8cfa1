# ruff: noqa: PLC0415 - imported when the command runs, for a quick `cocoon --help`
"""``cocoon attest image-hash``: the hash that a list of allowed images holds."""

from pathlib import Path
from typing import Annotated

import typer

INCOMPLETE = 1

Source = Annotated[
    Path,
    typer.Argument(
        help="A machine description (.toml), or a quote, TDREPORT or SEV-SNP report.",
        show_default=False,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def image_hash(source: Source, as_json: AsJson = False) -> None:
    """Print the registers and the image hash that a machine will have, or that evidence has.

    From a machine description every register is computed that its files determine; the others must
    be given, and the command says which. Exits with 1 while the image hash is unknown. From
    evidence the registers are read; nothing is verified.
    """
    from cocoon.cli import layout, screen
    from cocoon.cli.attest.image_hash_report import report

    result = report(source)
    if as_json:
        typer.echo(result.to_json())
    else:
        console = screen.stdout()
        console.print(result.render(layout.columns(console)))
    if result.image_hash is None:
        raise typer.Exit(INCOMPLETE)
