"""Any JSON either gives a configuration that TL can write, or a ConfigError."""

from hypothesis import given, settings
from hypothesis import strategies as st

from cocoon import tl
from cocoon.errors import ConfigError
from cocoon.tl import types as t
from cocoon.tl.json_form import from_json

CLASSES = [
    t.ProxyRunnerConfig,
    t.WorkerRunnerConfig,
    t.ClientRunnerConfig,
    t.KeyStorageRunnerConfig,
    t.RootConfigPseudo,
]
SCALAR = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.integers(-(2**33), 2**33).map(str)
    | st.just("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
)
JSON = st.recursive(
    SCALAR,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["seqno", "address"]), inner)
    ),
    max_leaves=6,
)


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(CLASSES), st.data())
def test_any_json(cls, data):
    names = [name for name, _ in cls.FIELDS]
    document = data.draw(st.dictionaries(st.sampled_from(names), JSON, max_size=4))
    try:
        config = from_json(cls, document)
    except ConfigError:
        return
    assert tl.decode(config.to_bytes()).to_bytes() == config.to_bytes()
