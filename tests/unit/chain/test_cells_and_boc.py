import pytest
from pytoniq_core import Builder as OtherBuilder
from pytoniq_core import Cell as OtherCell

from cocoon.chain.boc import crc32c, from_boc, to_boc
from cocoon.chain.cells import EMPTY_CELL, MAX_DEPTH, Builder, Cell, Reader
from cocoon.errors import DecodeError


def chain_of(length: int) -> Cell:
    cell = EMPTY_CELL
    for number in range(length):
        cell = Builder().uint(number, 16).ref(cell).cell()
    return cell


def other_chain_of(length: int) -> OtherCell:
    cell = OtherCell.empty()
    for number in range(length):
        cell = OtherBuilder().store_uint(number, 16).store_ref(cell).end_cell()
    return cell


def test_crc32c_of_the_standard_check_value() -> None:
    assert crc32c(b"123456789") == 0xE3069283


@pytest.mark.parametrize("length", [0, 1, 5, 300])
def test_bags_agree_with_an_independent_library(length: int) -> None:
    ours, other = chain_of(length), other_chain_of(length)
    assert ours.hash == other.hash
    assert to_boc(ours) == other.to_boc()
    assert from_boc(other.to_boc(has_idx=True, hash_crc32=True)) == ours
    assert OtherCell.one_from_boc(to_boc(ours)).hash == ours.hash


def test_shared_cells_are_stored_once() -> None:
    leaf = Builder().uint(1, 8).cell()
    cell = leaf
    for _ in range(200):  # a tree of 2^200 leaves, if it were written out
        cell = Builder().ref(cell).ref(cell).cell()
    boc = to_boc(cell)
    assert len(boc) < 2000
    assert from_boc(boc) == cell


def test_wide_cell_counts_need_wider_numbers() -> None:
    leaves = [Builder().uint(number, 16).cell() for number in range(300)]
    while len(leaves) > 1:
        groups = [leaves[start : start + 4] for start in range(0, len(leaves), 4)]
        leaves = [Cell(0, 0, group) for group in groups]
    assert from_boc(to_boc(leaves[0])) == leaves[0]


def test_depth_limit() -> None:
    deepest = chain_of(MAX_DEPTH)
    with pytest.raises(DecodeError, match="deeper"):
        Builder().ref(deepest).cell()


def test_limits_of_the_bag() -> None:
    boc = to_boc(chain_of(10))
    assert from_boc(boc, max_bytes=len(boc), max_cells=11).depth == 10
    with pytest.raises(DecodeError, match="at most"):
        from_boc(boc, max_bytes=len(boc) - 1)
    with pytest.raises(DecodeError, match="at most"):
        from_boc(boc, max_cells=10)


@pytest.mark.parametrize(
    "fill",
    [
        lambda out: out.uint(0, 1024),
        lambda out: [out.ref(EMPTY_CELL) for _ in range(5)],
    ],
)
def test_a_cell_cannot_hold_more(fill: object) -> None:
    builder = Builder()
    fill(builder)  # type: ignore[operator]
    with pytest.raises(DecodeError, match="cannot hold"):
        builder.cell()


@pytest.mark.parametrize("value", [0, 1, 255, 256, 10**9, 2**63, 2**64 - 1])
def test_coins_agree_with_an_independent_library(value: int) -> None:
    cell = Builder().coins(value).cell()
    assert cell.hash == OtherBuilder().store_coins(value).end_cell().hash
    reader = Reader(cell)
    assert reader.coins() == value
    reader.end()


@pytest.mark.parametrize(
    ("value", "bits"),
    [(0x9 << 72, 76), (0x200FF, 20), (0x100, 12), (0xF, 4)],
    ids=["nine bytes", "leading zero", "one byte of zero", "fifteen bytes, none there"],
)
def test_malformed_coins(value: int, bits: int) -> None:
    with pytest.raises(DecodeError):
        Reader(Cell(value, bits)).coins()


def test_builder_refuses_what_does_not_fit() -> None:
    for write in (
        lambda: Builder().uint(256, 8),
        lambda: Builder().uint(-1, 8),
        lambda: Builder().coins(2**64),
        lambda: Builder().coins(-1),
        lambda: Builder().hash256(b"short"),
    ):
        with pytest.raises(DecodeError):
            write()


def test_reader_refuses_to_read_past_the_end() -> None:
    reader = Reader(Builder().uint(5, 3).cell())
    with pytest.raises(DecodeError, match="3 left"):
        reader.uint(4)
    with pytest.raises(DecodeError, match="references"):
        reader.ref()
    with pytest.raises(DecodeError, match="too many"):
        reader.end()
