"""What ``cocoon attest image-hash`` shows: registers and the image hash that they make."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.text import Text

from cocoon.attestation.evidence import snp, tdx
from cocoon.attestation.evidence.snp_report import SnpReport
from cocoon.attestation.evidence.td_report import TdReport, parse_td_report
from cocoon.attestation.evidence.tdx_quote import TdBody, parse_quote
from cocoon.attestation.measure import expected, expected_snp
from cocoon.attestation.measure.expected import Boot, Origin, Register
from cocoon.attestation.measurements import SnpMeasurements, TdxMeasurements
from cocoon.cli import layout
from cocoon.cli.attest.machine_file import MachineFile, load_machine, read_whole
from cocoon.cli.attest.recognise import SNP_REPORT_BYTES, Kind, recognise
from cocoon.errors import ConfigError, EvidenceError

MAX_EVIDENCE_BYTES = 1 << 20
EVIDENCE = "from evidence"


@dataclass(slots=True)
class Result:
    """What is known about a machine.

    Attributes:
        platform: tdx, snp or sgx.
        source: what it was read from.
        registers: in the order of the hash.
        image_hash: 32 bytes; None while a register is missing.
        config: hash of the configuration, 64 hex characters.
        warnings: what a reader must not overlook.
    """

    platform: str
    source: str
    registers: tuple[Register, ...]
    image_hash: bytes | None
    config: str | None = None
    warnings: list[str] = field(default_factory=list)

    def to_json(self) -> str:
        """For scripts."""
        document: dict[str, Any] = {
            "platform": self.platform,
            "image_hash": self.image_hash.hex() if self.image_hash else None,
            "config_hash": self.config,
            "registers": {
                register.name: {
                    "value": register.value.hex() if register.value is not None else None,
                    "origin": register.origin.value,
                    "note": register.note,
                }
                for register in self.registers
            },
            "warnings": self.warnings,
        }
        return json.dumps(document, indent=2)

    def render(self, width: int) -> Text:
        """For people, in lines of at most ``width`` columns where no value is longer."""
        rows = [(register.name, self._shown(register)) for register in self.registers]
        summary = [("configuration", self.config)] if self.config else []
        known = self.image_hash.hex() if self.image_hash else "unknown: a register is missing"
        summary.append(("image hash", known))
        parts = [
            layout.section("registers", rows, width),
            Text(),
            layout.section(f"{self.platform}, {self.source}", summary, width),
        ]
        for warning in self.warnings:
            parts.append(Text(layout.words(f"warning: {warning}", width), style="yellow"))
        return Text("\n").join(parts)

    def _shown(self, register: Register) -> str:
        """A register's value, and where it comes from if not all come from one place."""
        value = "(zero)"
        if register.value is None:
            value = ""
        elif any(register.value):
            value = register.value.hex()
        if self.source == EVIDENCE:
            return value
        note = f": {register.note}" if register.note else ""
        return f"{value}  {register.origin.value}{note}".strip()


def report(source: Path) -> Result:
    """What a machine will measure, or what evidence says it measured.

    Raises:
        ConfigError: a file is missing, malformed, or no evidence with registers.
        EvidenceError: the evidence is malformed.
    """
    if source.suffix == ".toml":
        return describe_machine(load_machine(source))
    return read_evidence(source)


def describe_machine(machine: MachineFile) -> Result:
    """Compute what a described machine will measure.

    Raises:
        ConfigError: a file is missing or malformed, or a given register contradicts the files.
    """
    boot = machine.boot()
    given = machine.given.by_name()
    warnings = _warnings(machine, boot)
    measured: TdxMeasurements | SnpMeasurements | None
    if machine.platform == "snp":
        register = expected_snp.snp_register(boot, machine.snp_host(), given.get("launch_digest"))
        measured = expected_snp.snp_measurements(register, machine.snp_host())
        registers: tuple[Register, ...] = (register,)
    else:
        registers = expected.tdx_registers(boot, machine.tdx_host(), given)
        measured = expected.tdx_measurements(registers)
    found = measured.image_hash() if measured else None
    return Result(machine.platform, "computed", registers, found, boot.config, warnings)


def _warnings(machine: MachineFile, boot: Boot) -> list[str]:
    warnings = []
    flags = machine.flags()
    if boot.debug:
        warnings.append("cocoon_debug: the keys of this guest are public")
    if flags.config and boot.config and flags.config != boot.config:
        warnings.append("the command line allows another configuration: this guest will not start")
    if machine.platform == "snp" and not flags.config:
        warnings.append(
            "SEV-SNP measures the configuration through the command line only: add"
            f" cocoon.config={boot.config or 'HASH'}, without it the guest does not start"
        )
    return warnings


def read_evidence(path: Path) -> Result:
    """Read the registers of evidence; nothing is verified.

    Raises:
        EvidenceError: it is malformed.
        ConfigError: it is no evidence with registers.
    """
    item = recognise(read_whole(path, MAX_EVIDENCE_BYTES))
    readers = {
        Kind.TDX_QUOTE: lambda data: _of_tdx(parse_quote(data).body),
        Kind.TDREPORT: lambda data: _of_tdx(parse_td_report(data)),
        Kind.SNP_REPORT: _of_snp,
    }
    if item.kind not in readers:
        raise ConfigError(
            f"{path} is {item.kind.value}: give a TDX quote, a TDREPORT, a SEV-SNP report or .toml"
        )
    result = readers[item.kind](item.data)
    result.warnings.append("read, not verified: use cocoon attest verify for that")
    return result


def _of_tdx(body: object) -> Result:
    if not isinstance(body, TdBody | TdReport):
        raise EvidenceError("the quote is not of a trust domain")
    values = (body.mr_td, body.mr_config_id, body.mr_owner, body.mr_owner_config, *body.rtmrs)
    registers = tuple(
        Register(name, value, Origin.GIVEN)
        for name, value in zip(expected.TDX_REGISTERS, values, strict=True)
    )
    return Result("tdx", EVIDENCE, registers, tdx.measurements_of(body).image_hash())


def _of_snp(data: bytes) -> Result:
    report = SnpReport.from_bytes(data[:SNP_REPORT_BYTES])
    registers = (Register("launch_digest", report.measurement, Origin.GIVEN),)
    return Result("snp", EVIDENCE, registers, snp.measurements_of(report).image_hash())
