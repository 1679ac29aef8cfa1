# ruff: noqa: PLC0415 - imported when the command runs, for a quick `cocoon --help`
"""``cocoon keys``: make and show key files."""

from pathlib import Path
from typing import Annotated

import typer

MACHINE_KEY = "machine.key"
WALLET_KEY = "wallet.key"


def keys(
    directory: Annotated[
        Path, typer.Argument(help="Where the key files are; missing ones are made.")
    ] = Path(),
    owner: Annotated[
        str | None,
        typer.Option(
            "--owner", help="TON address that shall own the Cocoon wallet.", metavar="ADDRESS"
        ),
    ] = None,
    testnet: Annotated[
        bool, typer.Option("--testnet/--mainnet", help="Which flag the wallet's address carries.")
    ] = False,
) -> None:
    """Make and show this node's keys: the machine key signs payments, the wallet key spends.

    A key file holds one key and is readable by you only. Secret halves are never shown.
    """
    from cocoon.chain.address import Address
    from cocoon.chain.contracts.wallet import wallet_address
    from cocoon.chain.keys import SecretKey
    from cocoon.errors import ConfigError, DecodeError

    try:
        owner_address = None if owner is None else Address.parse(owner)
    except DecodeError as error:
        raise ConfigError(f"--owner is not a TON address: {error}") from None
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"cannot make {directory}: {error.strerror}") from None
    for name in (MACHINE_KEY, WALLET_KEY):
        made = not (directory / name).exists()
        key = SecretKey.load_or_create(directory / name)
        typer.echo(f"{directory / name}{'  (new)' if made else ''}")
        typer.echo(f"  public key      {key.public_key.hex()}")
        if name == WALLET_KEY and owner_address is not None:
            wallet = wallet_address(owner_address, key.public_key)
            typer.echo(f"  wallet address  {wallet.friendly(testnet=testnet)}")
    if owner_address is None:
        typer.echo("Give --owner ADDRESS to see the address of your Cocoon wallet.")
