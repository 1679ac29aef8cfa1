"""The process is killed at any statement, again and again; the books add up all the same."""

import subprocess
import sys

import sqlalchemy as sa

from cocoon.telegram.store import open_store
from cocoon.telegram.store.schema import entries, holds, users
from cocoon.testing.telegram_books import check_books

KILLS = {"sqlite": 20, "postgresql": 8}

# One interpreter that has everything loaded; each life is a fork of it. A life does all there is to
# do from the beginning, as after Telegram has sent everything again.
CHILD = """
import asyncio, os, random, signal, sys
import sqlalchemy as sa
from cocoon.accounting import Nano
from cocoon.errors import BadRequestError
from cocoon.telegram.accounts import AccountPolicy, Accounts, Cursor, Kind, Transfer

URL, KILLS = sys.argv[1], int(sys.argv[2])
ANNA = 7

def tell(name, amount):
    os.write(1, f"{name} {amount}\\n".encode())  # whole, whenever we die

def die_at(count):
    left = [count]
    def step(*_):
        left[0] -= 1
        if left[0] < 0:
            os.kill(os.getpid(), signal.SIGKILL)
    for name in ("before_cursor_execute", "after_cursor_execute", "commit"):
        sa.event.listen(sa.Engine, name, step)

async def answers(accounts):
    for number in range(4):
        name, cost = f"r{number}", Nano(10 + number)
        try:
            await accounts.hold(ANNA, name, Nano(50))
            charged = await accounts.settle(name, cost, {"model": "m"})
        except BadRequestError:
            charged = await accounts.charged(name)
        assert charged.total == cost, charged
        tell(name, int(charged.total))
        await accounts.hold(ANNA, f"s{number}", Nano(20))
        await accounts.release(f"s{number}")

async def stars(accounts):
    mine = [one for one in await accounts.topups(ANNA) if one.method == "stars"]
    while len(mine) < 3:
        mine.append(await accounts.new_topup(ANNA, "stars", Nano(50), 5))
    mine.sort(key=lambda one: one.id)
    paid = [one for one in mine if one.charge_id]
    charges = {one.charge_id: one for one in paid}
    fresh = [one for one in mine if not one.charge_id]
    for charge in ("c0", "c1", "c2"):
        topup = charges.get(charge) or fresh.pop()
        await accounts.stars_paid(ANNA, topup.id, charge, 5, Nano(0))
        tell(charge, 50)
    first = next(one for one in await accounts.topups(ANNA) if one.charge_id == "c0")
    if first.state != "refunded":
        await accounts.begin_refund(ANNA, first.id)
        await accounts.finish_refund(first.id)
    tell(f"{first.id}/1", -50)

async def ton(accounts):
    mine = [one for one in await accounts.topups(ANNA) if one.method == "ton"]
    topup = mine[0] if mine else await accounts.new_topup(ANNA, "ton", Nano(1))
    known = await accounts.read_cursor("wallet")
    for lt in range(1 if known is None else known.lt + 1, 6):
        new = Cursor(lt=lt, hash=bytes(32))
        found = [Transfer(topup=topup.id, hash=f"h{lt}", amount=Nano(7))]
        assert await accounts.credit_transfers("wallet", known, new, found)
        known = new
        tell(f"h{lt}", 7)

async def life():
    accounts = Accounts(URL, AccountPolicy(), clock=lambda: 1_800_000_000)
    await accounts.start()
    assert (await accounts.account(ANNA)).held == 0
    for number in range(4):
        await accounts.credit(ANNA, Kind.GIFT, f"g{number}", Nano(100))
        tell(f"g{number}", 100)
    await asyncio.gather(answers(accounts), stars(accounts), ton(accounts))
    await accounts.close()

dice = random.Random(6)
for kill in range(KILLS + 1):
    pid = os.fork()
    if not pid:
        if kill < KILLS:
            die_at(dice.randrange(320 * (kill + 1) // KILLS))
        asyncio.run(life())
        os._exit(0)
    for _ in range(3):
        dice.random()
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    tell("ended", status)
    assert status in (0, -signal.SIGKILL), status
"""


def test_killed_at_any_statement(store: str) -> None:
    open_store(store).close()
    kills = KILLS[store.partition(":")[0]]
    child = [sys.executable, "-c", CHILD, store, str(kills)]
    done = subprocess.run(child, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    lines = [line.split() for line in done.stdout.splitlines()]
    ends = [line[1] for line in lines if line[0] == "ended"]
    assert ends[-1] == "0"
    assert ends.count("-9") > kills // 3
    promised = {name: abs(int(amount)) for name, amount in lines if name != "ended"}
    database = open_store(store)
    with database.read() as on:
        check_books(on)
        booked = {row.reference: row.amount for row in on.execute(sa.select(entries))}
        assert on.scalar(sa.select(sa.func.count()).select_from(holds)) == 0
        balance = on.scalar(sa.select(users.c.balance))
    database.close()
    # What somebody was told is there, and so is all the rest, once each.
    assert promised.items() <= {name: abs(amount) for name, amount in booked.items()}.items()
    kinds = {"r": 4, "c": 3, "g": 4, "h": 5}
    names = {f"{kind}{number}" for kind, most in kinds.items() for number in range(most + 1)}
    refunds = {name for name in booked if "/" in name}
    names -= {"r4", "c3", "g4", "h0"}
    assert set(booked) == names | refunds
    assert len(refunds) == 1
    assert balance == 400 - (10 + 11 + 12 + 13) + 3 * 50 - 50 + 5 * 7
