"""Build the Mini App into the package: ``python tools/build_miniapp.py``.

Its sources are in ``web/miniapp``; npm installs what its lock file pins, Vite builds it. Nothing is
done when the built files are those of the present sources.

    --run SCRIPT   run a script of its package.json instead, such as ``check`` or ``test``
"""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from build_emulator import OLDEST_NODE, BuildError, find_npm

ROOT = Path(__file__).parent.parent
SOURCES = ROOT / "web" / "miniapp"
BUILT = ROOT / "src" / "cocoon" / "telegram" / "miniapp"
STAMP = ".sources"
"""File beside the built ones: the hash of what they were built from."""
MODULES_STAMP = ".lock"
SECONDS = 900
_NOT_SOURCES = {"node_modules", "dist", "coverage"}


def sources() -> Iterator[Path]:
    """Every file that the result depends on, in a fixed order."""
    for path in sorted(SOURCES.rglob("*")):
        if path.is_file() and not _NOT_SOURCES.intersection(path.relative_to(SOURCES).parts):
            yield path


def sources_hash() -> str:
    """SHA-256 of names and contents, hex."""
    digest = hashlib.sha256()
    for path in sources():
        content = path.read_bytes()
        digest.update(f"{path.relative_to(SOURCES)}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def is_done() -> bool:
    """Whether the built files are those of the present sources."""
    stamp = BUILT / STAMP
    return stamp.is_file() and stamp.read_text() == sources_hash()


def npm(*words: str, quiet: bool = False) -> None:
    """Run npm among the sources.

    Raises:
        BuildError: there is no npm, or it failed.
    """
    found = find_npm()
    if found is None:
        raise BuildError(
            f"npm on Node {OLDEST_NODE} or newer is needed; install it, or: "
            "pip install --require-hashes -r requirements-node.lock"
        )
    path = os.pathsep.join((str(Path(found[0]).parent), os.environ.get("PATH", "")))
    try:
        done = subprocess.run(
            [*found, *words],
            check=False,
            cwd=SOURCES,
            env=os.environ | {"PATH": path},
            capture_output=quiet,
            text=True,
            timeout=SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BuildError(f"npm {words[0]}: {error}") from error
    if done.returncode:
        raise BuildError(f"npm {' '.join(words)} failed\n{done.stderr or ''}{done.stdout or ''}")


def install() -> None:
    """Install what the lock file pins, unless it is there; no package runs a script of its own."""
    lock = hashlib.sha256((SOURCES / "package-lock.json").read_bytes()).hexdigest()
    stamp = SOURCES / "node_modules" / MODULES_STAMP
    if stamp.is_file() and stamp.read_text() == lock:
        return
    print("Installing what the Mini App is built with (once, about 100 MB)", flush=True)
    npm("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", quiet=True)
    stamp.write_text(lock)


def build() -> None:
    """Make the files, unless they are there.

    Raises:
        BuildError: see :func:`npm`.
    """
    if is_done():
        (BUILT / STAMP).touch()  # newer than the sources, for make
        return
    wanted = sources_hash()
    install()
    print("Building the Mini App", flush=True)
    if BUILT.exists():
        shutil.rmtree(BUILT)
    npm("run", "build", "--silent", quiet=True)
    (BUILT / STAMP).write_text(wanted)


def main() -> int:
    """The command; its exit status."""
    try:
        match sys.argv[1:]:
            case []:
                build()
            case ["--run", script]:
                install()
                npm("run", script, "--silent")
            case _:
                print(__doc__, file=sys.stderr)
                return 2
    except (BuildError, OSError) as error:
        print(f"The Mini App cannot be built: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
