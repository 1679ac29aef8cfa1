"""The HTTP interface of an embedded chain: whatever is asked is answered, and never our fault."""

import json
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cocoon.chain import Address, Cell
from cocoon.chain.embedded.http import ChainApi, create_app, stack, v2, v3
from cocoon.chain.embedded.http.app import CHANGING, LOOKUPS, READING
from cocoon.chain.embedded.http.call import Call
from cocoon.chain.embedded.http.operations import NAMES as NAMES_OF_OPERATIONS
from cocoon.chain.vm_stack import StackSlice, StackValue
from cocoon.errors import BadRequestError
from cocoon.testing.chain import TON, memory_chain
from cocoon.testing.probe import Probe

NAMES = (
    *("address", "method", "stack", "boc", "seqno", "workchain", "shard", "lt", "hash", "limit"),
    *("to_lt", "account", "amount", "config_id", "libraries", "offset", "sort", "advance", "at"),
    *("freeze", "name", "body", "source", "destination", "created_lt", "msg_hash", "before", "id"),
    *("params", "unixtime", "count", "after_lt", "init_code", "ignore_chksig", "mc_seqno", "init"),
)
PATHS = (
    *(f"/api/v2/{name}" for name in v2.METHODS),
    *(f"/api/v3/{name}" for name in v3.METHODS),
    *(f"/devnet/{name}" for name in (*READING, *CHANGING)),
    *("/", "/health", "/api/v2/jsonRPC", "/api/v2/", "/devnet/", "/nothing"),
)
PROBE = Probe()
NOBODY = Address(bytes([0x77]) * 32)


@lru_cache(1)
def app() -> ChainApi:
    """One chain for all examples: they may change it, and it must go on answering."""
    chain = memory_chain()
    PROBE.deploy(chain)
    chain.faucet(Address(bytes(32)), TON)
    return create_app(chain)


integers = st.integers() | st.sampled_from([0, 1, 2, -1, 1 << 31, 1 << 64, 1 << 256])
useful = st.sampled_from(
    [PROBE.address.raw(), "total", "echo", "00" * 32, "te6ccgEBAQEAAgAAAA==", "1", "true", "asc"]
)
texts = st.text(max_size=80) | useful | integers.map(str) | st.binary(max_size=40).map(bytes.hex)
values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | integers | st.floats(allow_nan=False) | texts,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(st.sampled_from(["num", "cell", "slice", "tuple", "list", "null"]), inner)
        | st.dictionaries(st.sampled_from([*NAMES, "elements", "@type", "type", "value"]), inner)
    ),
    max_leaves=8,
)
arguments = st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=8), values, max_size=6)


def check(call: Call) -> None:
    answer = app().answer(call)
    # The one 5xx for what a caller sends is the public indexers' own: a contract did not accept.
    assert answer.status < 500 or b"cannot apply external message" in answer.body, answer.body
    if answer.content_type == b"application/json":
        document = json.loads(answer.body)
        if answer.status != 200:
            assert document["code"] == answer.status
            assert len(document["error"]) < 1000
    else:
        assert call.path == "/"


@settings(deadline=None)
@given(st.sampled_from(PATHS), arguments)
def test_any_body_is_answered(path: str, body: dict[str, Any]) -> None:
    if path == "/api/v2/jsonRPC":
        body["method"] = "getTransactions"
    check(Call("POST", path, b"", json.dumps(body).encode()))


@settings(deadline=None)
@given(st.sampled_from(PATHS), st.lists(st.tuples(st.sampled_from(NAMES), texts), max_size=6))
def test_any_query_is_answered(path: str, query: list[tuple[str, str]]) -> None:
    check(Call("GET", path, urlencode(query).encode()))


@settings(deadline=None)
@given(st.sampled_from(PATHS), st.binary(max_size=200), st.binary(max_size=200))
def test_any_bytes_are_answered(path: str, query: bytes, body: bytes) -> None:
    check(Call("POST", path, query, body))


@settings(deadline=None)
@given(st.sampled_from(sorted(LOOKUPS)), texts)
def test_any_path_is_answered(kind: str, key: str) -> None:
    check(Call("GET", f"/devnet/{kind}/{key}"))
    check(Call("GET", f"/{key}"))


def listing() -> list[tuple[int, bytes]]:
    """Everything that shows the newest transactions."""
    calls = [
        Call("GET", "/api/v2/getTransactions", f"address={NOBODY.raw()}&limit=2".encode()),
        Call("GET", "/api/v2/getTransactionsStd", f"address={NOBODY.raw()}&limit=2".encode()),
        Call("GET", "/api/v3/transactions", b"limit=2"),
        Call("GET", "/devnet/transactions", b"limit=2"),
        Call("GET", f"/devnet/account/{NOBODY.raw()}"),
        Call("GET", "/"),
    ]
    answers = [app().answer(call) for call in calls]
    (newest,) = json.loads(app().answer(Call("GET", "/devnet/transactions", b"limit=1")).body)[
        "transactions"
    ]
    answers.append(app().answer(Call("GET", f"/devnet/transaction/{newest['hash']}")))
    return [(answer.status, answer.body) for answer in answers]


cells = st.recursive(
    st.integers(0, 40).flatmap(
        lambda bits: st.integers(0, 2**bits - 1).map(lambda x: Cell(x, bits))
    ),
    lambda inner: st.lists(inner, max_size=2).map(lambda refs: Cell(5, 3, refs)),
    max_leaves=4,
)


@settings(deadline=None)
@given(cells, st.sampled_from(sorted(NAMES_OF_OPERATIONS)) | st.integers(0, 2**32 - 1))
def test_any_message_can_be_listed(rest: Cell, operation: int) -> None:
    body = Cell(operation << rest.bits | rest.data, 32 + rest.bits, rest.refs)
    app().answer(
        Call("POST", "/devnet/faucet", f"address={NOBODY.raw()}&amount=1".encode(),
             json.dumps({"body": stack.boc_text(body)}).encode())
    )  # fmt: skip
    assert [status for status, _ in listing()] == [200] * 7


stack_values: st.SearchStrategy[StackValue] = st.recursive(
    st.none() | st.integers(-(2**256), 2**256 - 1) | cells | cells.map(StackSlice),
    lambda inner: st.lists(inner, max_size=4).map(tuple),
    max_leaves=12,
)


@given(st.lists(stack_values, max_size=5).map(tuple))
def test_a_stack_survives_every_form(values: tuple[StackValue, ...]) -> None:
    for form in (stack.pairs, stack.entries, stack.typed):
        document = json.loads(json.dumps(form(values)))
        assert stack.read_stack(document) == values


def test_a_stack_has_limits() -> None:
    deep: Any = ["num", 1]
    for _ in range(stack.MAX_NESTING + 2):
        deep = ["tuple", {"elements": [deep]}]
    wide = [["tuple", {"elements": [["num", 1]] * 255}]] * 17
    for document in ([deep], wide, [["num", 1]] * 256, [["num", 1 << 256]], [["x", 1]], [[]], 5):
        with pytest.raises(BadRequestError):
            stack.read_stack(document)
