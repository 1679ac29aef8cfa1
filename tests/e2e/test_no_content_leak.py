"""What is asked and answered, and what is secret, is found nowhere where it must not be."""

import asyncio
import base64
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote_plus

import pytest

from cocoon.testing.engine_standin import MODEL
from cocoon.testing.loaded_network import LoadedNetwork, loaded_network

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

WORD = "zebracorn9041"
"""Every prompt has it; so has every answer of an engine that fails."""
PROMPT = f"tell me about {WORD} é"
ANSWERS = ("Hello from a stand-in", " word")
API_KEY = "sk-pelicanoid7700"
MEMBERS = ("proxy-1", "worker-1", "worker-2", "client")


def forms(text: str) -> dict[str, bytes]:
    """How a text looks in usual encodings, in lower case; base64 is not lowered."""
    raw = text.encode()
    found = {
        "as it is": raw.lower(),
        "hex": raw.hex().encode(),
        "percent-encoded": quote_plus(text).lower().encode(),
        "every byte percent-encoded": "".join(f"%{byte:02x}" for byte in raw).encode(),
        "UTF-16": text.lower().encode("utf-16-le"),
    }
    for shift in range(3):
        # The same bytes look different at each of three offsets; the ends depend on neighbours.
        coded = base64.b64encode(bytes(shift) + raw)
        found[f"base64 at {shift}"] = coded[4 if shift else 0 : -4]
    return found


def found_in(content: bytes, text: str) -> list[str]:
    """The forms of a text that some content has."""
    lowered = content.lower()
    return [
        name
        for name, form in forms(text).items()
        if form in (content if name.startswith("base64") else lowered)
    ]


async def everything(loaded: LoadedNetwork) -> Iterator[tuple[str, bytes]]:
    """Every file of the state directory, and every page of every member that runs."""
    pages = []
    for name in MEMBERS:
        for path in ("/metrics", "/jsonstats", "/health", "/ready"):
            pages.append((f"{name}{path}", await loaded.network.page(name, path)))
    return iter([*pages, *files(loaded.network.options.state)])


def files(state: Path) -> list[tuple[str, bytes]]:
    return [
        (str(path.relative_to(state)), path.read_bytes())
        for path in state.rglob("*")
        if path.is_file()
    ]


async def ask_in_every_way(loaded: LoadedNetwork) -> None:
    """Good calls, and everything that can go wrong with one; each has the word."""
    assert (await loaded.call(PROMPT)).complete
    assert (await loaded.call(PROMPT, stream=True)).complete
    for word in ("please-fail", "please-cut", "please-hang"):
        for stream in (False, True):
            outcome = await loaded.call(f"{PROMPT} {word}", stream=stream, timeout=1.0)
            assert not outcome.complete
    assert (await loaded.call(PROMPT, tools=WORD)).status >= 0
    for status, body in (
        (400, b'{"model":"' + PROMPT.encode()),
        (400, PROMPT.encode()),
        (400, b'{"' + WORD.encode() + b'":1,"' + WORD.encode() + b'":2}'),
        (400, b'{"model":"%s","messages":"%s"}' % (MODEL.encode(), WORD.encode())),
        (400, b'{"model":"%s","max_tokens":"%s"}' % (MODEL.encode(), WORD.encode())),
        (404, b'{"model":"no-such","messages":[{"role":"user","content":"%s"}]}' % WORD.encode()),
    ):
        outcome = await loaded.post(body, Authorization=f"Bearer {API_KEY}")
        assert outcome.status == status, outcome.text


async def kill_in_mid_stream(loaded: LoadedNetwork, name: str) -> None:
    """A stream with the word in it breaks because a member is killed."""
    stream = asyncio.create_task(loaded.call(PROMPT, stream=True))
    await asyncio.sleep(0.5)
    await loaded.network.kill(name)
    assert not (await stream).complete
    await loaded.network.start(name)


async def test_prompts_and_answers_are_written_nowhere(tmp_path: Path) -> None:
    state = tmp_path / "state"
    async with loaded_network(state, workers=2, chunks=40, delay=0.05) as loaded:
        await ask_in_every_way(loaded)
        await loaded.network.kill("worker-2")
        await kill_in_mid_stream(loaded, "worker-1")
        await loaded.network.start("worker-2")
        await kill_in_mid_stream(loaded, "proxy-1")
        await loaded.wait_ready()
        assert (await loaded.call(PROMPT)).complete
        await asyncio.sleep(1.2)  # until payments are saved
        running = list(await everything(loaded))
    for place, content in [*running, *files(state)]:
        for text in (WORD, ANSWERS[0], API_KEY):
            assert found_in(content, text) == [], f"{text!r} in {place}"
        if not place.startswith("tee/"):
            assert ANSWERS[1].encode() + b'"' not in content, place
    # There was something to search: logs down to debug, and the ledger.
    sizes = {place: len(content) for place, content in running}
    assert all(sizes[f"{name}/log"] > 500 for name in ("proxy-1", "worker-1"))
    assert sizes["proxy-1/proxy.sqlite"] > 1000


def test_the_search_finds_what_it_looks_for() -> None:
    raw = PROMPT.encode()
    for content in (
        raw,
        raw.upper(),
        b'{"x":"' + raw.hex().encode() + b'"}',
        base64.b64encode(raw),
        base64.b64encode(b"a" + raw + b"more"),
        base64.b64encode(b"ab" + raw),
        PROMPT.encode("utf-16-le"),
        quote_plus(PROMPT).encode(),
    ):
        assert found_in(content, WORD), content


async def test_secrets_stay_in_their_files(tmp_path: Path) -> None:
    state = tmp_path / "state"
    async with loaded_network(state, workers=2) as loaded:
        assert (await loaded.call(PROMPT)).complete
        await asyncio.sleep(1.2)
        running = list(await everything(loaded))
    secrets = dict(key_files(state))
    assert {"proxy-1/machine.key", "client/wallet.key", "tee/root_key.pem"} <= secrets.keys()
    for place, seed in secrets.items():
        assert stat.S_IMODE((state / place).stat().st_mode) == 0o600, place
        wanted = (seed, seed.hex().encode(), seed.hex().upper().encode(), base64.b64encode(seed))
        for other, content in [*running, *files(state)]:
            if other != place:
                assert not any(form in content for form in wanted), f"{place} in {other}"
    assert open_to_others(state) == []


def open_to_others(state: Path) -> list[str]:
    """Folders, databases and logs that another user could read."""
    paths = [path for path in state.rglob("*") if path.is_dir()]
    paths += [state, *state.rglob("*.sqlite*"), *state.rglob("log"), *state.rglob("*.toml")]
    return [str(path) for path in paths if stat.S_IMODE(path.stat().st_mode) & 0o077]


def key_files(state: Path) -> Iterator[tuple[str, bytes]]:
    """Every file with a secret in it, and the secret itself."""
    for path in state.rglob("*.key"):
        yield str(path.relative_to(state)), bytes.fromhex(path.read_text())
    for path in state.rglob("*_key.pem"):
        body = re.sub(r"-----[A-Z ]+-----|\s", "", path.read_text())
        yield str(path.relative_to(state)), base64.b64decode(body)
