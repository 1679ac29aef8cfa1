"""The guest image as far as it can be checked without building or booting it."""

import configparser
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from cocoon.attestation.measure.config_tree import config_hash
from cocoon.attestation.measure.gpt import ROOT, ROOT_VERITY, TABLE_BYTES, root_hash
from cocoon.cli.config.load import load_proxy, load_worker
from cocoon.cli.config.reader import Context, read
from cocoon.cli.guest.machine import GuestFile
from cocoon.errors import ConfigError
from cocoon.tee.config_dir import read_config_dir
from cocoon.tee.guest_init import parse_flags
from cocoon.tee.runtime_config import Role, parse_runtime, render

IMAGES = Path(__file__).parents[2] / "images"
ROOT_CONTRACT = "0QCzG6B9lOBM_Gv3zJ0171dOgM644iAKDK7DBsFqoU1NNAuD"
GOLDEN = Path(__file__).parent / "golden"
SCRIPTS = sorted(IMAGES.glob("**/*.sh"))
UNITS = sorted(path for path in IMAGES.glob("mkosi.*/**/*.service") if not path.is_symlink())
SYSTEM = {
    **dict.fromkeys(("IMAGE_HASH", "IS_DEBUG", "GPUS"), "0"),
    "CONFIG_PATH": "/run/c",
    "KEY_PATH": "/run/k",
    "DATA_PATH": "/data",
}

# What mkosi 25 knows of what we use; `mkosi summary` accepts these files.
MKOSI_KEYS = {
    "Config": {"MinimumVersion"},
    "Distribution": {"Distribution", "Release", "Architecture", "Repositories"},
    "Output": {
        *("ImageId", "ImageVersion", "Format", "Output", "OutputDirectory", "SplitArtifacts"),
        *("ManifestFormat", "Seed"),
    },
    "Build": {"WithNetwork", "Environment"},
    "Content": {
        *("SourceDateEpoch", "Bootable", "Bootloader", "UnifiedKernelImages", "InitrdPackages"),
        *("WithDocs", "WithRecommends", "CleanPackageMetadata", "MachineId", "Hostname", "Locale"),
        *("Timezone", "PrepareScripts", "FinalizeScripts", "Packages", "RemoveFiles"),
        *("KernelModulesInitrdInclude", "ExtraTrees"),
    },
    "Validation": {"SecureBoot", "Checksum"},
    "Partition": {
        *("Type", "Format", "CopyFiles", "Verity", "VerityMatchKey", "Minimize", "Label"),
        *("Encrypt", "FactoryReset"),
    },
}


def ini(path: Path) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(strict=False, interpolation=None, delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(path)
    return parser


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_parse(script: Path) -> None:
    subprocess.run(["bash", "-n", str(script)], check=True, timeout=20)
    if shutil.which("shellcheck"):
        subprocess.run(["shellcheck", "-x", str(script)], check=True, timeout=60)


def test_mkosi_configuration_has_known_keys() -> None:
    files = [*IMAGES.glob("mkosi*/**/*.conf"), IMAGES / "mkosi.conf"]
    files = [path for path in files if "mkosi.extra" not in path.parts and "tree" not in path.parts]
    assert len(files) >= 6
    for path in files:
        parser = ini(path)
        for section in parser.sections():
            assert set(parser[section]) <= MKOSI_KEYS[section], path


def test_the_image_is_pinned() -> None:
    parser = ini(IMAGES / "mkosi.conf")
    assert parser["Content"]["SourceDateEpoch"] == "0"
    assert re.search(r"^SNAPSHOT=\d{8}T\d{6}Z$", (IMAGES / "build.sh").read_text(), re.MULTILINE)
    roots = {ini(path)["Partition"]["Type"] for path in (IMAGES / "mkosi.repart").iterdir()}
    assert roots == {"root", "root-verity"}
    assert ini(IMAGES / "mkosi.repart" / "10-root.conf")["Partition"]["Format"] == "erofs"


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: "/".join(path.parts[-6:]))
def test_units(unit: Path) -> None:
    parser = ini(unit)
    service = parser["Service"]
    for key in ("ExecStart", "ExecCondition"):
        assert not re.search(r"\b(ba|da)?sh\b|\$", service.get(key, "")), "no shell, no variables"
    assert "EnvironmentFile" not in service
    if unit.name in {"cocoon-proxy.service", "cocoon-worker.service", "cocoon-engine.service"}:
        assert service["NoNewPrivileges"] == "yes"
        assert service["ProtectSystem"] == "strict"
        assert service["CapabilityBoundingSet"] in {"", "CAP_DAC_OVERRIDE"}
        assert service["StandardOutput"] in {"journal", "null"}
        assert "cocoon-init.service" in parser["Unit"]["Requires"]


