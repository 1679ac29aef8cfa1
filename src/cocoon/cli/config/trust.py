"""From the tables ``identity`` and ``policy`` to credentials and policies, kept fresh.

Whatever trusts simulated or no evidence says so: in the policy's name, and in :attr:`Trust.notes`,
which a command prints when it starts.
"""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import structlog

from cocoon.attestation import policy as policies
from cocoon.attestation.evidence import EvidenceSource
from cocoon.attestation.evidence.collateral import Collateral, CollateralBook
from cocoon.attestation.evidence.fake_tdx import FakeTdx
from cocoon.cli.config.load import read_text
from cocoon.cli.config.policy_table import PolicyTable
from cocoon.cli.config.tables import IdentityTable
from cocoon.devnet.tee import SimulatedTdx, SimulatedTee
from cocoon.errors import CocoonError, ConfigError, EvidenceError
from cocoon.net.identity import Identity

REFRESH_INTERVAL = 3600.0
"""Seconds between looks at whether there is newer collateral."""

_log = structlog.get_logger(__name__)


class Trust:
    """Identity and policies of one process.

    Attributes:
        identity: our credentials.
        image_hash: what our simulated evidence measures, or None.
        evidence: the hardware behind our identity; None where there is none in this process.
        notes: one sentence for everything that a production node would not do.
    """

    def __init__(self, table: IdentityTable) -> None:
        self.notes: list[str] = []
        self.image_hash: bytes | None = None
        self.evidence: EvidenceSource | None = None
        self._refresh: list[Callable[[], None]] = []
        self._machines: dict[Path, SimulatedTee] = {}
        self.identity = self._identity(table)

    def policy(self, table: PolicyTable, who: str) -> policies.Policy:
        """The policy that a table describes.

        Args:
            table: the table.
            who: the peers it is for, such as ``workers``.

        Raises:
            ConfigError: it contradicts itself, or its files cannot be read.
        """
        match table.kind:
            case "tdx":
                return self._tdx(table)
            case "tdx-simulated":
                self.notes.append(
                    f"{who} are trusted on SIMULATED evidence (root of {table.directory})"
                )
                return self._tdx_simulated(table)
            case "fake-tdx":
                self.notes.append(f"{who} are trusted on FAKE evidence, which proves nothing")
                return policies.fake_tdx(image_hashes=table.image_hashes)
            case "unsafe-accept-anything":
                self.notes.append(f"{who} are accepted WITHOUT any evidence")
                return policies.unsafe_accept_anything()
            case _:
                raise ConfigError(f"no such evidence kind: {table.kind}")

    def log_notes(self) -> None:
        """Warn of everything that a production node would not do."""
        for note in self.notes:
            _log.warning(note)

    async def maintain(self) -> None:
        """Renew the certificate and re-read collateral until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.identity.maintain())
            tasks.create_task(self.maintain_collateral())

    async def maintain_collateral(self) -> None:
        """Re-read collateral until cancelled; for a role that renews its certificate itself."""
        while True:
            await asyncio.sleep(REFRESH_INTERVAL)
            for refresh in self._refresh:
                try:
                    await asyncio.to_thread(refresh)
                except CocoonError as error:
                    _log.warning("collateral not renewed", reason=str(error))

    def _identity(self, table: IdentityTable) -> Identity:
        match table.kind:
            case "none":
                return Identity.generate(None)
            case "certificate" if table.certificate is not None:
                return Identity.from_files(table.certificate)
            case "tdx-simulated" if table.directory is not None:
                evidence = SimulatedTdx(self._machine(table.directory), table.image)
                self.image_hash = evidence.image_hash
                self.evidence = evidence
                self.notes.append(
                    f"our TEE is SIMULATED (image {table.image!r}); it proves nothing"
                )
                return Identity.generate(evidence)
            case "fake-tdx":
                self.notes.append("our evidence is FAKE; it proves nothing")
                self.evidence = FakeTdx()
                return Identity.generate(self.evidence)
            case _:
                raise ConfigError(f"identity: kind {table.kind} is incomplete")

    def _tdx(self, table: PolicyTable) -> policies.Policy:
        if not table.collateral:
            raise ConfigError(
                "a policy of kind `tdx` needs `collateral`, files with Intel's signed collateral; "
                "without it no quote can be judged"
            )
        book = CollateralBook(*map(read_collateral, table.collateral))

        def reread() -> None:
            for file in table.collateral:
                book.put(read_collateral(file))

        self._refresh.append(reread)
        return policies.tdx(
            collateral=book,
            image_hashes=table.image_hashes,
            mr_tds=table.mr_tds,
            tcb_statuses=table.tcb_statuses,
            max_age=table.max_age,
        )

    def _tdx_simulated(self, table: PolicyTable) -> policies.Policy:
        if table.directory is None:
            raise ConfigError("a policy of kind `tdx-simulated` needs `directory`")
        machine = self._machine(table.directory)
        book = CollateralBook(machine.collateral(_now()))
        self._refresh.append(lambda: machine.refresh(book, _now()))
        return policies.tdx(
            collateral=book,
            simulated_root=machine.root_certificate,
            image_hashes=table.image_hashes,
            mr_tds=table.mr_tds,
            tcb_statuses=table.tcb_statuses,
            max_age=table.max_age,
            name="devnet-tdx-simulated",
        )

    def _machine(self, directory: Path) -> SimulatedTee:
        if directory not in self._machines:
            self._machines[directory] = SimulatedTee(directory, _now())
        return self._machines[directory]


def read_collateral(path: Path) -> Collateral:
    """Collateral from a file.

    Raises:
        ConfigError: it cannot be read or is not collateral.
    """
    try:
        return Collateral.from_json(read_text(path, "collateral file"))
    except EvidenceError as error:
        raise ConfigError(f"{path}: {error}") from None


def _now() -> int:
    return int(time.time())
