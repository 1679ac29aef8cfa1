"""What a client must not forget about its contracts: intents, goals and past deposits.

A deposit is written down before its message leaves and crossed out only when the chain shows how
it ended. After a crash the open intent is looked up on chain first, so that no shortage is ever
paid twice. The file holds nothing secret, but lists where our money is.
"""

from collections.abc import Iterable
from pathlib import Path

import msgspec

from cocoon.chain.address import Address
from cocoon.client.chain.limits import DAY
from cocoon.errors import DecodeError, StoreError
from cocoon.net.state_file import read_state, write_state

RECORDS_NAME = "client-contracts.json"
MAX_CONTRACTS = 10_000
MAX_DEPOSITS = 10_000
"""Past deposits that are kept one by one; older ones only as a sum."""

RUN = "run"
CLOSE = "close"


class Intent(msgspec.Struct):
    """A deposit on its way.

    Attributes:
        query_id: its number in all its messages.
        amount: nanoTON.
        since: logical time of our contract's last transaction before it.
        not_after: Unix seconds, by the chain's clock, after which its message cannot be accepted
            any more; 0 while the process that made it may still be sending.
        automatic: counts against the limits.
        first_seen: Unix seconds when our contract took it; 0 before.
    """

    query_id: int
    amount: int
    since: int
    not_after: int = 0
    automatic: bool = True
    first_seen: int = 0


class ContractRecord(msgspec.Struct):
    """One contract of ours.

    Attributes:
        proxy: raw address of the proxy's contract.
        proxy_key: its machine key, hex.
        params_version: of the root when it was made.
        goal: ``run`` or ``close``.
        reason: why it is to be closed.
        leave_since: Unix seconds since when it is to be closed without anybody having asked.
        finished: closed and empty; kept for the history.
        intent: a deposit on its way.
        last_transaction: hash of our wallet's last transaction for it, hex.
        seen: logical time of its newest transaction that we know of; older states are not believed.
    """

    proxy: str
    proxy_key: str
    params_version: int
    goal: str = RUN
    reason: str = ""
    leave_since: int = 0
    finished: bool = False
    intent: Intent | None = None
    last_transaction: str = ""
    seen: int = 0


class Deposit(msgspec.Struct, array_like=True):
    """One automatic deposit: Unix seconds, nanoTON, query id, and whether it moved money."""

    time: int
    amount: int
    query_id: int
    paid: bool = True


class _File(msgspec.Struct):
    version: int
    contracts: dict[str, ContractRecord]
    deposits: list[Deposit]
    older_deposits: int = 0


class Records:
    """All contracts of one client.

    Args:
        directory: where the file is; None keeps everything in memory.

    Raises:
        StoreError: the file is there and cannot be used.
    """

    def __init__(self, directory: Path | None) -> None:
        self._path = None if directory is None else directory / RECORDS_NAME
        file = None if self._path is None else read_state(self._path, _File)
        if file is None:
            file = _File(1, {}, [])
        if file.version != 1:
            raise StoreError(f"{self._path} has version {file.version}; this program knows 1")
        self._file = file
        try:
            self._contracts = {Address.parse(key): file.contracts[key] for key in file.contracts}
        except DecodeError as error:
            raise StoreError(f"{self._path}: {error}") from None

    def save(self) -> None:
        """Write the file; on disk when this returns.

        Raises:
            StoreError: it cannot be written.
        """
        if self._path is not None:
            write_state(self._path, self._file)

    @property
    def contracts(self) -> tuple[Address, ...]:
        """Every contract that was ever noted."""
        return tuple(self._contracts)

    def get(self, contract: Address) -> ContractRecord | None:
        """The record of a contract, or None."""
        return self._contracts.get(contract)

    def note(
        self, contract: Address, *, proxy: Address, proxy_key: bytes, params_version: int
    ) -> ContractRecord:
        """The record of a contract, made and saved if it is new.

        Raises:
            StoreError: it cannot be saved, or there are too many.
        """
        record = self._contracts.get(contract)
        if record is not None:
            return record
        if len(self._contracts) >= MAX_CONTRACTS:
            raise StoreError(f"{MAX_CONTRACTS} contracts are known, too many")
        record = ContractRecord(proxy.raw(), proxy_key.hex(), params_version)
        self._contracts[contract] = record
        self._file.contracts[contract.raw()] = record
        self.save()
        return record

    # --- deposits ---

    def deposited(self, now: int) -> tuple[int, int]:
        """Automatic deposits in nanoTON: within 24 hours before ``now``, and ever.

        Those of a day count even if they are said to have failed: a lying server may say so.
        """
        deposits = self._file.deposits
        today = sum(deposit.amount for deposit in deposits if deposit.time > now - DAY)
        return today, self._file.older_deposits + _paid(deposits)

    def begin(self, record: ContractRecord, intent: Intent, now: int) -> None:
        """Write an intent down; only then may its message be sent.

        Raises:
            StoreError: it cannot be saved: nothing may be sent.
        """
        record.intent = intent
        if intent.automatic:
            self._file.deposits.append(Deposit(now, intent.amount, intent.query_id))
            self._forget_old()
        try:
            self.save()
        except StoreError:
            record.intent = None
            self._drop(intent)
            raise

    def end(self, record: ContractRecord, *, paid: bool, signed: bool = True) -> None:
        """Cross the intent out; one that was not even signed counts against no limit."""
        intent, record.intent = record.intent, None
        if intent is not None and not signed:
            self._drop(intent)
        elif intent is not None:
            for deposit in self._file.deposits:
                if deposit.query_id == intent.query_id:
                    deposit.paid = paid
        self.save()

    def _drop(self, intent: Intent) -> None:
        self._file.deposits = [
            deposit for deposit in self._file.deposits if deposit.query_id != intent.query_id
        ]

    def _forget_old(self) -> None:
        deposits = self._file.deposits
        excess = len(deposits) - MAX_DEPOSITS
        if excess > 0:
            self._file.older_deposits += _paid(deposits[:excess])
            self._file.deposits = deposits[excess:]

    def open_intents(self) -> Iterable[ContractRecord]:
        """Records with a deposit on its way."""
        return [record for record in self._contracts.values() if record.intent is not None]


def _paid(deposits: Iterable[Deposit]) -> int:
    return sum(deposit.amount for deposit in deposits if deposit.paid)
