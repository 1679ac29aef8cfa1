"""Messages to and from the contracts, field by field as ``onchain.md`` §1.1 lists them."""

import pytest

from cocoon.chain import EMPTY_CELL, Address, Cell, PublicKey, SecretKey, opcodes
from cocoon.chain import sign_payment as sign
from cocoon.chain.cells import Builder, Reader
from cocoon.chain.contracts import client_messages, proxy_messages, worker_messages
from cocoon.chain.contracts.fields import ContractPhase
from cocoon.chain.contracts.proxy_envelopes import (
    read_close,
    read_commit,
    sign_close_complete,
    sign_close_request,
    sign_commit,
)
from cocoon.chain.contracts.proxy_inbox import (
    OwnerClose,
    OwnerWithdraw,
    parse_proxy_inbox,
    read_proxy_message,
)
from cocoon.chain.contracts.replies import (
    Bounce,
    Excesses,
    Payout,
    ProxyClientCredited,
    parse_bounce,
    parse_reply,
)
from cocoon.chain.contracts.wallet import owner_send_message, owner_text_command
from cocoon.chain.message import Message, MessageKind
from cocoon.errors import DecodeError, PaymentError

OWNER, PROXY, EXCESSES = (Address(bytes([byte]) * 32) for byte in (0x33, 0x66, 0x55))
KEY = SecretKey(bytes([7]) * 32)
QUERY = 0x0102030405060708
SECRET = bytes(range(32))


def bits(cell: Cell) -> str:
    return f"{cell.data:0{cell.bits}b}" if cell.bits else ""


def number(value: int, width: int) -> str:
    return f"{value:0{width}b}"


def addr(address: Address) -> str:
    return "10" + "0" + "0" * 8 + number(int.from_bytes(address.account, "big"), 256)


def coins(value: int) -> str:
    size = (value.bit_length() + 7) // 8
    return number(size, 4) + (number(value, size * 8) if size else "")


def raw(value: bytes) -> str:
    return number(int.from_bytes(value, "big"), len(value) * 8)


