"""What is to be sent now, as messages: refunds, charges, payouts, commission, the last step."""

from collections.abc import Iterable
from dataclasses import dataclass

from cocoon.accounting import PriceList
from cocoon.chain.address import Address
from cocoon.chain.backend import ChainBackend
from cocoon.chain.contracts.fields import ContractPhase
from cocoon.chain.contracts.payment import MAX_TOKENS
from cocoon.chain.contracts.proxy_state import ProxyState
from cocoon.chain.contracts.worker_state import WorkerState
from cocoon.chain.message import OutMessage
from cocoon.proxy.books import Books, ClientRecord, WorkerRecord
from cocoon.proxy.onchain import due
from cocoon.proxy.onchain.holds import Holds
from cocoon.proxy.onchain.messages import ProxyMessages
from cocoon.proxy.onchain.settings import SettlementSettings

MAX_PER_ROUND = 16
"""Messages of one kind in a round: the next round knows what they did."""


@dataclass(frozen=True, slots=True)
class Due:
    """What shall be sent whatever the thresholds.

    Attributes:
        charges, payouts, commission: everything of that kind that is above zero.
    """

    charges: bool = False
    payouts: bool = False
    commission: bool = False


NOTHING = Due()


class Outbox:
    """Makes the messages; sends nothing.

    Args:
        books: the accounts.
        prices: of the contract.
        settings: thresholds.
        messages: signs and builds.
        backend: tells whether a worker's contract is there.
        holds: contracts that are left alone.
    """

    def __init__(
        self,
        books: Books,
        prices: PriceList,
        settings: SettlementSettings,
        messages: ProxyMessages,
        backend: ChainBackend,
        holds: Holds,
    ) -> None:
        self._books = books
        self._prices = prices
        self._settings = settings
        self._messages = messages
        self._backend = backend
        self._holds = holds
        self._closed_workers: set[Address] = set()
        self._ungrantable: set[Address] = set()

    def refunds(self, *, everybody: bool) -> list[OutMessage]:
        """Refunds of clients that close, or of all because the proxy retires."""
        wanted = due.refunds(self._books, everybody=everybody)
        records = self._free_clients(
            r for r in wanted if r.contract not in self._ungrantable or due.uncharged(r)
        )
        return [self._messages.grant_refund(record) for record in records]

    def cannot_be_granted(self, contract: Address) -> None:
        """This contract takes no refund: reopened, and nothing was used since.

        Its owner waits and takes the money alone.
        """
        self._ungrantable.add(contract)

    def charges(self, state: ProxyState, asked: Due) -> list[OutMessage]:
        """Charges that are worth it, and the largest others if workers wait for their money."""
        threshold = 0 if asked.charges else self._settings.charge_value
        wanted = list(due.charges(self._books, self._prices, threshold))
        missing = self._missing(state, asked) - sum(map(due.uncharged, wanted))
        if missing > 0:  # else nobody looks at all the small ones
            wanted += self._largest_others({id(record) for record in wanted}, missing)
        granted = {id(record) for record in due.refunds(self._books)}
        records = self._free_clients(r for r in wanted if id(r) not in granted)
        return [self._messages.charge(record) for record in records]

    def _largest_others(self, but: set[int], missing: int) -> list[ClientRecord]:
        """The clients with the largest charges, until so many tokens are there."""
        found: list[ClientRecord] = []
        others = sorted(due.charges(self._books, self._prices, 0), key=due.uncharged, reverse=True)
        for record in others:
            if missing <= 0:
                break
            if id(record) not in but:
                found.append(record)
                missing -= due.uncharged(record)
        return found

    async def payouts(self, state: ProxyState, asked: Due, *, last: bool) -> list[OutMessage]:
        """Payouts of what the charges on chain cover; the rest waits for more charges.

        Args:
            state: of the proxy contract.
            asked: whatever the thresholds.
            last: pay everybody everything and close every worker's contract, once nothing runs any
                more that could earn it something: the proxy retires.

        Raises:
            ChainError: a worker's contract cannot be read.
        """
        covered = self._covered(state)
        ended = last and not due.is_busy(self._books)
        messages: list[OutMessage] = []
        for record in self._free_workers(asked, last=last):
            message = await self._payout(record, covered, last=ended)
            if message is not None:
                messages.append(message)
                covered -= min(covered, due.unpaid(record))
            if len(messages) == MAX_PER_ROUND:
                break
        return messages

    def commission(self, state: ProxyState, asked: Due) -> list[OutMessage]:
        """The operator's commission."""
        worth = asked.commission or state.balance >= self._settings.commission_value
        if state.balance and worth and self._holds.is_free(self._books.contract):
            return [self._messages.withdraw_commission()]
        return []

    async def completion(self, state: ProxyState) -> list[OutMessage]:
        """The last step of a retirement, once everybody has theirs and the delay is over.

        Afterwards this proxy's books are put away, and with them what offline workers were not
        told: whoever can be paid is paid before.

        Raises:
            ChainError: the time on chain cannot be read.
        """
        waits = any(due.has_money(record) for record in self._books.clients)
        unpaid = self._covered(state) and any(
            due.unpaid(record) and record.contract not in self._closed_workers
            for record in self._books.workers
        )
        if waits or unpaid or not self._holds.is_free(self._books.contract):
            return []
        head = await self._backend.head()
        return [] if head.time < state.unlock_time else [self._messages.close_complete()]

    def _free_clients(self, records: Iterable[ClientRecord]) -> list[ClientRecord]:
        free = [record for record in records if self._holds.is_free(record.contract)]
        return free[:MAX_PER_ROUND]

    def _free_workers(self, asked: Due, *, last: bool) -> list[WorkerRecord]:
        threshold = 0 if asked.payouts or last else self._settings.payout_value
        wanted = due.payouts(self._books, self._prices, threshold)
        if last:
            wanted = due.earners(self._books)
        return [
            record
            for record in wanted
            if self._holds.is_free(record.contract) and record.contract not in self._closed_workers
        ]

    def _missing(self, state: ProxyState, asked: Due) -> int:
        """Tokens of due payouts that the charges on chain do not cover."""
        if not self._messages.are_ours:
            return 0
        wanted = sum(map(due.unpaid, self._free_workers(asked, last=False)))
        return wanted - self._covered(state)

    def _covered(self, state: ProxyState) -> int:
        """Tokens that can be paid from charges on chain; our contracts pay no more than that."""
        price = int(self._prices.price_per_token)
        earned = state.ledger.earned if state.ledger else 0
        return earned // price if price and self._messages.are_ours else MAX_TOKENS

    async def _payout(self, record: WorkerRecord, covered: int, *, last: bool) -> OutMessage | None:
        wanted = due.unpaid(record)
        account = await self._backend.account(record.contract)
        if last and covered >= wanted:
            if not account.is_active or account.data is None:
                return self._messages.payout(record, deploy=True) if wanted else None
            if WorkerState.from_data(account.data).phase is ContractPhase.CLOSED:
                self._closed_workers.add(record.contract)
                return None
            return self._messages.last_payout(record)
        if not covered or not wanted:
            return None
        limit = covered if covered < wanted else None
        return self._messages.payout(record, limit=limit, deploy=not account.is_active)