def test_units_are_what_systemd_knows(tmp_path: Path) -> None:
    verify = shutil.which("systemd-analyze")
    if verify is None:
        pytest.skip("systemd-analyze is not installed")
    for unit in UNITS:
        target = tmp_path / unit.name
        # Programs of the image are not on this machine: only the keys are judged.
        target.write_text(re.sub(r"=(/opt|/usr/lib)/\S+", "=/bin/true", unit.read_text()))
        command = [verify, "verify", "--man=no", "--recursive-errors=no", str(target)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=25)
        assert "Unknown" not in done.stderr, done.stderr
        assert "Failed to parse" not in done.stderr, done.stderr


def test_logs_stay_in_the_guest() -> None:
    journal = ini(IMAGES / "mkosi.extra/usr/lib/systemd/journald.conf.d/cocoon.conf")["Journal"]
    assert journal["Storage"] == "volatile"
    assert journal["ForwardToConsole"] == "no"
    assert journal["ForwardToSocket"] == ""
    finalize = (IMAGES / "finalize.sh").read_text()
    for part in ("getty.target", "rescue.target", "/usr/bin/bash", "/usr/bin/dash", "root:!"):
        assert part in finalize


def table(*, partitions: list[tuple[Any, bytes]]) -> bytes:
    disk = bytearray(TABLE_BYTES)
    disk[512:520] = b"EFI PART"
    disk[512 + 72 : 512 + 88] = (2).to_bytes(8, "little") + (128).to_bytes(4, "little") * 2
    for index, (kind, name) in enumerate(partitions):
        at = 1024 + 128 * index
        disk[at : at + 16] = kind.bytes_le
        swapped = name[3::-1] + name[5:3:-1] + name[7:5:-1] + name[8:]
        disk[at + 16 : at + 32] = swapped
    return bytes(disk)


HASH = bytes(range(32))
DISK = table(partitions=[(ROOT, HASH[:16]), (ROOT_VERITY, HASH[16:])])


def test_root_hash_from_the_partition_table() -> None:
    assert root_hash(DISK) == HASH.hex()


@pytest.mark.parametrize(
    "disk",
    [
        b"",
        bytes(TABLE_BYTES),
        DISK[:2000],
        table(partitions=[(ROOT, HASH[:16])]),
        table(partitions=[(ROOT, HASH[:16]), (ROOT, HASH[16:])]),
        DISK[: 512 + 80] + b"\xff\xff\xff\xff" + DISK[512 + 84 :],
    ],
)
def test_bad_partition_tables(disk: bytes) -> None:
    with pytest.raises(ConfigError):
        root_hash(disk)


@pytest.fixture
def image(tmp_path: Path) -> Path:
    (tmp_path / "image.raw").write_bytes(DISK)
    for name in ("image.vmlinuz", "image.initrd", "OVMF.fd", "data.img", "model.tar"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "model.tar.verity").write_bytes(b"")
    (tmp_path / "config").mkdir()
    script = [sys.executable, str(IMAGES / "write_cmdline.py"), str(tmp_path / "image")]
    subprocess.run(script, check=True, timeout=20, capture_output=True)
    return tmp_path


def launch(script: str, image: Path, *more: str) -> subprocess.CompletedProcess[str]:
    command = [str(IMAGES / "launch" / script), "--dry-run", "--image", str(image / "image")]
    command += ["--config", str(image / "config"), "--firmware", str(image / "OVMF.fd"), *more]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)


CASES = {
    "tdx-proxy": ("tdx.sh", ["--cid", "7", "--forward", "0.0.0.0:11001,0.0.0.0:11002"]),
    "tdx-worker": (
        "tdx.sh",
        ["--cid", "6", "--gpu", "0000:41:00.0", "--gpu", "0000:c1:00.0", "--model", "model.tar"],
    ),
    "snp-proxy": ("snp.sh", ["--cid", "7", "--config-hash", "ab" * 32, "--persistent", "data.img"]),
}


@pytest.mark.parametrize("name", CASES)
def test_launch_scripts(name: str, image: Path) -> None:
    script, more = CASES[name]
    more = [
        str(image / value) if "." in value and (image / value).exists() else value for value in more
    ]
    done = launch(script, image, *more)
    assert done.stderr == ""
    found = done.stdout.replace(str(image), "/images")
    assert found == (GOLDEN / f"{name}.txt").read_text()
    command_line = found.split("-append\n")[1].splitlines()[0]
    assert parse_flags(command_line).gpus == more.count("--gpu")
    for leak in ("-serial\nnone", "-monitor\nnone", "-nodefaults"):
        assert leak in found


