"""A real network, as `cocoon up` starts it: real processes, the real demonstration model."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

START_TIMEOUT = 50.0
STOP_LIMIT = 10.0


class RunningUp:
    """One `cocoon up` in a process of its own."""

    def __init__(self, state: Path, *options: str) -> None:
        self.state = state
        self.output = state.parent / f"{state.name}.out"
        with self.output.open("ab") as out:
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "cocoon",
                    "up",
                    "--port",
                    "0",
                    "--state",
                    str(state),
                    *options,
                ],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        self.facts = self._wait()

    def _wait(self) -> dict[str, Any]:
        limit = time.monotonic() + START_TIMEOUT
        path = self.state / "network.json"
        while not path.exists():
            assert self.process.poll() is None, self.output.read_text()
            assert time.monotonic() < limit, self.output.read_text()
            time.sleep(0.05)
        return json.loads(path.read_text())  # type: ignore[no-any-return]

    @property
    def url(self) -> str:
        return str(self.facts["gateway_url"])

    def members(self) -> list[psutil.Process]:
        """Every process of the network, engines included."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def signed(self) -> tuple[int, int]:
        """Tokens that client and workers hold signatures for."""
        pages = [self.url.removesuffix("/v1"), *self.facts["workers"]]
        client, *workers = [
            sum(p["signed_tokens"] for p in self.stats(u)["proxies"]) for u in pages
        ]
        return client, sum(workers)

    @staticmethod
    def stats(url: str) -> Any:
        """The JSON status page of one process."""
        with urllib.request.urlopen(f"{url}/jsonstats", timeout=10) as answer:
            return json.load(answer)

    def interrupt(self) -> float:
        """Ctrl-C; returns the seconds until every process was gone."""
        members, began = self.members(), time.monotonic()
        self.process.send_signal(signal.SIGINT)
        assert self.process.wait(STOP_LIMIT + 5) == 0, self.output.read_text()
        _, alive = psutil.wait_procs(members, timeout=STOP_LIMIT)
        assert not alive
        return time.monotonic() - began

    def clean_up(self) -> None:
        if self.process.poll() is None:
            members = self.members()
            self.process.kill()
            self.process.wait()
            for member in members:
                with contextlib.suppress(psutil.NoSuchProcess):
                    member.kill()


@pytest.fixture
def start_up(tmp_path: Path) -> Iterator[Callable[..., RunningUp]]:
    """Start `cocoon up` with the given options; the same state for every start of a test."""
    started: list[RunningUp] = []

    def start(*options: str) -> RunningUp:
        started.append(RunningUp(tmp_path / "state", *options))
        return started[-1]

    yield start
    for item in started:
        item.clean_up()


class Processes:
    """Children of one test, with their output in files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._running: list[subprocess.Popen[bytes]] = []

    def start(self, name: str, *command: str) -> None:
        with (self.folder / f"{name}.log").open("wb") as log:
            self._running.append(
                subprocess.Popen(
                    [sys.executable, "-m", *command], stdout=log, stderr=log, cwd=self.folder
                )
            )

    def output(self) -> str:
        return "\n".join(f"== {p.name}\n{p.read_text()}" for p in self.folder.glob("*.log"))

    def wait_for(self, url: str, timeout: float = 40.0) -> None:
        limit = time.monotonic() + timeout
        while True:
            try:
                with urllib.request.urlopen(url, timeout=2):
                    return
            except OSError as error:
                if isinstance(error, urllib.error.HTTPError):
                    error.close()  # it holds the connection
                assert time.monotonic() < limit, self.output()
                assert all(item.poll() is None for item in self._running), self.output()
                time.sleep(0.05)

    def stop(self) -> None:
        for item in self._running:
            item.terminate()
        for item in self._running:
            try:
                item.wait(10)
            except subprocess.TimeoutExpired:
                item.kill()
                item.wait()


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    made = Processes(tmp_path)
    yield made
    made.stop()


@pytest.fixture(autouse=True)
def _empty_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing may depend on, or write to, the home directory of whoever runs the tests."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    for name in list(os.environ):
        if name.startswith("XDG_"):
            monkeypatch.delenv(name)
