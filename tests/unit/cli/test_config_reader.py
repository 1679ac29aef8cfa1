# ruff: noqa: RUF009 - key() and table() declare fields
"""Reading tables: unknown keys, wrong values, places in errors."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from cocoon.cli.config import values
from cocoon.cli.config.reader import Context, documented_keys, key, read, table
from cocoon.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class Inner:
    port: int = key(values.port, "a port", default=7)


@dataclass(frozen=True, kw_only=True)
class Outer:
    name: str = key(values.text, "a name")
    secret: str = key(values.any_text, "a secret", default="", secret=True)
    inner: Inner = table(Inner, "inner table")

    def __post_init__(self) -> None:
        if self.name == "forbidden":
            raise ConfigError("`name` must not be that")


CONTEXT = Context(Path("/etc/cocoon"), "/etc/cocoon/x.toml")


def outer(document: object) -> Outer:
    return read(Outer, document, CONTEXT)


def test_values_and_defaults() -> None:
    assert outer({"name": "a"}) == Outer(name="a", inner=Inner(port=7))
    assert outer({"name": "a", "inner": {"port": 0}}).inner.port == 0


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({}, "/etc/cocoon/x.toml: name: is missing"),
        ({"nane": "a"}, "/etc/cocoon/x.toml: nane: no such key; did you mean 'name'?"),
        ({"name": "a", "zzz": 1}, "zzz: no such key; known here: name, secret, inner"),
        ({"name": 1}, "/etc/cocoon/x.toml: name: must be a non-empty string"),
        ({"name": "a", "inner": 3}, "/etc/cocoon/x.toml: inner: must be a table"),
        (
            {"name": "a", "inner": {"prot": 3}},
            "x.toml: inner.prot: no such key; did you mean 'port'",
        ),
        ({"name": "a", "inner": {"port": 65536}}, "inner.port: must be from 0 to 65535"),
        ({"name": "a", "inner": {"port": True}}, "inner.port: must be a whole number"),
        ({"name": "forbidden"}, "/etc/cocoon/x.toml: `name` must not be that"),
        ([], "/etc/cocoon/x.toml: must be a table"),
    ],
)
def test_errors_name_file_and_key(document: object, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        outer(document)
    assert message in str(caught.value)


def test_secrets_are_not_shown() -> None:
    assert "hush" not in repr(outer({"name": "a", "secret": "hush"}))


def test_errors_do_not_show_values() -> None:
    with pytest.raises(ConfigError) as caught:
        outer({"name": "a", "secret": ["hush"]})
    assert "hush" not in str(caught.value)


def test_documented_keys() -> None:
    keys = {item.path: item for item in documented_keys(Outer)}
    assert list(keys) == ["name", "secret", "inner.port"]
    assert keys["name"].required
    assert not keys["inner.port"].required
    assert keys["inner.port"].default == 7


@pytest.mark.parametrize(
    ("parse", "value", "expected"),
    [
        (values.endpoint, "10.0.0.1:80", ("10.0.0.1", 80)),
        (values.endpoint, "[::1]:80", ("::1", 80)),
        (values.engine_url, "unix:/run/x", "unix:/run/x"),
        (values.seconds, 2, 2.0),
        (values.path, "a/b", Path("/etc/cocoon/a/b")),
        (values.path, "/a", Path("/a")),
        (values.hex_bytes(2), "00ff", b"\x00\xff"),
        (values.list_of(values.flag), [True, False], (True, False)),
        (values.whole(-1, 1), -1, -1),
        (values.one_of("a", "b"), "b", "b"),
    ],
)
def test_good_values(parse: object, value: object, expected: object) -> None:
    assert parse(value, CONTEXT) == expected  # type: ignore[operator]


@pytest.mark.parametrize(
    ("parse", "value"),
    [
        (values.endpoint, "10.0.0.1"),
        (values.endpoint, ":80"),
        (values.endpoint, "host:0"),
        (values.endpoint, "host:65536"),
        (values.endpoint, "host:٣"),
        (values.endpoint, "host:999999999999999999999"),
        (values.engine_url, "ftp://x"),
        (values.seconds, 0),
        (values.seconds, float("nan")),
        (values.seconds, float("inf")),
        (values.seconds, True),
        (values.hex_bytes(2), "00f"),
        (values.hex_bytes(2), "00ff00"),
        (values.hex_bytes(2), 255),
        (values.list_of(values.flag), "yes"),
        (values.list_of(values.flag), {"a": True}),
        (values.list_of(values.flag), [1]),
        (values.whole(0), 2**63),
        (values.one_of("a"), 1),
        (values.text, "  "),
        (values.address, "EQnope"),
        (values.flag, 1),
    ],
)
def test_bad_values(parse: object, value: object) -> None:
    with pytest.raises(ConfigError, match=r"x\.toml"):
        parse(value, CONTEXT)  # type: ignore[operator]
