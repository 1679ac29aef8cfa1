"""Hypothesis strategies that build any TL object, derived from the schema."""

from hypothesis import strategies as st

from cocoon.tl import TLObject, schema, types

SCHEMA = schema.load()
CLASSES: dict[str, type[TLObject]] = {
    cls.NAME: cls
    for cls in vars(types).values()
    if isinstance(cls, type) and issubclass(cls, TLObject) and cls is not TLObject
}


def _survives(text: str) -> bool:
    try:
        raw = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return False
    return raw.decode("utf-8", "surrogateescape") == text


_any_text = st.one_of(
    st.text(max_size=20),
    # What decoding bytes that are not UTF-8 gives.
    st.binary(max_size=20).map(lambda raw: raw.decode("utf-8", "surrogateescape")),
).filter(_survives)
_any_bytes = st.one_of(
    st.binary(max_size=20),
    st.integers(0, 600).map(lambda n: b"\xab" * n),
)
PRIMITIVES = {
    "#": st.integers(0, 2**31 - 1),
    "int": st.integers(-(2**31), 2**31 - 1),
    "long": st.integers(-(2**63), 2**63 - 1),
    "double": st.floats(allow_nan=False),
    "int256": st.binary(min_size=32, max_size=32),
    "Bool": st.booleans(),
    "string": _any_text,
    "bytes": _any_bytes,
}


def _value(field):
    if field.type in PRIMITIVES:
        one = PRIMITIVES[field.type]
    elif field.boxed:
        one = st.one_of([build(c.name) for c in SCHEMA.constructors_of(field.type)])
    else:
        one = build(field.type)
    return st.lists(one, max_size=4).map(tuple) if field.vector else one


@st.composite
def _object(draw, combinator):
    flags = 0
    values = []
    for field in combinator.fields:
        if field.bit is not None and not flags >> field.bit & 1:
            values.append(None)
            continue
        value = draw(_value(field))
        if field.type == "#":
            flags = value
        values.append(value)
    return CLASSES[combinator.name](*values)


def build(name: str):
    """Any object of the combinator ``name``."""
    return _object(SCHEMA.combinators[name])


ANY_OBJECT = st.sampled_from(sorted(CLASSES)).flatmap(build)
