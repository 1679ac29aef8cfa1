# ruff: noqa: PLC0415 - imported when the command runs, for a quick `cocoon --help`
"""``cocoon keys``: API keys of a gateway, their budgets and usage; and key files of nodes."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cocoon.cli import options as shared
from cocoon.cli.keys import options
from cocoon.cli.keys.group import FILES, KeysGroup

if TYPE_CHECKING:
    from cocoon.gateway.keys.record import KeyRecord
    from cocoon.gateway.keys.secret import NewKey

MACHINE_KEY = "machine.key"
WALLET_KEY = "wallet.key"

app = typer.Typer(
    cls=KeysGroup,
    help="API keys of a gateway with budgets, limits and usage; `files` makes a node's key files.",
    no_args_is_help=True,
)


@app.command("create")
def create(
    name: Annotated[str, typer.Argument(help="What people call it.", metavar="NAME")],
    store: options.StoreUrl = None,
    config: options.ConfigFile = None,
    admin: Annotated[bool, typer.Option("--admin", help="It may manage keys.")] = False,
    scope: options.Scopes = None,
    model: options.Models = None,
    expires: options.Expires = None,
    notes: options.Notes = None,
    day: options.Day = None,
    month: options.Month = None,
    total: options.Total = None,
    requests: options.Requests = None,
    tokens: options.Tokens = None,
    concurrency: options.Concurrency = None,
    user_day: options.UserDay = None,
    user_month: options.UserMonth = None,
    user_total: options.UserTotal = None,
    user_requests: options.UserRequests = None,
    user_tokens: options.UserTokens = None,
    user_concurrency: options.UserConcurrency = None,
    as_json: shared.AsJson = False,
) -> None:
    """Make an API key, and show it once and never again."""
    from msgspec import UNSET

    from cocoon.cli.keys.place import opened
    from cocoon.gateway.keys.changes import Changes, draft
    from cocoon.gateway.keys.limits import Limits
    from cocoon.gateway.keys.registry import Registry
    from cocoon.gateway.keys.scopes import ADMIN, DEFAULT_SCOPES
    from cocoon.gateway.keys.secret import new_key

    scopes = tuple(scope or DEFAULT_SCOPES)
    own = options.limits_from((day, month, total, requests, tokens, concurrency))
    users = options.limits_from(
        (user_day, user_month, user_total, user_requests, user_tokens, user_concurrency)
    )
    wanted = Changes(
        name=name,
        scopes=(*scopes, ADMIN) if admin and ADMIN not in scopes else scopes,
        models=tuple(model or ()),
        limits=Limits(**own),
        user_limits=Limits(**users),
        expires_at=UNSET if expires is None else options.expiry(expires),
        notes=notes or "",
    )
    record = draft(wanted.checked(), int(time.time()))
    made = new_key()
    with opened(store, config, create=True) as database:
        record = Registry(database).create(record, made)
    _print_new(record, made, as_json=as_json)


@app.command("list")
def list_keys(
    store: options.StoreUrl = None,
    config: options.ConfigFile = None,
    as_json: shared.AsJson = False,
) -> None:
    """List the API keys."""
    from cocoon.cli import screen
    from cocoon.cli.keys.place import opened
    from cocoon.cli.keys.report import keys_table
    from cocoon.gateway.keys.registry import MAX_KEYS, Registry
    from cocoon.gateway.keys.shown import key_object

    now = time.time()
    with opened(store, config) as database:
        records = Registry(database).page(MAX_KEYS)
    if as_json:
        _print_json({"data": [key_object(record, now) for record in records]})
    else:
        table, console = keys_table(records, now), screen.stdout()
        if console.is_terminal:  # limits take more lines there
            console.print(table, soft_wrap=False)
        else:
            screen.print_whole(table)


@app.command("show")
def show(
    key: options.KeyName,
    store: options.StoreUrl = None,
    config: options.ConfigFile = None,
    as_json: shared.AsJson = False,
) -> None:
    """Show one API key with its budgets; its secret cannot be shown."""
    from cocoon.cli import screen
    from cocoon.cli.keys.place import default_limits, opened
    from cocoon.cli.keys.report import key_facts
    from cocoon.gateway.keys.budgets import Budgets, key_account
    from cocoon.gateway.keys.registry import Registry
    from cocoon.gateway.keys.shown import budget_objects, key_object

    now = time.time()
    with opened(store, config) as database:
        record = Registry(database).find(key)
        states = Budgets(database).state(key_account(record.key_id), now)
    limits = record.limits.over(default_limits(config))
    if as_json:
        _print_json({**key_object(record, now), "budgets": budget_objects(states, limits)})
    else:
        rows = key_facts(record, states, limits, now)
        screen.print_whole(screen.facts("", rows))


@app.command("update")
def update(
    key: options.KeyName,
    store: options.StoreUrl = None,
    config: options.ConfigFile = None,
    name: Annotated[str | None, typer.Option("--name", help="A new name.")] = None,
    disabled: Annotated[
        bool | None, typer.Option("--disable/--enable", help="Refuse it, for now.")
    ] = None,
    scope: options.Scopes = None,
    model: options.Models = None,
    expires: options.Expires = None,
    notes: options.Notes = None,
    day: options.Day = None,
    month: options.Month = None,
    total: options.Total = None,
    requests: options.Requests = None,
    tokens: options.Tokens = None,
    concurrency: options.Concurrency = None,
    user_day: options.UserDay = None,
    user_month: options.UserMonth = None,
    user_total: options.UserTotal = None,
    user_requests: options.UserRequests = None,
    user_tokens: options.UserTokens = None,
    user_concurrency: options.UserConcurrency = None,
    as_json: shared.AsJson = False,
) -> None:
    """Change an API key; running gateways notice within two seconds."""
    import msgspec
    from msgspec import UNSET

    from cocoon.cli.keys.place import opened
    from cocoon.gateway.keys.changes import Changes
    from cocoon.gateway.keys.registry import Registry

    own = options.limits_from((day, month, total, requests, tokens, concurrency))
    users = options.limits_from(
        (user_day, user_month, user_total, user_requests, user_tokens, user_concurrency)
    )
    models = None if model is None else tuple(one for one in model if one != options.NONE)
    with opened(store, config) as database:
        registry = Registry(database)
        record = registry.find(key)
        wanted = Changes(
            name=_given(name),
            disabled=_given(disabled),
            scopes=UNSET if scope is None else tuple(scope),
            models=_given(models),
            notes=_given(notes),
            expires_at=UNSET if expires is None else options.expiry(expires),
            limits=msgspec.structs.replace(record.limits, **own) if own else UNSET,
            user_limits=msgspec.structs.replace(record.user_limits, **users) if users else UNSET,
        )
        changed = registry.update(record.key_id, wanted.checked(), int(time.time()))
    _print_changed(changed, as_json=as_json)


@app.command("rotate")
def rotate(
    key: options.KeyName,
    store: options.StoreUrl = None,
    config: options.ConfigFile = None,
    overlap: Annotated[
        str, typer.Option("--overlap", help="How long the old one still works.", metavar="SPAN")
    ] = "1d",
    as_json: shared.AsJson = False,
) -> None:
    """Give an API key another secret, and show it once."""
    from cocoon.cli.keys.place import opened
    from cocoon.gateway.keys.changes import Rotation
    from cocoon.gateway.keys.registry import Registry

    seconds = Rotation(options.span(overlap)).checked()
    with opened(store, config) as database:
        registry = Registry(database)
        found = registry.find(key)
        record, made = registry.rotate(found.key_id, seconds, int(time.time()))
    _print_new(record, made, as_json=as_json)


@app.command("revoke")
def revoke(
    key: options.KeyName,
    store: options.StoreUrl = None,
    config: options.ConfigFile = None,
    as_json: shared.AsJson = False,
) -> None:
    """Refuse an API key for good; running gateways notice within two seconds."""
    from cocoon.cli.keys.place import opened
    from cocoon.gateway.keys.registry import Registry

    with opened(store, config) as database:
        registry = Registry(database)
        record = registry.revoke(registry.find(key).key_id, int(time.time()))
    _print_changed(record, as_json=as_json)


@app.command("usage")
def usage(
    store: options.StoreUrl = None,
    config: options.ConfigFile = None,
    by: Annotated[
        str, typer.Option("--by", help="Any of day,key,model.", metavar="GROUPS")
    ] = "key",
    first: Annotated[
        str | None, typer.Option("--from", help="First UTC day.", metavar="DAY")
    ] = None,
    last: Annotated[str | None, typer.Option("--to", help="Last UTC day.", metavar="DAY")] = None,
    key: options.KeyFilter = None,
    as_json: shared.AsJson = False,
) -> None:
    """Sum up what was used and what it cost."""
    from cocoon.cli import screen
    from cocoon.cli.keys.place import opened
    from cocoon.cli.keys.report import usage_table
    from cocoon.errors import ConfigError
    from cocoon.gateway.keys.ledger import GROUPS, Ledger
    from cocoon.gateway.keys.periods import day_of
    from cocoon.gateway.keys.registry import MAX_KEYS, Registry, names
    from cocoon.gateway.keys.shown import summary_object

    groups = [name for name in GROUPS if name in by.split(",")]
    if set(by.split(",")) - set(GROUPS):
        raise ConfigError("--by takes any of day,key,model")
    with opened(store, config) as database:
        registry = Registry(database)
        rows = Ledger(database).summary(
            groups,
            first_day="" if first is None else day_of(options.moment(first)),
            last_day="9" if last is None else day_of(options.moment(last)),
            key_id=None if key is None else registry.find(key).key_id,
            limit=MAX_KEYS,
        )
        known = names(registry.page(MAX_KEYS)) if "key" in groups and not as_json else {}
    if as_json:
        _print_json({"data": [summary_object(row) for row in rows]})
    else:
        screen.print_whole(usage_table(rows, groups, known))


@app.command("export")
def export(
    store: options.StoreUrl = None,
    config: options.ConfigFile = None,
    form: Annotated[
        str, typer.Option("--format", help="`csv`, or `json`: an object a line.", metavar="FORM")
    ] = "csv",
    since: Annotated[
        str | None, typer.Option("--since", help="From this time on.", metavar="TIME")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", help="Before this time.", metavar="TIME")
    ] = None,
    key: options.KeyFilter = None,
    user: Annotated[
        str | None, typer.Option("--user", help="Only this end user.", metavar="NAME")
    ] = None,
) -> None:
    """Print the ledger: one line a request, without content."""
    from itertools import islice

    from cocoon.cli.keys.place import opened
    from cocoon.errors import ConfigError
    from cocoon.gateway.keys.gate import pseudonym
    from cocoon.gateway.keys.ledger import PAGE, Ledger, UsageFilter
    from cocoon.gateway.keys.registry import Registry
    from cocoon.gateway.keys.shown import usage_csv, usage_json_lines

    if form not in ("csv", "json"):
        raise ConfigError("--format is csv or json")
    with opened(store, config) as database:
        registry = Registry(database)
        wanted = UsageFilter(
            None if since is None else options.moment(since),
            None if until is None else options.moment(until),
            None if key is None else registry.find(key).key_id,
            None if user is None else pseudonym(registry.salt(), user),
        )
        rows = Ledger(database).rows(wanted)
        if form == "csv":
            typer.echo(usage_csv((), header=True), nl=False)
        while part := list(islice(rows, PAGE)):
            text = usage_csv(part, header=False) if form == "csv" else usage_json_lines(part)
            typer.echo(text, nl=False)


@app.command("reconcile")
def reconcile(
    store: options.StoreUrl = None,
    config: options.ConfigFile = None,
    give_back: Annotated[
        bool | None,
        typer.Option("--give-back/--as-spent", help="What becomes of it; without: only look."),
    ] = None,
) -> None:
    """Show or settle what gateways that died have reserved of budgets."""
    from cocoon.cli import screen
    from cocoon.cli.keys.place import opened
    from cocoon.gateway.keys.budgets import Budgets

    now = time.time()
    with opened(store, config) as database:
        budgets = Budgets(database)
        if give_back is None:
            dead = budgets.dead(now)
            typer.echo(f"{len(dead)} dead gateways hold {screen.ton(sum(dead.values()))}")
        else:
            amount = budgets.reconcile(now, as_spent=not give_back)
            done = "given back" if give_back else "booked as spent"
            typer.echo(f"{screen.ton(amount)} {done}")


@app.command(FILES)
def files(
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


def _given(value: Any) -> Any:
    from msgspec import UNSET

    return UNSET if value is None else value


def _print_json(value: object) -> None:
    import msgspec

    typer.echo(msgspec.json.format(msgspec.json.encode(value)).decode())


def _print_changed(record: "KeyRecord", *, as_json: bool) -> None:
    from cocoon.gateway.keys.shown import key_object

    now = time.time()
    if as_json:
        _print_json(key_object(record, now))
    else:
        typer.echo(f"{record.key_id}  {record.name}: {record.state(now)}")


def _print_new(record: "KeyRecord", made: "NewKey", *, as_json: bool) -> None:
    from cocoon.gateway.keys.shown import key_object

    if as_json:
        _print_json({**key_object(record, time.time()), "key": made.text})
        return
    typer.echo(f"{record.key_id}  {record.name}; the key is shown now and never again:")
    typer.echo(made.text)
