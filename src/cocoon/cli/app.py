"""The command line as one object, and the boundary where exceptions become exit codes."""

import io
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from typer.exceptions import TyperException

from cocoon import __version__
from cocoon.cli import (
    attest_command,
    balance_command,
    chain_command,
    chat_command,
    client_command,
    close_command,
    demo_command,
    deposit_command,
    guest_init_command,
    key_manager_command,
    keys_command,
    logging,
    model_command,
    payout_command,
    proxy_command,
    root_command,
    router_command,
    seal_command,
    telegram_command,
    up_command,
    wallet_command,
    withdraw_command,
    worker_command,
)
from cocoon.errors import CocoonError, where

EXIT_BUG = 70
"""Exit code of an error that we did not foresee (``EX_SOFTWARE`` of sysexits)."""
_ROLES: dict[str, Callable[[Path], None]] = {
    "client": client_command.client,
    "key-manager": key_manager_command.run,
    "proxy": proxy_command.proxy,
    "worker": worker_command.worker,
}
EXIT_INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells expect it."""

app = typer.Typer(
    name="cocoon",
    help="Confidential AI inference on TON: client, proxy, worker, and a whole network to try.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"cocoon {__version__}")
        raise typer.Exit


@app.callback()
def options(
    verbose: Annotated[
        bool, typer.Option("--verbose", help="Log more, and show where an error comes from.")
    ] = False,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print version."),
    ] = False,
) -> None:
    """Options of every command; they stand before its name."""
    del version  # its callback has printed it
    logging.set_verbose(verbose)


app.command("up")(up_command.up)
app.command("demo")(demo_command.demo)
app.command("chat")(chat_command.chat)
app.add_typer(wallet_command.app, name="wallet")
app.add_typer(root_command.app, name="root")
app.command("balance")(balance_command.balance)
app.command("deposit")(deposit_command.deposit)
app.command("withdraw")(withdraw_command.withdraw)
app.command("close")(close_command.close)
app.command("payout")(payout_command.payout)
app.command("client")(client_command.client)
app.command("proxy")(proxy_command.proxy)
app.command("worker")(worker_command.worker)
app.command(
    "router",
    context_settings={
        "allow_extra_args": True,
        "ignore_unknown_options": True,
        "help_option_names": ["--help"],  # -h is the official router's
    },
)(router_command.router)
app.command("guest-init", hidden=True)(guest_init_command.guest_init)
app.add_typer(keys_command.app, name="keys")
app.add_typer(key_manager_command.app, name="key-manager")
app.add_typer(seal_command.app, name="seal")
app.add_typer(chain_command.app, name="chain")
app.add_typer(model_command.app, name="model")
app.add_typer(attest_command.app, name="attest")
app.add_typer(telegram_command.app, name="telegram")


def run(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code; an error is one sentence on stderr.

    Args:
        arguments: the words after ``cocoon``; None takes those of this process.
    """
    try:
        if (role := _plain_role(sys.argv[1:] if arguments is None else arguments)) is not None:
            logging.load_without_rich()
            role()
            return 0
        code = typer.main.get_command(app).main(arguments, "cocoon", standalone_mode=False)
    except TyperException as error:
        return _usage_error(error)
    except CocoonError as error:
        return _report(str(error), error.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        if sys.stderr.isatty():
            print(file=sys.stderr)  # noqa: T201 - the terminal has echoed ^C; the shell goes on below
        return EXIT_INTERRUPTED
    except OSError as error:
        return _report(str(error), 1)
    except Exception as error:  # the outermost boundary
        bug = f"{type(error).__name__} at {where(error)}"
        return _report(f"internal error, please report it: {bug}", EXIT_BUG)
    return code if isinstance(code, int) else 0


def _plain_role(words: list[str]) -> Callable[[], None] | None:
    """The role to run when the words are ``ROLE --config FILE`` and no more.

    That is how services and networks start roles. Typer would check the words with pydantic, 14 MB
    that the process would carry for as long as it runs.
    """
    match words:
        case [name, "--config" | "-c", file] if name in _ROLES and not file.startswith("-"):
            return partial(_ROLES[name], Path(file))
    return None


def main() -> None:
    """Entry point of the ``cocoon`` script."""
    if isinstance(sys.stdout, io.TextIOWrapper):  # answers hold characters that few encodings have
        sys.stdout.reconfigure(errors="backslashreplace")
    sys.exit(run())


def _usage_error(error: TyperException) -> int:
    message = getattr(error, "format_message", lambda: str(error))()
    code = getattr(error, "exit_code", 2)
    if not message:  # a bare `cocoon` shows its help; that is not an error text
        return int(code)
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "cocoon"
    hint = "" if "--help" in message else f" See `{command} --help`."
    end = "" if message.endswith((".", "?", "!")) else "."
    return _report(message + end + hint, int(code))


def _report(message: str, exit_code: int) -> int:
    if logging.is_verbose() and sys.exc_info()[0] is not None:
        sys.excepthook(*sys.exc_info())
    print(f"cocoon: {message}", file=sys.stderr)  # noqa: T201 - errors of a command go to stderr
    return exit_code
