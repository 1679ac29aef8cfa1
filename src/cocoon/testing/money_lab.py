"""A network's money contracts on a real virtual machine, with every coin counted.

:class:`MoneyLab` holds one proxy contract, any number of client and worker contracts, and people
who are plain addresses: the embedded chain can play any sender. After each message
:meth:`MoneyLab.check` proves the invariants of ``contracts/proxy/SPEC.md``.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from cocoon.chain import opcodes
from cocoon.chain.address import Address
from cocoon.chain.backend import AccountStatus
from cocoon.chain.cells import EMPTY_CELL, Cell
from cocoon.chain.contracts.client import client_data
from cocoon.chain.contracts.client_state import ClientState
from cocoon.chain.contracts.code import load_code
from cocoon.chain.contracts.params import ContractParams
from cocoon.chain.contracts.payment import SignedPayment, sign_payment
from cocoon.chain.contracts.proxy import proxy_data
from cocoon.chain.contracts.proxy_messages import increase_stake
from cocoon.chain.contracts.proxy_state import ProxyLedger, ProxyState
from cocoon.chain.contracts.state_init import contract_address, state_init
from cocoon.chain.contracts.worker import worker_data
from cocoon.chain.contracts.worker_state import WorkerState
from cocoon.chain.embedded.chain import EmbeddedChain
from cocoon.chain.embedded.records import ChainTransaction
from cocoon.chain.embedded.snapshots import Snapshot
from cocoon.chain.keys import SecretKey
from cocoon.testing.chain import TON
from cocoon.testing.contracts import Outcome


def someone(number: int) -> Address:
    """An address that nobody else has; only its balance matters."""
    return Address(number.to_bytes(32, "big"))


OPERATOR, SUBMITTER, STRANGER = someone(0x0B01), someone(0x0B02), someone(0x0B03)
CLIENT_OWNER, OTHER_CLIENT_OWNER = someone(0x0C01), someone(0x0C02)
WORKER_OWNER, OTHER_WORKER_OWNER = someone(0x0D01), someone(0x0D02)
ROOT = someone(0x0E01)

PARAMS = ContractParams(
    struct_version=3,
    params_version=5,
    unique_id=17,
    is_test=False,
    price_per_token=20,
    worker_fee_per_token=14,
    prompt_multiplier=10_000,
    cached_multiplier=1_000,
    completion_multiplier=80_000,
    reasoning_multiplier=80_000,
    proxy_delay_before_close=86_400,
    client_delay_before_close=43_200,
    min_proxy_stake=TON,
    min_client_stake=15 * TON,
    proxy_code=EMPTY_CELL,
    worker_code=EMPTY_CELL,
    client_code=EMPTY_CELL,
)
"""Those of ``onchain.md`` §19, but for the codes, which are the shipped ones."""


@dataclass(frozen=True)
class Contract:
    """A contract that the lab knows.

    Args:
        address: where it is.
        init: state that deploys it.
        owner: whose it is.
    """

    address: Address
    init: Cell
    owner: Address


@dataclass(frozen=True)
class Totals:
    """What the lab has seen.

    Args:
        made: nanoTON that came out of nothing.
        fees: nanoTON that validators got.
    """

    made: int = 0
    fees: int = 0


@dataclass(frozen=True)
class LabSnapshot:
    """A lab at one moment; made by :meth:`MoneyLab.snapshot`."""

    chain: Snapshot
    totals: Totals
    clients: tuple[Contract, ...]
    workers: tuple[Contract, ...]
    watched: frozenset[Address]
    query: int


class MoneyLab:
    """One proxy's money.

    Args:
        chain: an empty chain, with its clock frozen.
        changes: to :data:`PARAMS`.
        proxy_seed: the machine key.
    """

    def __init__(
        self, chain: EmbeddedChain, *, proxy_seed: bytes = bytes([7]) * 32, **changes: Any
    ) -> None:
        self.chain = chain
        self.key = SecretKey(proxy_seed)
        self.params = replace(
            PARAMS,
            proxy_code=load_code("proxy"),
            worker_code=load_code("worker"),
            client_code=load_code("client"),
        )
        self.params = replace(self.params, **changes)
        data = proxy_data(self.params, OPERATOR, self.key.public_key, ROOT)
        self.proxy = self._contract("proxy", data, OPERATOR)
        self.clients: list[Contract] = []
        self.workers: list[Contract] = []
        self.totals = Totals()
        self._watched = {OPERATOR, SUBMITTER, STRANGER, self.proxy.address}
        self._query = 0

    # Going back

    def snapshot(self) -> "LabSnapshot":
        """Everything as it is now."""
        return LabSnapshot(
            self.chain.snapshot(),
            self.totals,
            tuple(self.clients),
            tuple(self.workers),
            frozenset(self._watched),
            self._query,
        )

    def restore(self, snapshot: "LabSnapshot") -> None:
        """Go back to a snapshot of this lab."""
        self.chain.restore(snapshot.chain)
        self.totals = snapshot.totals
        self.clients, self.workers = list(snapshot.clients), list(snapshot.workers)
        self._watched, self._query = set(snapshot.watched), snapshot.query

    # Contracts

    def client(self, owner: Address = CLIENT_OWNER, *, value: int = 800_000_000) -> Contract:
        """The client contract of this owner; deployed with this value unless it is zero."""
        data = client_data(self.params, owner, self.proxy.address, self.key.public_key)
        contract = self._contract("client", data, owner)
        self._know(contract, self.clients, value)
        return contract

    def worker(self, owner: Address = WORKER_OWNER, *, value: int = 300_000_000) -> Contract:
        """The worker contract of this owner, likewise."""
        data = worker_data(self.params, owner, self.proxy.address, self.key.public_key)
        contract = self._contract("worker", data, owner)
        self._know(contract, self.workers, value)
        return contract

    def deploy_proxy(self, *, stake: int = TON, value: int = 300_000_000) -> None:
        """Deploy the proxy contract, and give it this stake unless that is zero."""
        self.deploy(self.proxy, value)
        if stake:
            body = increase_stake(self.query(), stake, OPERATOR)
            self.send(OPERATOR, self.proxy.address, stake + TON, body)

    def deploy(self, contract: Contract, value: int) -> Outcome:
        """Deploy a contract with an empty message."""
        return self.send(contract.owner, contract.address, value, init=contract.init, bounce=False)

    # Doing

    def query(self) -> int:
        """The next query id."""
        self._query += 1
        return self._query

    def send(
        self,
        source: Address,
        dest: Address,
        value: int,
        body: Cell = EMPTY_CELL,
        *,
        init: Cell | None = None,
        bounce: bool = True,
    ) -> Outcome:
        """Send a message and run all that it causes, or as much as the chain's limit allows."""
        self._watched |= {source, dest}
        self.totals = replace(self.totals, made=self.totals.made + value)
        return self._count(
            self.chain.faucet(dest, value, body=body, init=init, bounce=bounce, source=source)
        )

    def tick(self) -> Outcome:
        """Run what waits."""
        return self._count(self.chain.tick())

    def advance(self, seconds: int) -> Outcome:
        """Let time pass; a block is made, which runs what waits."""
        return self._count(self.chain.block_transactions(self.chain.advance(seconds).seqno))

    def settle(self) -> None:
        """Run until nothing waits; for chains with a limit."""
        while self.tick().transactions:
            pass

    def payment(self, operation: int, contract: Contract, tokens: int) -> SignedPayment:
        """A payment signed with the machine key; leftovers go to :data:`SUBMITTER`."""
        return sign_payment(
            self.key,
            operation,
            query_id=self.query(),
            tokens=tokens,
            address=contract.address,
            excesses=SUBMITTER,
        )

    def pay(
        self, operation: int, contract: Contract, tokens: int, value: int = 700_000_000
    ) -> Outcome:
        """Sign a payment and submit it."""
        body = self.payment(operation, contract, tokens).body()
        return self.send(SUBMITTER, contract.address, value, body)

    def charge(self, client: Contract, tokens: int) -> Outcome:
        """Charge a client up to this counter."""
        return self.pay(opcodes.EXT_CLIENT_CHARGE_SIGNED, client, tokens)

    def payout(self, worker: Contract, tokens: int) -> Outcome:
        """Pay a worker up to this counter."""
        return self.pay(opcodes.EXT_WORKER_PAYOUT_REQUEST_SIGNED, worker, tokens)

    # Reading

    def balance(self, address: Address) -> int:
        """NanoTON of an account."""
        return self.chain.account(address).balance

    def books(self) -> ProxyState:
        """State of the proxy contract."""
        return ProxyState.from_data(self._data(self.proxy))

    def ledger(self) -> ProxyLedger:
        """Ledger of the proxy contract; all zero before its first operation."""
        return self.books().ledger or ProxyLedger()

    def client_state(self, client: Contract) -> ClientState:
        """State of a client contract."""
        return ClientState.from_data(self._data(client))

    def worker_state(self, worker: Contract) -> WorkerState:
        """State of a worker contract."""
        return WorkerState.from_data(self._data(worker))

    def owed_to_clients(self) -> int:
        """What the client contracts say that the pool holds for clients and of their charges."""
        total = 0
        for client in self.clients:
            if self.chain.account(client.address).is_active:
                state = self.client_state(client)
                total += state.balance + (state.ledger.unsettled if state.ledger else 0)
        return total

    # Checking

    def check(self) -> None:
        """Every coin is somewhere, the pool covers what it owes, the books agree.

        Raises:
            AssertionError: otherwise.
        """
        held = sum(self.balance(address) for address in self._watched)
        assert held + self.totals.fees == self.totals.made, (
            f"coins lost or made: {self.totals.made - held - self.totals.fees}"
        )
        if self.chain.account(self.proxy.address).status is not AccountStatus.ACTIVE:
            return
        books, ledger = self.books(), self.ledger()
        owed = ledger.client_funds + ledger.earned + books.balance + books.stake
        assert owed <= self.balance(self.proxy.address), "the pool does not cover what it owes"
        assert ledger.client_funds == self.owed_to_clients(), "clients' money does not add up"
        assert ledger.charged_total == ledger.paid_total + ledger.earned, "earnings do not add up"

    # Internals

    def _contract(self, name: str, data: Cell, owner: Address) -> Contract:
        code = load_code(name)
        return Contract(contract_address(code, data), state_init(code, data), owner)

    def _know(self, contract: Contract, known: list[Contract], value: int) -> None:
        self._watched |= {contract.address, contract.owner}
        if contract not in known:
            known.append(contract)
        if value:
            self.deploy(contract, value)

    def _data(self, contract: Contract) -> Cell:
        data = self.chain.account(contract.address).data
        assert data is not None, "the contract is not deployed"
        return data

    def _count(self, block: Sequence[ChainTransaction]) -> Outcome:
        """Add up the fees: those of the transactions, and those that messages brought along."""
        outcome = Outcome(tuple(transaction.parsed for transaction in block))
        fees = 0
        for transaction in outcome.transactions:
            fees += transaction.total_fees
            if transaction.in_message is not None:
                fees += transaction.in_message.forward_fee
            self._watched |= {m.dest for m in transaction.out_messages if m.dest is not None}
        self.totals = replace(self.totals, fees=self.totals.fees + fees)
        return outcome
