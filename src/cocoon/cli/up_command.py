# ruff: noqa: PLC0415 - imported when the command runs, for a quick `cocoon --help`
"""``cocoon up``: a whole network on this machine until Ctrl-C."""

from pathlib import Path
from typing import Annotated

import typer

from cocoon.cli import options


def up(
    workers: options.Workers = 1,
    proxies: options.Proxies = 1,
    engine_url: options.EngineUrl = None,
    model: options.Model = None,
    state: options.State = None,
    simulated_ton: options.SimulatedTon = False,
    port: options.Port = None,
    api_keys: Annotated[
        str | None,
        typer.Option(
            "--api-keys",
            help="Ask callers for API keys of this store: a SQLite file, or postgresql://….",
            metavar="STORE",
        ),
    ] = None,
    pow_difficulty: Annotated[
        int,
        typer.Option(
            "--pow-difficulty",
            help="Proof of work of each connection, bits.",
            metavar="N",
            min=0,
            max=28,
        ),
    ] = 8,
) -> None:
    """Run a whole network on this machine: proxies, workers with engines, client and gateway.

    Every part is a process of its own. TEE hardware is simulated; the contracts run on a TON chain
    on this machine. Ctrl-C stops it; its state is kept and used again.
    """
    from cocoon.cli import foreground, logging
    from cocoon.cli.network_session import run_up
    from cocoon.devnet.options import DevnetOptions, default_state

    asked = DevnetOptions(
        state=state or default_state(),
        workers=workers,
        proxies=proxies,
        port=port,
        api_keys=None if api_keys is None else _store(api_keys),
        engine_url=engine_url,
        model=model,
        simulated_ton=simulated_ton,
        pow_difficulty=pow_difficulty,
        log_level="debug" if logging.is_verbose() else "info",
    )
    foreground.run(run_up(asked))


def _store(text: str) -> str:
    """A file counts from here; the client's configuration lies elsewhere."""
    return text if "://" in text else str(Path(text).expanduser().absolute())
