"""Live storage of a worker contract (``onchain.md`` §7)."""

from dataclasses import dataclass

from cocoon.chain.address import Address
from cocoon.chain.cells import Builder, Cell, Reader
from cocoon.chain.contracts.fields import ContractPhase, read_phase
from cocoon.chain.contracts.params import CHILD_MASK, ContractParams


@dataclass(frozen=True, slots=True)
class WorkerState:
    """State of a worker contract.

    Args:
        owner: who is paid.
        proxy: the proxy contract.
        proxy_key: 32 bytes, the key whose payouts it accepts.
        phase: open or closed.
        tokens: adjusted tokens paid so far.
        params: without codes.
    """

    owner: Address
    proxy: Address
    proxy_key: bytes
    phase: ContractPhase
    tokens: int
    params: ContractParams

    @classmethod
    def from_data(cls, data: Cell) -> "WorkerState":
        """Read a worker contract's data cell; what follows the known fields is ignored.

        Raises:
            DecodeError: malformed.
        """
        read = Reader(data)
        return cls(
            owner=read.address(),
            proxy=read.address(),
            proxy_key=read.raw(32),
            phase=read_phase(read),
            tokens=read.uint(64),
            params=ContractParams.from_cell(read.ref()),
        )

    def data(self) -> Cell:
        """The data cell of such a contract.

        Raises:
            DecodeError: a value does not fit.
        """
        out = Builder().address(self.owner).address(self.proxy).hash256(self.proxy_key)
        out.uint(self.phase, 2).uint(self.tokens, 64)
        return out.ref(self.params.cell(CHILD_MASK)).cell()
