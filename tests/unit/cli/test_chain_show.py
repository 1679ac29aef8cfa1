"""Texts of strangers on the terminal."""

import io

from rich.console import Console

from cocoon.cli.chain import show


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
