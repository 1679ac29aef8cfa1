"""Writes NAME.cmdline beside NAME.raw: the kernel command line of an image.

    python3 write_cmdline.py [--debug] mkosi.output/NAME

The root hash is that of the image's partition table; see ``cocoon.attestation.measure.gpt``.
"""

import sys
from pathlib import Path

from cocoon.attestation.measure.gpt import TABLE_BYTES, root_hash

COMMON = (
    "systemd.verity=1",
    "systemd.verity_root_options=panic-on-corruption",
    "systemd.volatile=state",
    "audit=0",
    "swiotlb=1048576",
    # What the host adds to the disk, or hands over as credentials, is not looked at: partitions
    # are not mounted by their type, and memory is never written out.
    "systemd.gpt_auto=no",
    "systemd.swap=no",
    "systemd.import_credentials=no",
)
PRODUCTION = (
    "systemd.getty_auto=no",
    "systemd.show_status=no",
    "rd.shell=0",
    "rd.emergency=poweroff",
    "console=tty0",
    "quiet",
    "loglevel=0",
)
DEBUG = ("console=hvc0", "loglevel=7", "cocoon_debug")


def command_line(table: bytes, *, debug: bool) -> str:
    """The command line of the image whose first bytes are ``table``."""
    return " ".join((f"roothash={root_hash(table)}", *COMMON, *(DEBUG if debug else PRODUCTION)))


def main(arguments: list[str]) -> int:
    """Write the file; returns the exit code."""
    debug = "--debug" in arguments
    names = [argument for argument in arguments if argument != "--debug"]
    if len(names) != 1:
        sys.stderr.write(f"{__doc__}\n")
        return 2
    with Path(f"{names[0]}.raw").open("rb") as image:
        line = command_line(image.read(TABLE_BYTES), debug=debug)
    Path(f"{names[0]}.cmdline").write_text(line + "\n", encoding="ascii")
    sys.stdout.write(f"{line}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
