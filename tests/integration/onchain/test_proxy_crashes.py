"""A proxy that dies anywhere signs nothing twice, forgets nothing that it signed, and pays all."""

import asyncio
import contextlib
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from cocoon.chain.cells import Cell
from cocoon.chain.embedded.backend import EmbeddedBackend
from cocoon.errors import ChainError, CocoonError
from cocoon.net.chain_settings import ChainSettings
from cocoon.proxy.onchain.outbox import Due
from cocoon.proxy.onchain.settings import SettlementSettings
from cocoon.proxy.proxy import Proxy
from cocoon.testing.chain import TON
from cocoon.testing.onchain import FEE, PRICE, World, make_world
from cocoon.testing.proxy_onchain import (
    CLIENT_OWNER,
    FAST,
    WORKER_OWNER,
    ProxyWorld,
    proxy_settings,
)

DEPOSIT = 50 * TON
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("use"), st.integers(1, TON // PRICE // 5)),
        st.tuples(st.sampled_from(["flush", "settle", "pause", "restart"]), st.just(0)),
        st.tuples(st.sampled_from(["die before", "die after"]), st.integers(0, 3)),
    ),
    min_size=3,
    max_size=12,
)


@dataclass
class Fate:
    """When the proxy dies: at which message, and whether that still leaves."""

    left: int | None = None
    after: bool = False
    died: asyncio.Event = field(default_factory=asyncio.Event)


class MortalBackend(EmbeddedBackend):
    """Tells nobody anything any more once its proxy is dead."""

    def __init__(self, world: World, fate: Fate) -> None:
        super().__init__(world.chain)
        self._fate = fate

    async def send(self, message: Cell) -> None:
        fate = self._fate
        if fate.left is not None and fate.left <= 0:
            if fate.after and not fate.died.is_set():
                await super().send(message)
            fate.died.set()
            await asyncio.Event().wait()  # nothing that comes after is ever done
        if fate.left is not None:
            fate.left -= 1
        await super().send(message)


class Life:
    """One proxy over many lives."""

    def __init__(self, world: World, directory: Path) -> None:
        self.world = world
        self.directory = directory
        self.fate = Fate()
        self.it: ProxyWorld | None = None
        self.signed = 0

    async def begin(self) -> ProxyWorld:
        self.fate = fate = Fate()
        settlement = SettlementSettings(commit_value=TON // 10, charge_value=TON, retry_delay=0.05)
        chain = ChainSettings(
            backend=lambda: MortalBackend(self.world, fate),
            wallet=self.world.wallet(7, 0),
            poll_interval=(0.01, 0.02),
            timing=FAST,
        )
        chosen = proxy_settings(self.world, self.directory, settlement=settlement, chain=chain)
        proxy = Proxy(chosen)
        await proxy.start()
        self.it = ProxyWorld(self.world, self.directory, chosen.machine_key, proxy)
        record = proxy.books.client(CLIENT_OWNER)
        if record is not None:
            # What was signed once is in the store for ever.
            assert int(record.account.counter.db) >= self.signed
            assert int(record.account.funds.charged) <= int(record.account.counter.max)
        return self.it

    def note_signed(self) -> None:
        assert self.it is not None
        record = self.it.proxy.books.client(CLIENT_OWNER)
        if record is not None:
            self.signed = max(self.signed, int(record.account.counter.chain))

    async def kill(self) -> None:
        """No flush, no farewell: tasks end where they are and files are as they are."""
        assert self.it is not None
        self.note_signed()
        proxy = self.it.proxy
        assert proxy.onchain is not None
        settlement = proxy._settlement
        for task in (proxy.onchain._task, settlement._task):
            assert task is not None
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, CocoonError):
                await task
        await proxy.onchain._sender.close()
        for listener in proxy._listeners:
            await listener.close()
        settlement._store.close()
        settlement._thread.shutdown()

    async def step(self, what: str, number: int) -> None:
        assert self.it is not None
        proxy = self.it.proxy
        if what == "use":
            self.it.use(number)
        elif what == "pause":
            await asyncio.sleep(0.05)
        elif what == "restart":
            self.note_signed()
            await proxy.close()
            await self.begin()
        elif what == "flush":
            await self.or_death(proxy.flush())
        elif what == "settle":
            await self.or_death(proxy.settle(Due(charges=True, payouts=True)))
        else:
            self.fate.left, self.fate.after = number, what == "die after"
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.3):
                    await self.fate.died.wait()
            await self.kill()
            await self.begin()

    async def or_death(self, work: object) -> None:
        """Do it, or stop waiting because the proxy died meanwhile."""
        task = asyncio.ensure_future(work)  # type: ignore[arg-type]
        death = asyncio.ensure_future(self.fate.died.wait())
        await asyncio.wait({task, death}, return_when=asyncio.FIRST_COMPLETED)
        death.cancel()
        if not task.done():
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError, ChainError):
            await task


async def live(steps: list[tuple[str, int]], directory: Path) -> None:
    world = make_world()
    world.wallet(7)
    with world.chain:
        life = Life(world, directory)
        it = await life.begin()
        it.deploy_client()
        it.top_up(DEPOSIT)
        async with asyncio.timeout(5):
            while it.proxy.books.client(CLIENT_OWNER) is None:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        for what, number in steps:
            await life.step(what, number)
        await check_the_end(life)


async def check_the_end(life: Life) -> None:
    """Whatever happened: all that is counted is charged once and paid once."""
    it = life.it
    assert it is not None
    record = it.proxy.books.client(CLIENT_OWNER)
    assert record is not None
    assert int(record.account.counter.max) >= life.signed
    async with asyncio.timeout(10):
        while it.proxy.onchain is not None:
            await it.proxy.settle(Due(charges=True, payouts=True))
            used = int(record.account.counter.max)
            worker = it.proxy.books.open_worker(WORKER_OWNER)
            if int(record.account.funds.charged) == used and worker.paid == used:
                break
            await asyncio.sleep(0.05)
    state, ledger = it.client_state(), it.ledger()
    assert state.tokens_used == used
    assert state.balance == ledger.client_funds == DEPOSIT - used * PRICE
    assert (ledger.charged_total, ledger.paid_total) == (used * PRICE, used * PRICE)
    assert ledger.earned == 0
    rent = 1000  # the owner's account has no code and pays for its few bits
    received = it.world.balance(WORKER_OWNER)
    assert used * FEE - rent <= received <= used * FEE
    await it.proxy.close()


@settings(max_examples=10, deadline=None)
@given(STEPS)
def test_a_proxy_that_dies_anywhere(steps: list[tuple[str, int]]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        asyncio.run(live(steps, Path(directory)))
