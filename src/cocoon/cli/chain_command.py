# ruff: noqa: PLC0415 - imported when the command runs, for a quick `cocoon --help`
"""``cocoon chain …``: an embedded TON chain, and a look at it."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

MAX_LISTED = 100

Url = Annotated[
    str | None,
    typer.Option("--url", help="The chain, if it is not the one that runs here.", metavar="URL"),
]
StateOption = Annotated[
    Path | None,
    typer.Option("--state", help="Directory of the chain, or of a devnet.", metavar="DIR"),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]

app = typer.Typer(
    help="An embedded TON chain: run one, and look at the one that runs.", no_args_is_help=True
)


@app.command("up")
def up(
    port: Annotated[
        int,
        typer.Option("--port", help="Port; 0 takes a free one.", metavar="PORT", min=0, max=65535),
    ] = 8081,
    state: Annotated[
        Path | None,
        typer.Option("--state", help="Directory that the chain is kept in.", metavar="DIR"),
    ] = None,
    database: Annotated[
        Path | None,
        typer.Option("--database", help="The chain's file, instead of --state.", metavar="FILE"),
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Delete the chain that is there, and begin anew.")
    ] = False,
    host: Annotated[
        str,
        typer.Option("--host", help="Where to listen; no password protects it.", metavar="HOST"),
    ] = "127.0.0.1",
    control: Annotated[
        bool | None,
        typer.Option(
            "--control/--no-control",
            help="Whether callers may print coins and set the clock; by default only where "
            "no other machine can reach it.",
        ),
    ] = None,
) -> None:
    """Run a chain until Ctrl-C: the real virtual machine, a clock that can be set, and a faucet.

    TON's SDKs use it unchanged, as a toncenter API at http://127.0.0.1:8081/api/v2.
    """
    import os

    from cocoon.cli import foreground, logging, process
    from cocoon.cli.chain.places import database_path
    from cocoon.cli.chain.running import ChainOptions, ChainRole, run_chain
    from cocoon.net.page_guard import is_loopback

    options = ChainOptions(
        database=database_path(state, database),
        host=host,
        port=port,
        fresh=fresh,
        control=is_loopback(host) if control is None else control,
    )
    if process.PARENT_PIPE_VARIABLE not in os.environ:
        foreground.run(run_chain(options))
        return
    logging.configure(logging.level_of("debug" if logging.is_verbose() else "info"))
    process.run(ChainRole(options, lambda sentence: typer.echo(sentence, err=True)), "chain")


@app.command("faucet")
def faucet(
    address: Annotated[str, typer.Argument(help="Who gets the coins.")],
    amount: Annotated[str, typer.Argument(help="How many TON.")],
    url: Url = None,
    state: StateOption = None,
    as_json: AsJson = False,
) -> None:
    """Print coins."""
    from cocoon.cli import screen
    from cocoon.cli.money.amount import parse_ton

    receiver = _address(address)
    nano = parse_ton(amount)
    chain = _chain(url, state)
    done = chain.post("faucet", address=receiver, amount=nano)
    after = chain.get(f"account/{receiver}")
    if as_json:
        _print_json(done | {"balance": after["balance"]})
        return
    screen.stdout().print(
        f"{screen.ton(nano)} sent; the account has {screen.ton(after['balance'])}"
    )


@app.command("account")
def account(
    address: Annotated[str, typer.Argument(help="Which account.")],
    url: Url = None,
    state: StateOption = None,
    as_json: AsJson = False,
) -> None:
    """Show an account: balance, status, newest transactions."""
    from cocoon.cli.chain import show

    found = _chain(url, state).get(f"account/{_address(address)}")
    _print(found, show.account, as_json=as_json)


@app.command("tx")
def tx(
    transaction: Annotated[
        str | None, typer.Argument(help="Hash of a transaction or a message; none lists them.")
    ] = None,
    of: Annotated[
        str | None,
        typer.Option("--account", help="Only those of this account.", metavar="ADDRESS"),
    ] = None,
    limit: Annotated[
        int,
        typer.Option("--limit", help="How many at most.", metavar="N", min=1, max=MAX_LISTED),
    ] = 20,
    url: Url = None,
    state: StateOption = None,
    as_json: AsJson = False,
) -> None:
    """Show a transaction with its phases and messages, or list the newest ones."""
    from cocoon.cli.chain import show
    from cocoon.errors import ConfigError

    if transaction is not None and of is not None:
        raise ConfigError("give a hash or --account, not both")
    if transaction is not None:
        found = _chain(url, state).get(f"transaction/{transaction}")
        _print(found, show.transaction, as_json=as_json)
        return
    account_address = None if of is None else _address(of)
    found = _chain(url, state).get("transactions", account=account_address, limit=limit)
    _print(found, lambda page: [show.transactions(page["transactions"])], as_json=as_json)


@app.command("time")
def clock(
    advance: Annotated[
        int | None,
        typer.Option("--advance", help="Move the clock forward.", metavar="SECONDS", min=1),
    ] = None,
    freeze: Annotated[bool, typer.Option("--freeze", help="Stop the clock.")] = False,
    unfreeze: Annotated[bool, typer.Option("--unfreeze", help="Let it run on.")] = False,
    url: Url = None,
    state: StateOption = None,
    as_json: AsJson = False,
) -> None:
    """Show or set the chain's clock; it never goes back."""
    from cocoon.cli.chain import show
    from cocoon.errors import ConfigError

    if freeze and unfreeze:
        raise ConfigError("give --freeze or --unfreeze, not both")
    chain = _chain(url, state)
    if advance is None and not freeze and not unfreeze:
        found = chain.get("time")
    else:
        wanted = {"advance": advance, "freeze": freeze or None, "unfreeze": unfreeze or None}
        found = chain.post("time", **wanted)
    _print(found, lambda item: [show.clock(item)], as_json=as_json)


def _chain(url: str | None, state: Path | None) -> Any:
    from cocoon.cli.chain.caller import ChainCaller
    from cocoon.cli.chain.places import find_url

    return ChainCaller(find_url(url, state))


def _address(text: str) -> str:
    """The raw form, which needs no escaping in a URL."""
    from cocoon.chain.address import Address
    from cocoon.errors import ConfigError, DecodeError

    try:
        return Address.parse(text.strip()).raw()
    except DecodeError as error:
        raise ConfigError(f"not a TON address: {error}") from None


def _print(found: Any, tell: Any, *, as_json: bool) -> None:
    from cocoon.cli import screen

    if as_json:
        _print_json(found)
        return
    for part in tell(found):
        screen.print_whole(part)


def _print_json(value: Any) -> None:
    typer.echo(json.dumps(value))
