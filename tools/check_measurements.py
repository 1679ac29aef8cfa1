"""Check the recorded measurements of real firmware and kernels against files that you have.

    python tools/check_measurements.py OVMF.fd vmlinuz …

Files are told by their SHA-256; ``vectors/attestation/measure.json`` says which Debian package
holds each. A kernel is also measured together with the firmware of the same run, where a vector
says so. Exits with 1 if a value differs or a file is not one of those recorded.
"""

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

from cocoon.attestation.measure.kernel import KernelHeader, kernel_digest
from cocoon.attestation.measure.ovmf_sev import parse_sev_firmware
from cocoon.attestation.measure.snp_launch import KernelHashes, launch_digest
from cocoon.attestation.measure.tdvf import PageOrder, SectionKind, mrtd, parse_tdvf

VECTORS = Path(__file__).parents[1] / "vectors" / "attestation" / "measure.json"


def measure(data: bytes, check: dict[str, Any], files: dict[str, bytes]) -> str | None:
    """The value that a vector expects, or None if it needs a file that is not given."""
    match check["kind"]:
        case "mrtd":
            return mrtd(parse_tdvf(data), PageOrder(check["pages"])).hex()
        case "configuration-volume":
            tdvf = parse_tdvf(data)
            volume = tdvf.data(tdvf.only(SectionKind.CONFIGURATION_VOLUME))
            return hashlib.sha384(volume).hexdigest()
        case "kernel":
            header = KernelHeader(check["header"])
            size, memory = check.get("initrd_size", 0), check.get("memory", 0)
            return kernel_digest(data, header, size, memory).hex()
        case "launch":
            hashes = None
            if "kernel_sha256" in check:
                kernel = files.get(check["kernel_sha256"])
                if kernel is None:
                    return None
                hashes = KernelHashes.of(kernel, [bytes(check["initrd_zeros"])], check["cmdline"])
            image = parse_sev_firmware(data)
            vcpus, vcpu_type = check["vcpus"], check["vcpu_type"]
            return launch_digest(image, vcpus=vcpus, vcpu_type=vcpu_type, hashes=hashes).hex()
        case kind:
            raise SystemExit(f"{VECTORS.name} has a check of unknown kind {kind}")


def main(paths: list[str]) -> int:
    """Check every file; returns the exit code."""
    recorded = {entry["sha256"]: entry for entry in json.loads(VECTORS.read_text())["files"]}
    files = {hashlib.sha256(data).hexdigest(): data for data in map(_read, paths)}
    failed = not files
    for digest, data in files.items():
        entry = recorded.get(digest)
        if entry is None:
            print(f"{digest}: not a recorded file")
            failed = True
            continue
        for check in entry["checks"]:
            found = measure(data, check, files)
            verdict = "skipped" if found is None else "ok" if found == check["expect"] else "WRONG"
            failed |= verdict == "WRONG"
            print(f"{entry['package']} {entry['file']}: {check['kind']} {verdict}")
    return int(failed)


def _read(path: str) -> bytes:
    return Path(path).read_bytes()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
