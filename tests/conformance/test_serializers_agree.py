"""Our generated serializer and the stand-in's table-driven one, on invented and damaged bytes."""

import struct
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from official.tl import BOXED, SCHEMA, Obj, ParseError
from official.tl import decode as official_decode

from cocoon import tl
from cocoon.errors import DecodeError

INT = st.integers(-(2**31), 2**31 - 1)
SIZES = st.sampled_from([0, 1, 3, 4, 253, 254, 255, 256, 70_000])
DATA = st.binary(max_size=12) | SIZES.map(lambda n: bytes(n % 251 for n in range(n)))
SIMPLE: dict[str, st.SearchStrategy[Any]] = {
    "i": INT,
    "l": st.integers(-(2**63), 2**63 - 1),
    "d": st.floats(allow_nan=False),
    "#": st.integers(0, 3) | st.integers(0, 2**31 - 1),
    "h": st.binary(min_size=32, max_size=32),
    "s": DATA,
    "B": st.booleans(),
}
NAMES = st.sampled_from(sorted(SCHEMA))


def value(draw: st.DrawFn, kind: str) -> Any:
    """A value of one kind of the table."""
    if kind in SIMPLE:
        return draw(SIMPLE[kind])
    if kind in BOXED:
        return build(draw, draw(st.sampled_from(BOXED[kind])))
    if kind.startswith("%"):
        return build(draw, kind[1:])
    return [value(draw, kind[1:-1]) for _ in range(draw(st.integers(0, 3)))]


def build(draw: st.DrawFn, name: str) -> Obj:
    """An object with every field, those that its flags leave out too."""
    return Obj(name, **{f: value(draw, kind.rpartition("?")[2]) for f, kind in SCHEMA[name][1]})


@st.composite
def objects(draw: st.DrawFn) -> Obj:
    """Any object of the table."""
    return build(draw, draw(NAMES))


@given(objects())
@settings(max_examples=400, deadline=None)
def test_theirs_is_ours(obj: Obj) -> None:
    data = obj.boxed()
    decoded = tl.decode(data)
    assert obj.name == decoded.NAME
    assert decoded.to_bytes() == data == official_decode(data).boxed()


@given(objects(), st.data())
@settings(max_examples=400, deadline=None)
def test_damaged_bytes_are_judged_alike(obj: Obj, data: st.DataObject) -> None:
    """Accepted by both, with the same meaning, or by neither."""
    damaged = bytearray(obj.boxed())
    if len(damaged) > 2000:
        return
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(damaged)))
        what = data.draw(st.sampled_from(["cut", "change", "insert", "number"]))
        if what == "cut":
            del damaged[at : at + data.draw(st.sampled_from([1, 4, 8]))]
        elif what == "insert":
            damaged[at:at] = bytes(data.draw(st.sampled_from([1, 4])))
        elif what == "number":
            damaged[at : at + 4] = struct.pack("<i", data.draw(INT | st.integers(-1, 300)))
        elif at < len(damaged):
            damaged[at] = data.draw(st.integers(0, 255))
    _same_verdict(bytes(damaged))


def _same_verdict(data: bytes) -> None:
    try:
        theirs = official_decode(data)
    except ParseError:
        theirs = None
    try:
        ours = tl.decode(data)
    except DecodeError:
        ours = None
    if theirs is None and ours is not None:
        assert ours.NAME not in SCHEMA  # one of those that runners do not exchange
        return
    assert (theirs is None) == (ours is None)
    if theirs is not None and ours is not None:
        assert theirs.name == ours.NAME
        assert theirs.boxed() == ours.to_bytes()


@given(st.binary(max_size=200))
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_judged_alike(data: bytes) -> None:
    _same_verdict(data)
