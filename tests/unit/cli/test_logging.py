"""Logging: levels, redaction."""

import asyncio
import gc
import io
import logging as stdlib
import sys
from collections.abc import Iterator

import pytest
import structlog

from cocoon.cli import logging
from cocoon.errors import ConfigError


@pytest.fixture(autouse=True)
def _undo() -> Iterator[None]:
    yield
    logging.set_verbose(False)
    structlog.reset_defaults()
    stdlib.basicConfig(force=True)


@pytest.mark.parametrize(
    "name",
    [
        "key",
        "machine_key",
        "secret",
        "prompt",
        "body",
        "Authorization",
        "client_secret",
        "messages",
    ],
)
def test_sensitive_fields_are_redacted(name: str) -> None:
    assert logging.redact(None, "info", {"event": "x", name: "hush"})[name] == logging.REDACTED


@pytest.mark.parametrize(
    "name", ["public_key", "query_id", "tokens", "max_tokens", "error", "reason", "keys_made"]
)
def test_other_fields_are_shown(name: str) -> None:
    assert logging.redact(None, "info", {"event": "x", name: "fine"})[name] == "fine"


def test_bytes_are_shown_as_a_length() -> None:
    assert logging.redact(None, "info", {"event": "x", "frame": b"abc"})["frame"] == "<3 bytes>"


def test_levels() -> None:
    assert logging.level_of("warning") == stdlib.WARNING
    assert logging.level_of("warning", 0) == stdlib.ERROR
    assert logging.level_of("warning", 2) == stdlib.INFO
    assert logging.level_of("warning", 9) == stdlib.DEBUG
    with pytest.raises(ConfigError, match="choose one of"):
        logging.level_of("loud")
    logging.set_verbose(True)
    assert logging.level_of("error", 0) == stdlib.DEBUG


def test_a_line_goes_to_stderr_without_secrets(capsys: pytest.CaptureFixture[str]) -> None:
    logging.configure(stdlib.INFO)
    structlog.get_logger("x").info("hello", port=1, prompt="hush")
    structlog.get_logger("x").debug("not shown")
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "event=hello" in shown.err
    assert "port=1" in shown.err
    assert "hush" not in shown.err
    assert "not shown" not in shown.err


@pytest.mark.parametrize("is_terminal", [False, True])
def test_what_a_peer_wrote_cannot_steer_a_terminal_or_forge_a_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, is_terminal: bool
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: is_terminal)
    logging.configure(stdlib.INFO)
    structlog.get_logger("x").info("ended", reason="\x1b]0;b\x07\r\nlevel=error\x9bé", port=1)
    shown = capsys.readouterr().err
    assert "\x1b]" not in shown
    assert {"\x07", "\r", "\x9b"}.isdisjoint(shown)
    assert shown.count("\n") == 1
    assert "é" in shown


def test_long_values_are_cut() -> None:
    cut = logging.redact(None, "info", {"event": "x", "reason": "y" * 10_000_000})["reason"]
    assert len(cut) <= logging.MAX_VALUE + 1


def test_what_the_event_loop_complains_of_is_logged_without_its_text(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def fail() -> None:
        raise ValueError("the prompt")

    def broken() -> None:
        raise KeyError("the prompt")

    async def main() -> None:
        logging.guard_event_loop()
        asyncio.get_running_loop().call_soon(broken)
        task = asyncio.ensure_future(fail())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        del task
        gc.collect()

    logging.configure(stdlib.INFO)
    asyncio.run(main())
    shown = capsys.readouterr().err
    assert "error=ValueError" in shown
    assert "error=KeyError" in shown
    assert "test_logging.py" in shown
    assert "the prompt" not in shown


def test_a_line_that_cannot_be_written_fails_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    logging.configure(20)
    log = structlog.get_logger("cocoon.test.closed")
    log.info("before")
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stderr", closed)
    log.info("nobody can read this")
    monkeypatch.setattr(sys, "stderr", again := io.StringIO())
    log.info("but this")
    assert "but this" in again.getvalue()
