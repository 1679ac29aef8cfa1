"""The parser of schema.tl, and that the generated file is current."""

import subprocess
import sys
from pathlib import Path

import pytest

from cocoon.errors import ConfigError
from cocoon.tl import schema

ROOT = Path(__file__).parents[3]


def test_generated_types_are_current():
    command = [sys.executable, str(ROOT / "tools/generate_tl.py"), "--check"]
    assert subprocess.run(command, check=False).returncode == 0


def test_fields_of_every_kind():
    parsed = schema.parse(
        """
        // a comment; with a semicolon
        a.item#0000000f flags:# n:int
          x:flags.3?(vector a.Thing) = a.Thing;
        ---functions---
        a.get item:a.item = a.Thing;
        """
    )
    item, get = parsed.combinators["a.item"], parsed.combinators["a.get"]
    assert (item.id, item.has_explicit_id, item.is_function) == (15, True, False)
    assert item.text == "a.item flags:# n:int x:flags.3?vector a.Thing = a.Thing"
    assert item.fields[2] == schema.Field("x", "a.Thing", vector=True, bit=3)
    assert item.fields[2].boxed
    assert not get.fields[0].boxed
    assert get.is_function
    assert parsed.constructors_of("a.Thing") == [item]


@pytest.mark.parametrize(
    "text",
    ["a.b x:int;", "a.b = a.B; a.b = a.B;", "a.b x:a.c = a.B;", "a.b x:a.C = a.B;"],
)
def test_malformed_schema(text):
    with pytest.raises(ConfigError):
        schema.parse(text)
