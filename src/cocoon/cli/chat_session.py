"""``cocoon chat`` behind its options.

The loop of questions is ordinary blocking code, so that line editing, Ctrl-C and Ctrl-D work as
everywhere; only the calls into the network run in an event loop.
"""

import asyncio
import contextlib
import importlib
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

from rich.console import Console

from cocoon.cli import screen
from cocoon.cli.api_key import VARIABLE, bearer, environment_key
from cocoon.cli.foreground import EXIT_TERMINATED
from cocoon.devnet.chat import Message, ask
from cocoon.devnet.http import get_json, get_status
from cocoon.devnet.network import Network
from cocoon.devnet.options import DevnetOptions
from cocoon.devnet.state import find_running
from cocoon.errors import CocoonError, ConfigError

MODELS_TIMEOUT = 15.0
UNAUTHORISED = 401
TEMPERATURE = 0.7
HELP = "/new begins a new conversation, Ctrl-C stops an answer, /quit ends."


def run_chat(url: str | None, model: str | None, state: Path, max_tokens: int) -> None:
    """Talk to ``url``, else to the network that runs in ``state``, else to one of our own.

    Raises:
        CocoonError: there is no network to talk to.
    """
    signal.signal(signal.SIGTERM, _terminate)
    notices = screen.stderr()
    with asyncio.Runner() as runner, _gateway(runner, url, state, notices) as base:
        model = model or runner.run(_first_model(base))
        notices.print(f"Talking to {model} at {base}.", markup=False)
        notices.print(HELP)
        _converse(runner, Conversation(base, model, max_tokens), notices)


class Conversation:
    """What was said so far, and to whom."""

    def __init__(self, url: str, model: str, max_tokens: int) -> None:
        self._url = url
        self._model = model
        self._max_tokens = max_tokens
        self._messages: list[Message] = []

    def begin_anew(self) -> None:
        """Forget what was said."""
        self._messages = []

    async def say(self, text: str, shown: Console) -> str:
        """Ask, print the answer as it comes, and return a line about its cost.

        Raises:
            CocoonError: no answer; the question is forgotten.
        """
        messages = [*self._messages, {"role": "user", "content": text}]
        answer = await ask(
            self._url,
            self._model,
            messages,
            lambda piece: shown.print(piece, end="", markup=False),
            max_tokens=self._max_tokens,
            temperature=TEMPERATURE,
            headers=bearer(environment_key()),
        )
        self._messages = [*messages, {"role": "assistant", "content": answer.text}]
        return (
            f"[{answer.adjusted_tokens} tokens, {screen.ton(answer.cost)}, "
            f"{answer.first_token:.2f} s to the first, {answer.tokens_per_second:.0f} tokens/s]"
        )


def _converse(runner: asyncio.Runner, conversation: Conversation, notices: Console) -> None:
    with contextlib.suppress(ImportError):
        importlib.import_module("readline")  # input() edits lines then
    shown = screen.stdout()
    while (line := _read_line()) is not None:
        match line.strip():
            case "":
                pass
            case "/quit" | "/exit":
                return
            case "/new":
                conversation.begin_anew()
                notices.print("New conversation.")
            case text if text.startswith("/"):
                notices.print(HELP)
            case text:
                _answer(runner, conversation, text, shown, notices)


def _answer(
    runner: asyncio.Runner, talk: Conversation, text: str, shown: Console, notices: Console
) -> None:
    try:
        about = runner.run(talk.say(text, shown))
    except CocoonError as error:
        shown.print()
        notices.print(f"failed: {error}", style="red", markup=False)
    except KeyboardInterrupt:
        shown.print()
        notices.print("stopped; what was generated is charged", style="red")
    else:
        shown.print()
        notices.print(about, style="dim", markup=False)


@contextlib.contextmanager
def _gateway(
    runner: asyncio.Runner, url: str | None, state: Path, notices: Console
) -> Iterator[str]:
    """Base URL of the API to talk to; a network that was started for it stops at the end."""
    running = find_running(state)
    if url is not None or running is not None:
        yield url.rstrip("/") if url is not None else running.gateway_url if running else ""
        return
    notices.print(f"No network runs in {state}: starting one.")
    with screen.StartProgress(notices) as progress:
        network = Network(DevnetOptions(state=state, port=0), progress.report)
        try:
            runner.run(network.start())
        except BaseException:
            runner.run(network.stop())
            raise
    try:
        notices.print(screen.about_network(simulated_ton=False), style="yellow")
        notices.print(screen.SMALL_MODEL, style="yellow")
        yield network.running.gateway_url
    finally:
        runner.run(network.stop())


async def _first_model(url: str) -> str:
    key = environment_key()
    if key is None and await get_status(f"{url}/models", MODELS_TIMEOUT) == UNAUTHORISED:
        raise ConfigError(f"{url} needs an API key: set {VARIABLE}")
    page = await get_json(f"{url}/models", MODELS_TIMEOUT, headers=bearer(key))
    listed = page.get("data") or []
    if not listed:
        raise ConfigError(f"{url} lists no model; name one with --model")
    return str(listed[0]["id"])


def _read_line() -> str | None:
    """A line from the terminal, or None at its end (Ctrl-D)."""
    try:
        return input("> ")
    except EOFError:
        return None


def _terminate(*_: object) -> NoReturn:
    sys.exit(EXIT_TERMINATED)
