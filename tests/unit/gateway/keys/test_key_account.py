"""What one key uses, over midnight and month's end, and beside other processes."""

import calendar

import pytest

from cocoon.gateway.keys.account import Account
from cocoon.gateway.keys.leases import BudgetName
from cocoon.gateway.keys.limits import Limits
from cocoon.gateway.keys.purse import Purse
from cocoon.gateway.keys.window import Window
from cocoon.gateway.refusal import Refusal

MIDNIGHT = float(calendar.timegm((2026, 12, 1, 0, 0, 0)))


def account(limits: Limits) -> Account:
    purses: dict[BudgetName, Purse] = {}

    def purse_of(name: BudgetName, budget: str, ends_at: int | None) -> Purse:
        return purses.setdefault(name, Purse(name, budget, ends_at))

    made = Account("k", "this API key", purse_of, counts=True)
    made.set_limits(limits)
    return made


def test_new_periods_have_new_purses_to_the_second() -> None:
    one = account(Limits(day=10, month=20, total=30))
    before = one.roll(MIDNIGHT - 0.01)
    assert [p.name[1] for p in before] == ["2026-11-30", "2026-11", "total"]
    assert one.roll(MIDNIGHT - 0.001) is before
    after = one.roll(MIDNIGHT)
    assert [p.name[1] for p in after] == ["2026-12-01", "2026-12", "total"]
    assert [p.cap for p in after] == [10, 20, 30]
    assert after[2] is before[2]
    assert [p.name[1] for p in one.roll(MIDNIGHT + 86_400)] == ["2026-12-02", "2026-12", "total"]


def test_limits_are_shared_by_processes() -> None:
    one = account(Limits(concurrency=3, requests=5))
    for _ in range(2):
        one.enter(1, MIDNIGHT, 2)
    with pytest.raises(Refusal, match="3 requests at a time"):
        one.enter(1, MIDNIGHT, 2)
    one.leave(0, MIDNIGHT, MIDNIGHT)
    one.enter(1, MIDNIGHT, 2)
    one.leave(0, MIDNIGHT, MIDNIGHT)
    with pytest.raises(Refusal, match="5 requests a minute"):
        one.enter(1, MIDNIGHT, 2)
    one.roll(MIDNIGHT)
    assert not one.is_idle(MIDNIGHT + 1)  # one runs
    one.leave(0, MIDNIGHT, MIDNIGHT)
    assert one.is_idle(MIDNIGHT + 1)
    assert not one.is_idle(MIDNIGHT)


def test_what_is_taken_back_late_concerns_nobody() -> None:
    window = Window(100)
    window.add(90, 60.0)
    window.add(80, 120.0)
    window.add(10, 180.0)
    window.take_back(50, 60.0, 180.0)
    assert window.used(180.0) == 90
