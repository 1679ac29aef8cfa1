"""``cocoon attest image-hash``: what it computes, what it asks for, what it refuses."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cocoon.attestation.certificate import parse_certificate
from cocoon.attestation.evidence.tdx import measurements_of
from cocoon.attestation.evidence.tdx_quote import TdBody, parse_quote
from cocoon.cli.app import app
from cocoon.cli.attest.machine_file import load_machine
from cocoon.cli.guest.machine import Machine, open_model
from cocoon.errors import ConfigError
from cocoon.tee.guest_init import GuestPaths
from cocoon.tee.platform import Tee
from cocoon.testing import firmware

VECTORS = Path(__file__).parents[3] / "vectors" / "attestation"
HASH = "cafe" * 16
TDX = """
platform = "tdx"
firmware = "OVMF.fd"
kernel = "vmlinuz"
initrd = "initrd"
cmdline = "quiet"
config = "config"
memory = "1 GiB"
[tdx]
pages = "page-by-page"
kernel_header = "original"
"""
ACPI = '\nacpi_tables = "initrd"\nacpi_rsdp = "initrd"\nacpi_loader = "initrd"\n'
SNP = """
platform = "snp"
firmware = "OVMF.fd"
kernel = "vmlinuz"
cmdline = "quiet"
config = "config"
vcpus = 2
[snp]
vcpu_type = "EPYC-Genoa"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "OVMF.fd").write_bytes(firmware.ovmf())
    (tmp_path / "vmlinuz").write_bytes(firmware.kernel())
    (tmp_path / "initrd").write_bytes(b"initrd")
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "a").write_text("a")
    return tmp_path


def run(folder: Path, text: str, *options: str) -> tuple[int, str]:
    (folder / "machine.toml").write_text(text)
    found = CliRunner().invoke(
        app, ["attest", "image-hash", str(folder / "machine.toml"), *options]
    )
    if found.exception is not None and not isinstance(found.exception, SystemExit):
        raise found.exception
    return found.exit_code, found.stdout


def described(folder: Path, text: str) -> dict[str, Any]:
    _, output = run(folder, text, "--json")
    document: dict[str, Any] = json.loads(output)
    return document


def test_what_cannot_be_known_is_asked_for(folder: Path) -> None:
    code, output = run(folder, TDX)
    assert code == 1
    assert "missing: needs ACPI tables, or must be given" in output
    assert "unknown: a register is missing" in output
    document = described(folder, TDX)
    assert document["image_hash"] is None
    origins = {name: entry["origin"] for name, entry in document["registers"].items()}
    assert origins == {
        **dict.fromkeys(("mrtd", "rtmr1", "rtmr2", "rtmr3"), "computed"),
        **dict.fromkeys(("mr_config_id", "mr_owner", "mr_owner_config"), "unused"),
        "rtmr0": "missing",
    }


def test_with_everything_there_is_a_hash(folder: Path) -> None:
    code, output = run(folder, TDX + ACPI)
    assert code == 0
    document = described(folder, TDX + ACPI)
    assert len(document["image_hash"]) == 64
    assert document["config_hash"] in output.replace("\n", "").replace(" ", "").replace("│", "")
    (folder / "config" / "a").write_text("b")
    assert described(folder, TDX + ACPI)["image_hash"] != document["image_hash"]


def test_given_registers(folder: Path) -> None:
    given = f'[given]\nrtmr0 = "{"ab" * 48}"\n'
    assert described(folder, TDX + given)["registers"]["rtmr0"]["origin"] == "given"
    with pytest.raises(ConfigError, match="the given mrtd is not what the files give"):
        run(folder, TDX + f'[given]\nmrtd = "{"ab" * 48}"\n')


