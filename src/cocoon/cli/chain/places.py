"""Where a chain's file is, and how other commands find the chain that runs."""

import contextlib
import json
import os
import sqlite3
from dataclasses import asdict, dataclass
from pathlib import Path

from cocoon.devnet.options import default_state
from cocoon.devnet.plan import CHAIN_FILE
from cocoon.devnet.state import write_atomically
from cocoon.errors import ConfigError

LOOPBACK = "127.0.0.1"
RUNNING_FILE = "chain.json"
APPLICATION_ID = 0x434F4348
"""In the header of a chain's file, see ``cocoon.chain.embedded.store``."""


@dataclass(frozen=True, slots=True)
class RunningChain:
    """How to reach a chain that runs.

    Attributes:
        pid: of its process.
        url: base URL, without a slash at the end.
    """

    pid: int
    url: str


def own_state() -> Path:
    """Where ``cocoon chain up`` keeps a chain of its own: beside the devnet's state."""
    return default_state().with_name("chain")


def database_path(state: Path | None, database: Path | None) -> Path:
    """The chain's file, whose directory exists afterwards.

    Raises:
        ConfigError: both were given, or the directory cannot be made.
    """
    if state is not None and database is not None:
        raise ConfigError("give --state or --database, not both")
    path = database or (state or own_state()) / CHAIN_FILE
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"cannot use {path.parent}: {error.strerror}") from None
    return path.absolute()


def remove_chain(path: Path) -> None:
    """Delete a chain's file and its snapshots; nothing else, and not while somebody uses it.

    Raises:
        ConfigError: it is in use, or no chain.
    """
    if not path.exists():
        return
    if _application(path) != APPLICATION_ID:
        raise ConfigError(f"{path} is no chain: delete it yourself if you do not need it")
    snapshots = path.with_name(f"{path.name}.snapshots")
    with contextlib.suppress(FileNotFoundError):
        for item in [*snapshots.glob("*"), *path.parent.glob(f"{path.name}-*"), path]:
            item.unlink()
        snapshots.rmdir()


def _application(path: Path) -> int:
    try:
        with contextlib.closing(sqlite3.connect(path, timeout=0)) as database:
            database.execute("PRAGMA locking_mode=EXCLUSIVE")
            database.execute("BEGIN EXCLUSIVE")
            return int(database.execute("PRAGMA application_id").fetchone()[0])
    except sqlite3.OperationalError as error:
        raise ConfigError(f"{path} is in use by another process, or damaged: {error}") from None
    except sqlite3.Error:
        return 0


def publish(database: Path, url: str) -> None:
    """Tell other commands where the chain is."""
    running = RunningChain(os.getpid(), url)
    write_atomically(database.parent / RUNNING_FILE, json.dumps(asdict(running)) + "\n")


def withdraw(database: Path) -> None:
    """The chain is not there any more."""
    file = database.parent / RUNNING_FILE
    running = _read(file)
    if running is not None and running.pid == os.getpid():
        file.unlink(missing_ok=True)


def find_url(url: str | None, state: Path | None) -> str:
    """Where the chain is that a command is for.

    Args:
        url: what the user named; wins.
        state: directory of a chain or of a devnet; None looks at the default ones.

    Raises:
        ConfigError: none runs there.
    """
    if url is not None:
        return url.rstrip("/")
    folders = (default_state(), own_state()) if state is None else (state,)
    for folder in folders:
        for file in (folder / "chain" / RUNNING_FILE, folder / RUNNING_FILE):
            running = _read(file)
            if running is not None and _is_alive(running.pid):
                return running.url
    where = "" if state is None else f" in {state}"
    raise ConfigError(
        f"no chain runs{where}: start a network with `cocoon up`, or only a chain with "
        "`cocoon chain up`, or give --url"
    )


def _read(file: Path) -> RunningChain | None:
    try:
        fields = json.loads(file.read_text())
        return RunningChain(int(fields["pid"]), str(fields["url"]))
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
