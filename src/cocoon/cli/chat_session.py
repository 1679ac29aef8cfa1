"""``cocoon chat`` behind its options."""

import asyncio
from pathlib import Path

from rich.console import Console

from cocoon.cli import screen
from cocoon.devnet.chat import Message, ask
from cocoon.devnet.http import get_json
from cocoon.devnet.network import Network
from cocoon.devnet.options import DevnetOptions
from cocoon.devnet.state import find_running
from cocoon.errors import CocoonError, ConfigError

MODELS_TIMEOUT = 15.0
HELP = "/new begins a new conversation, /quit ends."


async def run_chat(url: str | None, model: str | None, state: Path, max_tokens: int) -> None:
    """Talk to ``url``, else to the network that runs in ``state``, else to one of our own.

    Raises:
        CocoonError: there is no network to talk to.
    """
    notices = screen.stderr()
    running = find_running(state)
    if url is not None or running is not None:
        base = url.rstrip("/") if url is not None else running.gateway_url if running else ""
        await _converse(base, await _choose_model(base, model), max_tokens, notices)
        return
    notices.print(f"No network runs in {state}: starting one.")
    with screen.StartProgress(notices) as progress:
        network = Network(DevnetOptions(state=state, port=0), progress.report)
        try:
            await network.start()
        except BaseException:
            await network.stop()
            raise
    try:
        notices.print(screen.SIMULATED, style="yellow")
        notices.print(screen.SMALL_MODEL, style="yellow")
        running = network.running
        await _converse(running.gateway_url, model or running.model, max_tokens, notices)
    finally:
        await network.stop()


async def _choose_model(url: str, model: str | None) -> str:
    if model is not None:
        return model
    listed = (await get_json(f"{url}/models", MODELS_TIMEOUT)).get("data") or []
    if not listed:
        raise ConfigError(f"{url} lists no model; name one with --model")
    return str(listed[0]["id"])


async def _converse(url: str, model: str, max_tokens: int, notices: Console) -> None:
    shown = screen.stdout()
    notices.print(f"Talking to {model} at {url}. {HELP}")
    conversation: list[Message] = []
    while (line := await _read_line("> ")) is not None:
        match line.strip():
            case "":
                continue
            case "/quit" | "/exit":
                return
            case "/new":
                conversation = []
                notices.print("New conversation.")
                continue
            case text if text.startswith("/"):
                notices.print(HELP)
                continue
            case text:
                conversation.append({"role": "user", "content": text})
        try:
            answer = await ask(
                url,
                model,
                conversation,
                lambda piece: shown.print(piece, end="", markup=False),
                max_tokens=max_tokens,
                temperature=0.7,
            )
        except CocoonError as error:
            conversation.pop()
            notices.print(f"\nfailed: {error}", style="red", markup=False)
            continue
        conversation.append({"role": "assistant", "content": answer.text})
        shown.print()
        notices.print(
            f"[{answer.adjusted_tokens} tokens, {screen.ton(answer.cost)}, "
            f"{answer.first_token:.2f} s to the first, {answer.tokens_per_second:.0f} tokens/s]",
            style="dim",
            markup=False,
        )


async def _read_line(prompt: str) -> str | None:
    """A line from the terminal, or None at its end (Ctrl-D)."""
    try:
        return await asyncio.to_thread(input, prompt)
    except EOFError:
        return None
