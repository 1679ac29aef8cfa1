"""Configuration files with anything in them: a value or one clear error, never with a secret."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cocoon.cli.config import official, tables
from cocoon.cli.config.reader import Context, documented_keys, read
from cocoon.errors import ConfigError

EXAMPLES = Path(__file__).parents[2] / "examples" / "config" / "official"
FILES = (tables.ClientFile, tables.ProxyFile, tables.WorkerFile)
OFFICIAL = {
    official.client_file: "client-config.json",
    official.proxy_file: "proxy-config.json",
    official.worker_file: "worker-config.json",
}
KEYS = sorted(
    {part for cls in FILES for key in documented_keys(cls) for part in key.path.split(".")}
)
SECRET = "hush" * 8

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(["", "tdx", "ratls", "socks", "openai", "127.0.0.1:1", "http://x", "00" * 32])
    | st.text(max_size=20)
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4)
    ),
    max_leaves=12,
)
documents = st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=8), values, max_size=10)


def refusal(attempt: Callable[[], object]) -> str | None:
    try:
        attempt()
    except ConfigError as error:
        return str(error)
    return None


@pytest.mark.parametrize("cls", FILES)
@given(document=documents)
def test_any_table(cls: type, document: dict[str, Any]) -> None:
    error = refusal(lambda: read(cls, document, Context(Path("/etc"), "x.toml")))
    assert error is None or error.startswith("x.toml: ")


@pytest.mark.parametrize("reader", OFFICIAL)
@given(data=st.data())
def test_any_official_document(reader: Any, data: st.DataObject) -> None:
    good = json.loads((EXAMPLES / OFFICIAL[reader]).read_text())
    changes = data.draw(st.dictionaries(st.sampled_from(sorted(good)), values, max_size=4))
    error = refusal(lambda: reader({**good, **changes}, "x.json"))
    assert error is None or error.startswith("x.json: ")


@pytest.mark.parametrize("reader", OFFICIAL)
@pytest.mark.parametrize("field", ["node_wallet_key", "machine_specific_private_key"])
def test_no_error_and_no_repr_shows_a_key(reader: Any, field: str) -> None:
    good = json.loads((EXAMPLES / OFFICIAL[reader]).read_text())
    key = base64.b64encode(SECRET.encode()).decode()
    for value in (key, key + "!", [key], SECRET, key[4:]):
        try:
            shown = repr(reader({**good, field: value}, "x.json"))
        except ConfigError as error:
            shown = str(error)
        assert "hush" not in shown
        assert key[4:20] not in shown
