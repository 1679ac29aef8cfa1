"""Watches the operator's wallet and credits transfers that name a top-up.

What the chain backend says is believed as far as its docstring tells: a service that takes real
money reads the chain through liteservers or an indexer that it trusts.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable

import structlog

from cocoon.chain.address import Address
from cocoon.chain.backend import ChainBackend
from cocoon.errors import CocoonError
from cocoon.telegram.accounts import Accounts
from cocoon.telegram.accounts.values import Topup
from cocoon.telegram.payments.incoming import Until, read_incoming
from cocoon.telegram.payments.transfer_request import TransferRequest, transfer_request

CLOCKS_APART = 3600
"""Seconds by which our clock may be ahead of the chain's."""
MAX_PAUSE = 60.0
"""Seconds between two looks while the chain cannot be read."""
OnPaid = Callable[[Topup], Awaitable[None]]

_log = structlog.get_logger()


class TonTopups:
    """Top-ups with TON.

    A transfer is credited by what arrived, once by its transaction's hash; its credit and how far
    was read are one transaction of the store, so that nothing is lost or credited twice wherever
    the process dies.

    Args:
        accounts: started; who gets the money.
        backend: the chain; started, stays the caller's.
        address: where top-ups go. Nobody needs its key here.
        poll: seconds between two looks.
        on_paid: is told of each top-up that money came for, after it is credited. A crash just
            then loses the message, not the money.
        clock: Unix seconds.

    Attributes:
        read_at: when the wallet was last read, Unix seconds; None before the first time.
    """

    def __init__(
        self,
        accounts: Accounts,
        backend: ChainBackend,
        address: Address,
        poll: float = 5.0,
        *,
        on_paid: OnPaid | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._accounts = accounts
        self._backend = backend
        self._address = address
        self._poll = poll
        self._on_paid = on_paid
        self._clock = clock
        self._task: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self.read_at: float | None = None

    def start(self) -> None:
        """Begin to watch; a chain that cannot be read now is tried again."""
        self._task = asyncio.create_task(self._watch(), name="telegram-topups")

    async def close(self) -> None:
        """Stop watching; a transaction of the store that was begun is finished by its thread."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def look_soon(self) -> None:
        """Look at once instead of at the next time; for somebody who says to have paid."""
        self._wake.set()

    def transfer_request(self, topup: Topup) -> TransferRequest:
        """What to ask a wallet for."""
        return transfer_request(
            topup, self._address, testnet=self._backend.is_testnet, now=self._clock()
        )

    async def look(self) -> list[Topup]:
        """Read what is new and credit it.

        Returns:
            The top-ups that money came for.

        Raises:
            ChainError: the chain cannot be read, or contradicts itself; nothing was credited.
            StoreError: the store does not work; nothing was credited, or it will be seen as known.
        """
        name = self._address.raw()
        known = await self._accounts.read_cursor(name)
        since = 0 if known is not None else await self._first_topup()
        found = await read_incoming(self._backend, self._address, Until(known, since))
        self.read_at = self._clock()
        if found.cursor is None:
            return []
        return await self._accounts.credit_transfers(name, known, found.cursor, found.transfers)

    async def _first_topup(self) -> int:
        """Nothing older than the first top-up can be for one."""
        oldest = await self._accounts.oldest_topup("ton")
        return (int(self._clock()) if oldest is None else oldest) - CLOCKS_APART

    async def _watch(self) -> None:
        pause = self._poll
        while True:
            try:
                for topup in await self.look():
                    await self._tell(topup)
                pause = self._poll
            except Exception as error:  # a mistake of ours must not end the watch either
                pause = min(max(pause, self._poll) * 2, max(MAX_PAUSE, self._poll))
                reason = str(error) if isinstance(error, CocoonError) else type(error).__name__
                _log.warning("telegram.topups.unreadable", error=reason, pause=pause)
                await self._count("topups_unreadable")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), pause)
            self._wake.clear()

    async def _tell(self, topup: Topup) -> None:
        if self._on_paid is None:
            return
        try:
            await self._on_paid(topup)
        except Exception as error:
            _log.warning("telegram.topups.untold", error=type(error).__name__)

    async def _count(self, code: str) -> None:
        with contextlib.suppress(CocoonError):
            await self._accounts.count_failure(code)
