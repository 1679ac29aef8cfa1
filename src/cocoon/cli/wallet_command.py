# ruff: noqa: PLC0415 - imported when the command runs, for a quick `cocoon --help`
"""``cocoon wallet …``: make, restore, look at and use wallets."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cocoon.cli import options

if TYPE_CHECKING:
    from cocoon.chain.keys import SecretKey
    from cocoon.cli.money.wallets import WalletKind

KeyFile = Annotated[Path, typer.Argument(help="The key file.", metavar="FILE")]
Kind = Annotated[
    str, typer.Option("--kind", help="Contract: `v5r1`, `v4r2` or `cocoon`.", metavar="KIND")
]
Owner = Annotated[
    str | None,
    typer.Option("--owner", help="Who owns a cocoon wallet.", metavar="ADDRESS"),
]
Mainnet = Annotated[bool, typer.Option("--mainnet", help="For the main network, not a test one.")]
Url = Annotated[
    str | None,
    typer.Option("--url", help="HTTP API of the toncenter form.", metavar="URL"),
]
PlainFile = Annotated[
    bool, typer.Option("--plain", help="Do not encrypt the file; only for money without value.")
]

app = typer.Typer(
    help="Wallets: encrypted key files, and the money that their keys command.",
    no_args_is_help=True,
)


@app.command("create")
def create(
    file: KeyFile,
    kind: Kind = "v5r1",
    owner: Owner = None,
    mainnet: Mainnet = False,
    plain: PlainFile = False,
    password_file: options.PasswordFile = None,
) -> None:
    """Make a new key and show its 24 words, once and never again.

    The file is encrypted with a password. Whoever has the words has the money: write them down on
    paper, and keep them apart from this machine.
    """
    from cocoon.chain.wallets.mnemonic import mnemonic_key, new_mnemonic
    from cocoon.cli.money.wallets import words_table

    chosen = _kind(kind, owner, mainnet=mainnet)
    words = new_mnemonic()
    key = mnemonic_key(words)
    _save(file, key, plain=plain, password_file=password_file)
    typer.echo("The 24 words of this key. They are shown now and never again:\n")
    typer.echo(words_table(words))
    typer.echo("")
    _show(file, key, chosen)


@app.command("import")
def import_words(
    file: KeyFile,
    kind: Kind = "v5r1",
    owner: Owner = None,
    mainnet: Mainnet = False,
    plain: PlainFile = False,
    password_file: options.PasswordFile = None,
) -> None:
    """Restore a key from its 24 words, which are asked for or read from standard input."""
    import sys
    from getpass import getpass

    from cocoon.chain.wallets.mnemonic import mnemonic_key, parse_mnemonic

    chosen = _kind(kind, owner, mainnet=mainnet)
    terminal = sys.stdin.isatty()
    text = getpass("The 24 words (not shown): ") if terminal else sys.stdin.readline()
    key = mnemonic_key(parse_mnemonic(text))
    _save(file, key, plain=plain, password_file=password_file)
    _show(file, key, chosen)


@app.command("show")
def show(
    file: KeyFile,
    kind: Kind = "v5r1",
    owner: Owner = None,
    mainnet: Mainnet = False,
    url: Url = None,
    state: options.State = None,
    config: options.NodeConfig = None,
    password_file: options.PasswordFile = None,
    as_json: options.AsJson = False,
) -> None:
    """Show a wallet's address, and its balance if a chain can be reached. No secret is shown."""
    import asyncio
    import json

    from cocoon.cli import screen
    from cocoon.cli.config.keys import open_key
    from cocoon.cli.money import wallets
    from cocoon.cli.money.network_choice import connect
    from cocoon.errors import CocoonError

    chosen = _kind(kind, owner, mainnet=mainnet)
    key = open_key(file, password_file)
    wallet = chosen.wallet(key)
    rows = wallets.facts(file, wallet, key, chosen)
    document: dict[str, object] = {name.replace(" ", "_"): value for name, value in rows}

    async def read() -> dict[str, object]:
        backend = connect(url, state, config, testnet=chosen.testnet)
        try:
            return await wallets.balance(backend, wallet.address)
        finally:
            await backend.close()

    try:
        document |= (found := asyncio.run(read()))
        rows.append(("balance", screen.ton(int(str(found["balance"])))))
        rows.append(("account", str(found["status"])))
    except CocoonError as error:
        if url is not None or state is not None or config is not None:
            raise
        rows.append(("balance", f"not known: {error}"))
    if as_json:
        typer.echo(json.dumps(document))
    else:
        screen.stdout().print(screen.facts("", rows), soft_wrap=False)


@app.command("send")
def send(
    file: KeyFile,
    to: Annotated[str, typer.Argument(help="Receiver.", metavar="ADDRESS")],
    amount: Annotated[str, typer.Argument(help="How much, in TON, such as 12.5.")],
    comment: Annotated[
        str | None, typer.Option("--comment", help="Text that goes along.", metavar="TEXT")
    ] = None,
    no_bounce: Annotated[
        bool, typer.Option("--no-bounce", help="The receiver keeps it even if it fails.")
    ] = False,
    kind: Kind = "v5r1",
    owner: Owner = None,
    mainnet: Mainnet = False,
    url: Url = None,
    state: options.State = None,
    config: options.NodeConfig = None,
    password_file: options.PasswordFile = None,
    yes: options.Yes = False,
    as_json: options.AsJson = False,
) -> None:
    """Send TON from a wallet. A wallet that was never used is deployed along the way."""
    from cocoon.cli.config.keys import open_key
    from cocoon.cli.money import wallets
    from cocoon.cli.money.amount import parse_ton
    from cocoon.cli.money.network_choice import connect
    from cocoon.cli.money.run import run, with_backend

    chosen = _kind(kind, owner, mainnet=mainnet)
    transfer = wallets.Transfer(
        wallets.parse_receiver(to, testnet=chosen.testnet),
        parse_ton(amount),
        wallets.comment(comment),
        bounce=not no_bounce,
    )
    backend = connect(url, state, config, testnet=chosen.testnet)
    wallet = chosen.wallet(open_key(file, password_file))
    run(
        lambda console: with_backend(
            backend, wallets.send(backend, wallet, transfer, console=console, yes=yes)
        ),
        as_json=as_json,
    )


def _kind(kind: str, owner: str | None, *, mainnet: bool) -> "WalletKind":
    from cocoon.cli.money.wallets import WalletKind, parse_owner

    return WalletKind(kind, not mainnet, parse_owner(owner))


def _save(file: Path, key: "SecretKey", *, plain: bool, password_file: Path | None) -> None:
    from cocoon.chain.keystore import Keystore, save_keystore
    from cocoon.cli.config.keys import new_password
    from cocoon.errors import ConfigError

    if file.exists():
        raise ConfigError(f"{file} exists already: a key is never overwritten")
    if plain and password_file is not None:
        raise ConfigError("give --plain or --password-file, not both")
    try:
        if plain:
            key.save(file)
        else:
            save_keystore(file, Keystore.seal(key, new_password(password_file)))
    except FileExistsError:
        raise ConfigError(f"{file} exists already: a key is never overwritten") from None


def _show(file: Path, key: "SecretKey", kind: "WalletKind") -> None:
    from cocoon.cli import screen
    from cocoon.cli.money.wallets import facts

    table = screen.facts("", facts(file, kind.wallet(key), key, kind))
    screen.stdout().print(table, soft_wrap=False)
