import json

import pytest

from cocoon.gateway.reading.json_text import (
    MAX_CONTAINERS,
    MAX_MEMBERS,
    decode_object,
    encode_object,
)
from cocoon.gateway.refusal import Refusal


def refused(body: bytes, depth: int = 64) -> str:
    with pytest.raises(Refusal) as caught:
        decode_object(body, depth)
    return str(caught.value)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"null",
        b"[1]",
        b'"text"',
        b'{"a":NaN}',
        b'{"a":[Infinity]}',
        b'{"a":-Infinity}',
        b'{"a":1,}',
        b'{"a":01}',
        b'{"a":1}{"b":2}',
        b"{'a':1}",
        b'{"a":"\x01"}',
        b'{"a":"\xff"}',
        b'{"\xff":1}',
        b'{"a":"\\ud800"}',
        b'\xef\xbb\xbf{"a":1}',
        b"{" * 100_000,
        b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}",
    ],
    ids=lambda body: repr(body[:20]),
)
def test_what_is_not_strict_json_is_refused(body: bytes) -> None:
    refused(body)


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":1,"a":2}',
        b'{"a":1,"a":1}',
        b'{"a":1,"b":2,"a":1}',
        b'{ "a" : 1 , "\\u0061" : 2 }',
        b'{"a":1 ,"a":1}',
        b'{"b":{"a":1},"a":2,"b":{"a":1}}',
    ],
)
def test_a_name_that_occurs_twice_is_refused(body: bytes) -> None:
    assert "twice" in refused(body)


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b" { } ",
        b'{"a":"a","b":"\\"a\\":1"}',
        b' {\n "a" : [1, 2 ] ,\t"b" : {"a": "}"} , "\\u00e9\\"" : "\xc3\xa9" }\r\n',
        b'{"":1," ":2,":":3,",":4,"{":5}',
        b'{ "":1 ," ":2, ":":3, ",":4, "{":5, "\\\\":6}',
    ],
)
def test_names_that_differ_pass_and_values_stay_as_they_are(body: bytes) -> None:
    members = decode_object(body, 64)
    assert json.loads(encode_object(members)) == json.loads(body)
    for value in members.values():
        assert bytes(value) in body


def test_depth_is_counted_exactly_and_not_in_strings() -> None:
    def nested(depth: int) -> bytes:
        return b'{"a":' + b"[" * (depth - 1) + b'"[[[["' + b"]" * (depth - 1) + b"}"

    decode_object(nested(8), 8)
    assert "deeper" in refused(nested(9), 8)
    flat = b'{"a":[' + b",".join([b'{"b":"\\"["}'] * 500) + b"]}"
    decode_object(flat, 3)
    assert "deeper" in refused(flat, 2)


def test_an_object_is_no_longer_than_a_worker_takes() -> None:
    def members(count: int) -> bytes:
        return b"{" + b",".join(b'"a%d":1' % number for number in range(count)) + b"}"

    assert len(decode_object(members(MAX_MEMBERS), 64)) == MAX_MEMBERS
    assert "members" in refused(members(MAX_MEMBERS + 1))
    brackets = b'{"a":[' + b",".join([b"[]"] * MAX_CONTAINERS) + b"]}"
    assert "objects and arrays" in refused(brackets)
    decode_object(b'{"a":"%s"}' % (b"[]" * MAX_CONTAINERS), 64)


def test_syntax_errors_tell_the_place_but_not_the_text() -> None:
    text = refused(b'{"model":"m","secret word":}')
    assert "byte 27" in text
    assert "secret" not in text
