"""The proxy's accounts with everything that belongs to them: contracts, secrets, signatures.

:mod:`cocoon.accounting` knows integers, :mod:`cocoon.chain` knows cells; here they meet. Only what
the ledger calls confirmed is ever signed (``onchain.md`` §12).
"""

import hashlib
from collections.abc import Callable, Iterator

from cocoon.accounting import (
    Account,
    AccountKind,
    ChannelSigner,
    Funds,
    Ledger,
    Nano,
    Row,
    Tokens,
)
from cocoon.accounting import Batch as LedgerBatch
from cocoon.chain.address import Address
from cocoon.chain.contracts.payment import CLIENT_CHARGE, WORKER_PAYOUT, PaymentWriter
from cocoon.chain.keys import SecretKey
from cocoon.chain.root_config import RootConfig
from cocoon.errors import OverloadedError
from cocoon.proxy.store import Batch, ClientRow, Snapshot, WorkerRow

MAX_ACCOUNTS = 100_000
"""Accounts of each kind; where opening one costs nothing (no chain), somebody must set an end."""
SIMULATED_FUNDS = Nano(10**6 * 10**9)
"""Balance and stake of every client while there is no chain (``onchain.md`` §15): 10⁶ TON."""
REOPENED = 3
"""State of a client whose contract is open again while usage of its former life is not charged: a
refund that was granted then could be published once more, so there is no credit before that."""
NO_SECRET_HASH = hashlib.sha256(b"").digest()
"""Secret hash of every client while there is no chain."""


class ClientRecord:
    """A client's account at this proxy.

    Attributes:
        account: its counter, funds and reservations.
        contract: its client contract.
        secret_hash: SHA-256 of the secret that proves who it is.
        state: state of the contract: 0 running, 1 closing, 2 closed; or ``REOPENED``.
        last_request_at: Unix seconds.
    """

    __slots__ = ("account", "contract", "last_request_at", "secret_hash", "signer", "state")

    def __init__(self, account: Account, contract: Address, signer: ChannelSigner) -> None:
        self.account = account
        self.contract = contract
        self.signer = signer
        self.secret_hash = NO_SECRET_HASH
        self.state = 0
        self.last_request_at = 0

    def row(self, used: Tokens, signable: Tokens) -> ClientRow:
        """The row to store at these counter levels."""
        funds = self.account.funds
        return ClientRow(
            owner=self.account.owner,
            contract=str(self.contract),
            used=int(used),
            signable=int(signable),
            charged=int(funds.charged),
            balance=int(funds.balance),
            stake=int(funds.stake),
            secret_hash=self.secret_hash,
            state=self.state,
            last_request_at=self.last_request_at,
        )


class WorkerRecord:
    """A worker owner's account at this proxy; attributes as in :class:`ClientRecord`."""

    __slots__ = ("account", "contract", "last_request_at", "paid", "signer")

    def __init__(self, account: Account, contract: Address, signer: ChannelSigner) -> None:
        self.account = account
        self.contract = contract
        self.signer = signer
        self.paid = 0
        self.last_request_at = 0

    def row(self, used: Tokens, signable: Tokens) -> WorkerRow:
        """The row to store at these counter levels."""
        return WorkerRow(
            owner=self.account.owner,
            contract=str(self.contract),
            used=int(used),
            signable=int(signable),
            paid=self.paid,
            last_request_at=self.last_request_at,
        )


