# ruff: noqa: PLC0415 - imported when the command runs, for a quick `cocoon --help`
"""``cocoon demo``: one question through a network of its own."""

from typing import Annotated

import typer

from cocoon.cli import options


def demo(
    prompt: Annotated[str | None, typer.Argument(help="What to ask the model.")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object as the last line.")
    ] = False,
    workers: options.Workers = 1,
    proxies: options.Proxies = 1,
    engine_url: options.EngineUrl = None,
    model: options.Model = None,
    state: options.State = None,
    simulated_ton: options.SimulatedTon = False,
) -> None:
    """Start a network, ask one question, show what it cost and who was attested, stop again.

    Without --state everything is thrown away at the end.
    """
    import shutil
    import tempfile
    from pathlib import Path

    from cocoon.cli import foreground, logging
    from cocoon.cli.demo_report import run_and_report
    from cocoon.devnet.demo import DEFAULT_PROMPT
    from cocoon.devnet.options import DevnetOptions
    from cocoon.errors import CocoonError

    temporary = None if state is not None else Path(tempfile.mkdtemp(prefix="cocoon-demo-"))
    asked = DevnetOptions(
        state=state or temporary or Path(),
        workers=workers,
        proxies=proxies,
        port=0,
        engine_url=engine_url,
        model=model,
        simulated_ton=simulated_ton,
        log_level="debug" if logging.is_verbose() else "info",
    )
    try:
        foreground.run(run_and_report(asked, prompt or DEFAULT_PROMPT, as_json=as_json))
    except CocoonError:
        if temporary is not None and any(temporary.glob("*/log")):
            temporary = None  # the error names one of them
        raise
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)
