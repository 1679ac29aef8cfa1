"""Contracts on a chain for tests: deploy one, send it messages as anybody, see what happened."""

from collections.abc import Iterable
from dataclasses import dataclass

from cocoon.chain.address import Address
from cocoon.chain.cells import Cell
from cocoon.chain.contracts.code import load_code
from cocoon.chain.contracts.params import ContractParams
from cocoon.chain.contracts.state_init import state_init
from cocoon.chain.embedded.chain import EmbeddedChain
from cocoon.chain.message import Message, MessageKind
from cocoon.chain.transaction import Transaction
from cocoon.testing.chain import TON


@dataclass(frozen=True)
class Outcome:
    """What a message did.

    Args:
        transactions: the block's transactions; the first is the contract's.
    """

    transactions: tuple[Transaction, ...]

    @property
    def first(self) -> Transaction:
        """The transaction of the contract itself."""
        return self.transactions[0]

    @property
    def exit_code(self) -> int:
        """Its exit code; -1 if it did not run."""
        compute = self.first.compute
        return -1 if compute is None or compute.skipped else compute.exit_code

    @property
    def ok(self) -> bool:
        """Whether it ran, and all it wanted to do was done."""
        return self.first.success

    @property
    def gas(self) -> int:
        """Gas units of the contract itself."""
        compute = self.first.compute
        return 0 if compute is None else compute.gas_used

    @property
    def logs(self) -> list[Cell]:
        """Bodies of the log messages of all transactions, in order."""
        return [
            message.body
            for transaction in self.transactions
            for message in transaction.out_messages
            if message.kind is MessageKind.EXTERNAL_OUT
        ]

    def to(self, address: Address) -> list[Message]:
        """Internal messages of all transactions to an address."""
        return [
            message
            for transaction in self.transactions
            for message in transaction.out_messages
            if message.dest == address
        ]


def deploy(chain: EmbeddedChain, name: str, data: Cell, value: int = TON // 20) -> Address:
    """Deploy one of our contracts with this data and value, nanoTON."""
    init = state_init(load_code(name), data)
    address = Address(init.hash)
    chain.faucet(address, value, init=init)
    return address


def call(
    chain: EmbeddedChain, address: Address, sender: Address, body: Cell, value: int = TON
) -> Outcome:
    """Send a message as ``sender``, bounceable."""
    block = chain.faucet(address, value, body=body, bounce=True, source=sender)
    return Outcome(tuple(transaction.parsed for transaction in block))


def data(chain: EmbeddedChain, address: Address) -> Cell:
    """The data cell of a contract."""
    cell = chain.account(address).data
    assert cell is not None
    return cell


def person(number: int) -> Address:
    """An address without a contract, for senders: its bytes are all ``number``."""
    return Address(bytes([number]) * 32)


def people(numbers: Iterable[int]) -> tuple[Address, ...]:
    """Several of them."""
    return tuple(person(number) for number in numbers)


def sample_params(**changes: object) -> ContractParams:
    """Parameters of a network that our root accepts."""
    fields: dict[str, object] = {
        "struct_version": 3,
        "params_version": 5,
        "unique_id": 17,
        "is_test": False,
        "price_per_token": 20,
        "worker_fee_per_token": 14,
        "proxy_delay_before_close": 86400,
        "client_delay_before_close": 43200,
        "min_proxy_stake": TON,
        "min_client_stake": 15 * TON,
    }
    return ContractParams(**{**fields, **changes})  # type: ignore[arg-type]
