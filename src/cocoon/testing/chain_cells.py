"""Cells of accounts' histories, made up: what a server of a chain has to show."""

from cocoon.chain.address import Address
from cocoon.chain.cells import Builder, Cell
from cocoon.chain.hashmap import write_hashmap

NO_HASH = bytes(32)


def transaction_cell(
    address: Address,
    lt: int,
    previous: tuple[int, bytes] = (0, NO_HASH),
    *,
    time: int = 1_800_000_000,
    in_message: Cell | None = None,
    out_messages: tuple[Cell, ...] = (),
    fees: int = 1000,
    exit_code: int = 0,
) -> Cell:
    """An ordinary transaction.

    Args:
        address: whose.
        lt: logical time.
        previous: logical time and hash of the one before.
        time: Unix seconds.
        in_message: what caused it.
        out_messages: what it sent.
        fees: nanoTON.
        exit_code: of its computation; the transaction fails if it is not 0.
    """
    out = Builder().uint(0b0111, 4).hash256(address.account).uint(lt, 64)
    out.hash256(previous[1]).uint(previous[0], 64).uint(time, 32)
    out.uint(len(out_messages), 15).uint(0b1010, 4)  # active before and after
    sent = {number: Builder().ref(message).cell() for number, message in enumerate(out_messages)}
    out.ref(Builder().maybe_ref(in_message).maybe_ref(write_hashmap(sent, 15)).cell())
    out.coins(fees).uint(0, 1).ref(Builder().uint(0x72, 8).uint(0, 512).cell())
    return out.ref(_description(exit_code)).cell()


def _description(exit_code: int) -> Cell:
    gas = Builder().uint(2, 3).uint(3000, 16).uint(2, 3).uint(10000, 16).uint(0, 1)
    gas.signed(0, 8).signed(exit_code, 32).uint(0, 1).uint(50, 32).uint(0, 512)
    failed = exit_code != 0
    out = Builder().uint(0b0000, 4).uint(0, 3)  # ordinary; neither storage nor credit phase
    out.uint(1, 1).uint(not failed, 1).uint(0, 2).coins(3000).ref(gas.cell())
    return out.uint(0, 1).uint(failed, 1).uint(0, 2).cell()


def history(address: Address, count: int, *, first_lt: int = 1000, step: int = 1000) -> list[Cell]:
    """So many transactions of an account, newest first, each naming the one before."""
    cells: list[Cell] = []
    previous = (0, NO_HASH)
    for number in range(count):
        lt = first_lt + number * step
        cells.append(transaction_cell(address, lt, previous, time=1_800_000_000 + number))
        previous = (lt, cells[-1].hash)
    cells.reverse()
    return cells


def shard_account(
    address: Address,
    balance: int,
    *,
    code: Cell | None = None,
    data: Cell | None = None,
    last: tuple[int, bytes] = (0, NO_HASH),
) -> Cell:
    """An account as a shard's state holds it: active if it has code, else without any."""
    out = Builder().uint(1, 1).address(address).uint(0, 3 + 3 + 3 + 32 + 1)
    out.uint(last[0] + 1, 64).coins(balance).uint(0, 1)
    if code is None:
        out.uint(0b00, 2)
    else:
        out.uint(0b100, 3).maybe_ref(code).maybe_ref(data).uint(0, 1)
    return Builder().ref(out.cell()).hash256(last[1]).uint(last[0], 64).cell()
