"""From the tables ``identity`` and ``policy`` to credentials and policies, kept fresh.

Whatever trusts simulated or no evidence says so: in the policy's name, and in :attr:`Trust.notes`,
which a command prints when it starts.
"""

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from cocoon.attestation.evidence import EvidenceSource
from cocoon.attestation.policy import PeerPolicy
from cocoon.cli.config.collateral_table import CollateralTable
from cocoon.cli.config.identities import own_evidence
from cocoon.cli.config.policies import PolicyMaker, policy_notes
from cocoon.cli.config.policy_table import PolicyTable
from cocoon.cli.config.tables import IdentityTable
from cocoon.devnet.tee import SimulatedTee
from cocoon.errors import CocoonError, where

if TYPE_CHECKING:
    from cocoon.collateral.library import Library

REFRESH_INTERVAL = 3600.0
"""Seconds between looks at whether there is newer collateral."""

_log = structlog.get_logger(__name__)


class Trust:
    """Identity and policies of one process.

    Args:
        table: who we are.
        collateral: where the vendors' data comes from, for policies that name no files.

    Attributes:
        identity: our credentials.
        library: collateral that is kept current; None where only files are named.
        image_hash: what our simulated evidence measures, or None.
        evidence: the hardware behind our identity; None where there is none in this process.
        notes: one sentence for everything that a production node would not do.
    """

    def __init__(self, table: IdentityTable, collateral: CollateralTable | None = None) -> None:
        self.notes: list[str] = []
        self._machines: dict[Path, SimulatedTee] = {}
        self.library = _library(collateral)
        shared = None if self.library is None else self.library.books
        self._maker = PolicyMaker(self._machine, shared)
        own = own_evidence(table, self._machine)
        self.identity = own.identity
        self.evidence: EvidenceSource | None = own.source
        self.image_hash = own.image_hash
        self.notes += own.notes

    def policy(self, table: PolicyTable, who: str) -> PeerPolicy:
        """The policy that a table describes.

        Args:
            table: the table.
            who: the peers it is for, such as ``workers``.

        Raises:
            ConfigError: it contradicts itself, or its files cannot be read.
        """
        self.notes += policy_notes(table, who)
        return self._maker.make(table)

    def log_notes(self) -> None:
        """Warn of everything that a production node would not do."""
        for note in self.notes:
            _log.warning(note)

    async def maintain(self) -> None:
        """Renew the certificate and keep collateral current until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.identity.maintain())
            tasks.create_task(self.maintain_collateral())

    async def maintain_collateral(self) -> None:
        """Keep collateral current; for a role that renews its certificate itself."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._reread())
            if self.library is not None:
                tasks.create_task(self.library.run())

    async def _reread(self) -> None:
        while True:
            await asyncio.sleep(REFRESH_INTERVAL)
            for refresh in self._maker.refresh:
                try:
                    await asyncio.to_thread(refresh)
                except CocoonError as error:
                    _log.warning("collateral not renewed", reason=str(error))
                except Exception as error:
                    # Boundary: a bug over one file must not end the role.
                    kind = type(error).__name__
                    _log.error("collateral not renewed", error=kind, where=where(error))

    def _machine(self, directory: Path) -> SimulatedTee:
        if directory not in self._machines:
            self._machines[directory] = SimulatedTee(directory, _now())
        return self._machines[directory]


def _library(table: CollateralTable | None) -> "Library | None":
    if table is None or table.directory is None:
        return None
    from cocoon.cli.config.collateral import make_library  # noqa: PLC0415 - loads an HTTP client

    library = make_library(table)
    if library is not None and library.lacks:
        asyncio.run(library.prefetch())
    return library


def _now() -> int:
    return int(time.time())
