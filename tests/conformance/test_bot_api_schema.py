"""The stand-in's methods are those that Telegram publishes, as aiogram's generated classes say."""

import ast
import datetime
import inspect
import re
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiogram.methods
import pytest
from aiogram import Bot
from aiogram.client.default import Default
from aiogram.enums import BotCommandScopeType, ChatAction, MessageEntityType
from aiogram.methods import GetUpdates
from aiogram.methods.base import TelegramMethod
from aiogram.types import InlineKeyboardButton, InputFile, Update

import cocoon.telegram
from cocoon.devnet.telegram import entities, keyboards
from cocoon.devnet.telegram.methods import profile, sending
from cocoon.devnet.telegram.methods.table import METHODS, OF_UPDATES
from cocoon.devnet.telegram.schema import IGNORED, REFUSED, SCHEMA
from cocoon.devnet.telegram.updates import ON_REQUEST, UPDATE_KINDS


def published() -> dict[str, type[TelegramMethod[Any]]]:
    """Every method class, by the method's name."""
    found = {}
    for name in aiogram.methods.__all__:
        made = getattr(aiogram.methods, name)
        if (
            isinstance(made, type)
            and issubclass(made, TelegramMethod)
            and made is not TelegramMethod
        ):
            found[made.__api_method__] = made
    return found


PUBLISHED = published()


def kinds_of(annotation: Any) -> Iterator[str]:
    """Our names for a field's type."""
    origin = typing.get_origin(annotation)
    if origin in (typing.Union, types.UnionType):
        for one in typing.get_args(annotation):
            if one not in (type(None), Default):
                yield from kinds_of(one)
    elif origin is typing.Annotated:
        yield from kinds_of(typing.get_args(annotation)[0])
    elif origin is list:
        yield "list"
    elif annotation in (datetime.datetime, datetime.timedelta):
        yield "int"
    elif annotation in (int, bool, str):
        yield annotation.__name__
    elif isinstance(annotation, type) and issubclass(annotation, InputFile):
        yield "file"
    else:
        assert isinstance(annotation, type)
        yield "json"


def kind_of(annotation: Any) -> str:
    """Our name for a field's type; two of them make ``chat`` and ``file``."""
    kinds = set(kinds_of(annotation))
    if kinds == {"int", "str"}:
        return "chat"
    if kinds == {"str", "file"}:
        return "file"
    assert len(kinds) == 1, (annotation, kinds)
    return kinds.pop()


def test_every_method_of_the_stand_in_is_published_and_done() -> None:
    assert set(SCHEMA) == set(METHODS) | OF_UPDATES
    assert set(SCHEMA) <= set(PUBLISHED)


@pytest.mark.parametrize("method", sorted(SCHEMA))
def test_parameters_are_those_that_are_published(method: str) -> None:
    fields = PUBLISHED[method].model_fields
    theirs = {
        name: (kind_of(field.annotation), field.is_required()) for name, field in fields.items()
    }
    ours = {name: (p.kind, p.required) for name, p in SCHEMA[method].items()}
    assert ours == theirs


def test_what_is_passed_over_or_refused_is_published_somewhere() -> None:
    everywhere = {name for parameters in SCHEMA.values() for name in parameters}
    assert everywhere >= IGNORED | REFUSED
    assert not IGNORED & REFUSED


def test_no_required_parameter_is_refused() -> None:
    required = {p.name for ps in SCHEMA.values() for p in ps.values() if p.required}
    assert not required & (REFUSED | IGNORED)


def test_updates_are_published() -> None:
    assert set(UPDATE_KINDS) <= set(Update.model_fields)
    assert {"chat_member", "message_reaction", "message_reaction_count"} == ON_REQUEST


def called_methods() -> dict[str, set[str]]:
    """Methods that our bot names: attributes of aiogram's ``Bot`` and imported method classes."""
    of_bot = {name: getattr(Bot, name) for name in dir(Bot) if not name.startswith("_")}
    by_call = {
        name: re.sub(r"_([a-z])", lambda match: match[1].upper(), name)
        for name, made in of_bot.items()
        if inspect.iscoroutinefunction(made)
    }
    found: dict[str, set[str]] = {}
    for path in sorted(Path(cocoon.telegram.__file__).parent.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            names: list[str] = []
            if isinstance(node, ast.Attribute) and by_call.get(node.attr) in PUBLISHED:
                names = [by_call[node.attr]]
            elif isinstance(node, ast.ImportFrom) and (node.module or "") == "aiogram.methods":
                made = {getattr(aiogram.methods, alias.name) for alias in node.names}
                names = [name for name, method in PUBLISHED.items() if method in made]
            for name in names:
                found.setdefault(name, set()).add(path.name)
    return found


def test_every_method_that_our_bot_calls_is_there() -> None:
    called = called_methods()
    assert "sendMessage" in called
    missing = {name: where for name, where in called.items() if name not in SCHEMA}
    assert not missing


def test_buttons_entities_and_actions_are_those_that_are_published() -> None:
    labels = {"text", "style", "icon_custom_emoji_id"}
    assert keyboards.ACTIONS | labels == set(InlineKeyboardButton.model_fields)
    assert {kind.value for kind in MessageEntityType} == entities.KINDS
    assert {action.value for action in ChatAction} == sending.ACTIONS
    assert {scope.value for scope in BotCommandScopeType} == profile.SCOPES


def test_updates_that_come_on_request_are_those_that_are_documented() -> None:
    told = GetUpdates.__doc__ or ""
    source = inspect.getsource(GetUpdates)
    assert "getupdates" in told
    for kind in ON_REQUEST:
        assert f"*{kind}*" in source
