"""Request bodies against vectors/engine/request_rules.json."""

import json
from pathlib import Path
from typing import Any

import pytest

from cocoon.engine.request_rules import MAX_BODY_SIZE, MAX_CONTAINERS, parse_body, prepare_body
from cocoon.errors import BadRequestError

VECTORS = json.loads(
    (Path(__file__).parents[3] / "vectors/engine/request_rules.json").read_text(encoding="utf-8")
)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: v["name"])
def test_vector(vector: dict[str, Any]) -> None:
    body = vector["input"].encode()
    arguments = (vector["path"], body, vector["max_tokens"])
    if vector["expect"] == "ok":
        result = prepare_body(*arguments)
        assert result == vector["output"].encode()
        assert result is body or result != body
        assert prepare_body(vector["path"], result, vector["max_tokens"]) == result
    else:
        with pytest.raises(BadRequestError):
            prepare_body(*arguments)


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":"secret\xff"}',
        b'{"secret":' + b"[" * 100_000,
        b'{"secret":"' + b"x" * MAX_BODY_SIZE + b'"}',
        b'{"secret":[' + b"{}," * (MAX_CONTAINERS + 1) + b"1]}",
        b"{" + b",".join(b'"secret%d":1' % i for i in range(300)) + b"}",
        b'{"secret":[' * 65 + b'"\\' * 100_000,
    ],
    ids=["utf-8", "depth", "size", "containers", "fields", "open strings"],
)
def test_hostile_bodies_are_refused_without_quoting_them(body: bytes) -> None:
    with pytest.raises(BadRequestError) as caught:
        parse_body(body)
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None
