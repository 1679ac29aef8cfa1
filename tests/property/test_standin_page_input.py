"""What pages and Mini Apps hand to the stand-in, whatever it is."""

import base64
import contextlib
import json

from hypothesis import given
from hypothesis import strategies as st

from cocoon.chain.address import Address
from cocoon.chain.boc import to_boc
from cocoon.devnet.telegram.wallet_request import read_comment, read_transfer
from cocoon.devnet.telegram.webview import read_theme
from cocoon.errors import BadRequestError
from cocoon.telegram.payments import comment_cell


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=80),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner),
    max_leaves=12,
)
MESSAGE = st.fixed_dictionaries(
    {},
    optional={
        "address": st.text(max_size=70) | st.just(Address(bytes(32)).raw()),
        "amount": st.text(max_size=25) | st.integers(0, 2**70).map(str) | JSON,
        "payload": st.none() | st.text(max_size=40) | st.binary(max_size=60).map(_base64),
        "stateInit": st.none() | st.text(max_size=40) | st.binary(max_size=60).map(_base64),
    },
)
REQUEST = st.fixed_dictionaries(
    {"messages": st.lists(MESSAGE, max_size=6) | JSON},
    optional={"valid_until": JSON, "network": JSON, "from": JSON},
)


@given(REQUEST | JSON)
def test_a_transfer_is_read_or_refused(value: object) -> None:
    try:
        transfer = read_transfer(json.dumps(value))
    except BadRequestError:
        return
    assert transfer.total == sum(message.value for message in transfer.messages)


@given(st.binary(max_size=200))
def test_bytes_are_read_or_refused(data: bytes) -> None:
    with contextlib.suppress(BadRequestError):
        read_transfer(data.decode(errors="surrogateescape"))


@given(st.integers(0, 2**63 - 1), st.text(max_size=30), st.binary(min_size=32, max_size=32))
def test_what_an_app_writes_is_what_a_person_confirms(
    amount: int, text: str, account: bytes
) -> None:
    encoded = text.encode(errors="replace").decode()
    message = {
        "address": Address(account).friendly(testnet=True),
        "amount": str(amount),
        "payload": base64.b64encode(to_boc(comment_cell(encoded))).decode(),
    }
    (read,) = read_transfer(json.dumps({"messages": [message]})).messages
    assert (read.dest, read.value) == (Address(account), amount)
    assert read_comment(read.body) in {encoded, ""}


@given(JSON)
def test_a_theme_is_read_or_refused(value: object) -> None:
    try:
        theme = read_theme(value)
    except BadRequestError:
        return
    assert all(colour.startswith("#") for colour in theme.values())
