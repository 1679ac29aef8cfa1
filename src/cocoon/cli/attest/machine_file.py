# ruff: noqa: RUF009 - key() and table() declare fields, as dataclasses.field() does
"""The machine description of ``cocoon attest image-hash``: a TOML file that names files."""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cocoon.attestation.measure.config_tree import config_hash
from cocoon.attestation.measure.expected import Blob, Boot, TdxHost
from cocoon.attestation.measure.expected_snp import SnpHost
from cocoon.attestation.measure.kernel import KernelHeader
from cocoon.attestation.measure.ovmf_table import MAX_FIRMWARE_BYTES
from cocoon.attestation.measure.pe import MAX_PE_BYTES
from cocoon.attestation.measure.rtmr import REGISTER_BYTES, AcpiTables
from cocoon.attestation.measure.tdvf import PageOrder
from cocoon.cli.config import values
from cocoon.cli.config.reader import Context, key, read, table
from cocoon.errors import ConfigError
from cocoon.tee.config_dir import read_config_dir
from cocoon.tee.guest_init import Flags, parse_flags

MAX_DESCRIPTION_BYTES = 1 << 20
MAX_ACPI_BYTES = 16 << 20
MAX_DIGESTS = 64
PART = 1 << 20
MAX_REGISTER_FILE = 1024

_MEMORY = re.compile(r"([1-9][0-9]{0,8}) ?(MiB|GiB)")
_HEX_REGISTER = re.compile(r"[0-9a-fA-F]{96}")
_UNITS = {"MiB": 1 << 20, "GiB": 1 << 30}


def memory(value: object, context: Context) -> int:
    """An amount of memory such as ``"64 GiB"``, in bytes."""
    found = _MEMORY.fullmatch(values.text(value, context))
    if found is None:
        raise context.error('must be an amount such as "64 GiB"')
    return int(found[1]) * _UNITS[found[2]]


def _register(value: object, context: Context) -> bytes:
    """A register: 96 hex digits, or a file with 48 bytes or that many digits."""
    written = values.text(value, context)
    if _HEX_REGISTER.fullmatch(written):
        return bytes.fromhex(written)
    try:
        raw = read_whole(values.path(value, context), MAX_REGISTER_FILE)
    except ConfigError as error:
        raise context.error(f"must be 48 bytes in hex, or a file with them: {error}") from None
    digits = raw.decode("ascii", "replace").strip()
    if len(raw) == REGISTER_BYTES:
        return raw
    if _HEX_REGISTER.fullmatch(digits):
        return bytes.fromhex(digits)
    raise context.error(f"{written} holds neither 48 bytes nor 96 hex digits")


@dataclass(frozen=True, slots=True)
class TdxTable:
    """``[tdx]``: what a TDX host does that its files do not show."""

    pages: str | None = key(
        values.one_of(*(order.value for order in PageOrder)),
        "order in which KVM adds and measures pages: page-by-page is Linux's own, from 6.16",
        default=None,
    )
    kernel_header: str | None = key(
        values.one_of(*(kind.value for kind in KernelHeader)),
        "whether QEMU writes into the kernel's setup header: patched or original",
        default=None,
    )
    acpi_tables: Path | None = key(values.path, "etc/acpi/tables of fw_cfg", default=None)
    acpi_rsdp: Path | None = key(values.path, "etc/acpi/rsdp of fw_cfg", default=None)
    acpi_loader: Path | None = key(values.path, "etc/table-loader of fw_cfg", default=None)
    rtmr0_digests: tuple[bytes, ...] = key(
        values.list_of(_register),
        "RTMR0's digests from a reference guest's event log, instead of ACPI tables",
        default=(),
    )


@dataclass(frozen=True, slots=True)
class SnpTable:
    """``[snp]``: what an SEV-SNP host is told at launch."""

    vcpu_type: str | None = key(values.text, "QEMU's name of the vCPU model", default=None)
    guest_policy: int = key(values.whole(0), "policy of the launch", default=0x30000)
    host_data: bytes = key(values.hex_bytes(32), "HOST_DATA of the launch", default=bytes(32))
    id_key_digest: bytes = key(values.hex_bytes(48), "of the ID block's key", default=bytes(48))
    author_key_digest: bytes = key(values.hex_bytes(48), "of its author key", default=bytes(48))
    family_id: bytes = key(values.hex_bytes(16), "of the ID block", default=bytes(16))
    image_id: bytes = key(values.hex_bytes(16), "of the ID block", default=bytes(16))


@dataclass(frozen=True, slots=True)
class GivenTable:
    """``[given]``: registers known from elsewhere; those that are computed are compared."""

    mrtd: bytes | None = key(_register, "of the firmware", default=None)
    mr_config_id: bytes | None = key(_register, "host-chosen", default=None)
    mr_owner: bytes | None = key(_register, "host-chosen", default=None)
    mr_owner_config: bytes | None = key(_register, "host-chosen", default=None)
    rtmr0: bytes | None = key(_register, "of the VM's shape", default=None)
    rtmr1: bytes | None = key(_register, "of the kernel", default=None)
    rtmr2: bytes | None = key(_register, "of command line and initrd", default=None)
    rtmr3: bytes | None = key(_register, "of the configuration", default=None)
    launch_digest: bytes | None = key(_register, "of an SEV-SNP guest", default=None)

    def by_name(self) -> dict[str, bytes]:
        """Those that are given."""
        found = {name: getattr(self, name) for name in self.__slots__}
        return {name: value for name, value in found.items() if value is not None}


