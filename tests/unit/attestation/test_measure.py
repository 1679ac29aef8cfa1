"""Measurements against other tools, a real machine's event log, and git."""

import hashlib
import json
import struct
from pathlib import Path
from typing import Any

import pytest

from cocoon.attestation.measure import expected, expected_snp, rtmr, tdvf
from cocoon.attestation.measure.config_tree import ConfigFile, config_hash, select, tree_id
from cocoon.attestation.measure.expected import Blob, Boot, Origin, TdxHost
from cocoon.attestation.measure.expected_snp import SnpHost
from cocoon.attestation.measure.kernel import KernelHeader, kernel_digest, low_memory, patch_header
from cocoon.attestation.measure.ovmf_sev import parse_sev_firmware
from cocoon.attestation.measure.pe import authenticode_sha384
from cocoon.attestation.measure.snp_launch import KernelHashes, launch_digest
from cocoon.attestation.measure.tdvf import PageOrder, mrtd, parse_tdvf
from cocoon.attestation.measure.vmsa import cpu_signature, vmsa_page
from cocoon.errors import ConfigError
from cocoon.testing import firmware

VECTORS = json.loads(
    (Path(__file__).parents[3] / "vectors" / "attestation" / "measure.json").read_text()
)
SYNTHETIC = VECTORS["synthetic"]
LOG = VECTORS["event_log"]
TREE = "ab" * 32


def events(pairs: list[list[str]]) -> list[rtmr.Event]:
    return [rtmr.Event(name, bytes.fromhex(digest)) for name, digest in pairs]


def test_the_oracles_read_the_same_bytes() -> None:
    assert hashlib.sha256(firmware.ovmf()).hexdigest() == SYNTHETIC["firmware_sha256"]
    assert hashlib.sha256(firmware.kernel()).hexdigest() == SYNTHETIC["kernel_sha256"]


@pytest.mark.parametrize("case", SYNTHETIC["mrtd"], ids=lambda case: case["pages"])
def test_mrtd(case: Any) -> None:
    assert mrtd(parse_tdvf(firmware.ovmf()), PageOrder(case["pages"])).hex() == case["expect"]


@pytest.mark.parametrize("case", SYNTHETIC["launch"], ids=lambda case: case["vcpu_type"])
def test_launch_digest(case: Any) -> None:
    hashes = None
    if "cmdline" in case:
        parts = [bytes.fromhex(case["initrd"])]
        hashes = KernelHashes.of(firmware.kernel(), parts, case["cmdline"])
    image = parse_sev_firmware(firmware.ovmf())
    found = launch_digest(image, vcpus=case["vcpus"], vcpu_type=case["vcpu_type"], hashes=hashes)
    assert found.hex() == case["expect"]


@pytest.mark.parametrize("case", SYNTHETIC["kernel"], ids=lambda case: case["signature"][:4])
def test_authenticode(case: Any) -> None:
    image = firmware.kernel(signature=bytes.fromhex(case["signature"]))
    assert authenticode_sha384(image).hex() == case["expect"]


def machine_of_the_log() -> tdvf.Tdvf:
    """The published machine's firmware, as far as RTMR0 depends on it."""
    memory = tuple(
        (0, 0, address, size, 2 if address == LOG["td_hob_address"] else 3, 0)
        for address, size in LOG["temporary_memory"]
    )
    volume = ((0, firmware.CONFIGURATION_BYTES, 0xFFC00000, firmware.CONFIGURATION_BYTES, 1, 0),)
    return parse_tdvf(firmware.ovmf(tdx_sections=volume + memory))


def test_rtmr0_is_that_of_real_hardware() -> None:
    acpi = rtmr.AcpiTables(b"loader", b"rsdp", b"tables")
    made = rtmr.rtmr0_events(machine_of_the_log(), LOG["memory"], acpi)
    published = events(LOG["rtmr0"])
    assert [event.name for event in made] == [event.name for event in published]
    given = {"configuration volume", "ACPI table loader", "ACPI RSDP", "ACPI tables"}
    for ours, theirs in zip(made, published, strict=True):
        assert ours.name in given or ours.digest == theirs.digest
    assert rtmr.replay(published).hex() == LOG["expect"]["rtmr0"]


