"""Live storage of a proxy contract, read from its data cell (``onchain.md`` §5).

The leading part is the official layout and read strictly; what a newer contract may append is
ignored, as the official node does (``onchain.md`` §9), except the ledger of our contract.
"""

from dataclasses import dataclass

from cocoon.chain.address import Address
from cocoon.chain.cells import Builder, Cell, Reader
from cocoon.chain.contracts.fields import ContractPhase, read_phase
from cocoon.chain.contracts.params import PROXY_MASK, ContractParams
from cocoon.errors import DecodeError


@dataclass(frozen=True, slots=True)
class ProxyLedger:
    """Whose money the contract holds; official contracts do not know it (defect D1).

    Args:
        client_funds: nanoTON that clients prepaid and that are not charged.
        earned: nanoTON charged and not yet paid to workers or booked as commission.
        commit_seqno: number of the last commit.
        commit_hash: 32 bytes, the books that it stands for.
        paid_total: nanoTON that ever left ``earned``.
        charged_total: nanoTON that ever came into ``earned``.
    """

    client_funds: int = 0
    earned: int = 0
    commit_seqno: int = 0
    commit_hash: bytes = bytes(32)
    paid_total: int = 0
    charged_total: int = 0

    def cell(self) -> Cell:
        """As in storage."""
        out = Builder().coins(self.client_funds).coins(self.earned)
        out.uint(self.commit_seqno, 64).hash256(self.commit_hash)
        return out.coins(self.paid_total).coins(self.charged_total).cell()

    @classmethod
    def from_cell(cls, cell: Cell) -> "ProxyLedger":
        """Read it.

        Raises:
            DecodeError: malformed.
        """
        read = Reader(cell)
        ledger = cls(
            client_funds=read.coins(),
            earned=read.coins(),
            commit_seqno=read.uint(64),
            commit_hash=read.raw(32),
            paid_total=read.coins(),
            charged_total=read.coins(),
        )
        read.end()
        return ledger


@dataclass(frozen=True, slots=True)
class ProxyState:
    """State of a proxy contract.

    Args:
        owner: the operator.
        public_key: 32 bytes, the machine key.
        root: the root contract.
        phase: open, closing or closed.
        balance: nanoTON of commission that the owner can take.
        stake: nanoTON.
        unlock_time: Unix seconds from which closing can be completed; 0 while open.
        params: without the proxy's own code.
        ledger: all zero in a new contract; None in an official one, which has none.
    """

    owner: Address
    public_key: bytes
    root: Address
    phase: ContractPhase
    balance: int
    stake: int
    unlock_time: int
    params: ContractParams
    ledger: ProxyLedger | None

    @classmethod
    def from_data(cls, data: Cell) -> "ProxyState":
        """Read a proxy contract's data cell.

        Raises:
            DecodeError: malformed.
        """
        read = Reader(data)
        return cls(
            owner=read.address(),
            public_key=read.raw(32),
            root=read.address(),
            phase=read_phase(read),
            balance=read.coins(),
            stake=read.coins(),
            unlock_time=read.uint(32),
            params=_params(read.ref()),
            ledger=ProxyLedger.from_cell(read.ref()) if len(data.refs) > 1 else None,
        )

    def data(self) -> Cell:
        """The data cell of such a contract; without ledger and money the initial one.

        Raises:
            DecodeError: a value does not fit.
        """
        out = Builder().address(self.owner).hash256(self.public_key).address(self.root)
        out.uint(self.phase, 2).coins(self.balance).coins(self.stake).uint(self.unlock_time, 32)
        out.ref(self.params.cell(PROXY_MASK))
        return (out if self.ledger is None else out.ref(self.ledger.cell())).cell()


def _params(cell: Cell) -> ContractParams:
    params = ContractParams.from_cell(cell)
    if params.worker_code is None or params.client_code is None:
        raise DecodeError("proxy contract lacks the codes of its clients and workers")
    return params