@pytest.mark.parametrize(
    "more",
    [
        ["--cid", "2"],
        ["--cid", "x"],
        ["--cid", "7", "--memory", "0"],
        ["--cid", "7", "--gpu", "41:00.0"],
        ["--cid", "7", "--gpu", "0000:41:00.0,x=y"],
        ["--cid", "7", "--forward", "0.0.0.0:1,hostfwd=x"],
        ["--cid", "7", "--persistent", "/nowhere"],
        ["--cid", "7", "--unknown", "1"],
        ["--cid"],
        [],
    ],
)
def test_launch_scripts_refuse(more: list[str], image: Path) -> None:
    done = launch("tdx.sh", image, *more)
    assert done.returncode == 2
    assert "qemu" not in done.stdout


def test_snp_needs_the_configuration_hash(image: Path) -> None:
    done = launch("snp.sh", image, "--cid", "7")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--config-hash" in done.stderr


def test_gpus_go_to_vfio(tmp_path: Path) -> None:
    device = tmp_path / "bus/pci/devices/0000:41:00.0"
    (device / "driver").mkdir(parents=True)
    (device / "vendor").write_text("0x10de\n")
    script = str(IMAGES / "launch" / "gpu-vfio.sh")
    environment = {"PATH": "/usr/bin:/bin", "COCOON_SYSFS": str(tmp_path)}

    def run(bus: str) -> subprocess.CompletedProcess[str]:
        command = [script, "--dry-run", bus]
        return subprocess.run(
            command, capture_output=True, text=True, check=False, env=environment, timeout=20
        )

    assert run("0000:41:00.0").stdout.splitlines() == [
        f"vfio-pci > {device}/driver_override",
        f"0000:41:00.0 > {device}/driver/unbind",
        f"0000:41:00.0 > {tmp_path}/bus/pci/drivers_probe",
    ]
    (device / "vendor").write_text("0x8086\n")
    assert "not an NVIDIA device" in run("0000:41:00.0").stderr
    assert run("../../x").returncode == 2


def test_build_takes_the_pinned_snapshot_only() -> None:
    script = str(IMAGES / "build.sh")

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [script, "--dry-run", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)

    assert "must be a snapshot" in run("--mirror", "https://example.org/debian", "proxy").stderr
    assert run("proxy").returncode == 2
    assert run("--mirror", "https://example.org/20251105T150124Z", "client").returncode == 2
    good = run("--mirror", "https://example.org/20251105T150124Z", "worker", "debug").stdout
    assert (
        "mkosi --profile=worker\\,debug --output=cocoon-worker_debug --mirror=https://example.org/20251105T150124Z"
        in good
    )
    assert good.endswith("write_cmdline.py --debug mkosi.output/cocoon-worker_debug \n")
    assert "--require-hashes" in good
    assert "--no-build-isolation" in good, "isolation takes the newest build tool there is"
    lock = (IMAGES.parent / "requirements.lock").read_text()
    assert re.search(r"^hatchling==\S+ \\\n    --hash=sha256:", lock, re.MULTILINE)


@pytest.mark.parametrize("role", list(Role), ids=lambda role: role.value)
def test_example_configuration(role: Role, tmp_path: Path) -> None:
    folder = IMAGES / "config" / role.value
    assert re.fullmatch(r"[0-9a-f]{64}", config_hash(read_config_dir(folder)))
    runtime = parse_runtime((folder / "runtime" / "runtime.vars").read_bytes(), role)
    text = render((folder / f"{role.value}.toml.in").read_text(), SYSTEM, runtime)
    text = text.replace("PUT-THE-NETWORKS-ROOT-CONTRACT-HERE", ROOT_CONTRACT)
    text = text.replace("PUT-A-TON-API-HERE", "https://ton.example.org")
    path = tmp_path / "role.toml"
    path.write_text(text)
    file = load_proxy(path) if role is Role.PROXY else load_worker(path)
    assert file.owner == runtime["OWNER"]
    guest = (folder / "guest.toml").read_text()
    document = tomllib.loads(guest.replace("PUT-THE-SEAL-ENCLAVES-MRENCLAVE-HERE", "ab" * 32))
    read(GuestFile, document, Context(folder, "guest.toml")).seal.check()
