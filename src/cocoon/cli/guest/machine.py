# ruff: noqa: RUF009 - key() and table() declare fields, as dataclasses.field() does
"""The hardware of a guest, and what its measured ``guest.toml`` says about it."""

import secrets
import subprocess
import time
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from cocoon.attestation.evidence import snp, tdx
from cocoon.attestation.evidence.nvidia import GpuRequirement
from cocoon.attestation.evidence.snp_report import SnpReport
from cocoon.attestation.evidence.td_report import parse_td_report
from cocoon.attestation.measurements import REPORT_DATA_BYTES
from cocoon.cli.attest.machine_file import read_whole
from cocoon.cli.config.collateral_files import load_files
from cocoon.cli.config.reader import Context, key, read, table
from cocoon.cli.config.seal_table import SealTable
from cocoon.cli.config.sealing import unsealer
from cocoon.cli.config.tables import IdentityTable
from cocoon.cli.config.values import list_of, one_of, path, text
from cocoon.collateral.books import Books
from cocoon.errors import ConfigError
from cocoon.tee.guest_init import GuestInit, GuestPaths, Hardware, parse_flags
from cocoon.tee.nvidia import GpuGate, NvmlGpus
from cocoon.tee.platform import Tee, detect
from cocoon.tee.runtime_config import Role
from cocoon.tee.snp import SnpGuest
from cocoon.tee.tdx import TdxGuest

GUEST_FILE = "guest.toml"
MAX_GUEST_BYTES = 1 << 16
DISKS = Path("/dev/disk/by-id")
MODEL_DISK = "virtio-model-tar"
VERITYSETUP = "/usr/lib/systemd/systemd-veritysetup"


@dataclass(frozen=True, slots=True)
class GpuTable:
    """``[gpu]``: what the GPUs of this guest must show."""

    architectures: tuple[str, ...] = key(
        list_of(one_of("hopper", "blackwell")),
        "allowed; empty allows all that are known",
        default=(),
    )
    min_driver: str | None = key(text, "lowest driver version", default=None)
    collateral: tuple[Path, ...] = key(
        list_of(path), "files or directories with NVIDIA's signed collateral", default=()
    )


@dataclass(frozen=True, slots=True)
class GuestFile:
    """``guest.toml`` of the measured configuration."""

    seal: SealTable = table(SealTable, "which seal service gives this guest its keys")
    gpu: GpuTable = table(GpuTable, "what its GPUs must show")


@dataclass(slots=True)
class Machine:
    """The real hardware of a guest, behind what the first steps need.

    Args:
        tee: TDX or SEV-SNP.
        paths: where things lie.
    """

    tee: Tee
    paths: GuestPaths = field(default_factory=GuestPaths)
    _gate: GpuGate | None = field(init=False, default=None)

    def hardware(self) -> Hardware:
        """What :class:`~cocoon.tee.guest_init.GuestInit` uses.

        Raises:
            ConfigError: this is no confidential guest.
        """
        if self.tee is Tee.NONE:
            raise ConfigError("this machine is neither a TDX nor an SEV-SNP guest")
        is_tdx = self.tee is Tee.TDX
        return Hardware(
            record=TdxGuest().record if is_tdx else None,
            verify_gpus=self.verify_gpus,
            open_gpus=self.open_gpus,
            derive_key=self.derive_key if is_tdx else None,
            image_hash=_own_td_hash if is_tdx else _own_snp_hash,
            open_model=open_model,
        )

    def guest_file(self) -> GuestFile:
        """``guest.toml`` from the measured copy of the configuration; paths count from there.

        Raises:
            ConfigError: it is missing or wrong.
        """
        raw = read_whole(self.paths.config / GUEST_FILE, MAX_GUEST_BYTES)
        try:
            document = tomllib.loads(raw.decode())
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
            raise ConfigError(f"{GUEST_FILE}: not TOML: {error}") from None
        return read(GuestFile, document, Context(self.paths.config, GUEST_FILE))

    def verify_gpus(self) -> int:
        """Verify all GPUs; see :class:`~cocoon.tee.nvidia.GpuGate`."""
        wanted = self.guest_file().gpu
        books = Books()
        load_files(books, wanted.collateral)
        flags = parse_flags(read_whole(self.paths.cmdline, 4096).decode("utf-8", "replace"))
        requirement = GpuRequirement(
            count=flags.gpus,
            collateral=books.gpu,
            architectures=frozenset(wanted.architectures) or None,
            min_driver=wanted.min_driver,
        )
        self._gate = GpuGate(NvmlGpus(), requirement)
        return len(self._gate.verify(secrets.token_bytes(32), int(time.time())))

    def open_gpus(self) -> None:
        """Let them work."""
        if self._gate is None:
            raise ConfigError("the GPUs were not verified")
        self._gate.open()

    def derive_key(self, name: str) -> bytes:
        """The sealed key of a name from the seal service, 32 bytes."""
        unseal = unsealer(self.guest_file().seal, IdentityTable(), name)
        return unseal().reveal()


def open_model(root_hash: str, disks: Path = DISKS) -> None:
    """Open the model's disk behind dm-verity as ``/dev/mapper/model``, if the host gives one.

    Args:
        root_hash: 64 hex characters.
        disks: where disks stand by their serial numbers.

    Raises:
        ConfigError: it is not the model that the name says.
    """
    if not (disks / MODEL_DISK).exists():
        return
    command = (VERITYSETUP, "attach", "model", str(disks / MODEL_DISK))
    tree = (str(disks / f"{MODEL_DISK}-verity"), root_hash, "panic-on-corruption")
    try:
        subprocess.run((*command, *tree), check=True, timeout=60)  # noqa: S603 - fixed words
    except (OSError, subprocess.SubprocessError):
        raise ConfigError("the model's disk does not open with the hash of its name") from None


def initialise(role: Role) -> None:
    """Do the first steps of this guest.

    Raises:
        CocoonError: something is not as it must be; the guest must not go on.
    """
    paths = GuestPaths()
    GuestInit(role, Machine(detect(), paths).hardware(), paths).run()


def _own_td_hash() -> bytes:
    report = parse_td_report(TdxGuest().report(bytes(REPORT_DATA_BYTES)))
    return tdx.measurements_of(report).image_hash()


def _own_snp_hash() -> bytes:
    report, _ = SnpGuest().report(bytes(REPORT_DATA_BYTES))
    return snp.measurements_of(SnpReport.from_bytes(report)).image_hash()
