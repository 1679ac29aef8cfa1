# ruff: noqa: PLC0415 - imported when the command runs, for a quick `cocoon --help`
"""``cocoon root …``: what a network's root says, and how its owners change it."""

from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cocoon.cli import options

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from cocoon.chain.wallets.base import Wallet
    from cocoon.cli.governance.session import Network
    from cocoon.cli.money.outcome import Outcome

    Act = Callable[[Network, Wallet, Console], Coroutine[Any, Any, Outcome]]
    Look = Callable[[Network], Coroutine[Any, Any, Outcome]]

Root = Annotated[
    str | None,
    typer.Option("--root", help="Address of the root contract.", metavar="ADDRESS"),
]
Url = Annotated[
    str | None, typer.Option("--url", help="HTTP API of the toncenter form.", metavar="URL")
]
Mainnet = Annotated[bool, typer.Option("--mainnet", help="The main network, not a test one.")]
Key = Annotated[
    Path | None,
    typer.Option("--key", help="Your key file; a devnet's is its deployer's.", metavar="FILE"),
]
Kind = Annotated[str, typer.Option("--kind", help="Your wallet: `v5r1` or `v4r2`.", metavar="KIND")]

app = typer.Typer(
    help="The root contract of a network: what it says, and who may change it.",
    no_args_is_help=True,
)


@app.command("show")
def show(
    root: Root = None,
    url: Url = None,
    state: options.State = None,
    config: options.NodeConfig = None,
    mainnet: Mainnet = False,
    as_json: options.AsJson = False,
) -> None:
    """Show what the root says: prices, trusted images, models, proxies, and who decides."""
    from cocoon.cli import screen
    from cocoon.cli.governance.report import rent_rows, root_document, root_rows
    from cocoon.cli.money.outcome import Outcome

    async def look(network: "Network") -> "Outcome":
        now = (await network.backend.head()).time
        table = screen.facts("", root_rows(network, now) + await rent_rows(network))
        return Outcome([], document=root_document(network), tables=[table])

    _look(look, root, url, state, config, mainnet=mainnet, as_json=as_json)


@app.command("queue")
def queue(
    root: Root = None,
    url: Url = None,
    state: options.State = None,
    config: options.NodeConfig = None,
    mainnet: Mainnet = False,
    as_json: options.AsJson = False,
) -> None:
    """List the proposals that wait for approvals, or for their time."""
    from cocoon.cli.governance.report import queue_document, queue_table
    from cocoon.cli.money.outcome import Outcome

    async def look(network: "Network") -> "Outcome":
        now = (await network.backend.head()).time
        document = {"proposals": queue_document(network, now)}
        return Outcome([], document=document, tables=[queue_table(network, now)])

    _look(look, root, url, state, config, mainnet=mainnet, as_json=as_json)


@app.command("history")
def history(
    root: Root = None,
    url: Url = None,
    state: options.State = None,
    config: options.NodeConfig = None,
    mainnet: Mainnet = False,
    as_json: options.AsJson = False,
) -> None:
    """List every change of the root and every decision of its owners, oldest first."""
    from cocoon.chain.root_history import read_history
    from cocoon.cli.governance.report import history_document, history_lines
    from cocoon.cli.money.outcome import Outcome

    async def look(network: "Network") -> "Outcome":
        changes = await read_history(network.backend, network.root.address)
        document = {"history": history_document(changes, network)}
        return Outcome(history_lines(changes, network), document=document)

    _look(look, root, url, state, config, mainnet=mainnet, as_json=as_json)


@app.command("propose")
def propose(
    operation: Annotated[str, typer.Argument(help="Such as add-model-type.")],
    arguments: Annotated[
        list[str] | None, typer.Argument(help="Of the operation.", metavar="ARGUMENTS")
    ] = None,
    key: Key = None,
    kind: Kind = "v5r1",
    root: Root = None,
    url: Url = None,
    state: options.State = None,
    config: options.NodeConfig = None,
    mainnet: Mainnet = False,
    password_file: options.PasswordFile = None,
    yes: options.Yes = False,
    as_json: options.AsJson = False,
) -> None:
    """Propose a change; where the root has one owner, make it.

    Operations: add-, del-proxy-type HASH; add-, del-worker-type HASH; add-, del-model-type HASH;
    register-proxy HOST:PORT [HOST:PORT]; update-proxy SEQNO HOST:PORT …; unregister-proxy SEQNO;
    change-price PRICE FEE; change-params …; upgrade-contracts; change-owner ADDRESS; set-rules
    THRESHOLD REVOKE DELAY OWNER …; set-tariff TIME PROMPT CACHED COMPLETION REASONING;
    replace-tariff with the same, which also drops what is announced. Amounts are in nanoTON, times
    in seconds.
    """
    from cocoon.cli.governance import session
    from cocoon.cli.governance.actions import parse_wish

    wish = parse_wish(operation, arguments or [])
    _act(
        lambda network, wallet, console: session.propose(
            network, wallet, wish, console=console, yes=yes
        ),
        (key, kind, password_file), root, url, state, config, mainnet=mainnet, as_json=as_json,
    )  # fmt: skip


