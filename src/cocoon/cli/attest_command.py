"""``cocoon attest``: look at evidence, verify it, and prepare what verification needs."""

import typer

from cocoon.cli.attest import collateral, endorse, image_hash, inspect, policy, verify

app = typer.Typer(
    help="Inspect and verify attestation evidence, of this network or anybody's.",
    no_args_is_help=True,
)
app.command("inspect")(inspect.inspect)
app.command("verify")(verify.verify)
app.command("image-hash")(image_hash.image_hash)
app.command("endorse")(endorse.endorse)
app.add_typer(collateral.app, name="collateral")
app.add_typer(policy.app, name="policy")
