"""Texts of strangers on the terminal."""

import io

import pytest
from rich.console import Console

from cocoon.cli import screen
from cocoon.cli.chain import show
from cocoon.cli.chain.caller import ChainCaller


def test_a_comment_is_neither_markup_nor_a_command() -> None:
    text = "[red]hello[/red]\x1b[2J\r\n\u202egnp"
    output = io.StringIO()
    console = Console(file=output, force_terminal=True, width=200, color_system="truecolor")
    message = {
        "kind": "internal",
        "bounced": False,
        "source": None,
        "destination": None,
        "value": 1,
        "name": "text_comment",
        "operation": "0x00000000",
        "comment": text,
        "decoded": {"operation": "x", "payload": {"text": text}},
    }
    for part in show.transaction(
        {
            "hash": "00",
            "account": "0:00",
            "time": 0,
            "block": 1,
            "lt": 1,
            "outcome": "ok",
            "status_before": "active",
            "status_after": "active",
            "fees": 1,
            "phases": {},
            "in_message": message,
            "out_messages": [],
        }
    ):
        console.print(part)
    shown = output.getvalue()
    assert shown.count("[red]hello[/red]·[2J···gnp") == 2
    assert "\x1b[2J" not in shown


def test_a_narrow_terminal_cuts_no_number(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    item = {
        "time": 0,
        "account": "0:" + "ab" * 32,
        "operation": "ext_client_charge_signed",
        "comment": None,
        "value": 179_828_305_199,
        "fees": 5_928_305_199,
        "outcome": "exit code 1020",
        "hash": "cd" * 32,
    }
    screen.print_whole(show.transactions([item]))
    line = capsys.readouterr().out.splitlines()[1]
    for text in ("179.828305199", "5.928305199", "exit code 1020", "ext_client_charge_signed"):
        assert text in line


def test_what_answers_is_no_chain() -> None:
    caller = ChainCaller("http://127.0.0.1:1")
    assert caller._reason(404, b'{"error": "there is no such account"}').startswith("there is no")
    for body in (b'{"error": {"message": "x"}}', b"[]", b"<html>"):
        assert "is it an embedded chain?" in caller._reason(404, body)
