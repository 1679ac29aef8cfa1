"""``cocoon attest``: look at evidence, verify it, and prepare what verification needs."""

import typer

app = typer.Typer(
    help="Inspect and verify attestation evidence, of this network or anybody's.",
    no_args_is_help=True,
)
