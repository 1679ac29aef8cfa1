"""One role's connection to TON while it runs: backend, outgoing queue and root configuration."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from cocoon.chain.address import Address
from cocoon.chain.backend import AccountState, ChainBackend
from cocoon.chain.cells import Cell
from cocoon.chain.root_config import RootConfig
from cocoon.chain.sender import WalletSender
from cocoon.errors import ChainDataError, DecodeError
from cocoon.net.chain_settings import ChainSettings
from cocoon.net.root_source import ChainRoot, FixedRoot, RootSource

S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Moment:
    """What all contracts of a role have in common when they are looked at.

    Attributes:
        now: time of the newest block, Unix seconds.
        wallet: nanoTON in our wallet.
    """

    now: int
    wallet: int


class ChainAccess:
    """Everything that a role needs of TON; started once, closed once.

    Args:
        settings: of the role.
        root: the root configuration that the role starts with.
        backend: a connection to use instead of the settings' own; stays the caller's.
        sleep: as ``asyncio.sleep``.

    Attributes:
        backend: the connection.
        sender: the wallet's queue.
        root: where the root configuration comes from.
        settings: of the role.
    """

    def __init__(
        self,
        settings: ChainSettings,
        root: RootConfig,
        *,
        backend: ChainBackend | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.settings = settings
        self.backend = settings.backend() if backend is None else backend
        self._owned = backend is None
        self.sender = WalletSender(
            self.backend, settings.wallet, timing=settings.timing, sleep=sleep
        )
        self.root: RootSource = (
            FixedRoot(root)
            if settings.root is None
            else ChainRoot(self.backend, settings.root, settings.root_interval, initial=root)
        )
        self.synced_at: int | None = None
        """Unix seconds of the newest block that was seen."""
        self.known_balance: int | None = None
        """NanoTON in our wallet when it was last looked at."""

    @property
    def wallet(self) -> Address:
        """Our wallet."""
        return self.settings.wallet.address

    async def start(self) -> None:
        """Connect; a chain that cannot be reached now is tried again later.

        Raises:
            ChainError: it is another network, or there is no root contract.
        """
        if self._owned:
            await self.backend.start()
        await self.root.start()

    async def close(self) -> None:
        """Disconnect; messages that wait are not sent."""
        await self.root.close()
        await self.sender.close()
        if self._owned:
            await self.backend.close()

    async def now(self) -> int:
        """Time of the newest block, Unix seconds.

        Raises:
            ChainError: the chain cannot be reached.
        """
        self.synced_at = (await self.backend.head()).time
        return self.synced_at

    async def moment(self) -> "Moment":
        """Time and our wallet, for decisions about several contracts at once.

        Raises:
            ChainError: the chain cannot be reached.
        """
        return Moment(await self.now(), await self.wallet_balance())

    async def wallet_balance(self) -> int:
        """Money in our wallet, nanoTON.

        Raises:
            ChainError: the chain cannot be reached.
        """
        self.known_balance = (await self.backend.account(self.wallet)).balance
        return self.known_balance

    async def contract(
        self, address: Address, parse: Callable[[Cell], S]
    ) -> tuple[AccountState, S | None]:
        """A contract's account and its parsed data; None while it is not deployed.

        Raises:
            ChainError: the chain cannot be reached.
            ChainDataError: what the backend says is not the data of such a contract.
        """
        account = await self.backend.account(address)
        if account.address != address:
            raise ChainDataError(f"asked for {address}, got {account.address}")
        if not account.is_active or account.data is None:
            return account, None
        try:
            return account, parse(account.data)
        except DecodeError as error:
            raise ChainDataError(f"contract {address}: {error}") from None

    @property
    def lag(self) -> float | None:
        """Seconds between our clock and the newest block that was seen; None before the first."""
        return None if self.synced_at is None else max(time.time() - self.synced_at, 0.0)

    def status(self) -> dict[str, int]:
        """The official fields of a status page (``wire-protocol.md`` §5.3)."""
        return {
            "wallet_balance": self.known_balance or 0,
            "ton_last_synced_at": self.synced_at or 0,
        }

    def wallet_object(self) -> dict[str, str | int]:
        """Our wallet for a status page."""
        address = self.wallet.friendly(testnet=self.backend.is_testnet)
        return {"address": address, "balance": self.known_balance or 0}

    def gauges(self) -> dict[str, float]:
        """Numbers for Prometheus, without a role's prefix."""
        return {
            "wallet_nanoton": self.known_balance or 0,
            "chain_synced_at_seconds": self.synced_at or 0,
            "root_version": self.root.current.version,
            "root_is_fresh": int(self.root.is_fresh),
        }
