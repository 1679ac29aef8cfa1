"""What the client has prepaid at each proxy, and what of it is used."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cocoon.accounting import Nano
from cocoon.client import Client as NetworkClient
from cocoon.client.chain.money import ClientMoney
from cocoon.client.chain.report import ContractReport
from cocoon.errors import ChainError, ConfigError
from cocoon.sdk.session import Session

if TYPE_CHECKING:
    from rich.table import Table


@dataclass(frozen=True, slots=True)
class ProxyBalance:
    """Money at one proxy; amounts in nanoTON.

    Attributes:
        proxy: address of its contract, friendly form.
        contract: address of our contract there.
        ready: whether a connection to it can take requests now.
        deposit: prepaid there and not yet charged on chain; None with simulated TON.
        used: of everything ever used there, what it costs.
        free: what still pays for work; None with simulated TON.
    """

    proxy: str
    contract: str
    ready: bool
    deposit: Nano | None
    used: Nano
    free: Nano | None

    def __str__(self) -> str:
        state = "connected" if self.ready else "not connected"
        prepaid = f"prepaid {_ton(self.deposit)}"
        if self.free is not None:
            prepaid += f", {self.free.ton()} of it free"
        return f"{self.proxy} ({state}): {prepaid}; used so far {self.used.ton()}"


@dataclass(frozen=True, slots=True)
class Balance:
    """Money at all proxies; iterate, print or read the sums."""

    proxies: tuple[ProxyBalance, ...]

    def __iter__(self) -> Iterator[ProxyBalance]:
        return iter(self.proxies)

    def __len__(self) -> int:
        return len(self.proxies)

    @property
    def used(self) -> Nano:
        """What was used, at all proxies."""
        return sum((item.used for item in self.proxies), Nano(0))

    @property
    def free(self) -> Nano | None:
        """What still pays for work, at all proxies; None with simulated TON."""
        known = [item.free for item in self.proxies if item.free is not None]
        return sum(known, Nano(0)) if known else None

    def __str__(self) -> str:
        if not self.proxies:
            return "nothing is prepaid: no proxy was ever connected"
        return "\n".join(str(item) for item in self.proxies)

    def __rich__(self) -> "Table":
        from rich.table import Table  # noqa: PLC0415 - only where somebody prints it

        table = Table("proxy", "prepaid", "free of that", "used so far")
        for item in self.proxies:
            table.add_row(item.proxy, _ton(item.deposit), _ton(item.free), item.used.ton())
        return table


async def read_balance(session: Session) -> Balance:
    """Ask the proxies what is used, and the chain what is prepaid.

    Raises:
        ConfigError: the client is not a client of the network, such as one of a test.
    """
    client = network_client(session)
    accounts = await client.payment_status()
    reports = {} if client.money is None else await _on_chain(client.money)
    found = []
    for account in accounts:
        report = reports.get(account.contract)
        found.append(
            ProxyBalance(
                account.proxy,
                account.contract,
                account.ready,
                None if report is None else Nano(report.balance),
                account.max_cost,
                None if report is None else Nano(max(0, report.unspent)),
            )
        )
    return Balance(tuple(found))


async def _on_chain(money: ClientMoney) -> dict[str, ContractReport]:
    """Our contracts as the chain shows them now, or did last where it does not answer."""
    for one in money.report():
        with contextlib.suppress(ChainError):
            await money.look(one.contract_address)
    return {one.contract: one for one in money.report()}


def network_client(session: Session) -> NetworkClient:
    """The session's client, where it is one of the network.

    Raises:
        ConfigError: it is not.
    """
    client = session.client
    if not isinstance(client, NetworkClient):
        raise ConfigError("this needs a client that is connected to the network itself")
    return client


def _ton(amount: Nano | None) -> str:
    return "simulated" if amount is None else amount.ton()
