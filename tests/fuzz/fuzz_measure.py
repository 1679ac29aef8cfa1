"""Any firmware, kernel or configuration: measured or refused, never anything else."""

import contextlib

from cocoon.attestation.measure.config_tree import ConfigFile, config_hash
from cocoon.attestation.measure.gpt import root_hash
from cocoon.attestation.measure.kernel import patch_header
from cocoon.attestation.measure.ovmf_sev import parse_sev_firmware
from cocoon.attestation.measure.pe import authenticode_sha384
from cocoon.attestation.measure.rtmr import td_hob
from cocoon.attestation.measure.snp_launch import KernelHashes, launch_digest
from cocoon.attestation.measure.tdvf import PageOrder, mrtd, parse_tdvf
from cocoon.errors import ConfigError
from cocoon.testing import firmware

FIRMWARE = firmware.ovmf()
KERNEL = firmware.kernel(signature=b"signed!!")
HASHES = KernelHashes.of(b"kernel", (), "quiet")
# Where the formats are: changes elsewhere only change hashes.
FIRMWARE_PARTS = (firmware.TDX_AT, firmware.SEV_AT, len(FIRMWARE) - 160)


def patched(image: bytes, start: int, patch: bytes) -> bytes:
    return (image[:start] + patch + image[start + len(patch) :])[: len(image)]


def fuzz_one(data: bytes) -> None:
    at, patch = int.from_bytes(data[:1], "big"), data[1:]
    for start in FIRMWARE_PARTS:
        image = patched(FIRMWARE, start + at, patch)
        with contextlib.suppress(ConfigError):
            tdvf = parse_tdvf(image)
            if len(mrtd(tdvf, PageOrder.PAGE_BY_PAGE)) != 48:
                raise AssertionError("MRTD has 48 bytes")
            td_hob(tdvf, 1 << 30)
        with contextlib.suppress(ConfigError):
            launch_digest(parse_sev_firmware(image), vcpus=1, vcpu_type="EPYC", hashes=HASHES)
    for kernel in (data, patched(KERNEL, at * 3, patch)):
        with contextlib.suppress(ConfigError):
            authenticode_sha384(kernel)
        with contextlib.suppress(ConfigError):
            patch_header(kernel, 4096, 1 << 30)
    for disk in (data, bytes(512) + b"EFI PART" + data.ljust(4096, b"\0")):
        with contextlib.suppress(ConfigError):
            if len(root_hash(disk)) != 64:
                raise AssertionError("a root hash has 64 digits")
    ignore = ConfigFile(".gitignore", False, data)
    name = data.decode("utf-8", "surrogateescape")
    for path in ("a/b.log", name):
        with contextlib.suppress(ConfigError):
            config_hash([ignore, ConfigFile(path, bool(at & 1), data), ConfigFile("z", False, b"")])


if __name__ == "__main__":
    from _harness import main

    main(fuzz_one)
