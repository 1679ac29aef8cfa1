"""Vectors of vectors/tl: bytes of every form of object, and of what must not parse."""

import json
from pathlib import Path

import pytest

from cocoon import tl
from cocoon.errors import DecodeError
from cocoon.tl import schema, types

VECTORS = Path(__file__).parents[3] / "vectors/tl"
IDS = json.loads((VECTORS / "constructor_ids.json").read_text("utf-8"))
OURS = json.loads((VECTORS / "version_3.json").read_text("utf-8"))
OUR_IDS = OURS["ids"]
OBJECTS = json.loads((VECTORS / "objects.json").read_text("utf-8")) + OURS["objects"]
SCHEMA = schema.load()
CLASSES = {
    cls.NAME: cls for cls in vars(types).values() if isinstance(cls, type) and hasattr(cls, "NAME")
}


def build(value):
    """Turn the JSON form of a vector into the object."""
    if isinstance(value, dict) and "hex" in value:
        return bytes.fromhex(value["hex"])
    if isinstance(value, dict):
        fields = {name: build(item) for name, item in value.items() if name != "type"}
        return CLASSES[value["type"]](**fields)
    if isinstance(value, list):
        return tuple(build(item) for item in value)
    return value


@pytest.mark.parametrize("vector", OBJECTS, ids=lambda v: v["name"])
def test_object(vector):
    data = bytes.fromhex(vector["bytes"])
    if vector["expect"] != "ok":
        with pytest.raises(DecodeError):
            tl.decode(data)
        return
    decoded = tl.decode(data)
    assert decoded.to_bytes().hex() == vector.get("canonical", vector["bytes"])
    if "object" in vector:
        assert decoded == build(vector["object"])
        assert type(decoded).from_bytes(data) == decoded


def test_the_schema_has_exactly_the_official_combinators_and_ours():
    combinators = set(schema.load().combinators)
    official, ours = {row["name"] for row in IDS}, {row["name"] for row in OUR_IDS}
    assert combinators == official | ours
    assert not official & ours
    assert len(official) == 111


@pytest.mark.parametrize("row", IDS + OUR_IDS, ids=lambda row: row["name"])
def test_constructor_id(row):
    combinator = SCHEMA.combinators[row["name"]]
    assert f"{combinator.id:08x}" == row["id"]
    derived = f"{schema.combinator_id(combinator.text):08x}"
    assert (derived == row["id"]) == (row["expect"] == "crc32")
    if not combinator.is_builtin:
        assert combinator.id == CLASSES[row["name"]].ID


def test_106_ids_follow_from_the_text():
    ours = {row["name"] for row in OUR_IDS}
    combinators = [c for name, c in schema.load().combinators.items() if name not in ours]
    assert sum(c.id == schema.combinator_id(c.text) for c in combinators) == 106
