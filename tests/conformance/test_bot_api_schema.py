"""The stand-in's methods are those that Telegram publishes, as aiogram's generated classes say."""

import datetime
import types
import typing
from collections.abc import Iterator
from typing import Any

import aiogram.methods
import pytest
from aiogram.client.default import Default
from aiogram.methods.base import TelegramMethod
from aiogram.types import InputFile, Update

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
