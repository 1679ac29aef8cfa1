"""Live storage of a client contract and the state that it tells the proxy (``onchain.md`` §6)."""

from dataclasses import dataclass

from cocoon.chain.address import Address
from cocoon.chain.cells import Builder, Cell, Reader
from cocoon.chain.contracts.fields import ContractPhase, read_phase
from cocoon.chain.contracts.params import CHILD_MASK, ContractParams


@dataclass(frozen=True, slots=True)
class ClientSnapshot:
    """What a client contract says of itself in each message to the proxy contract.

    Args:
        phase: open, closing or closed.
        balance: nanoTON prepaid and not charged.
        stake: nanoTON below which the balance cannot be withdrawn while open.
        tokens_used: adjusted tokens charged so far.
        secret_hash: 32 bytes, SHA-256 of the client's secret; zero if it has none.
    """

    phase: ContractPhase
    balance: int
    stake: int
    tokens_used: int
    secret_hash: bytes

    def cell(self) -> Cell:
        """As in the message."""
        out = Builder().uint(self.phase, 2).coins(self.balance).coins(self.stake)
        return out.uint(self.tokens_used, 64).hash256(self.secret_hash).cell()

    @classmethod
    def from_cell(cls, cell: Cell) -> "ClientSnapshot":
        """Read it.

        Raises:
            DecodeError: malformed or followed by other data.
        """
        read = Reader(cell)
        snapshot = cls(
            phase=read_phase(read),
            balance=read.coins(),
            stake=read.coins(),
            tokens_used=read.uint(64),
            secret_hash=read.raw(32),
        )
        read.end()
        return snapshot


@dataclass(frozen=True, slots=True)
class ClientLedger:
    """What our client contract remembers beyond the official one.

    Args:
        debt: nanoTON charged beyond the balance; the next top-up pays it.
        unsettled: nanoTON taken from the balance that the proxy contract has not booked yet.
        reopened: whether it was closed before. Such a contract takes no grant of a refund with
            the counter that it already has: it could be an old one.
    """

    debt: int = 0
    unsettled: int = 0
    reopened: bool = False

    def cell(self) -> Cell:
        """As in storage."""
        return Builder().coins(self.debt).coins(self.unsettled).uint(self.reopened, 1).cell()

    @classmethod
    def from_cell(cls, cell: Cell) -> "ClientLedger":
        """Read it.

        Raises:
            DecodeError: malformed.
        """
        read = Reader(cell)
        ledger = cls(debt=read.coins(), unsettled=read.coins(), reopened=bool(read.uint(1)))
        read.end()
        return ledger


@dataclass(frozen=True, slots=True)
class ClientState:
    """State of a client contract; the leading fields are those of :class:`ClientSnapshot`.

    Args:
        phase: open, closing or closed.
        balance: nanoTON prepaid and not charged; the money itself is in the proxy contract.
        stake: nanoTON below which the balance cannot be withdrawn while open.
        tokens_used: adjusted tokens charged so far.
        unlock_time: Unix seconds after which a refund can be forced; 0 while open.
        secret_hash: 32 bytes, SHA-256 of the client's secret; zero if it has none.
        owner: the client's wallet.
        proxy: the proxy contract.
        proxy_key: 32 bytes, the key whose charges it accepts.
        params: without codes.
        ledger: None in an official or new contract, which means zero.
    """

    phase: ContractPhase
    balance: int
    stake: int
    tokens_used: int
    unlock_time: int
    secret_hash: bytes
    owner: Address
    proxy: Address
    proxy_key: bytes
    params: ContractParams
    ledger: ClientLedger | None

    @property
    def snapshot(self) -> ClientSnapshot:
        """The part that it tells the proxy."""
        return ClientSnapshot(
            self.phase, self.balance, self.stake, self.tokens_used, self.secret_hash
        )

    @classmethod
    def from_data(cls, data: Cell) -> "ClientState":
        """Read a client contract's data cell; what follows the known fields is ignored.

        Raises:
            DecodeError: malformed.
        """
        read = Reader(data)
        phase, balance, stake = read_phase(read), read.coins(), read.coins()
        tokens_used, unlock_time, secret_hash = read.uint(64), read.uint(32), read.raw(32)
        const = Reader(read.ref())
        owner, proxy, proxy_key = const.address(), const.address(), const.raw(32)
        const.end()
        return cls(
            phase=phase,
            balance=balance,
            stake=stake,
            tokens_used=tokens_used,
            unlock_time=unlock_time,
            secret_hash=secret_hash,
            owner=owner,
            proxy=proxy,
            proxy_key=proxy_key,
            params=ContractParams.from_cell(read.ref()),
            ledger=ClientLedger.from_cell(read.ref()) if len(data.refs) > 2 else None,
        )

    def data(self) -> Cell:
        """The data cell of such a contract.

        Raises:
            DecodeError: a value does not fit.
        """
        out = Builder().uint(self.phase, 2).coins(self.balance).coins(self.stake)
        out.uint(self.tokens_used, 64).uint(self.unlock_time, 32).hash256(self.secret_hash)
        const = Builder().address(self.owner).address(self.proxy).hash256(self.proxy_key).cell()
        out.ref(const).ref(self.params.cell(CHILD_MASK))
        return (out if self.ledger is None else out.ref(self.ledger.cell())).cell()
