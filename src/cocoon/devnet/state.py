"""The state directory of a devnet: one running network at a time, and how to find it."""

import fcntl
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from cocoon.errors import ConfigError

LOCK_FILE = "lock"
RUNNING_FILE = "network.json"
NOTICE = (
    "State of a Cocoon devnet: simulated TEE hardware, simulated TON, keys without value.\n"
    "Delete the directory to begin anew.\n"
)


@dataclass(frozen=True, slots=True)
class RunningNetwork:
    """How to reach a network that runs.

    Attributes:
        pid: of ``cocoon up``.
        gateway_url: base URL of the OpenAI-compatible API, with ``/v1``.
        model: base name of the model.
        proxies: URLs of the proxies' HTTP interfaces.
        workers: URLs of the workers' HTTP interfaces.
        chain: URL of the embedded chain's HTTP interface; None when TON is simulated.
    """

    pid: int
    gateway_url: str
    model: str
    proxies: tuple[str, ...]
    workers: tuple[str, ...]
    chain: str | None = None


class StateDirectory:
    """A state directory that this process owns until :meth:`release`.

    Args:
        path: made when missing, mode 0700.

    Raises:
        ConfigError: it cannot be used, or another network runs in it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock: IO[str] = (path / LOCK_FILE).open("a")
        except OSError as error:
            raise ConfigError(f"cannot use state directory {path}: {error.strerror}") from None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock.close()
            raise ConfigError(_occupied(path)) from None
        (path / "README").write_text(NOTICE)

    def folder(self, name: str) -> Path:
        """A directory inside, made when missing."""
        inner = self.path / name
        inner.mkdir(mode=0o700, exist_ok=True)
        return inner

    def publish(self, network: RunningNetwork) -> None:
        """Tell other commands how to reach the network."""
        write_atomically(self.path / RUNNING_FILE, json.dumps(asdict(network), indent=2) + "\n")

    def release(self) -> None:
        """Give the directory free; its content stays."""
        (self.path / RUNNING_FILE).unlink(missing_ok=True)
        self._lock.close()


def find_running(path: Path) -> RunningNetwork | None:
    """The network that runs in a state directory, or None."""
    try:
        with (path / LOCK_FILE).open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return _read_running(path)
    except OSError:
        return None
    return None


def write_atomically(path: Path, text: str, mode: int = 0o600) -> None:
    """Replace a file, complete or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w") as file:
        file.write(text)
    temporary.replace(path)


def _read_running(path: Path) -> RunningNetwork | None:
    try:
        fields = json.loads((path / RUNNING_FILE).read_text())
        fields["proxies"] = tuple(fields["proxies"])
        fields["workers"] = tuple(fields["workers"])
        return RunningNetwork(**fields)
    except (OSError, ValueError, TypeError, KeyError):
        return None  # it is only just starting


def _occupied(path: Path) -> str:
    running = _read_running(path)
    who = "" if running is None else f" (process {running.pid}, {running.gateway_url})"
    return f"a network already runs in {path}{who}: stop it with Ctrl-C, or use another --state"
