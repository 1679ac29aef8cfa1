# ruff: noqa: PLC0415 - imported when the command runs, for a quick `cocoon --help`
"""``cocoon chat``: talk to a network."""

from typing import Annotated

import typer

from cocoon.cli import options


def chat(
    url: Annotated[
        str | None,
        typer.Option(
            "--url", help="OpenAI-compatible API to talk to, ending in /v1.", metavar="URL"
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option("--model", help="Model to ask; by default the first listed.", metavar="NAME"),
    ] = None,
    state: options.State = None,
    max_tokens: Annotated[
        int, typer.Option("--max-tokens", help="Tokens of each answer at most.", metavar="N", min=1)
    ] = 400,
) -> None:
    """Chat with a running `cocoon up`; starts a network if there is none.

    /new begins a new conversation, /quit (or Ctrl-D) ends. Every answer shows what it cost. Where
    keys are needed, COCOON_API_KEY has one.
    """
    from cocoon.cli.chat_session import run_chat
    from cocoon.devnet.options import default_state

    run_chat(url, model, state or default_state(), max_tokens)
