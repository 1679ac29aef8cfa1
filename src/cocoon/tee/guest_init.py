"""The first steps of a guest: measure its configuration, then everything that depends on it.

Order (``attestation.md`` §8.3): configuration → event → GPUs → event → GPUs may work → sealed
keys → latch event → the host's variables → rendered configuration. The latch makes it visible in
every later quote that keys were derived before; the host's variables are read only after it, so
that nothing the host can choose runs while keys can still be derived.

On TDX the events extend RTMR3. SEV-SNP has no such registers: there the measured command line must
name the hash (``cocoon.config=``), and the guest stops if the configuration has another one.
"""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cocoon.attestation.measure.config_tree import TREE_FILE, ConfigFile, config_hash, select
from cocoon.attestation.measure.rtmr import Event, rtmr3_events
from cocoon.errors import ConfigError
from cocoon.tee.config_dir import read_config_dir, read_regular
from cocoon.tee.runtime_config import MAX_FILE_BYTES, Role, Value, parse_runtime, render

MAX_CMDLINE_BYTES = 4096
MAX_GPUS = 16
TEMPLATE = ".in"
KEY_BYTES = 32
KEY_NAMES = ("disk_encryption", "app")
DEBUG_KEY = b"cococooncococooncococooncococoon"
"""Stands in for every sealed key of a debug guest: nothing there is secret."""

_CONFIG_FLAG = re.compile(r"cocoon\.config=([0-9a-f]{64})")
_GPUS_FLAG = re.compile(r"cocoon\.gpus=([1-9][0-9]?)")
_KNOWN_FLAG = re.compile(r"cocoon[._][a-z]+(=.*)?")


@dataclass(frozen=True, slots=True)
class GuestPaths:
    """Where things lie; a test puts all of them below one directory.

    Attributes:
        share: what the host provides, read-only: the configuration and ``runtime/runtime.vars``.
        config: the measured copy of the configuration.
        rendered: its templates (``*.in``) with variables replaced.
        keys: sealed keys, as ``NAME.key`` (32 bytes) and ``NAME.hex``; in memory only.
        events: the texts of the events, one a line.
        cmdline: the kernel's command line.
    """

    share: Path = Path("/mnt/config")
    config: Path = Path("/run/cocoon/config")
    rendered: Path = Path("/run/cocoon/rendered")
    keys: Path = Path("/run/cocoon/keys")
    events: Path = Path("/run/cocoon/events.log")
    cmdline: Path = Path("/proc/cmdline")


@dataclass(frozen=True, slots=True)
class Flags:
    """What the measured command line says.

    Attributes:
        debug: keys are a public constant.
        config: the hash that the configuration must have; None if any is measured.
        gpus: how many GPUs must verify; 0 without.
    """

    debug: bool = False
    config: str | None = None
    gpus: int = 0


def parse_flags(cmdline: str) -> Flags:
    """Read the flags of ours from a kernel command line; each comes at most once.

    Raises:
        ConfigError: one of ours is unknown, malformed or comes twice.
    """
    ours = [word for word in cmdline.split() if _KNOWN_FLAG.fullmatch(word)]
    names = [word.partition("=")[0] for word in ours]
    if len(set(names)) != len(names):
        raise ConfigError("the command line has a flag of Cocoon twice")
    flags = Flags()
    for word in ours:
        if word == "cocoon_debug":
            flags = Flags(True, flags.config, flags.gpus)
        elif found := _CONFIG_FLAG.fullmatch(word):
            flags = Flags(flags.debug, found[1], flags.gpus)
        elif (found := _GPUS_FLAG.fullmatch(word)) and int(found[1]) <= MAX_GPUS:
            flags = Flags(flags.debug, flags.config, int(found[1]))
        else:
            raise ConfigError(f"the command line has {word!r}, which is no flag of Cocoon")
    return flags


@dataclass(frozen=True, slots=True)
class Hardware:
    """What the steps need from the machine; a test gives its own.

    Attributes:
        record: measures the text of an event into RTMR3; None on SEV-SNP.
        verify_gpus: verifies all GPUs, which accept no work yet, and returns how many there are.
            Raises if one is not genuine.
        open_gpus: lets them accept work; called when their event is measured.
        derive_key: the sealed key of a name, 32 bytes; None where no seal service exists.
        image_hash: of this guest after its last event, 32 bytes.
        open_model: opens the model's disk with its dm-verity root hash, 64 hex characters, which
            is the last part of the name that the network lists; None where no such disk can be.
    """

    record: Callable[[str], object] | None
    verify_gpus: Callable[[], int]
    open_gpus: Callable[[], None]
    derive_key: Callable[[str], bytes] | None
    image_hash: Callable[[], bytes]
    open_model: Callable[[str], None] | None = None


