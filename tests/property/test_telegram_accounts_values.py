"""Texts of transfers and files of ledgers, for any content."""

import csv
import io
import json

from hypothesis import given
from hypothesis import strategies as st

from cocoon.accounting import MAX_AMOUNT, Nano
from cocoon.chain.cells import EMPTY_CELL, Builder, Cell
from cocoon.telegram.accounts import Entry
from cocoon.telegram.accounts.export import COLUMNS, ledger_csv, ledger_lines, signed_ton
from cocoon.telegram.payments import comment_cell, comment_of, read_comment, topup_of
from cocoon.telegram.payments.comment import MAX_COMMENT_BYTES

ids = st.text("abcdefghijklmnopqrstuvwxyz234567", min_size=20, max_size=20)
cells = st.recursive(
    st.builds(lambda data: Builder().raw(data).cell(), st.binary(max_size=127)),
    lambda children: st.builds(
        lambda data, refs: Cell(int.from_bytes(data, "big"), len(data) * 8, refs),
        st.binary(max_size=127),
        st.lists(children, max_size=4),
    ),
    max_leaves=12,
)
entries = st.builds(
    Entry,
    id=st.integers(1, MAX_AMOUNT),
    user=st.just(7),
    at=st.integers(0, 2**32),
    kind=st.sampled_from(["charge", "ton", "gift"]),
    reference=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1),
    amount=st.integers(-MAX_AMOUNT, MAX_AMOUNT),
    free=st.integers(0, MAX_AMOUNT).map(Nano),
    detail=st.dictionaries(st.text(max_size=5), st.text(max_size=9) | st.integers(), max_size=3),
)


@given(ids, st.text(" \n\t", max_size=5), st.booleans())
def test_a_topup_survives_its_text(topup: str, space: str, is_loud: bool) -> None:
    text = comment_of(topup)
    typed = space + (text.upper() if is_loud else text) + space
    read = read_comment(comment_cell(typed))
    assert read == typed
    assert topup_of(read) == topup


@given(st.text(max_size=MAX_COMMENT_BYTES), st.integers(1, 120))
def test_texts_in_many_cells(text: str, piece: int) -> None:
    data = text.encode()
    cell: Cell | None = None
    pieces = [data[at : at + piece] for at in range(0, len(data), piece)] or [b""]
    for number, part in reversed(list(enumerate(pieces))):
        out = Builder().uint(0, 0 if number else 32).raw(part)
        cell = (out if cell is None else out.ref(cell)).cell()
    assert cell is not None
    assert read_comment(cell) == (text if len(data) <= MAX_COMMENT_BYTES else None)


@given(cells)
def test_any_body_is_a_text_or_none(body: Cell) -> None:
    text = read_comment(body)
    assert text is None or len(text.encode()) <= MAX_COMMENT_BYTES


def test_bodies_that_never_end() -> None:
    endless = EMPTY_CELL
    for _ in range(900):
        endless = Builder().ref(endless).cell()
    assert read_comment(Builder().uint(0, 32).ref(endless).cell()) is None
    long = Builder().raw(b"x" * 100).cell()
    for _ in range(900):
        long = Builder().raw(b"x" * 100).ref(long).cell()
    assert read_comment(Builder().uint(0, 32).ref(long).cell()) is None
    assert read_comment(Cell(0, 31)) is None
    assert read_comment(Cell(0, 33)) is None


@given(st.lists(entries, max_size=5))
def test_ledgers_as_files_lose_nothing(rows: list[Entry]) -> None:
    table = list(csv.reader(io.StringIO(ledger_csv(rows), newline="")))
    assert tuple(table[0]) == COLUMNS
    lines = [json.loads(line) for line in ledger_lines(rows).splitlines()]
    assert ledger_csv(rows, head=False) == "".join(ledger_csv([row], head=False) for row in rows)
    for row, cells_, line in zip(rows, table[1:], lines, strict=True):
        named = dict(zip(COLUMNS, cells_, strict=True))
        assert int(named["amount_nano"]) == line["amount_nano"] == row.amount
        assert named["reference"] == line["reference"] == row.reference
        assert line["detail"] == row.detail
        whole, _, decimals = named["amount_ton"].lstrip("-").partition(".")
        assert int(whole) * 10**9 + int(decimals.ljust(9, "0")) == abs(row.amount)


def test_amounts_for_people() -> None:
    assert [signed_ton(nano) for nano in (0, 1, -1, -1_500_000_000)] == [
        "0",
        "0.000000001",
        "-0.000000001",
        "-1.5",
    ]
