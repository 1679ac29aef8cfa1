"""``cocoon telegram up --stand-in``: everything on this machine, a chat in the browser."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from cocoon import AsyncClient
from cocoon.cli import screen
from cocoon.cli.network_session import watch
from cocoon.cli.telegram.role import EXTRA
from cocoon.devnet.network import Network
from cocoon.devnet.options import DevnetOptions
from cocoon.devnet.state import RunningNetwork, find_running
from cocoon.errors import ConfigError

PAGE_PORT = 8089
APP_PORT = 8090
MINI_APP = Path(__file__).parents[2] / "telegram" / "miniapp" / "index.html"
NOT_BUILT = "The Mini App is not built, so only the bot is there: `make miniapp` builds it."
NOT_TELEGRAM = (
    "This is a stand-in for Telegram on this machine, with pretend people, Stars and wallets. "
    "The bot, its accounts and the network behind it are the real programs."
)


@dataclass(frozen=True, slots=True)
class StandInOptions:
    """What was asked for.

    Attributes:
        state: of the network.
        port: of the page; None is 8089, 0 takes free ports.
    """

    state: Path
    port: int | None = None


async def run_stand_in(options: StandInOptions) -> None:
    """Start what does not run yet, say where to look, run until cancelled, stop.

    Raises:
        CocoonError: it did not start.
    """
    console = screen.stderr()
    async with AsyncExitStack() as stack:
        try:
            network, found = await _network(options.state, console, stack)
            url = await _trial(options, found, console, stack)
            console.print(f"\nOpen [bold]{url}[/] and chat. Ctrl-C stops it.")
            if network is None:
                await asyncio.Event().wait()
            else:
                await watch(network, console)
        except asyncio.CancelledError:
            console.print("Stopping.")  # Ctrl-C is how this command ends


async def _network(
    state: Path, console: Console, stack: AsyncExitStack
) -> tuple[Network | None, RunningNetwork]:
    """The network that runs there, or one that is started now."""
    running = find_running(state)
    if running is not None:
        console.print(f"Using the network in {state}.", markup=False)
        return None, running
    with screen.StartProgress(console) as progress:
        network = Network(DevnetOptions(state=state, port=0), progress.report)
        stack.push_async_callback(network.stop)
        await network.start()
    return network, network.running


async def _trial(
    options: StandInOptions, running: RunningNetwork, console: Console, stack: AsyncExitStack
) -> str:
    """Start stand-in and service; the address to open."""
    try:
        from cocoon.devnet.telegram.trial import Trial, TrialOptions  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("cocoon"):
            raise
        raise ConfigError(EXTRA) from None
    is_free = options.port == 0
    wanted = TrialOptions(
        folder=options.state / "telegram",
        chain=running.chain,
        page_port=PAGE_PORT if options.port is None else options.port,
        app_port=0 if is_free else APP_PORT,
    )
    trial = Trial(wanted, AsyncClient(devnet=options.state))
    await trial.start()
    stack.push_async_callback(trial.close)
    rows = [
        ("chat", trial.url),
        ("Mini App", f"{trial.app_url}/app/  (opens inside the chat)"),
        ("operators' page", f"{trial.app_url}/operator"),
        ("its password", f"{trial.operator_token}  (any name)"),
        ("model", running.model),
    ]
    console.print(screen.facts("", rows), soft_wrap=False)
    console.print(NOT_TELEGRAM, style="yellow")
    if not MINI_APP.is_file():
        console.print(NOT_BUILT, style="yellow")
    console.print(screen.about_network(running.chain is None), style="yellow")
    return trial.url