def test_rtmr1_and_rtmr2_are_those_of_real_hardware() -> None:
    found = rtmr.replay(rtmr.rtmr1_events(bytes.fromhex(LOG["kernel"])))
    assert found.hex() == LOG["expect"]["rtmr1"]
    assert rtmr.replay(events(LOG["rtmr2"])).hex() == LOG["expect"]["rtmr2"]


def test_rtmr2_measures_what_the_kernel_sees() -> None:
    line, initrd = rtmr.rtmr2_events("quiet", [b"ab", b"c"])
    assert line.digest == hashlib.sha384("quiet initrd=initrd\0".encode("utf-16-le")).digest()
    assert initrd.digest == hashlib.sha384(b"abc").digest()
    (alone,) = rtmr.rtmr2_events("quiet", None)
    assert alone.digest == hashlib.sha384("quiet\0".encode("utf-16-le")).digest()


@pytest.mark.parametrize("case", VECTORS["rtmr3"], ids=lambda case: case["name"])
def test_rtmr3(case: Any) -> None:
    found = rtmr.replay(rtmr.rtmr3_events(case["tree"], debug=case["debug"]))
    assert found.hex() == case["expect"]


def test_gpus_change_rtmr3() -> None:
    registers = {rtmr.replay(rtmr.rtmr3_events(TREE, gpus=count)) for count in (0, 1, 8)}
    assert len(registers) == 3


@pytest.mark.parametrize("case", VECTORS["config_trees"], ids=lambda case: case["name"])
def test_config_hash_is_gits(case: Any) -> None:
    files = [
        ConfigFile(file["path"], file["executable"], file["text"].encode())
        for file in case["files"]
    ]
    assert config_hash(files) == case["expect"]
    assert config_hash(reversed(files)) == case["expect"]


def test_empty_tree_is_gits() -> None:
    assert tree_id([]).hex() == hashlib.sha256(b"tree 0\0").hexdigest()


@pytest.mark.parametrize(
    "path",
    [
        *("", "/a", "a//b", "../a", "a/../b", "./a", "a/.git/config", ".GIT", "x/.gitattributes"),
        *("a\0b", "a/" * 40 + "b", "n" * 1025, "\udcff"),
    ],
)
def test_paths_that_a_configuration_may_not_have(path: str) -> None:
    with pytest.raises(ConfigError):
        select([ConfigFile(path, False, b"")])


def test_a_configuration_must_have_something() -> None:
    with pytest.raises(ConfigError, match="no file"):
        config_hash([ConfigFile("runtime/a", False, b"")])
    with pytest.raises(ConfigError, match="10 MiB"):
        config_hash([ConfigFile("a", False, bytes((10 << 20) + 1))])
    with pytest.raises(ConfigError, match="twice"):
        config_hash([ConfigFile("a", False, b""), ConfigFile("a", True, b"")])
    with pytest.raises(ConfigError, match="below a file"):
        tree_id([ConfigFile("a", False, b""), ConfigFile("a/b", False, b"")])


@pytest.mark.parametrize(
    "pattern", ["a\\", "[a", "[[:alpha:]]", "[z-a]", "[a-Z]", "a\r", "//", "!"]
)
def test_obscure_ignore_patterns_are_refused(pattern: str) -> None:
    with pytest.raises(ConfigError):
        select([ConfigFile(".gitignore", False, pattern.encode()), ConfigFile("a", False, b"")])


