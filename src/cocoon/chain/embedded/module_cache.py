"""The emulator compiled for this machine, kept between runs.

Compiling takes seconds, loading the result milliseconds. What is kept is machine code that will be
run: it is only read from a folder that nobody else may write to, and only if its checksum is right.
"""

import hashlib
import os
import platform
import stat
import tempfile
from collections.abc import Callable
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

import wasmtime

Progress = Callable[[str], None]
_FOREIGN_WRITE = stat.S_IWGRP | stat.S_IWOTH


def load_module(
    engine: wasmtime.Engine, wasm: bytes, wasm_hash: str, folder: Path, progress: Progress
) -> wasmtime.Module:
    """The compiled module, from the folder if it is there.

    Args:
        engine: with the settings to compile for.
        wasm: what to compile.
        wasm_hash: its SHA-256 in hex.
        folder: cache; made if it does not exist, left alone if it is not safe.
        progress: told, in a sentence for people, when it takes long.
    """
    key = f"{wasm_hash}-{version('wasmtime')}-{platform.system()}-{platform.machine()}"
    name = f"emulator-{hashlib.sha256(key.encode()).hexdigest()[:32]}"
    if not _is_safe(folder):
        progress(f"Compiling TON's virtual machine anew: others may write to {folder}")
        return wasmtime.Module(engine, wasm)
    code, checksum = folder / f"{name}.cwasm", folder / f"{name}.sha256"
    kept = _read(engine, code, checksum)
    if kept is not None:
        return kept
    progress("Compiling TON's virtual machine (once)")
    module = wasmtime.Module(engine, wasm)
    serialized = bytes(module.serialize())
    # A full disk costs the next start some seconds, not this one its work.
    with suppress(OSError):
        _write(code, serialized)
        _write(checksum, hashlib.sha256(serialized).hexdigest().encode())
    return module


def _is_safe(folder: Path) -> bool:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.stat()
    except OSError:
        return False
    return status.st_uid == os.getuid() and not status.st_mode & _FOREIGN_WRITE


def _read(engine: wasmtime.Engine, code: Path, checksum: Path) -> wasmtime.Module | None:
    try:
        data, expected = code.read_bytes(), checksum.read_text()
    except (OSError, UnicodeDecodeError):
        return None
    if hashlib.sha256(data).hexdigest() != expected:
        return None
    try:
        return wasmtime.Module.deserialize(engine, data)
    except wasmtime.WasmtimeError:
        return None  # made by another build of wasmtime


def _write(path: Path, content: bytes) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(name).replace(path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
