"""Any cells as a transaction, message, account, stack or dictionary: read, or DecodeError."""

from cocoon.chain.account import parse_account, parse_shard_account
from cocoon.chain.address import Address
from cocoon.chain.boc import from_boc
from cocoon.chain.cells import Cell, Reader
from cocoon.chain.hashmap import read_hashmap, write_hashmap
from cocoon.chain.message import parse_message
from cocoon.chain.transaction import parse_transaction
from cocoon.chain.vm_stack import parse_stack, serialize_stack
from cocoon.errors import DecodeError

ADDRESS = Address(bytes(32))


def dictionary(cell: Cell) -> None:
    values = read_hashmap(cell, 16, Reader.rest, max_entries=64)
    again = write_hashmap(values, 16)
    if read_hashmap(again, 16, Reader.rest, max_entries=64) != values:
        raise AssertionError("dictionary does not round-trip")


def stack(cell: Cell) -> None:
    values = parse_stack(cell)
    if parse_stack(serialize_stack(values)) != values:
        raise AssertionError("stack does not round-trip")


def fuzz_one(data: bytes) -> None:
    try:
        cell = from_boc(data, max_bytes=4096, max_cells=64)
    except DecodeError:
        cell = Cell(int.from_bytes(data[:127], "big"), len(data[:127]) * 8)
    for read in (
        parse_transaction,
        parse_message,
        lambda cell: parse_account(cell, ADDRESS, 0),
        lambda cell: parse_shard_account(cell, ADDRESS, 0),
        stack,
        dictionary,
    ):
        try:
            read(cell)
        except DecodeError:
            continue


if __name__ == "__main__":
    from _harness import main

    main(fuzz_one)
