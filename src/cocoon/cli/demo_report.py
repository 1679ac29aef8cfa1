"""``cocoon demo`` behind its options: the answer as it comes, then the facts."""

import json
from collections.abc import Callable

from rich.console import Console
from rich.table import Table

from cocoon.cli import screen
from cocoon.cli.money.coins_report import balances_table, coins_line, settled_rows
from cocoon.devnet.demo import MAX_TOKENS, DemoResult, run_demo
from cocoon.devnet.network import Network
from cocoon.devnet.options import DevnetOptions

SHORT_HASH = 16


async def run_and_report(options: DevnetOptions, prompt: str, *, as_json: bool) -> None:
    """Run the demo in a network of its own and print what happened.

    Args:
        options: the network.
        prompt: what to ask.
        as_json: the last line on stdout is one JSON object; everything else goes to stderr.

    Raises:
        CocoonError: the network did not start, answer or sign.
    """
    notices = screen.stderr()
    results = screen.stdout()
    shown = notices if as_json else results
    with screen.StartProgress(notices) as progress:
        network = Network(options, progress.report)
        try:
            await network.start()
        except BaseException:
            await network.stop()
            raise
    try:
        _introduce(network, options, prompt, notices)
        result = await run_demo(network, prompt, _printer(shown))
        if result.answer.finish_reason == "length":
            shown.print(f" … (cut after {MAX_TOKENS} tokens)", style="dim", end="")
        shown.print("\n")
        shown.print(report(result, *_prices(network, options)), soft_wrap=False)
        if result.settled is not None:
            shown.print(
                balances_table(result.settled.before, result.settled.after), soft_wrap=False
            )
            shown.print(coins_line(result.settled.supply))
    finally:
        await network.stop()
    if as_json:
        print(json.dumps(result.document(), ensure_ascii=False))  # noqa: T201 - the result


def report(result: DemoResult, price: int, fee: int) -> Table:
    """Who was attested, what was used, what it cost and what was signed.

    Args:
        result: of the demo.
        price: nanoTON that a client pays for a token.
        fee: nanoTON of it that the worker gets.
    """
    answer, payments = result.answer, result.payments
    usage = answer.usage
    return screen.facts(
        "What happened",
        [
            ("proxy attested", f"{_peer(answer.peer('proxy'))}  (checked by the client)"),
            ("worker attested", f"{_peer(answer.peer('worker'))}  (checked by the proxy)"),
            (
                "tokens",
                f"{usage.get('prompt_tokens', 0)} prompt + {usage.get('completion_tokens', 0)} "
                f"completion = {answer.adjusted_tokens} adjusted",
            ),
            ("price", f"{screen.ton(price)} a token, of which the worker gets {screen.ton(fee)}"),
            ("cost", f"{screen.ton(answer.cost)}  ({answer.cost} nanoTON)"),
            ("client signed for", _signed(payments.client_tokens, payments.client_nanoton)),
            ("worker signed for", _signed(payments.worker_tokens, payments.worker_nanoton)),
            *(settled_rows(result.settled) if result.settled is not None else ()),
            (
                "time",
                f"{result.start_seconds:.1f} s to start, {answer.first_token:.2f} s to the first "
                f"token, {answer.tokens_per_second:.0f} tokens/s",
            ),
        ],
    )


def _prices(network: Network, options: DevnetOptions) -> tuple[int, int]:
    if network.root is None:
        return options.price_per_token, options.worker_fee_per_token
    params = network.root.params
    return params.price_per_token, params.worker_fee_per_token


def _introduce(network: Network, options: DevnetOptions, prompt: str, console: Console) -> None:
    members = ", ".join(f"{name} ({pid})" for name, pid in network.pids().items())
    console.print(f"Network up after {network.start_seconds:.1f} s. Processes: {members}")
    console.print(screen.about_network(options.simulated_ton), style="yellow")
    if options.engine_url is None:
        console.print(screen.SMALL_MODEL, style="yellow")
    console.print(f"\nAsking {network.running.model} through client, proxy and worker:")
    console.print(f"> {prompt}\n", style="bold", markup=False)


def _printer(console: Console) -> Callable[[str], None]:
    def show(text: str) -> None:
        console.print(text, end="", markup=False)

    return show


def _peer(peer: dict[str, str]) -> str:
    evidence = peer["evidence"] or "none"
    warning = ", SIMULATED hardware: proves nothing" if "simulated" in evidence else ""
    return f"image {peer['image_hash'][:SHORT_HASH]}…, {evidence}{warning}"


def _signed(tokens: int, nano: int) -> str:
    return f"{tokens} tokens, {screen.ton(nano)}  (signature verified by the receiver)"
