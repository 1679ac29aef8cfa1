"""Any object of the schema survives; whatever is not one is refused cleanly."""

import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cocoon import tl
from cocoon.errors import DecodeError

sys.path.insert(0, str(Path(__file__).parent))
from tl_strategies import ANY_OBJECT, CLASSES, build

FEW = settings(max_examples=12, deadline=None)


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_every_combinator(name):
    @FEW
    @given(build(name))
    def check(value):
        data = value.to_bytes()
        again = tl.decode(data)
        assert again == value
        assert again.to_bytes() == data
        assert len(data) % 4 == 0

    check()


@settings(max_examples=150, deadline=None)
@given(ANY_OBJECT, st.data())
def test_truncations_and_appended_bytes_are_refused(value, data):
    encoded = value.to_bytes()
    for end in {*range(0, len(encoded), max(1, len(encoded) // 40)), len(encoded) - 1}:
        with pytest.raises(DecodeError):
            tl.decode(encoded[:end])
    with pytest.raises(DecodeError):
        tl.decode(encoded + data.draw(st.binary(min_size=1, max_size=8)))


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(tl.codec.READERS)), st.binary(max_size=200))
def test_random_bytes_raise_nothing_else(constructor, body):
    try:
        value = tl.decode(constructor.to_bytes(4, "little") + body)
    except DecodeError:
        return
    assert tl.decode(value.to_bytes()).to_bytes() == value.to_bytes()


@settings(max_examples=200, deadline=None)
@given(ANY_OBJECT, st.data())
def test_flipped_bytes_raise_nothing_else(value, data):
    encoded = bytearray(value.to_bytes())
    position = data.draw(st.integers(0, len(encoded) - 1))
    encoded[position] = data.draw(st.integers(0, 255))
    try:
        tl.decode(bytes(encoded))
    except DecodeError:
        return