@dataclass(frozen=True, slots=True)
class MachineFile:
    """The whole description."""

    platform: str = key(values.one_of("tdx", "snp"), "tdx or snp")
    firmware: Path | None = key(values.path, "the OVMF image", default=None)
    kernel: Path | None = key(values.path, "the kernel that QEMU is given", default=None)
    initrd: Path | None = key(values.path, "its initrd", default=None)
    cmdline: str | None = key(values.any_text, "its command line", default=None)
    cmdline_file: Path | None = key(values.path, "a file with the command line", default=None)
    config: Path | None = key(values.path, "the configuration directory", default=None)
    memory: int | None = key(memory, 'of the guest, such as "64 GiB"', default=None)
    vcpus: int | None = key(values.whole(1, 4096), "of the guest", default=None)
    tdx: TdxTable = table(TdxTable, "what a TDX host does")
    snp: SnpTable = table(SnpTable, "what an SEV-SNP host is told")
    given: GivenTable = table(GivenTable, "registers known from elsewhere")

    def __post_init__(self) -> None:
        if self.cmdline is not None and self.cmdline_file is not None:
            raise ConfigError("give cmdline or cmdline_file, not both")

    def command_line(self) -> str | None:
        """The command line without a newline at its end."""
        if self.cmdline_file is None:
            return self.cmdline
        raw = read_whole(self.cmdline_file, MAX_DESCRIPTION_BYTES)
        try:
            return raw.decode().rstrip("\n")
        except UnicodeDecodeError:
            raise ConfigError(f"{self.cmdline_file} is not UTF-8") from None

    def flags(self) -> Flags:
        """What the command line says to the guest."""
        return parse_flags(self.command_line() or "")

    def boot(self) -> Boot:
        """The files of it; the initrd stays on disk.

        Raises:
            ConfigError: a file cannot be read or is too large.
        """
        flags = self.flags()
        return Boot(
            firmware=_optional(self.firmware, MAX_FIRMWARE_BYTES),
            kernel=_optional(self.kernel, MAX_PE_BYTES),
            initrd=_blob(self.initrd) if self.initrd else None,
            cmdline=self.command_line(),
            config=config_hash(read_config_dir(self.config)) if self.config else None,
            gpus=flags.gpus,
            debug=flags.debug,
        )

    def tdx_host(self) -> TdxHost:
        """The TDX part.

        Raises:
            ConfigError: a file cannot be read, or only some of the ACPI files are given.
        """
        part = self.tdx
        return TdxHost(
            pages=PageOrder(part.pages) if part.pages else None,
            kernel_header=KernelHeader(part.kernel_header) if part.kernel_header else None,
            memory=self.memory,
            acpi=_acpi(part),
            rtmr0_digests=part.rtmr0_digests,
        )

    def snp_host(self) -> SnpHost:
        """The SEV-SNP part."""
        part = self.snp
        return SnpHost(
            vcpus=self.vcpus,
            vcpu_type=part.vcpu_type,
            guest_policy=part.guest_policy,
            host_data=part.host_data,
            id_key_digest=part.id_key_digest,
            author_key_digest=part.author_key_digest,
            family_id=part.family_id,
            image_id=part.image_id,
        )


def load_machine(path: Path) -> MachineFile:
    """Read a machine description.

    Raises:
        ConfigError: it cannot be read, is not TOML, or has a wrong or unknown key.
    """
    try:
        document = tomllib.loads(read_whole(path, MAX_DESCRIPTION_BYTES).decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(f"{path}: not TOML: {error}") from None
    return read(MachineFile, document, Context(path.parent, path.name))


def read_whole(path: Path, limit: int) -> bytes:
    """A file of at most ``limit`` bytes.

    Raises:
        ConfigError: it cannot be read or is larger.
    """
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from None
    if len(data) > limit:
        raise ConfigError(f"{path} has more than {limit} bytes")
    return data


def _optional(path: Path | None, limit: int) -> bytes | None:
    return None if path is None else read_whole(path, limit)


def _blob(path: Path) -> Blob:
    def parts() -> Iterator[bytes]:
        try:
            with path.open("rb") as file:
                while part := file.read(PART):
                    yield part
        except OSError as error:
            raise ConfigError(f"{path}: {error.strerror}") from None

    try:
        return Blob(path.stat().st_size, parts)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from None


def _acpi(part: TdxTable) -> AcpiTables | None:
    paths = (part.acpi_loader, part.acpi_rsdp, part.acpi_tables)
    given = [path for path in paths if path is not None]
    if not given:
        return None
    if len(given) != len(paths):
        raise ConfigError("give acpi_tables, acpi_rsdp and acpi_loader together, or none")
    loader, rsdp, tables = (read_whole(path, MAX_ACPI_BYTES) for path in given)
    return AcpiTables(loader, rsdp, tables)