@dataclass(slots=True)
class GuestInit:
    """Runs the steps in their order, once.

    Args:
        role: which role the image is for.
        hardware: the machine.
        paths: where things lie.
    """

    role: Role
    hardware: Hardware
    paths: GuestPaths = field(default_factory=GuestPaths)

    def run(self) -> Mapping[str, str]:
        """Do every step; returns the guest's own variables.

        Raises:
            ConfigError: the guest was initialised before, or something the host gave is refused.
            AttestationError: a GPU does not verify.
        """
        if self.paths.events.exists():
            raise ConfigError("this guest was initialised before: its keys are gone, restart it")
        flags = parse_flags(self._cmdline())
        files = read_config_dir(self.paths.share)
        tree = self._check_config(files, flags)
        events = rtmr3_events(tree, debug=flags.debug)
        self._record(events[:-1])
        self._write_config(select(files))
        gpu_count = self._gpus(flags, tree)
        keys = self._keys(flags)
        self._record(events[-1:])
        self._write_keys(keys)
        system = self._system_variables(flags, gpu_count)
        runtime = self._runtime()
        if self.role is Role.WORKER and self.hardware.open_model is not None:
            self.hardware.open_model(str(runtime["MODEL"]).rpartition(":")[2])
        self._render(select(files), system, runtime)
        return system

    def _cmdline(self) -> str:
        data, _ = read_regular(self.paths.cmdline, MAX_CMDLINE_BYTES)
        return data.decode("utf-8", "replace")

    def _check_config(self, files: Sequence[ConfigFile], flags: Flags) -> str:
        tree = config_hash(files)
        for file in files:
            if file.path == TREE_FILE and file.data.decode("ascii", "replace").strip() != tree:
                raise ConfigError(f"{TREE_FILE} names another configuration than {tree}")
        if flags.config not in {None, tree}:
            raise ConfigError(f"the command line allows another configuration than {tree}")
        if flags.config is None and self.hardware.record is None:
            raise ConfigError("on SEV-SNP the command line must have cocoon.config=HASH")
        return tree

    def _gpus(self, flags: Flags, tree: str) -> int:
        if not flags.gpus:
            return 0
        count = self.hardware.verify_gpus()
        if count != flags.gpus:
            raise ConfigError(f"{count} GPUs verify, but the command line asks for {flags.gpus}")
        self._record(rtmr3_events(tree, gpus=count)[1:-1])
        self.hardware.open_gpus()
        return count

    def _record(self, events: Sequence[Event]) -> None:
        """Measure first, then note: what is noted here is in the register."""
        for event in events:
            if self.hardware.record is not None:
                self.hardware.record(event.name)
            self.paths.events.parent.mkdir(parents=True, exist_ok=True)
            with self.paths.events.open("a", encoding="utf-8") as log:
                log.write(event.name + "\n")

    def _keys(self, flags: Flags) -> dict[str, bytes]:
        if flags.debug:
            return dict.fromkeys(KEY_NAMES, DEBUG_KEY)
        if self.hardware.derive_key is None:
            return {}
        keys = {name: self.hardware.derive_key(name) for name in KEY_NAMES}
        for name, key in keys.items():
            if len(key) != KEY_BYTES or not any(key):
                raise ConfigError(f"the sealed key {name} is not one")
        return keys

    def _write_keys(self, keys: Mapping[str, bytes]) -> None:
        self.paths.keys.mkdir(parents=True, exist_ok=True, mode=0o700)
        for name, key in keys.items():
            _write(self.paths.keys / f"{name}.key", key, 0o400)
            _write(self.paths.keys / f"{name}.hex", f"{key.hex()}\n".encode(), 0o400)

    def _write_config(self, files: Sequence[ConfigFile]) -> None:
        for file in files:
            mode = 0o555 if file.executable else 0o444
            _write(self.paths.config / file.path, file.data, mode)

    def _system_variables(self, flags: Flags, gpu_count: int) -> dict[str, str]:
        return {
            "IMAGE_HASH": self.hardware.image_hash().hex(),
            "IS_DEBUG": "1" if flags.debug else "0",
            "GPUS": str(gpu_count),
            "CONFIG_PATH": str(self.paths.config),
            "KEY_PATH": str(self.paths.keys),
            "DATA_PATH": "/data",
        }

    def _runtime(self) -> dict[str, Value]:
        folder = self.paths.share / "runtime"
        if folder.is_symlink():
            raise ConfigError(f"{folder} is a link")
        data, _ = read_regular(folder / "runtime.vars", MAX_FILE_BYTES)
        return parse_runtime(data, self.role)

    def _render(
        self,
        files: Sequence[ConfigFile],
        system: Mapping[str, str],
        runtime: Mapping[str, Value],
    ) -> None:
        for file in files:
            if not file.path.endswith(TEMPLATE):
                continue
            try:
                text = file.data.decode()
            except UnicodeDecodeError:
                raise ConfigError(f"the template {file.path} is not UTF-8") from None
            target = self.paths.rendered / file.path.removesuffix(TEMPLATE)
            _write(target, render(text, system, runtime).encode(), 0o440)


def _write(path: Path, data: bytes, mode: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    with open(descriptor, "wb") as file:
        file.write(data)