@app.command("approve")
def approve(
    number: Annotated[int, typer.Argument(help="Of the proposal.", metavar="ID")],
    key: Key = None,
    kind: Kind = "v5r1",
    root: Root = None,
    url: Url = None,
    state: options.State = None,
    config: options.NodeConfig = None,
    mainnet: Mainnet = False,
    password_file: options.PasswordFile = None,
    yes: options.Yes = False,
    as_json: options.AsJson = False,
) -> None:
    """Approve a proposal, after it was shown."""
    from cocoon.cli.governance import session

    _act(
        lambda network, wallet, console: session.approve(
            network, wallet, number, console=console, yes=yes
        ),
        (key, kind, password_file), root, url, state, config, mainnet=mainnet, as_json=as_json,
    )  # fmt: skip


@app.command("execute")
def execute(
    number: Annotated[int, typer.Argument(help="Of the proposal.", metavar="ID")],
    key: Key = None,
    kind: Kind = "v5r1",
    root: Root = None,
    url: Url = None,
    state: options.State = None,
    config: options.NodeConfig = None,
    mainnet: Mainnet = False,
    password_file: options.PasswordFile = None,
    yes: options.Yes = False,
    as_json: options.AsJson = False,
) -> None:
    """Carry out a proposal whose time has come; anybody may, with any wallet."""
    from cocoon.cli.governance import session

    _act(
        lambda network, wallet, console: session.execute(
            network, wallet, number, console=console, yes=yes
        ),
        (key, kind, password_file), root, url, state, config, mainnet=mainnet, as_json=as_json,
    )  # fmt: skip


@app.command("govern")
def govern(
    owners: Annotated[list[str], typer.Argument(help="Addresses of the owners' wallets.")],
    threshold: Annotated[
        int, typer.Option("--threshold", help="Approvals that a change needs.", metavar="N", min=1)
    ],
    revoke_threshold: Annotated[
        int,
        typer.Option(
            "--revoke-threshold",
            help="Approvals that are enough to take trust away at once.",
            metavar="N",
            min=1,
        ),
    ] = 1,
    delay: Annotated[
        int,
        typer.Option("--delay", help="Seconds between decision and execution.", metavar="SECONDS"),
    ] = 86_400,
    key: Key = None,
    kind: Kind = "v5r1",
    root: Root = None,
    url: Url = None,
    state: options.State = None,
    config: options.NodeConfig = None,
    mainnet: Mainnet = False,
    password_file: options.PasswordFile = None,
    yes: options.Yes = False,
    as_json: options.AsJson = False,
) -> None:
    """Hand a root with one owner over to several, who decide together and with a delay."""
    from cocoon.chain.contracts.governor_rules import Rules
    from cocoon.cli.governance import session
    from cocoon.cli.money.wallets import parse_address

    addresses = tuple(parse_address(text, "an owner") for text in owners)
    rules = Rules(0, addresses, threshold, revoke_threshold, delay)
    rules.check()
    _act(
        lambda network, wallet, console: session.govern(
            network, wallet, rules, console=console, yes=yes
        ),
        (key, kind, password_file), root, url, state, config, mainnet=mainnet, as_json=as_json,
    )  # fmt: skip


def _look(
    look: "Look",
    root: str | None,
    url: str | None,
    state: Path | None,
    config: Path | None,
    *,
    mainnet: bool,
    as_json: bool,
) -> None:
    from cocoon.cli.governance.places import find_root
    from cocoon.cli.governance.session import opened
    from cocoon.cli.money.network_choice import connect
    from cocoon.cli.money.run import run

    address = find_root(root, state, config)
    backend = connect(url, state, config, testnet=not mainnet)

    async def main() -> "Outcome":
        async with opened(backend, address) as network:
            return await look(network)

    run(lambda _console: main(), as_json=as_json)


def _act(
    act: "Act",
    whose: tuple[Path | None, str, Path | None],
    root: str | None,
    url: str | None,
    state: Path | None,
    config: Path | None,
    *,
    mainnet: bool,
    as_json: bool,
) -> None:
    from cocoon.cli.config.keys import open_key
    from cocoon.cli.governance.places import find_key, find_root
    from cocoon.cli.governance.session import opened
    from cocoon.cli.money.network_choice import connect
    from cocoon.cli.money.run import run
    from cocoon.cli.money.wallets import WalletKind

    key, kind, password_file = whose
    address = find_root(root, state, config)
    backend = connect(url, state, config, testnet=not mainnet)
    chosen = WalletKind(kind, not mainnet)
    wallet = chosen.wallet(open_key(find_key(key, state, config, url), password_file))

    async def main(console: "Console") -> "Outcome":
        async with opened(backend, address) as network:
            return await act(network, wallet, console)

    run(main, as_json=as_json)
