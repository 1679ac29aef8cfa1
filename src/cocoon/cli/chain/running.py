"""``cocoon chain up`` behind its options."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from cocoon.chain.embedded.chain import EmbeddedChain
from cocoon.chain.embedded.emulator import Emulator
from cocoon.cli import screen
from cocoon.cli.chain import places, show
from cocoon.cli.chain.server import ChainServer


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainOptions:
    """A chain to serve.

    Attributes:
        database: its file.
        host: address to listen on.
        port: TCP port; 0 takes a free one.
        fresh: begin anew, whatever is in the file.
        control: whether callers may print coins, set the clock and go back.
    """

    database: Path
    host: str = places.LOOPBACK
    port: int = 0
    fresh: bool = False
    control: bool = True


class ChainRole:
    """A chain and its server as one thing to start and to close.

    Args:
        options: what to serve.
        progress: told, in a sentence for people, when starting takes seconds.
    """

    def __init__(self, options: ChainOptions, progress: Callable[[str], None]) -> None:
        self._options = options
        self._progress = progress
        self._chain: EmbeddedChain | None = None
        self._server: ChainServer | None = None
        self.url = ""

    async def start(self) -> None:
        """Open the chain and listen.

        Raises:
            ConfigError: the address cannot be listened on, or the emulator is not installed.
            StoreError: the chain's file cannot be used.
        """
        options = self._options
        self._chain = await asyncio.to_thread(self._open)
        server = ChainServer(
            self._chain, host=options.host, port=options.port, control=options.control
        )
        await server.start()
        self._server = server
        self.url = server.url
        places.publish(options.database, self.url)

    def _open(self) -> EmbeddedChain:
        if self._options.fresh:
            places.remove_chain(self._options.database)
        emulator = Emulator(progress=self._progress)
        return EmbeddedChain(self._options.database, emulator=emulator)

    async def close(self) -> None:
        """Stop listening, then close the file."""
        places.withdraw(self._options.database)
        if self._server is not None:
            await self._server.close()
            self._server = None
        if self._chain is not None:
            self._chain.close()
            self._chain = None

    def clock(self) -> str:
        """The chain's clock, for people."""
        assert self._chain is not None
        return f"{show.time(self._chain.now)} UTC{', stopped' if self._chain.frozen else ''}"

    def head(self) -> int:
        """Number of the newest block."""
        assert self._chain is not None
        return self._chain.head().seqno


async def run_chain(options: ChainOptions) -> None:
    """Start, say how to use it, run until cancelled, stop.

    Raises:
        CocoonError: it did not start.
    """
    console = screen.stderr()
    with console.status("Starting the chain") as status:

        def progress(sentence: str) -> None:
            if console.is_terminal:
                status.update(sentence)
            else:
                console.print(sentence)

        role = ChainRole(options, progress)
        try:
            await role.start()
        except BaseException:
            await role.close()
            raise
    try:
        _say_how(role, options, console)
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        console.print("Stopping; the chain is kept.")  # Ctrl-C is how this command ends
    finally:
        await role.close()


def _say_how(role: ChainRole, options: ChainOptions, console: Console) -> None:
    rows = [
        ("for SDKs", f"{role.url}/api/v2  (toncenter v2; v3 is at /api/v3)"),
        ("for people", f"{role.url}/"),
        ("block", str(role.head())),
        ("clock", role.clock()),
        ("file", str(options.database)),
    ]
    console.print("The embedded TON chain is up. Ctrl-C stops it.")
    console.print(screen.facts("", rows), soft_wrap=False)
    console.print("Coins here are worth nothing; anybody who reaches it can print more.")