CASES = {
    "top up": (
        client_messages.top_up(QUERY, 15 * 10**9, EXCESSES),
        opcodes.EXT_CLIENT_TOP_UP,
        coins(15 * 10**9),
    ),
    "reopen": (
        client_messages.reopen(QUERY, 1, EXCESSES),
        opcodes.OWNER_CLIENT_TOP_UP_REOPEN,
        coins(1),
    ),
    "register client": (
        client_messages.register(QUERY, 77, EXCESSES),
        opcodes.OWNER_CLIENT_REGISTER,
        number(77, 64),
    ),
    "change secret": (
        client_messages.change_secret_hash(QUERY, SECRET, EXCESSES),
        opcodes.OWNER_CLIENT_CHANGE_SECRET_HASH,
        raw(SECRET),
    ),
    "change secret and top up": (
        client_messages.change_secret_hash_and_top_up(QUERY, 0, SECRET, EXCESSES),
        opcodes.OWNER_CLIENT_CHANGE_SECRET_HASH_AND_TOP_UP,
        coins(0) + raw(SECRET),
    ),
    "client stake": (
        client_messages.increase_stake(QUERY, 2**64 - 1, EXCESSES),
        opcodes.OWNER_CLIENT_INCREASE_STAKE,
        coins(2**64 - 1),
    ),
    "withdraw": (
        client_messages.withdraw(QUERY, EXCESSES),
        opcodes.OWNER_CLIENT_WITHDRAW,
        "",
    ),
    "refund": (
        client_messages.request_refund(QUERY, EXCESSES),
        opcodes.OWNER_CLIENT_REQUEST_REFUND,
        "",
    ),
    "settle": (client_messages.settle(QUERY, EXCESSES), opcodes.EXT_CLIENT_SETTLE, ""),
    "proxy stake": (
        proxy_messages.increase_stake(QUERY, 10**9, EXCESSES),
        opcodes.EXT_PROXY_INCREASE_STAKE,
        coins(10**9),
    ),
    "commission": (
        proxy_messages.payout_request(QUERY, EXCESSES),
        opcodes.EXT_PROXY_PAYOUT_REQUEST,
        "",
    ),
    "proxy close": (proxy_messages.close(QUERY, EXCESSES), opcodes.OWNER_PROXY_CLOSE, ""),
    "register worker": (
        worker_messages.register(QUERY, EXCESSES),
        opcodes.OWNER_WORKER_REGISTER,
        "",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_bodies_have_operation_query_fields_and_receiver_of_excesses(name: str) -> None:
    cell, operation, fields = CASES[name]
    assert bits(cell) == number(operation, 32) + number(QUERY, 64) + fields + addr(EXCESSES)
    assert cell.refs == ()


def payout(operation: int = opcodes.EXT_WORKER_PAYOUT_REQUEST_SIGNED, tokens: int = 900):  # type: ignore[no-untyped-def]
    return sign(KEY, operation, query_id=QUERY, tokens=tokens, address=OWNER, excesses=EXCESSES)


def test_a_limited_payout_wraps_the_signed_cell_of_the_whole() -> None:
    payment = payout()
    cell = worker_messages.limited_payout(payment, 400, OWNER)
    expected = number(opcodes.EXT_WORKER_PAYOUT_LIMITED_SIGNED, 32) + number(QUERY, 64)
    assert bits(cell) == expected + addr(OWNER) + raw(payment.signature) + number(400, 64)
    assert cell.refs == payment.body().refs
    with pytest.raises(PaymentError):
        worker_messages.limited_payout(payment, 0, OWNER)
    with pytest.raises(PaymentError):
        worker_messages.limited_payout(
            payout(opcodes.EXT_WORKER_LAST_PAYOUT_REQUEST_SIGNED), 1, OWNER
        )


def test_close_envelopes_sign_operation_and_proxy() -> None:
    public = PublicKey(KEY.public_key)
    for make, operation in (
        (sign_close_request, opcodes.EXT_PROXY_CLOSE_REQUEST_SIGNED),
        (sign_close_complete, opcodes.EXT_PROXY_CLOSE_COMPLETE_REQUEST_SIGNED),
    ):
        close = make(KEY, QUERY, PROXY, EXCESSES)
        cell = close.cell()
        inner = number(operation, 32) + number(QUERY, 64) + addr(PROXY)
        assert bits(cell.refs[0]) == inner
        assert bits(cell) == inner[:96] + addr(EXCESSES) + raw(close.signature)
        public.verify(close.signature, cell.refs[0].hash)
        assert read_close(cell) == close == parse_proxy_inbox(cell)
        close.verify(public)
    with pytest.raises(PaymentError):
        close.verify(PublicKey(SecretKey(bytes(32)).public_key))
    with pytest.raises(DecodeError):
        read_commit(cell)


def test_commit_envelopes_sign_number_state_and_proxy() -> None:
    commit = sign_commit(KEY, QUERY, seqno=9, state_root=SECRET, proxy=PROXY, excesses=EXCESSES)
    cell = commit.cell()
    inner = number(opcodes.EXT_PROXY_COMMIT_SIGNED, 32) + number(QUERY, 64)
    inner += number(9, 64) + raw(SECRET) + addr(PROXY)
    assert bits(cell.refs[0]) == inner
    assert bits(cell) == inner[:96] + addr(EXCESSES) + raw(commit.signature)
    assert read_commit(cell) == commit == parse_proxy_inbox(cell)
    commit.verify(PublicKey(KEY.public_key))
    with pytest.raises(DecodeError):
        read_close(cell)


def test_an_envelope_whose_outside_differs_is_refused() -> None:
    cell = sign_close_request(KEY, QUERY, PROXY, EXCESSES).cell()
    other = Cell(cell.data ^ 1 << (cell.bits - 33), cell.bits, cell.refs)  # its query id
    with pytest.raises(DecodeError):
        read_close(other)
    assert parse_proxy_inbox(other) is None


def test_text_commands() -> None:
    assert bits(proxy_messages.text_command(b"c")) == "0" * 32 + raw(b"c")
    assert parse_proxy_inbox(proxy_messages.text_command(b"c")) == OwnerClose(0, None)
    assert parse_proxy_inbox(proxy_messages.text_command(b"w")) == OwnerWithdraw()
    assert parse_proxy_inbox(proxy_messages.text_command(b"x")) is None
    assert owner_text_command(b"b") == proxy_messages.text_command(b"b")


def test_a_message_of_the_wallet_owner() -> None:
    cell = owner_send_message(QUERY, 64, EMPTY_CELL)
    expected = number(opcodes.OWNER_WALLET_SEND_MESSAGE, 32) + number(QUERY, 64) + number(64, 8)
    assert bits(cell) == expected
    assert cell.refs == (EMPTY_CELL,)


def test_replies_are_read_back() -> None:
    assert bits(Excesses(5).cell()) == number(opcodes.EXCESSES, 32) + number(5, 64)
    for reply in (
        Excesses(QUERY),
        Payout(QUERY),
        ProxyClientCredited(QUERY, 10**9, OWNER, EXCESSES),
    ):
        assert parse_reply(reply.cell()) == reply
    for body in (EMPTY_CELL, proxy_messages.text_command(b"c"), Cell(1, 96)):
        assert parse_reply(body) is None


def test_bounces_tell_what_came_back_and_why() -> None:
    original = client_messages.top_up(QUERY, 10**9, EXCESSES)
    info = Builder().coins(7 * 10**8).uint(0, 1).uint(12, 64).uint(13, 32).cell()
    body = Builder().uint(0xFFFFFFFE, 32).ref(original).ref(info).uint(1, 8).uint(1001, 32)
    body.uint(1, 1).uint(4000, 32).uint(90, 32)
    assert parse_bounce(body.cell()) == Bounce(original, 1, 1001, 7 * 10**8)
    skipped = Builder().uint(0xFFFFFFFE, 32).ref(original).ref(info).uint(0, 8).uint(2**32 - 3, 32)
    assert parse_bounce(skipped.uint(0, 1).cell()) == Bounce(original, 0, -3, 7 * 10**8)
    plain = Builder().uint(0xFFFFFFFF, 32).uint(opcodes.CLIENT_PROXY_REQUEST, 32).cell()
    assert parse_bounce(plain) == Bounce(Builder().uint(opcodes.CLIENT_PROXY_REQUEST, 32).cell())
    assert parse_bounce(EMPTY_CELL) is None
    assert parse_bounce(original) is None


def test_bounced_and_external_messages_are_no_inbox() -> None:
    body = proxy_messages.close(QUERY, EXCESSES)
    message = Message(MessageKind.INTERNAL, OWNER, PROXY, body=body)
    assert read_proxy_message(message) == OwnerClose(QUERY, EXCESSES)
    bounced = Message(MessageKind.INTERNAL, OWNER, PROXY, body=body, bounced=True)
    assert read_proxy_message(bounced) is None
    assert read_proxy_message(Message(MessageKind.EXTERNAL_IN, None, PROXY, body=body)) is None
    assert read_proxy_message(None) is None


def test_operations_are_all_different() -> None:
    values = [value for name, value in vars(opcodes).items() if name.isupper()]
    assert len(values) == len(set(values))


def test_an_unknown_phase_is_refused() -> None:
    from cocoon.chain.contracts.fields import read_phase

    assert read_phase(Reader(Cell(2, 2))) is ContractPhase.CLOSED
    with pytest.raises(DecodeError):
        read_phase(Reader(Cell(3, 2)))