def bad_firmware() -> dict[str, bytes]:
    good = firmware.ovmf()
    footer = len(good) - 32
    no_footer = good[: footer - 16] + bytes(16) + good[footer:]
    section = list(firmware.TDX_SECTIONS[0])

    def with_section(index: int, value: int) -> bytes:
        changed = tuple(value if at == index else old for at, old in enumerate(section))
        return firmware.ovmf(tdx_sections=(changed,))

    return {
        "empty": b"",
        "not whole pages": good[:-1],
        "no footer": no_footer,
        "no metadata": firmware.with_table(good, ()),
        "table longer than the file": good[: footer - 18] + b"\xff\xff" + good[footer - 16 :],
        "metadata outside": firmware.with_table(
            good, ((tdvf.TDX_METADATA, struct.pack("<I", 1 << 30)),)
        ),
        "entry without a number": firmware.with_table(good, ((tdvf.TDX_METADATA, b""),)),
        "no sections": firmware.ovmf(tdx_sections=()),
        "too many sections": firmware.ovmf(tdx_sections=firmware.TDX_SECTIONS[2:3] * 65),
        "data outside": with_section(0, 0x10000),
        "odd address": with_section(2, 0xFFFF4001),
        "odd size": with_section(3, 0xC001),
        "unknown type": with_section(4, 9),
        "unknown attribute": with_section(5, 4),
        "measured but added later": with_section(5, 3),
        "measured but not in the file": with_section(1, 0x1000),
        "too much memory": firmware.ovmf(tdx_sections=((0, 0, 0, 1 << 40, 3, 0),)),
    }


@pytest.mark.parametrize("name", bad_firmware())
def test_bad_tdx_firmware_is_refused(name: str) -> None:
    with pytest.raises(ConfigError):
        parse_tdvf(bad_firmware()[name])


@pytest.mark.parametrize(
    "sections",
    [
        *(((0, 0x1000, 9),), ((1, 0x1000, 1),), ((0, 1, 1),), ((0, 0, 1),), ((0, 1 << 31, 1),)),
        ((0, 0x1000, 1),) * 65,
    ],
)
def test_bad_sev_firmware_is_refused(sections: tuple[tuple[int, int, int], ...]) -> None:
    with pytest.raises(ConfigError):
        parse_sev_firmware(firmware.ovmf(sev_sections=sections))


def test_firmware_without_a_place_for_hashes_measures_no_kernel() -> None:
    hashes = KernelHashes.of(b"kernel", (), "")
    for image in (
        firmware.ovmf(hashes_address=0),
        firmware.ovmf(sev_sections=firmware.SEV_SECTIONS[:-1]),
    ):
        with pytest.raises(ConfigError, match="any kernel"):
            launch_digest(parse_sev_firmware(image), vcpus=1, vcpu_type="EPYC-Milan", hashes=hashes)


def test_launch_arguments_are_checked() -> None:
    image = parse_sev_firmware(firmware.ovmf())
    for vcpus in (0, 5000):
        with pytest.raises(ConfigError):
            launch_digest(image, vcpus=vcpus, vcpu_type="EPYC", hashes=None)
    with pytest.raises(ConfigError, match="unknown vCPU type"):
        cpu_signature("Skylake")
    with pytest.raises(ConfigError, match="SNP"):
        vmsa_page(0, 0, 2)


def test_memory_of_q35() -> None:
    gib = 1 << 30
    assert low_memory(gib) == gib
    assert low_memory(2 * gib + 1) == 2 * gib + 1
    assert low_memory(64 * gib) == 2 * gib


@pytest.mark.parametrize("memory", [0, 4097, 1 << 50, 4096])
def test_impossible_memory_is_refused(memory: int) -> None:
    with pytest.raises(ConfigError):
        rtmr.td_hob(parse_tdvf(firmware.ovmf()), memory)


def test_patched_kernels_differ_by_initrd_and_memory() -> None:
    kernel = firmware.kernel()
    digests = {
        kernel_digest(kernel, KernelHeader.PATCHED, size, memory << 30)
        for size in (1, 1 << 20)
        for memory in (1, 64)
    }
    assert len(digests) == 4
    assert authenticode_sha384(kernel) not in digests
    same = kernel_digest(kernel, KernelHeader.PATCHED, 1, 64 << 30)
    assert same == kernel_digest(kernel, KernelHeader.PATCHED, 1, 128 << 30)


