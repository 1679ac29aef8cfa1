from dataclasses import replace
from pathlib import Path

import pytest

from cocoon.devnet.telegram.views import ChatView, Shown
from cocoon.errors import UnavailableError
from cocoon.telegram.assistant.values import Turn
from cocoon.testing.bot_rig import bot_rig, until

pytestmark = pytest.mark.anyio

PROXY = {
    "address": "proxy.example:4430",
    "verified": True,
    "kind": "tdx",
    "simulated": False,
    "image_hash": "ab" * 32,
    "policy": "official",
    "steps": [
        {"number": 1, "name": "form of the certificate", "outcome": "passed"},
        {"number": 2, "name": "age of the evidence", "outcome": "skipped"},
    ],
}
VERIFIED = {
    "verified": True,
    "simulated": False,
    "proxies": [PROXY],
    "workers": [{"model": "test/chat", "image_hash": "cd" * 32, "evidence": "tdx"}],
    "notes": [],
}


async def said(chat: ChatView, count: int) -> Shown:
    await until(lambda: len(chat.answers) >= count)
    return chat.answers[count - 1]


async def test_what_was_checked_is_said_in_plain_words(tmp_path: Path) -> None:
    async with bot_rig(tmp_path) as rig:
        rig.assistant.verified = VERIFIED
        person = rig.telegram.person("Alice")
        await person.send("/privacy")
        page = await said(person.chat, 1)
        assert "All checks passed" in page.text
        assert "Telegram, because chats with bots are not end-to-end" in page.text
        assert "Whoever runs this bot" in page.text
        assert "receipts that a machine signs" in page.text
        assert "simulated" not in page.text
        assert "Nothing has been answered here yet" in page.text
        await person.press(page, "What was checked")
        await until(lambda: "Proxy proxy.example:4430" in page.text)
        assert "Passed: 1 of 1 steps" in page.text
        assert "– age of the evidence (does not apply, or was not reached)" in page.text
        assert "✓ form of the certificate" in page.text
        assert "abababababababab…" in page.text
        await person.press(page, "Back")
        await until(lambda: "Who can read" in page.text)


async def test_the_facts_of_the_last_answer(tmp_path: Path) -> None:
    async with bot_rig(tmp_path) as rig:
        rig.assistant.verified = VERIFIED
        person = rig.telegram.person("Alice")
        asked = await person.send("Hello")
        await said(person.chat, 1)
        await person.send("/privacy")
        page = await said(person.chat, 2)
        assert "2 of 40 messages of this chat, encrypted" in page.text
        await person.press(page, "Facts")
        await until(lambda: "Facts of the last answer" in page.text)
        assert f"chat:{person.id}:{asked.id}" in page.text
        assert "Cost: 0.001 TON" in page.text
        assert "evidence tdx, program cdcdcdcdcdcdcdcd…" in page.text
        assert "not from end to end" in page.text
        assert "Receipts that machines sign do not exist yet" in page.text


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (None, "a gateway that somebody else runs"),
        (UnavailableError("no"), "Nothing could be checked just now"),
        ({**VERIFIED, "verified": False}, "A check failed just now"),
        ({**VERIFIED, "simulated": True}, "The hardware is simulated"),
    ],
)
async def test_what_was_not_checked_is_said_too(tmp_path: Path, found: object, words: str) -> None:
    async with bot_rig(tmp_path) as rig:
        rig.assistant.verified = found  # type: ignore[assignment]
        person = rig.telegram.person("Alice")
        await person.send("/privacy")
        page = await said(person.chat, 1)
        assert words in page.text
        if found is None or isinstance(found, Exception):
            assert "All checks passed" not in page.text


async def test_a_simulated_worker_is_named(tmp_path: Path) -> None:
    async with bot_rig(tmp_path) as rig:
        person = rig.telegram.person("Alice")
        await person.send("Hello")
        await said(person.chat, 1)
        facts = next(iter(rig.assistant.saved.values()))
        simulated = replace(facts, worker={"image": "", "evidence": "tdx-simulated", "owner": ""})
        rig.assistant.saved[facts.reference] = simulated
        await person.send("/privacy")
        assert "The hardware is simulated" in (await said(person.chat, 2)).text


async def test_forget_erases_what_is_personal(tmp_path: Path) -> None:
    async with bot_rig(tmp_path) as rig:
        person = rig.telegram.person("Alice")
        await rig.deps.history.add(str(person.id), Turn("user", "x"), Turn("assistant", "y"))
        await rig.deps.history.add(f"{person.id}/7", Turn("user", "x"))
        await rig.deps.history.add(f"{person.id}0", Turn("user", "another person's"))
        await rig.deps.chats.change(str(person.id), prompt="Be brief.")
        await person.send("/forget")
        page = await said(person.chat, 1)
        assert "Kept: your balance" in page.text
        await person.press(page, "Yes, erase it")
        await until(lambda: "I know nothing about you" in page.text)
        assert not await rig.deps.history.turns(str(person.id))
        assert not await rig.deps.history.turns(f"{person.id}/7")
        assert len(await rig.deps.history.turns(f"{person.id}0")) == 1
        assert not (await rig.deps.chats.get(str(person.id))).prompt
