import pytest

from cocoon.chain.address import Address
from cocoon.chain.boc import from_boc
from cocoon.chain.cells import EMPTY_CELL, Builder, Cell, Reader
from cocoon.chain.message import MessageKind, OutMessage, external_in, parse_message
from cocoon.errors import DecodeError

CLIENT = Address(bytes.fromhex("9f9375ec237081e808d3c519d4221699c3cd39104a7037aa8cbce5a29486afd7"))
SIGNATURE = bytes.fromhex(
    "de2cf7327198a840426c15f8f2e42b1124f0c8aa53870d61c07bfae949346b9a"
    "44dda324f760b888d3750b70d9340405271aded38e1c25c79e37eb5b7ef4de01"
)
QUERY_ID = 0x0102030405060708


def envelope() -> Cell:
    inner = Builder().uint(0xBB63FF93, 32).uint(QUERY_ID, 64).uint(123456789, 64).address(CLIENT)
    out = Builder().uint(0xBB63FF93, 32).uint(QUERY_ID, 64).address(Address(b"\x55" * 32))
    return out.raw(SIGNATURE).ref(inner.cell()).cell()


def test_vector_of_the_wallet_message() -> None:
    """``onchain.md`` §19, "wallet internal message"."""
    body = envelope()
    assert body.hash.hex() == "a038902126ea1bd6bb976e01a36966496cf1bd84d1c3787d6564e31bcfe6438e"
    cell = OutMessage(CLIENT, 700_000_000, body).cell()
    assert (cell.bits, cell.hash.hex()) == (
        416,
        "a1bfc862cdd03bc13a3c838ffaa7a818c373b0625de1e49f3df36b8ce7c62c52",
    )


def test_a_body_is_inline_where_it_fits() -> None:
    dest = Address(bytes(32))
    head = OutMessage(dest, 0).cell().bits
    exact, long = Cell(0, 1023 - head), Cell(0, 1024 - head)
    assert OutMessage(dest, 0, exact).cell().refs == ()
    assert OutMessage(dest, 0, long).cell().refs == (long,)
    four = Cell(0, 0, [EMPTY_CELL] * 4)
    assert len(external_in(dest, four).refs) == 4
    assert external_in(dest, four, EMPTY_CELL).refs == (EMPTY_CELL, four)


def test_either_place_of_the_state_and_the_body_is_read() -> None:
    state = Builder().uint(0b00110, 5).ref(Cell(1, 1)).ref(Cell(2, 2)).cell()
    body = Cell(0xABCD, 16, [EMPTY_CELL])
    for state_in_ref in (0, 1):
        for body_in_ref in (0, 1):
            out = Builder().uint(0b10, 2).uint(0, 2).address(CLIENT).coins(5).uint(1, 1)
            for in_ref, part in ((state_in_ref, state), (body_in_ref, body)):
                out.uint(in_ref, 1)
                out = out.ref(part) if in_ref else out.content(part)
            message = parse_message(out.cell())
            assert (message.has_init, message.body) == (True, body)


def test_a_log_message() -> None:
    out = Builder().uint(0b11, 2).address(CLIENT).uint(0, 2).uint(77, 64).uint(88, 32)
    message = parse_message(out.uint(0, 2).uint(0x4FB27530, 32).cell())
    assert (message.kind, message.source, message.dest) == (MessageKind.EXTERNAL_OUT, CLIENT, None)
    assert (message.created_lt, message.created_at) == (77, 88)
    assert Reader(message.body).uint(32) == 0x4FB27530


def test_strangers_are_no_error() -> None:
    """A message from the masterchain, with other currencies and an amount over 64 bits."""
    out = Builder().uint(0b0110, 4).uint(0b100, 3).uint(0xFF, 8).uint(5, 256).address(CLIENT)
    out.uint(9, 4).uint(2**70, 72).maybe_ref(EMPTY_CELL).coins(3).coins(7).uint(0, 96)
    message = parse_message(out.uint(0, 2).cell())
    assert (message.source, message.dest, message.value) == (None, CLIENT, 2**70)
    assert (message.bounce, message.forward_fee) == (True, 7)


def test_malformed_messages() -> None:
    good = OutMessage(CLIENT, 5, Cell(0, 900)).cell()
    for bad in (
        EMPTY_CELL,
        Cell(good.data >> 9, good.bits - 9, good.refs),
        Cell(good.data, good.bits),
        Cell(good.data << 1, good.bits + 1, good.refs),
        Cell.library(bytes(32)),
    ):
        with pytest.raises(DecodeError):
            parse_message(bad)
    with pytest.raises(DecodeError):
        OutMessage(CLIENT, 2**64).cell()


def test_a_library_is_a_value_but_no_data() -> None:
    cell = Cell.library(b"\x01" * 32)
    assert (cell.exotic, cell.bits, cell.depth) == (True, 264, 0)
    assert cell != Cell(cell.data, cell.bits)
    assert from_boc(bytes.fromhex("b5ee9c720101010100230008420201" + "01" * 31)) == cell
    for use in (
        lambda: Reader(cell),
        lambda: Builder().content(cell),
        lambda: Cell.library(b"short"),
        lambda: Cell(cell.data, cell.bits, exotic=True, refs=[EMPTY_CELL]),
        lambda: Cell(cell.data ^ 3 << 256, cell.bits, exotic=True),
    ):
        with pytest.raises(DecodeError):
            use()
