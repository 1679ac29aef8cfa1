"""The demo's money on chain: one charge, one payout, and the balances on both sides of them."""

import asyncio
import time
from dataclasses import asdict, dataclass
from typing import Any

from cocoon.chain.backend import ChainBackend
from cocoon.devnet.balances import Balances, Contracts, read_balances
from cocoon.devnet.chain_control import ChainControl, Json
from cocoon.devnet.coins import Supply, count_coins
from cocoon.devnet.http import call
from cocoon.errors import ChainError, PaymentError, UnavailableError

SETTLE_TIMEOUT = 20.0
CALL_TIMEOUT = 15.0
POLL_INTERVAL = 0.1
CHARGE, PAYOUT = "ext_client_charge_signed", "payout"


@dataclass(frozen=True, slots=True)
class Movement:
    """A transaction that moved money.

    Attributes:
        hash: of the transaction, hex.
        block: its number.
        amount: nanoTON.
    """

    hash: str
    block: int
    amount: int


@dataclass(frozen=True, slots=True)
class Settled:
    """What was settled on chain.

    Attributes:
        before, after: balances.
        charge: of the client.
        payout: to the worker's owner.
        supply: every coin of the chain afterwards.
    """

    before: Balances
    after: Balances
    charge: Movement
    payout: Movement
    supply: Supply

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self) | {"supply": asdict(self.supply) | {"missing": self.supply.missing}}


class Settlement:
    """Makes the proxies of a devnet settle, and watches the chain meanwhile.

    Args:
        backend: the chain.
        control: the same chain, as the devnet's.
        where: addresses of the contracts.
        proxies: URLs of the proxies' control pages.
    """

    def __init__(
        self,
        backend: ChainBackend,
        control: ChainControl,
        where: Contracts,
        proxies: tuple[str, ...],
    ) -> None:
        self._backend = backend
        self._control = control
        self._where = where
        self._proxies = proxies
        self._block = 0
        self._before: Balances | None = None

    async def begin(self) -> None:
        """Remember the balances before.

        Raises:
            ChainError: the chain does not answer.
        """
        self._block = await self._control.last_block()
        self._before = await read_balances(self._backend, self._where)

    async def finish(self, cost: int, fee: int) -> Settled:
        """Charge the client, pay the worker, and wait until the chain shows both.

        Args:
            cost: nanoTON that the client must be charged at least.
            fee: nanoTON that the workers must be paid at least.

        Raises:
            ChainError: the chain does not answer.
            PaymentError: it is not settled in time.
        """
        if self._before is None:
            raise PaymentError("the balances before were not read")
        for order in ("charge", "payout"):
            await asyncio.gather(*(self._order(url, order) for url in self._proxies))
        limit = time.monotonic() + SETTLE_TIMEOUT
        while True:
            news = [item for item in await self._control.recent() if item["block"] > self._block]
            after = await read_balances(self._backend, self._where)
            charged = self._before.client_deposit - after.client_deposit
            charge, payout = self._charge(news, charged), self._payout(news)
            if charge and payout and charged >= cost and payout.amount >= fee:
                supply = await count_coins(self._control)
                return Settled(self._before, after, charge, payout, supply)
            if time.monotonic() > limit:
                raise PaymentError(
                    f"after {SETTLE_TIMEOUT:.0f} s the chain shows a charge of {charged} and a "
                    f"payout of {payout.amount if payout else 0} nanoTON instead of {cost} and "
                    f"{fee}"
                )
            await asyncio.sleep(POLL_INTERVAL)

    async def _order(self, url: str, order: str) -> None:
        try:
            answer = await call("POST", f"{url}/request/{order}", CALL_TIMEOUT)
        except UnavailableError as error:
            raise ChainError(f"a proxy cannot settle: {error}") from None
        if answer.status != 200:
            reason = answer.body.decode(errors="replace").strip()
            raise ChainError(f"a proxy cannot settle: {reason}")

    def _charge(self, news: list[Json], amount: int) -> Movement | None:
        contracts = {address.raw() for address in self._where.clients}
        found = [
            item for item in news if item["operation"] == CHARGE and item["account"] in contracts
        ]
        return Movement(found[0]["hash"], found[0]["block"], amount) if found else None

    def _payout(self, news: list[Json]) -> Movement | None:
        owners = {address.raw() for address in self._where.worker_owners}
        found = [item for item in news if item["operation"] == PAYOUT and item["account"] in owners]
        if not found:
            return None
        return Movement(found[0]["hash"], found[0]["block"], sum(item["value"] for item in found))
