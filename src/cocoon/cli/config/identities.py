# ruff: noqa: PLC0415 - what reads hardware is imported where there is some
"""From the table ``identity`` to what this process shows its peers."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from cocoon.attestation.endorsement import SIZE, Endorsement
from cocoon.attestation.evidence import EvidenceSource, GpuEvidenceSource
from cocoon.attestation.evidence.fake_tdx import FakeTdx
from cocoon.cli.config.tables import IdentityTable
from cocoon.devnet.tee import SimulatedTdx, SimulatedTee
from cocoon.errors import ConfigError, EvidenceError
from cocoon.net.identity import EvidenceExtras, Identity
from cocoon.tee.platform import Tee, detect


@dataclass(slots=True)
class OwnEvidence:
    """Who we are and what vouches for it.

    Attributes:
        identity: our credentials.
        source: the hardware behind them; None where there is none in this process.
        image_hash: what our simulated evidence measures, 32 bytes, or None.
        notes: one sentence for everything that a production node would not do.
    """

    identity: Identity
    source: EvidenceSource | None = None
    image_hash: bytes | None = None
    notes: list[str] = field(default_factory=list)


def own_evidence(table: IdentityTable, machine: Callable[[Path], SimulatedTee]) -> OwnEvidence:
    """What a table describes.

    Args:
        table: the table.
        machine: the simulated TDX machine of a directory.

    Raises:
        ConfigError: the hardware is not there, or a file cannot be read.
    """
    if table.kind == "none":
        return OwnEvidence(Identity.generate(None))
    if table.kind == "certificate" and table.certificate is not None:
        return OwnEvidence(Identity.from_files(table.certificate))
    extras = EvidenceExtras(endorsement=_endorsement(table.endorsement))
    source, image_hash, notes = _source(table, machine)
    extras.gpus = _gpus(table, notes)
    identity = Identity.generate(source, extras=extras)
    return OwnEvidence(identity, source, image_hash, notes)


def _source(
    table: IdentityTable, machine: Callable[[Path], SimulatedTee]
) -> tuple[EvidenceSource, bytes | None, list[str]]:
    simulated = f"our TEE is SIMULATED (image {table.image!r}); it proves nothing"
    match table.kind:
        case "tdx":
            from cocoon.tee.tdx import TdxGuest

            _require(Tee.TDX)
            return TdxGuest(), None, []
        case "snp":
            from cocoon.tee.snp import SnpGuest

            _require(Tee.SNP)
            return SnpGuest(certificate=table.vcek), None, []
        case "tdx-simulated" if table.directory is not None:
            made = SimulatedTdx(machine(table.directory), table.image)
            return made, made.image_hash, [simulated]
        case "snp-simulated" if table.directory is not None:
            from cocoon.devnet.snp import SimulatedSnp, SimulatedSnpMachine

            snp_machine = SimulatedSnpMachine(table.directory, int(time.time()))
            guest = SimulatedSnp(snp_machine, table.image)
            return guest, guest.image_hash, [simulated]
        case "fake-tdx":
            return FakeTdx(), None, ["our evidence is FAKE; it proves nothing"]
        case _:
            raise ConfigError(f"identity: kind {table.kind} is incomplete")


def _gpus(table: IdentityTable, notes: list[str]) -> GpuEvidenceSource | None:
    match table.gpus:
        case "none":
            return None
        case "nvidia":
            from cocoon.tee.nvidia import NvmlGpus

            gpus = NvmlGpus()
            try:
                gpus.require_confidential()
            except EvidenceError as error:
                raise ConfigError(f"identity: {error}") from error
            return gpus
        case "simulated" if table.directory is not None:
            from cocoon.devnet.gpu import SimulatedGpus

            notes.append("our GPUs are SIMULATED; they prove nothing")
            return SimulatedGpus.load(table.directory, table.gpu_count, int(time.time()))
        case _:
            raise ConfigError(f"identity: gpus {table.gpus} is incomplete")


def _endorsement(path: Path | None) -> bytes | None:
    if path is None:
        return None
    try:
        data = path.read_bytes()[: SIZE + 1]
        Endorsement.from_bytes(data)
    except OSError as error:
        raise ConfigError(f"identity: cannot read {path}: {error.strerror}") from None
    except EvidenceError as error:
        raise ConfigError(f"identity: {path}: {error}") from error
    return data


def _require(tee: Tee) -> None:
    found = detect()
    if found is not tee:
        raise ConfigError(
            f"identity: kind `{tee.value}`, but what this machine offers is {found.value}; is it a "
            "confidential guest, and has its kernel the driver?"
        )
