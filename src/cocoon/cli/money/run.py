"""Run the coroutine of a money command: intent to stderr, result to stdout."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from rich.console import Console

from cocoon.chain.backend import ChainBackend
from cocoon.cli import logging, screen
from cocoon.cli.money.outcome import Outcome


def run(make: Callable[[Console], Coroutine[Any, Any, Outcome]], *, as_json: bool) -> None:
    """Do it and show what came of it.

    Raises:
        CocoonError: it could not be done.
        typer.Abort: somebody said no.
    """
    logging.configure(logging.level_of("debug" if logging.is_verbose() else "error"))
    asyncio.run(make(screen.stderr())).show(as_json=as_json)


async def with_backend(backend: ChainBackend, main: Coroutine[Any, Any, Outcome]) -> Outcome:
    """Await it, and close the connection whatever comes of it."""
    try:
        return await main
    finally:
        await backend.close()
