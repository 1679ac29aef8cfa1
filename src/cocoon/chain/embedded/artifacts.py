"""The emulator's files: where they are, what they must hash to, how its imports are called."""

import hashlib
import json
import os
import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from cocoon.errors import ConfigError

_HERE = Path(__file__).parent
_DATA = _HERE / "data"
HOW_TO_BUILD = "run `make` or tools/build_emulator.py in a source tree, or install a wheel"


@dataclass(frozen=True, slots=True)
class Artifacts:
    """What the build fetched, checked.

    Args:
        wasm: the emulator's WebAssembly.
        wasm_hash: its SHA-256 in hex.
        config: the network configuration as a bag of cells.
        imports: C names of the emulator's imports, by the short names in the WebAssembly.
        exports: the same of its exports.
    """

    wasm: bytes
    wasm_hash: str
    config: bytes
    imports: dict[str, str]
    exports: dict[str, str]


@lru_cache(1)
def load_artifacts() -> Artifacts:
    """Read and check the files; once in a process.

    Raises:
        ConfigError: they are not there, or are not the pinned ones.
    """
    pins = json.loads((_HERE / "emulator.json").read_text())
    wasm = _read("emulator.wasm", pins["files"])
    return Artifacts(
        wasm=wasm,
        wasm_hash=pins["files"]["emulator.wasm"],
        config=_read("config.boc", pins["files"]),
        imports=pins["imports"],
        exports=pins["exports"],
    )


def _read(name: str, hashes: dict[str, str]) -> bytes:
    try:
        content = (_DATA / name).read_bytes()
    except OSError as error:
        raise ConfigError(
            f"the embedded chain needs {name}, which is not there: {HOW_TO_BUILD}"
        ) from error
    if hashlib.sha256(content).hexdigest() != hashes[name]:
        raise ConfigError(f"{name} is not the one that this version needs: {HOW_TO_BUILD}")
    return content


def cache_folder() -> Path:
    """Where this user's compiled emulator is kept; ``COCOON_CACHE_DIR`` overrides."""
    named = os.environ.get("COCOON_CACHE_DIR")
    if named:
        return Path(named)
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "cocoon"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "cocoon"