def test_registers_from_files(folder: Path) -> None:
    (folder / "rtmr0:sha384").write_bytes(b"\n" * 48)
    (folder / "rtmr1.hex").write_text("ab" * 48 + "\n")
    registers = "".join(f'{name} = "{"01" * 48}"\n' for name in ("mrtd", "rtmr2", "rtmr3"))
    given = f'[given]\n{registers}rtmr0 = "rtmr0:sha384"\nrtmr1 = "rtmr1.hex"\n'
    document = described(folder, f'platform = "tdx"\n{given}')
    assert document["registers"]["rtmr0"]["value"] == "0a" * 48
    assert document["registers"]["rtmr1"]["value"] == "ab" * 48
    assert len(document["image_hash"]) == 64
    (folder / "rtmr1.hex").write_text("ab")
    with pytest.raises(ConfigError, match="neither 48 bytes nor"):
        run(folder, f'platform = "tdx"\n{given}')


def test_snp(folder: Path) -> None:
    document = described(folder, SNP)
    assert document["registers"]["launch_digest"]["origin"] == "computed"
    assert "cocoon.config=" + document["config_hash"] in document["warnings"][0]
    bound = SNP.replace("quiet", f"quiet cocoon.config={document['config_hash']}")
    assert described(folder, bound)["warnings"] == []
    other = SNP.replace("quiet", f"quiet cocoon.config={HASH}")
    assert "will not start" in described(folder, other)["warnings"][0]


def test_a_debug_image_is_named(folder: Path) -> None:
    text = TDX.replace('"quiet"', '"quiet cocoon_debug"')
    assert "public" in described(folder, text)["warnings"][0]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('platform = "sgx"', "platform"),
        ('platform = "tdx"\nfirmwear = "x"', "firmware"),
        ('platform = "tdx"\nfirmware = "nothing"', "nothing"),
        ('platform = "tdx"\ncmdline = "a"\ncmdline_file = "b"', "not both"),
        ('platform = "tdx"\nmemory = "1 TB"', "amount"),
        ('platform = "tdx"\n[tdx]\npages = "fast"', "page-by-page"),
        ('platform = "tdx"\n[tdx]\nacpi_rsdp = "initrd"', "together"),
        ('platform = "tdx"\n[given]\nmrtd = "00"', "48 bytes"),
        ('platform = "tdx"\ncmdline = "cocoon.what"', "no flag"),
        ("platform = ", "not TOML"),
    ],
)
def test_refused_descriptions(text: str, says: str, folder: Path) -> None:
    (folder / "machine.toml").write_text(text)

    def use() -> None:
        machine = load_machine(folder / "machine.toml")
        machine.boot()
        machine.tdx_host()

    with pytest.raises(ConfigError, match=says):
        use()


def test_of_a_quote(tmp_path: Path) -> None:
    case = json.loads((VECTORS / "certificates.json").read_text())[0]
    quote = parse_certificate(base64.b64decode(case["input"]["certificate"])).quote
    assert quote is not None
    (tmp_path / "quote.bin").write_bytes(quote)
    found = CliRunner().invoke(app, ["attest", "image-hash", "--json", str(tmp_path / "quote.bin")])
    body = parse_quote(quote).body
    assert isinstance(body, TdBody)
    document = json.loads(found.stdout)
    assert document["image_hash"] == measurements_of(body).image_hash().hex()
    assert "not verified" in document["warnings"][0]


def test_a_guest_needs_hardware_and_its_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="neither"):
        Machine(Tee.NONE).hardware()
    machine = Machine(Tee.SNP, GuestPaths(config=tmp_path))
    assert machine.hardware().record is None
    assert machine.hardware().derive_key is None
    assert Machine(Tee.TDX).hardware().record is not None
    with pytest.raises(ConfigError, match=r"guest\.toml"):
        machine.guest_file()
    (tmp_path / "guest.toml").write_text("[gpu]\nunknown = 1\n")
    with pytest.raises(ConfigError, match="no such key"):
        machine.guest_file()
    (tmp_path / "guest.toml").write_text("[seal]\n")
    with pytest.raises(ConfigError, match="no enclave"):
        machine.derive_key("app")
    with pytest.raises(ConfigError, match="not verified"):
        machine.open_gpus()


def test_a_model_disk_that_does_not_open_stops_the_guest(tmp_path: Path) -> None:
    open_model("ab" * 32, tmp_path)
    (tmp_path / "virtio-model-tar").write_bytes(b"")
    with pytest.raises(ConfigError, match="does not open"):
        open_model("ab" * 32, tmp_path)
