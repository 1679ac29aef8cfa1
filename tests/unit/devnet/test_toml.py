"""What the devnet writes, the standard library reads back."""

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cocoon.devnet.toml import to_toml

NAMES = st.from_regex(r"[a-z_]{1,8}", fullmatch=True)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
VALUES = (
    st.booleans() | FLOATS | st.integers(-(2**63), 2**63 - 1) | TEXTS | st.lists(TEXTS, max_size=3)
)
TABLES = st.recursive(
    st.dictionaries(NAMES, VALUES, max_size=4),
    lambda inner: st.dictionaries(NAMES, VALUES | inner, max_size=4),
    max_leaves=8,
)


@given(TABLES)
def test_round_trip(document: dict[str, Any]) -> None:
    assert tomllib.loads(to_toml(document)) == document


def test_other_values_are_refused() -> None:
    with pytest.raises(TypeError):
        to_toml({"x": None})
