"""``cocoon up`` behind its options."""

import asyncio

from rich.console import Console

from cocoon.cli import screen
from cocoon.cli.money.balance_report import show
from cocoon.cli.money.target import all_targets
from cocoon.devnet.network import Network
from cocoon.devnet.options import DevnetOptions
from cocoon.errors import UnavailableError

NOBODY_LEFT = (
    "No {role} is left, so no request can be answered. Everybody can still take their money: "
    "`cocoon close`, `cocoon payout`."
)


async def run_up(options: DevnetOptions) -> None:
    """Start, say how to use it, run until cancelled or until a role has died out, stop.

    Raises:
        CocoonError: it did not start, or no process of a role is left.
    """
    console = screen.stderr()
    with screen.StartProgress(console) as progress:
        network = Network(options, progress.report)
        try:
            await network.start()
        except BaseException:
            await network.stop()
            raise
    try:
        say_how(network, options, console)
        if network.chain is not None:
            await show(all_targets(options.state, None), console)
        await watch(network, console)
    except asyncio.CancelledError:
        console.print("Stopping; state is kept.")  # Ctrl-C is how this command ends
    finally:
        await network.stop()


async def watch(network: Network, console: Console) -> None:
    """Report every process that ends by itself, as long as there is a reason to go on.

    Without a chain that is until no request can be answered any more. With one there is money at
    the members that are left, and they go on until the chain is gone.

    Raises:
        UnavailableError: a role has no process left, or the chain has ended.
    """
    while True:
        death = await network.next_death()
        missing = network.missing_role()
        if missing == "chain" or (missing is not None and network.chain is None):
            raise UnavailableError(f"the network stops: {death}")
        console.print(f"{death}. It is not restarted; the others go on.", style="red", markup=False)
        if missing is not None:
            console.print(NOBODY_LEFT.format(role=missing), style="red", markup=False)


def say_how(network: Network, options: DevnetOptions, console: Console) -> None:
    """Tell how to reach a network that has started, and what it is not."""
    running = network.running
    plan = network.plan
    rows = [
        ("API", f"{running.gateway_url}  (OpenAI-compatible)"),
        ("its page", f"{running.gateway_url.removesuffix('/v1')}/docs"),
        *([("keys", _how_keys(options.api_keys))] if options.api_keys else []),
        ("model", running.model),
        *((f"{item.name}", f"{item.http}/jsonstats") for item in plan.proxies + plan.workers),
        *([("chain", network.plan.chain.http)] if network.plan.chain is not None else []),
        ("state, logs", str(options.state)),
    ]
    console.print(f"The network is up after {network.start_seconds:.1f} s. Ctrl-C stops it.")
    console.print(screen.facts("", rows), soft_wrap=False)
    console.print(screen.about_network(options.simulated_ton), style="yellow")
    if options.engine_url is None:
        console.print(screen.SMALL_MODEL, style="yellow")


def _how_keys(store: str) -> str:
    """How to make one; a store's URL may hold a password."""
    return f"cocoon keys create NAME --store {'URL' if '://' in store else store}"
