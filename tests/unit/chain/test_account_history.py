"""What is new on an account: in order, without gaps, or not at all."""

from dataclasses import replace

import pytest

from cocoon.chain import Address
from cocoon.chain.backend import TransactionRef
from cocoon.chain.history import MAX_NEW, AccountHistory
from cocoon.chain.transaction import Transaction
from cocoon.errors import ChainDataError

pytestmark = pytest.mark.anyio
ADDRESS = Address(bytes([1]) * 32)


def step(number: int) -> Transaction:
    before = (number - 1).to_bytes(32, "big") if number > 1 else bytes(32)
    lt = number * 10
    return Transaction(ADDRESS, lt, number.to_bytes(32, "big"), number, lt - 10, before, None)


class Lists:
    """The part of a backend that is used here."""

    def __init__(self, count: int) -> None:
        self.steps = [step(number) for number in range(1, count + 1)]
        self.calls = 0

    async def transactions(
        self, address: Address, *, limit: int = 20, before: TransactionRef | None = None
    ) -> list[Transaction]:
        self.calls += 1
        older = [one for one in self.steps if before is None or one.lt < before.lt]
        return older[::-1][:limit]


def history(lists: Lists, after: int) -> AccountHistory:
    return AccountHistory(lists, ADDRESS, after)  # type: ignore[arg-type]


@pytest.mark.parametrize("after", [0, 10, 2490, 2500])
async def test_everything_new_comes_once_and_oldest_first(after: int) -> None:
    lists = Lists(250)
    reading = history(lists, after)
    assert [one.lt for one in await reading.new()] == list(range(after + 10, 2501, 10))
    assert await reading.new() == []
    lists.steps.append(step(251))
    assert [one.lt for one in await reading.new()] == [2510]
    assert reading.read_to == 2510


async def test_few_new_ones_cost_one_call() -> None:
    lists = Lists(250)
    assert len(await history(lists, 2450).new()) == 5
    assert lists.calls == 1


async def test_gaps_are_refused_and_looked_at_again() -> None:
    lists = Lists(40)
    missing = lists.steps.pop(20)
    reading = history(lists, 100)
    with pytest.raises(ChainDataError, match="join up"):
        await reading.new()
    lists.steps.insert(20, replace(missing, hash=bytes(32)))
    with pytest.raises(ChainDataError, match="join up"):
        await reading.new()
    lists.steps[20] = missing
    assert len(await reading.new()) == 30


async def test_older_ones_that_are_gone_are_noticed() -> None:
    lists = Lists(40)
    del lists.steps[:30]
    with pytest.raises(ChainDataError, match="missing"):
        await history(lists, 100).new()


async def test_a_server_cannot_go_on_for_ever() -> None:
    lists = Lists(MAX_NEW + 500)
    with pytest.raises(ChainDataError, match="more than"):
        await history(lists, 0).new()