class Books:
    """All accounts of one proxy contract.

    Args:
        root: the root configuration, which fixes the contracts' addresses.
        machine_key: the proxy's contract key.
        owner: the proxy operator's address; gets the excesses of what we publish ourselves.
        snapshot: what the store holds.
        new_query_id: random unsigned 64-bit numbers, one per signature.
        simulated: whether there is no chain: whoever connects then has an account with funds.

    Attributes:
        position: how far the proxy contract's transactions are taken into these books.
        simulated: as given.
    """

    def __init__(
        self,
        root: RootConfig,
        machine_key: SecretKey,
        owner: Address,
        snapshot: Snapshot,
        new_query_id: Callable[[], int],
        *,
        simulated: bool = True,
    ) -> None:
        self._root = root
        self.simulated = simulated
        self._key = machine_key
        self._owner = owner
        self._new_query_id = new_query_id
        self.contract = root.proxy_address(owner, machine_key.public_key)
        self.ledger = Ledger.restore(_ledger_rows(snapshot), snapshot.seqno)
        self.position = snapshot.position
        self._stored_position = snapshot.position
        self._clients: dict[str, ClientRecord] = {}
        self._workers: dict[str, WorkerRecord] = {}
        for row in snapshot.clients:
            self._restore_client(row)
        for worker in snapshot.workers:
            self._restore_worker(worker)

    @property
    def clients(self) -> Iterator[ClientRecord]:
        """Every client account."""
        return iter(self._clients.values())

    @property
    def workers(self) -> Iterator[WorkerRecord]:
        """Every worker account."""
        return iter(self._workers.values())

    def client(self, owner: Address) -> ClientRecord | None:
        """The account of a client, if it has one."""
        return self._clients.get(str(owner))

    def open_client(self, owner: Address) -> ClientRecord | None:
        """The account of a client that connects; None for one whose contract we do not know.

        Without a chain it is opened with simulated funds on first contact.

        Raises:
            OverloadedError: no more accounts can be opened.
        """
        record = self._clients.get(str(owner))
        if record is None and self.simulated:
            record = self.register_client(owner)
            record.account.funds = Funds(SIMULATED_FUNDS, SIMULATED_FUNDS)
        return record

    def register_client(self, owner: Address) -> ClientRecord:
        """The account of a client whose contract was seen on chain, opened if it is new.

        Raises:
            OverloadedError: no more accounts can be opened.
        """
        record = self._clients.get(str(owner))
        if record is None:
            if len(self._clients) >= MAX_ACCOUNTS:
                raise OverloadedError("this proxy takes no more clients")
            record = self._new_client(self.ledger.client(str(owner)), owner)
        return record

    def client_contract(self, owner: Address) -> Address:
        """Where a client's contract at this proxy lives."""
        return self._root.client_address(owner, self.contract, self._key.public_key)

    def worker_contract(self, owner: Address) -> Address:
        """Where a worker owner's contract at this proxy lives."""
        return self._root.worker_address(owner, self.contract, self._key.public_key)

    def open_worker(self, owner: Address) -> WorkerRecord:
        """The account of a worker's owner, opened on first contact.

        Raises:
            OverloadedError: no more accounts can be opened.
        """
        record = self._workers.get(str(owner))
        if record is None:
            if len(self._workers) >= MAX_ACCOUNTS:
                raise OverloadedError("this proxy takes no more workers")
            record = self._new_worker(self.ledger.worker(str(owner)), owner)
        return record

    def record(self, account: Account) -> ClientRecord | WorkerRecord:
        """The record around a ledger account."""
        if account.kind is AccountKind.CLIENT:
            return self._clients[account.owner]
        return self._workers[account.owner]

    def store_batch(self, batch: LedgerBatch) -> Batch:
        """A ledger batch as rows for the store."""
        clients: list[ClientRow] = []
        workers: list[WorkerRow] = []
        for row in batch.rows:
            if row.kind is AccountKind.CLIENT:
                clients.append(self._clients[row.owner].row(row.used, row.confirmed))
            else:
                workers.append(self._workers[row.owner].row(row.used, row.confirmed))
        return Batch(batch.seqno, tuple(clients), tuple(workers), self.position)

    @property
    def has_moved(self) -> bool:
        """Whether the chain has gone on since the last store."""
        return self.position != self._stored_position

    def stored(self, batch: Batch) -> None:
        """The store has this batch."""
        if batch.position is not None:
            self._stored_position = batch.position

    def _restore_client(self, row: ClientRow) -> None:
        record = self._new_client(self.ledger.client(row.owner), Address.parse(row.owner))
        record.account.funds = Funds(Nano(row.balance), Nano(row.stake), Tokens(row.charged))
        record.secret_hash = row.secret_hash
        record.state = row.state
        record.last_request_at = row.last_request_at

    def _restore_worker(self, row: WorkerRow) -> None:
        record = self._new_worker(self.ledger.worker(row.owner), Address.parse(row.owner))
        record.paid = row.paid
        record.last_request_at = row.last_request_at

    def _new_client(self, account: Account, owner: Address) -> ClientRecord:
        contract = self.client_contract(owner)
        signer = self._signer(account, CLIENT_CHARGE, contract)
        record = self._clients[account.owner] = ClientRecord(account, contract, signer)
        return record

    def _new_worker(self, account: Account, owner: Address) -> WorkerRecord:
        contract = self.worker_contract(owner)
        signer = self._signer(account, WORKER_PAYOUT, contract)
        record = self._workers[account.owner] = WorkerRecord(account, contract, signer)
        return record

    def _signer(self, account: Account, operation: int, contract: Address) -> ChannelSigner:
        writer = PaymentWriter(
            self._key,
            operation,
            address=contract,
            excesses=self._owner,
            next_query_id=self._new_query_id,
        )
        return ChannelSigner(account.counter, writer.envelope)


def _ledger_rows(snapshot: Snapshot) -> Iterator[Row]:
    for row in snapshot.clients:
        yield Row(AccountKind.CLIENT, row.owner, Tokens(row.used), Tokens(row.signable))
    for worker in snapshot.workers:
        yield Row(AccountKind.WORKER, worker.owner, Tokens(worker.used), Tokens(worker.signable))
