"""A real PostgreSQL server for tests: Debian's, in a folder of its own, on a Unix socket."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, Self

BINARIES = Path("/usr/lib/postgresql/15/bin")
USERS = ("postgres", "nobody")
"""Who runs it when we are root: PostgreSQL refuses to run as root."""
START_SECONDS = 30.0


def postgres_binaries() -> Path | None:
    """Where ``initdb`` and ``postgres`` are, or None."""
    if (BINARIES / "postgres").exists():
        return BINARIES
    found = shutil.which("postgres")
    return None if found is None else Path(found).resolve().parent


class PostgresServer:
    """Starts a server without passwords that only this machine's socket reaches.

    Args:
        binaries: folder of its programs.
    """

    def __init__(self, binaries: Path) -> None:
        self._binaries = binaries
        self._folder = Path(tempfile.mkdtemp(prefix="cocoon-pg-"))
        self._options: dict[str, Any] = {}
        if os.geteuid() == 0:
            user = next(name for name in USERS if _exists(name))
            shutil.chown(self._folder, user)
            self._options = {"user": user, "extra_groups": []}
        self._process: subprocess.Popen[bytes] | None = None
        self._databases = 0

    def __enter__(self) -> Self:
        data = self._folder / "data"
        self._run("initdb", "-D", str(data), "-A", "trust", "-U", "postgres", "-N", "-E", "UTF8")
        self.start()
        return self

    def start(self) -> None:
        """Start the server; its data are those of before :meth:`stop`."""
        data = self._folder / "data"
        settings = ("fsync=off", "listen_addresses=", f"unix_socket_directories={self._folder}")
        command = [str(self._binaries / "postgres"), "-D", str(data)]
        for setting in (*settings, "max_connections=100", "shared_buffers=16MB"):
            command += ["-c", setting]
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own words
                command, stdout=log, stderr=log, cwd=self._folder, **self._options
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if time.monotonic() > deadline or self._process.poll() is not None:
                text = (self._folder / "log").read_text(errors="replace")
                self.__exit__()
                raise RuntimeError(f"PostgreSQL does not start: {text[-1000:]}")
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop the server at once, as a crash would."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(10)

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def new_database(self, options: str = "") -> str:
        """Make an empty database with these options of ``CREATE DATABASE``; its URL."""
        self._databases += 1
        name = f"test{self._databases}"
        self._connect(f"CREATE DATABASE {name} {options}")
        return f"postgresql://postgres@/{name}?host={self._folder}"

    def _answers(self) -> bool:
        try:
            self._connect("SELECT 1")
        except Exception:
            return False
        return True

    def _connect(self, statement: str) -> None:
        import psycopg  # noqa: PLC0415 - an optional package

        where = f"host={self._folder} user=postgres dbname=postgres"
        with psycopg.connect(where, autocommit=True) as connection:
            connection.execute(statement.encode())

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(  # noqa: S603 - our own words
            [str(self._binaries / program), *arguments],
            check=True,
            capture_output=True,
            cwd=self._folder,
            **self._options,
        )


def _exists(user: str) -> bool:
    import pwd  # noqa: PLC0415 - not on every system

    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True