def test_kernels_that_cannot_be_patched() -> None:
    with pytest.raises(ConfigError, match="bzImage"):
        patch_header(bytes(0x2000), 1, 1 << 30)
    with pytest.raises(ConfigError, match="older"):
        patch_header(firmware.kernel(protocol=0x203), 1, 1 << 30)
    with pytest.raises(ConfigError, match="does not fit"):
        patch_header(firmware.kernel(), 1 << 30, 1 << 30)


@pytest.mark.parametrize("at", [0, 0x40, 0x44 + 2, 0x58, 0x58 + 60, 0x58 + 108, 0x58 + 160 + 20])
def test_malformed_pe_headers_are_refused(at: int) -> None:
    image = bytearray(firmware.kernel())
    image[at : at + 4] = b"\xff\xff\xff\x7f"
    with pytest.raises(ConfigError):
        authenticode_sha384(bytes(image))


def test_events_have_no_control_characters() -> None:
    for text in ("", "a\nb", "x" * 600):
        with pytest.raises(ConfigError):
            rtmr.text_event(text)
    with pytest.raises(ConfigError):
        rtmr.rtmr3_events("AB" * 32)
    with pytest.raises(ConfigError):
        rtmr.rtmr2_events("a\nb", None)
    with pytest.raises(ConfigError):
        rtmr.extend(bytes(48), bytes(32))


FULL = Boot(firmware.ovmf(), firmware.kernel(), Blob.of(b"initrd"), "quiet", TREE)
HOST = TdxHost(
    PageOrder.PAGE_BY_PAGE,
    KernelHeader.ORIGINAL,
    1 << 30,
    rtmr.AcpiTables(b"loader", b"rsdp", b"tables"),
)


def test_everything_given_everything_computed() -> None:
    registers = expected.tdx_registers(FULL, HOST, {})
    assert {register.origin for register in registers} == {Origin.COMPUTED, Origin.UNUSED}
    measured = expected.tdx_measurements(registers)
    assert measured is not None
    assert measured.mr_td == mrtd(parse_tdvf(firmware.ovmf()), PageOrder.PAGE_BY_PAGE)
    assert measured.rtmrs == tuple(register.value for register in registers[4:])


def test_nothing_is_guessed() -> None:
    registers = expected.tdx_registers(Boot(), TdxHost(), {})
    by_name = {register.name: register for register in registers}
    for name in ("mrtd", "rtmr0", "rtmr1", "rtmr2", "rtmr3"):
        assert by_name[name].origin is Origin.MISSING
        assert by_name[name].note.startswith("needs ")
    assert expected.tdx_measurements(registers) is None


def test_a_patched_kernel_needs_the_memory() -> None:
    host = TdxHost(kernel_header=KernelHeader.PATCHED)
    register = expected.tdx_registers(FULL, host, {})[5]
    assert (register.origin, register.note) == (
        Origin.MISSING,
        "needs memory, or must be given",
    )


def test_given_registers_fill_gaps_and_are_compared() -> None:
    value = bytes(range(48))
    registers = expected.tdx_registers(FULL, TdxHost(), {"rtmr0": value})
    assert (registers[4].value, registers[4].origin) == (value, Origin.GIVEN)
    with pytest.raises(ConfigError, match="the given rtmr2 is not what the files give"):
        expected.tdx_registers(FULL, HOST, {"rtmr2": value})


def test_snp_image() -> None:
    host = SnpHost(vcpus=4, vcpu_type="EPYC-Genoa")
    register = expected_snp.snp_register(FULL, host, None)
    measured = expected_snp.snp_measurements(register, host)
    assert measured is not None
    assert measured.measurement == register.value
    missing = expected_snp.snp_register(Boot(), SnpHost(), None)
    assert missing.origin is Origin.MISSING
    assert expected_snp.snp_measurements(missing, host) is None
