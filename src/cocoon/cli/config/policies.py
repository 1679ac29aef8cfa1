"""From ``[policy]`` tables to policies, with the collateral that they are judged by."""

import time
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

from cocoon.attestation import policy as policies
from cocoon.attestation.evidence.nvidia import GpuRequirement
from cocoon.attestation.evidence.snp import SnpRequirement
from cocoon.attestation.evidence.snp_tcb import SnpTcb
from cocoon.attestation.policy import PeerPolicy
from cocoon.cli.config.collateral_files import load_files
from cocoon.cli.config.policy_table import GpuTable, PolicyTable, SnpTable
from cocoon.collateral.books import Books
from cocoon.devnet.tee import SimulatedTee
from cocoon.errors import ConfigError

_FIX = (
    "files with the vendor's signed collateral, which `cocoon attest collateral fetch` gets, or "
    "the table `[collateral]` with a `directory`; without it no evidence can be judged"
)


class PolicyMaker:
    """Makes the policies of one process.

    Args:
        machine: loads the simulated machine of a directory.
        shared: collateral for policies that name no files; None makes them name some.

    Attributes:
        refresh: functions that read collateral again; call each every few hours, in a thread.
    """

    def __init__(
        self, machine: Callable[[Path], SimulatedTee], shared: Books | None = None
    ) -> None:
        self._machine = machine
        self._shared = shared
        self.refresh: list[Callable[[], None]] = []

    def make(self, table: PolicyTable) -> PeerPolicy:
        """The policy that a table describes.

        Raises:
            ConfigError: it contradicts itself, or its files cannot be read.
        """
        if table.any_of:
            return policies.any_of(table.name or "any-of", *map(self.make, table.any_of))
        if table.all_of:
            return policies.all_of(table.name or "all-of", *map(self.make, table.all_of))
        match table.kind:
            case "tdx" | "tdx-simulated":
                return self._tdx(table)
            case "snp" | "snp-simulated":
                return self._snp(table)
            case "fake-tdx":
                return policies.fake_tdx(
                    image_hashes=table.image_hashes, name=table.name or "fake_tdx"
                )
            case "unsafe-accept-anything":
                return policies.unsafe_accept_anything()
            case _:
                raise ConfigError(f"no such evidence kind: {table.kind}")

    def _tdx(self, table: PolicyTable) -> PeerPolicy:
        root, name = None, "tdx"
        if table.kind == "tdx":
            book = self._books(table.collateral, table.kind).tdx
        else:
            machine = self._machine(_given(table.directory))
            root, name, book = machine.root_certificate, "devnet-tdx-simulated", Books().tdx
            machine.refresh(book, _now())
            self.refresh.append(lambda: machine.refresh(book, _now()))
        return policies.tdx(
            collateral=book,
            simulated_root=root,
            image_hashes=table.image_hashes,
            mr_tds=table.mr_tds,
            rtmr_sets=None if table.rtmr_sets is None else map(_four, table.rtmr_sets),
            collateral_root_hashes=table.platform_roots,
            tcb_statuses=table.tcb_statuses,
            refused_advisories=table.refused_advisories,
            gpu=self._gpu(table.gpu),
            platforms=table.platforms,
            operators=table.operators,
            models=table.models,
            max_age=table.max_age,
            max_evidence_age=table.max_evidence_age,
            name=table.name or name,
        )

    def _snp(self, table: PolicyTable) -> PeerPolicy:
        root, name = None, "snp"
        if table.kind == "snp":
            book = self._books(table.collateral, table.kind).snp
            requirement = _snp_requirement(table.snp)
        else:
            # Imported where there is some: what simulates hardware takes memory.
            from cocoon.devnet.snp import SimulatedSnpMachine  # noqa: PLC0415

            machine = SimulatedSnpMachine(_given(table.directory), _now())
            root, name, book = machine.root_certificate, "devnet-snp-simulated", Books().snp
            machine.refresh(book, _now())
            self.refresh.append(lambda: machine.refresh(book, _now()))
            newest = {machine.product.value: machine.tcb}
            requirement = SnpRequirement(newest) if not table.snp else _snp_requirement(table.snp)
        return policies.snp(
            collateral=book,
            requirement=requirement,
            simulated_root=root,
            image_hashes=table.image_hashes,
            collateral_root_hashes=table.platform_roots,
            gpu=self._gpu(table.gpu),
            platforms=table.platforms,
            operators=table.operators,
            models=table.models,
            max_age=table.max_age,
            max_evidence_age=table.max_evidence_age,
            name=table.name or name,
        )

    def _gpu(self, table: GpuTable | None) -> GpuRequirement | None:
        if table is None:
            return None
        root = None
        if table.directory is None:
            book = self._books(table.collateral, "gpu").gpu
        else:
            from cocoon.devnet.gpu import SimulatedGpus  # noqa: PLC0415 - as above

            gpus = SimulatedGpus.load(table.directory, table.count, _now())
            root, book = gpus.root_certificate, gpus.book(_now())
            self.refresh.append(lambda: gpus.refresh(book, _now()))
        return GpuRequirement(
            count=table.count,
            collateral=book,
            simulated_root=root,
            architectures=None if table.architectures is None else frozenset(table.architectures),
            min_driver=table.min_driver,
        )

    def _books(self, paths: tuple[Path, ...], what: str) -> Books:
        if not paths and self._shared is not None:
            return self._shared
        if not paths:
            raise ConfigError(f"a policy of kind `{what}` needs `collateral`, {_FIX}")
        books = Books()
        load_files(books, paths)

        def reread() -> None:
            load_files(books, paths)

        self.refresh.append(reread)
        return books


def policy_notes(table: PolicyTable, who: str) -> list[str]:
    """One sentence for everything in it that a production node would not accept.

    Args:
        table: the policy.
        who: the peers it is for, such as ``workers``.
    """
    notes = []
    for _, leaf in table.leaves():
        if leaf.kind in ("tdx-simulated", "snp-simulated"):
            notes.append(f"{who} are trusted on SIMULATED evidence (root of {leaf.directory})")
        elif leaf.kind == "fake-tdx":
            notes.append(f"{who} are trusted on FAKE evidence, which proves nothing")
        elif leaf.kind == "unsafe-accept-anything":
            notes.append(f"{who} are accepted WITHOUT any evidence")
        if leaf.gpu is not None and leaf.gpu.directory is not None:
            notes.append(f"{who} are trusted on SIMULATED GPUs (root of {leaf.gpu.directory})")
    return notes


def _given(directory: Path | None) -> Path:
    if directory is None:
        raise ConfigError("simulated evidence needs `directory`")
    return directory


def _snp_requirement(table: SnpTable | None) -> SnpRequirement:
    if table is None:
        raise ConfigError("kind `snp` needs the table `snp`")
    values = {item.name: getattr(table, item.name) for item in fields(table)}
    values["min_tcb"] = {
        product: SnpTcb(**{item.name: getattr(tcb, item.name) for item in fields(tcb)})
        for product, tcb in table.min_tcb
    }
    return SnpRequirement(**values)


def _four(rtmrs: tuple[bytes, ...]) -> policies.Rtmrs:
    first, second, third, fourth = rtmrs
    return first, second, third, fourth


def _now() -> int:
    return int(time.time())
