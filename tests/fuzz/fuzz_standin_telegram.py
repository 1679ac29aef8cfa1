"""Whatever is called at the stand-in for Telegram, it does it or refuses it in Telegram's words."""

import msgspec

from cocoon.devnet.telegram.answers import BotApiError
from cocoon.devnet.telegram.arguments import Upload, read_arguments
from cocoon.devnet.telegram.clock import ManualClock
from cocoon.devnet.telegram.html import parse_html
from cocoon.devnet.telegram.limits import Rates
from cocoon.devnet.telegram.methods.table import METHODS
from cocoon.devnet.telegram.schema import SCHEMA
from cocoon.devnet.telegram.values import Account, BotProfile
from cocoon.devnet.telegram.webhook import chat_of
from cocoon.devnet.telegram.world import World

NAMES = sorted(METHODS)
USUAL = {
    "chat_id": 5,
    "from_chat_id": 5,
    "user_id": 5,
    "message_id": 1,
    "draft_id": 1,
    "text": "text",
    "title": "title",
    "description": "words",
    "payload": "p",
    "currency": "XTR",
    "prices": [{"label": "x", "amount": 1}],
    "ok": True,
    "name": "name",
    "action": "typing",
    "message_ids": [1],
    "commands": [],
    "results": [],
}
"""What lets a call go further than its first missing parameter."""


def fuzz_one(data: bytes) -> None:
    """Feed one input: the first byte names a method, the rest is its JSON body or its file."""
    if not data:
        return
    _html(data)
    method, body = NAMES[data[0] % len(NAMES)], data[1:]
    try:
        given = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        given = {"text": body.decode("utf-8", "replace")} if "text" in SCHEMA[method] else {}
    if not isinstance(given, dict):
        return
    chat_of({"update_id": 1, "message": given})
    world = _world()
    values = {name: value for name, value in USUAL.items() if name in SCHEMA[method]} | given
    files = {
        name: Upload("a.bin", "image/png", body)
        for name, parameter in SCHEMA[method].items()
        if parameter.kind == "file" and parameter.required and name not in given
    }
    try:
        result = METHODS[method].do(world, read_arguments(method, values, files))
    except BotApiError as refused:
        _check_refusal(refused)
        return
    msgspec.json.encode(result)


def _check_refusal(refused: BotApiError) -> None:
    assert refused.body()["description"]
    assert 400 <= refused.code < 500


def _html(data: bytes) -> None:
    try:
        text, entities = parse_html(data.decode("utf-8", "replace"))
    except BotApiError:
        return
    end = len(text.encode("utf-16-le", "surrogatepass")) // 2
    assert all(0 <= e["offset"] <= e["offset"] + e["length"] <= end for e in entities)


def _world() -> World:
    world = World(BotProfile("Bot", "a_bot", private_topics=True), ManualClock(), Rates())
    chat = world.add_person(Account(5, "A", started=True))
    message = {"message_id": 1, "from": world.bot.user(), "chat": chat.json(), "date": world.now()}
    chat.messages[1] = message | {"text": "old"}
    return world


if __name__ == "__main__":
    from _harness import main

    main(fuzz_one)
