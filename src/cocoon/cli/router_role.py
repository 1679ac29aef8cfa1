"""The router as something that can be started and closed."""

import asyncio
import time
from dataclasses import dataclass, field
from pathlib import Path

from cocoon.attestation.evidence.collateral import CollateralBook
from cocoon.cli.config.collateral import make_library
from cocoon.cli.config.collateral_files import load_files
from cocoon.cli.config.collateral_table import CollateralTable
from cocoon.collateral.books import Books
from cocoon.devnet.tee import SimulatedTdx, SimulatedTee
from cocoon.errors import ConfigError
from cocoon.net.identity import Identity
from cocoon.net.router import Router, serve_router
from cocoon.net.router_file import RouterConfig


@dataclass(frozen=True, slots=True)
class RouterTrust:
    """What a router judges quotes with, beyond the official options.

    Attributes:
        collateral: files with Intel's signed collateral.
        kept: a directory that is kept current with it instead.
        simulated: directory of a devnet's simulated machine, trusted instead of Intel.
        image: show simulated evidence of this image ourselves.
    """

    collateral: tuple[Path, ...] = ()
    kept: CollateralTable = field(default_factory=CollateralTable)
    simulated: Path | None = None
    image: str | None = None


class RouterRole:
    """A router from its configuration.

    Raises:
        ConfigError: the options contradict one another.
    """

    def __init__(self, config: RouterConfig, trust: RouterTrust) -> None:
        if trust.simulated is not None and trust.collateral:
            raise ConfigError("--simulated-tee and --collateral exclude each other")
        if trust.kept.directory is not None and (trust.collateral or trust.simulated):
            raise ConfigError("--keep-collateral excludes --collateral and --simulated-tee")
        if trust.image is not None and (trust.simulated is None or config.cert_base is not None):
            raise ConfigError("--simulated-image needs --simulated-tee, and no certificate files")
        self._config = config
        self._trust = trust
        self._library = make_library(trust.kept)
        self._router: Router | None = None

    async def start(self) -> None:
        """Listen on every port."""
        trust = self._trust
        if trust.simulated is None:
            books = Books() if self._library is None else self._library.books
            load_files(books, trust.collateral)
            has_any = bool(trust.collateral) or self._library is not None
            self._router = await serve_router(
                self._config, collateral=books.tdx if has_any else None
            )
            return
        now = int(time.time())
        machine = SimulatedTee(trust.simulated, now)
        identity = None
        if trust.image is not None:
            identity = Identity.generate(SimulatedTdx(machine, trust.image))
        self._router = await serve_router(
            self._config,
            identity=identity,
            collateral=CollateralBook(machine.collateral(now)),
            simulated_root=machine.root_certificate,
        )

    async def maintain(self) -> None:
        """Keep collateral current until cancelled."""
        if self._library is not None:
            await self._library.run()
        await asyncio.Event().wait()

    async def close(self) -> None:
        """Stop listening and drop every connection."""
        if self._router is not None:
            await self._router.close()
