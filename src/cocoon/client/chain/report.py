"""What pages and commands show of a client's contracts."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cocoon.chain.address import Address
from cocoon.client.chain.plan import Action, Done

if TYPE_CHECKING:
    from cocoon.client.chain.keeper import ContractKeeper


@dataclass(frozen=True, slots=True)
class ContractReport:
    """One client contract as last seen; amounts in nanoTON.

    Attributes:
        contract, proxy: friendly addresses.
        contract_address: the same as a value.
        phase: ``none`` while not deployed or not seen yet, ``open``, ``closing``, ``closed``.
        balance: prepaid and not charged.
        stake: floor of withdrawals.
        charged: tokens charged on chain.
        paid: tokens that were paid for, charged or not.
        used, signed: tokens that the proxy has counted, and has signed a charge for.
        unspent: what still pays for work.
        debt: charged beyond the balance.
        unsettled: charges that the proxy's contract has not booked yet.
        in_flight: a deposit on its way.
        unlock_time: Unix seconds after which the balance can be taken back; 0 while open.
        closing: whether the money is being taken back, and :attr:`reason` why.
        step: what happens next, for people.
        last_transaction: hash of our wallet's last transaction for it, hex; empty if none.
        params_version: of the root when it was made.
        finished: closed and empty.
    """

    contract: str
    proxy: str
    contract_address: Address
    phase: str
    balance: int
    stake: int
    charged: int
    paid: int
    used: int
    signed: int
    unspent: int
    debt: int
    unsettled: int
    in_flight: int
    unlock_time: int
    closing: bool
    reason: str
    step: str
    last_transaction: str
    params_version: int
    finished: bool


def report(keeper: "ContractKeeper", *, testnet: bool) -> ContractReport:
    """What is known of a contract now."""
    facts, record = keeper.facts, keeper.record
    client = None if facts is None else facts.client
    ledger = None if client is None else client.ledger
    price = 0 if facts is None else facts.price
    balance = 0 if client is None else client.balance
    charged = 0 if client is None else client.tokens_used
    return ContractReport(
        contract=keeper.contract.friendly(testnet=testnet),
        proxy=keeper.proxy.friendly(testnet=testnet),
        contract_address=keeper.contract,
        phase="none" if client is None else client.phase.name.lower(),
        balance=balance,
        stake=0 if facts is None else facts.own_stake,
        charged=charged,
        paid=charged + (balance // price if price else 0),
        used=0 if facts is None else facts.used,
        signed=0 if facts is None else facts.signed,
        unspent=0 if facts is None else facts.unspent,
        debt=0 if ledger is None else ledger.debt,
        unsettled=0 if ledger is None else ledger.unsettled,
        in_flight=0 if record.intent is None else record.intent.amount,
        unlock_time=0 if client is None else client.unlock_time,
        closing=record.goal == "close",
        reason=record.reason,
        step=_step_text(keeper),
        last_transaction=record.last_transaction,
        params_version=record.params_version,
        finished=record.finished,
    )


def _step_text(keeper: "ContractKeeper") -> str:
    step = keeper.step
    if step is None:
        return ""
    if isinstance(step, Action):
        return step.operation.value
    if isinstance(step, Done):
        return step.reason or "nothing to do"
    return step.reason
