# ruff: noqa: PLC0415 - imported when the command runs, for a quick `cocoon --help`
"""``cocoon key-manager``: run a key manager, look after its keys, approve its successors."""

from pathlib import Path
from typing import Annotated

import typer

DEFAULT_AT = "http://127.0.0.1:13000"

app = typer.Typer(help="Run a key manager and look after its keys.", invoke_without_command=True)

At = Annotated[
    str, typer.Option("--at", help="Status interface of the key manager.", metavar="URL")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.callback()
def key_manager(
    context: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option("--config", "-c", help="Run the key manager of this file.", metavar="FILE"),
    ] = None,
    verbosity: Annotated[
        int | None, typer.Option("-v", help="0 errors, 1 warnings, 2 information.", min=0)
    ] = None,
) -> None:
    """Run a key manager: `cocoon key-manager --config FILE`; without it one of the commands."""
    from cocoon.errors import ConfigError

    if context.invoked_subcommand is not None:
        if config is not None:
            raise ConfigError("--config runs a key manager: give no command with it")
        return
    if config is None:
        raise ConfigError("say --config FILE to run a key manager, or give a command: see --help")
    run(config, verbosity)


def run(config: Path, verbosity: int | None = None) -> None:
    """Run a key manager until it is told to stop."""
    from cocoon.cli import logging, process
    from cocoon.cli.config.attestation_page import public_pages
    from cocoon.cli.config.key_manager_settings import key_manager_settings
    from cocoon.cli.config.key_manager_tables import load_key_manager
    from cocoon.cli.config.trust import Trust
    from cocoon.key_manager.role import KeyManagerRole

    file = load_key_manager(config)
    logging.configure(logging.level_of(file.log.level, verbosity))
    trust = Trust(file.identity, file.collateral)
    settings = key_manager_settings(file, trust)
    role = KeyManagerRole(settings)
    trust.log_notes()
    pages = public_pages(settings.attestation, file.attestation)
    process.run(role, "key-manager", maintain=[trust.maintain(), *pages])


@app.command("list")
def list_keys(at: At = DEFAULT_AT, as_json: AsJson = False) -> None:
    """Show state, keys (public halves) and waiting approvals."""
    from cocoon.cli.key_manager import control

    control.show(at, as_json=as_json)


@app.command("generate")
def generate(
    kind: Annotated[
        str,
        typer.Argument(help="For whom: `proxy`, `worker` or `proxyworker`.", metavar="TYPE"),
    ],
    days: Annotated[
        int, typer.Option("--days", help="Days that it is valid.", min=1, max=9000)
    ] = 1,
    at: At = DEFAULT_AT,
) -> None:
    """Make a key now and show its public half."""
    from urllib.parse import quote

    from cocoon.cli.key_manager import control

    lifetime = days * 86_400
    path = f"/request/generatekey?type={quote(kind)}&lifetime={lifetime}"
    typer.echo(control.order(at, path))


@app.command("remove")
def remove(
    public_key: Annotated[str, typer.Argument(help="Public half in hex.", metavar="KEY")],
    at: At = DEFAULT_AT,
) -> None:
    """Forget a key for ever."""
    from urllib.parse import quote

    from cocoon.cli.key_manager import control

    typer.echo(control.order(at, f"/request/removekey?key={quote(public_key)}"))


@app.command("approve")
def approve(
    file: Annotated[
        Path, typer.Argument(help="The approval; made if it does not exist.", metavar="FILE")
    ],
    key: Annotated[
        Path | None, typer.Option("--key", help="Sign with this owner's key.", metavar="FILE")
    ] = None,
    password_file: Annotated[
        Path | None, typer.Option("--password-file", help="Password of --key.", metavar="FILE")
    ] = None,
    manager: Annotated[
        str | None, typer.Option("--manager", help="Id of the key manager, in hex.")
    ] = None,
    image: Annotated[
        str | None, typer.Option("--image", help="Hash of the image that may take over, in hex.")
    ] = None,
    serial: Annotated[
        int | None, typer.Option("--serial", help="Larger than every one before.", min=1)
    ] = None,
    days: Annotated[
        int, typer.Option("--days", help="Days for which it can be used.", min=1, max=365)
    ] = 14,
    terms: Annotated[
        str | None,
        typer.Option("--terms", help="New terms of the successor: see `cocoon key-manager terms`."),
    ] = None,
    at: Annotated[
        str | None, typer.Option("--at", help="Give it to this key manager.", metavar="URL")
    ] = None,
) -> None:
    """Let an image take over: make a file, sign it owner after owner, give it to the key manager.

    The time lock begins when the key manager first gets it with enough signatures.
    """
    from cocoon.cli.key_manager import approvals, control
    from cocoon.errors import ConfigError

    if key is None and at is None:
        raise ConfigError("give --key FILE to sign it, or --at URL to hand it in, or both")
    if key is not None:
        wanted = approvals.Wanted(manager, image, serial, days, terms)
        typer.echo(approvals.sign(file, key, password_file, wanted))
    if at is not None:
        content = approvals.read(file).to_json()
        typer.echo(control.order(at, "/request/approve", content))


@app.command("withdraw")
def withdraw(
    serial: Annotated[int, typer.Argument(help="Serial of the approval.", metavar="SERIAL", min=1)],
    at: At = DEFAULT_AT,
) -> None:
    """Take back an approval that waits, and use up its serial and all smaller ones."""
    from cocoon.cli.key_manager import control

    typer.echo(control.order(at, f"/request/withdraw?serial={serial}"))


@app.command("marker")
def marker(
    image: Annotated[str, typer.Argument(help="Image hash in hex.", metavar="HASH")],
) -> None:
    """Show what the root contract's proxy list must hold to let this image take over."""
    from cocoon.cli.key_manager import approvals
    from cocoon.key_manager.grants import root_marker

    typer.echo(root_marker(approvals.hash_of("image hash", image)).hex())


@app.command("terms")
def terms(
    config: Annotated[Path, typer.Argument(help="A key manager's file.", metavar="FILE")],
) -> None:
    """Show root contract, kind of network and rules of handovers of a configuration as one hash.

    A key manager runs with the terms that it was made with; owners change them with an approval.
    """
    from cocoon.cli.config.common import root_config
    from cocoon.cli.config.key_manager_settings import approval_rules
    from cocoon.cli.config.key_manager_tables import load_key_manager
    from cocoon.key_manager.terms import terms_hash

    file = load_key_manager(config)
    typer.echo(terms_hash(root_config(file).address, file.is_test, approval_rules(file)).hex())
