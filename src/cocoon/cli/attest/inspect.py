# ruff: noqa: PLC0415 - imported when the command runs, for a quick `cocoon --help`
"""``cocoon attest inspect``."""

from typing import Annotated

import typer

from cocoon.cli import options

Target = Annotated[
    str,
    typer.Argument(
        help="A file, `-`, HOST:PORT of a node's RA-TLS port, or the URL of its page.",
        metavar="TARGET",
        show_default=False,
    ),
]


def inspect(target: Target, as_json: options.AsJson = False) -> None:
    """Show every field of a quote, report, certificate, page, log or collateral; verifies nothing.

    Knows what it is by its form: TDX and SGX quotes, TDREPORTs, SEV-SNP reports, GPU evidence
    (raw, hex or base64), certificates (PEM or DER), evidence bundles, statements, endorsements,
    attestation pages, event logs and collateral.
    """
    from cocoon.cli import layout, screen
    from cocoon.cli.attest.describe import describe
    from cocoon.cli.attest.recognise import recognise
    from cocoon.cli.attest.targets import load

    loaded = load(target, challenge=False)
    view = describe(recognise(loaded.data))
    if as_json:
        typer.echo(view.to_json())
        return
    console = screen.stdout()
    console.print(view.render(layout.columns(console)))
    note = "Nothing of this is verified: see `cocoon attest verify`."
    screen.stderr().print(note, style="dim")
