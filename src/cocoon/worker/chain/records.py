"""What a worker remembers of its contracts over restarts; nothing here is secret."""

import base64
from pathlib import Path

import msgspec

from cocoon.chain.address import Address
from cocoon.errors import DecodeError, StoreError
from cocoon.net.state_file import read_state, write_state

RECORDS_NAME = "worker-contracts.json"
MAX_CONTRACTS = 10_000


class WorkerRecord(msgspec.Struct):
    """One worker contract.

    Attributes:
        proxy: raw address of the proxy's contract.
        proxy_key: its machine key, hex.
        params_version: of the root when it was made.
        due_since: Unix seconds since when something is unpaid; 0 if nothing is.
        finished: made with old parameters and fully paid out.
        last_transaction: hash of our wallet's last transaction for it, hex.
        init: what deploys it, base64 of a bag of cells: after a change of parameters nobody else
            has it any more, and what was earned before must still be paid.
    """

    proxy: str
    proxy_key: str
    params_version: int
    due_since: int = 0
    finished: bool = False
    last_transaction: str = ""
    init: str = ""


class _File(msgspec.Struct):
    version: int
    contracts: dict[str, WorkerRecord]


class WorkerRecords:
    """All contracts of one worker.

    Args:
        directory: where the file is; None keeps everything in memory.

    Raises:
        StoreError: the file is there and cannot be used.
    """

    def __init__(self, directory: Path | None) -> None:
        self._path = None if directory is None else directory / RECORDS_NAME
        file = None if self._path is None else read_state(self._path, _File)
        self._file = _File(1, {}) if file is None else file
        if self._file.version != 1:
            raise StoreError(f"{self._path} has version {self._file.version}, not 1")
        try:
            self._contracts = {Address.parse(k): v for k, v in self._file.contracts.items()}
        except DecodeError as error:
            raise StoreError(f"{self._path}: {error}") from None

    def save(self) -> None:
        """Write the file.

        Raises:
            StoreError: it cannot be written.
        """
        if self._path is not None:
            write_state(self._path, self._file)

    @property
    def contracts(self) -> tuple[Address, ...]:
        """Every contract that was ever noted."""
        return tuple(self._contracts)

    def get(self, contract: Address) -> WorkerRecord | None:
        """The record of a contract, or None."""
        return self._contracts.get(contract)

    def note(
        self,
        contract: Address,
        *,
        proxy: Address,
        proxy_key: bytes,
        params_version: int,
        init: bytes = b"",
    ) -> WorkerRecord:
        """The record of a contract, made and saved if it is new.

        Raises:
            StoreError: it cannot be saved, or there are too many.
        """
        record = self._contracts.get(contract)
        if record is not None:
            return record
        if len(self._contracts) >= MAX_CONTRACTS:
            raise StoreError(f"{MAX_CONTRACTS} contracts are known, too many")
        record = WorkerRecord(proxy.raw(), proxy_key.hex(), params_version)
        record.init = base64.b64encode(init).decode()
        self._contracts[contract] = record
        self._file.contracts[contract.raw()] = record
        self.save()
        return record
