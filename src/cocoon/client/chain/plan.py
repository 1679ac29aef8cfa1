"""What to do next about one client contract: pure decisions over what is known.

Every function looks at :class:`Facts` that were just read from the chain and names the next step;
nothing here remembers anything. That makes each flow resumable: after a crash the facts are read
again, and what has already happened is not decided a second time. Deposits are the exception, since
they travel over several blocks: while one is on its way the keeper asks nothing (``records``).

Rules and amounts: ``onchain.md`` §6, §11, §13, §14.
"""

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from cocoon.chain.contracts.attached import (
    DEPLOY_CLIENT,
    VALUE_OPERATION,
    VALUE_REGISTER,
)
from cocoon.chain.contracts.client_state import ClientState
from cocoon.chain.contracts.fields import ContractPhase
from cocoon.chain.contracts.proxy_state import ProxyState
from cocoon.client.chain.limits import DepositLimits

OPERATION_FEES = 25_000_000
"""nanoTON that one operation uses up at most, wallet and all hops; measured: half (§14)."""
SMALLEST_DEPOSIT = 100_000_000
"""nanoTON; less is not worth its fees."""


class Operation(Enum):
    """What can be done with a client contract."""

    REGISTER = "register at the proxy"
    SET_SECRET = "set the secret"  # noqa: S105 - a word for people
    SECRET_AND_TOP_UP = "set the secret and deposit"  # noqa: S105
    TOP_UP = "deposit"
    REOPEN = "open again and deposit"
    CHARGE = "publish the newest charge"
    WITHDRAW = "withdraw what is above the stake"
    REQUEST_REFUND = "start closing"
    FORCE_REFUND = "take the balance back"

    @property
    def deposits(self) -> bool:
        """Whether money goes to the proxy."""
        return self in (Operation.TOP_UP, Operation.SECRET_AND_TOP_UP, Operation.REOPEN)


@dataclass(frozen=True, slots=True)
class Action:
    """One message to send.

    Attributes:
        operation: which.
        amount: nanoTON of a deposit; else 0.
        deploy: send the contract's code along.
    """

    operation: Operation
    amount: int = 0
    deploy: bool = False

    @property
    def value(self) -> int:
        """What to attach, nanoTON; all but the amount and fees comes back."""
        base = VALUE_REGISTER if self.operation is Operation.REGISTER else VALUE_OPERATION
        return self.amount + max(base, DEPLOY_CLIENT if self.deploy else 0)


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing can be done yet.

    Attributes:
        reason: for people.
        until: Unix seconds, when something can be done at the latest; None if unknown.
    """

    reason: str
    until: int | None = None


@dataclass(frozen=True, slots=True)
class Blocked:
    """Somebody has to do something.

    Attributes:
        reason: for people.
        missing: nanoTON that the wallet lacks; 0 if that is not the reason.
    """

    reason: str
    missing: int = 0


@dataclass(frozen=True, slots=True)
class Done:
    """Nothing is left to do.

    Attributes:
        reason: for people.
    """

    reason: str = ""


Step: TypeAlias = Action | Wait | Blocked | Done


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known about one client contract.

    Attributes:
        now: time of the chain, Unix seconds.
        wallet: nanoTON in our wallet.
        reserve: nanoTON of it that must stay there.
        client: the contract; None while it is not deployed.
        proxy: the proxy's contract; None while it is not deployed.
        stake: nanoTON, the network's stake of clients, for a contract that is not deployed.
        proxy_stake: nanoTON that a proxy must have.
        price: nanoTON for a token, at this contract.
        used: tokens that the proxy has counted.
        signed: tokens in the newest charge that we hold.
    """

    now: int
    wallet: int
    reserve: int
    client: ClientState | None
    proxy: ProxyState | None
    stake: int
    proxy_stake: int
    price: int
    used: int
    signed: int

    @property
    def own_stake(self) -> int:
        """The stake of this very contract."""
        return self.stake if self.client is None else self.client.stake

    @property
    def charged(self) -> int:
        """Tokens charged on chain."""
        return 0 if self.client is None else self.client.tokens_used

    @property
    def owed(self) -> int:
        """What was used and is not charged yet, nanoTON.

        A proxy lets nobody use more than the stake before charging it (``onchain.md`` §13). One
        that says more is not believed: its word alone would empty our wallet into its contract.
        """
        ledger = None if self.client is None else self.client.ledger
        debt = 0 if ledger is None else ledger.debt
        return min(max(self.used - self.charged, 0) * self.price, self.own_stake) + debt

    @property
    def unspent(self) -> int:
        """What still pays for work, nanoTON; negative after an overdraft."""
        return (0 if self.client is None else self.client.balance) - self.owed

    @property
    def can_charge(self) -> bool:
        """Whether we hold a charge that the contract would accept and that changes something."""
        return self.signed > self.charged

    def phase_is(self, phase: ContractPhase) -> bool:
        """Whether the contract is deployed and in this phase."""
        return self.client is not None and self.client.phase is phase


def affordable(facts: Facts, *actions: Action) -> Blocked | None:
    """None if the wallet can pay for all of them, else what it lacks."""
    need = facts.reserve + sum(action.value + OPERATION_FEES for action in actions)
    if facts.wallet >= need:
        return None
    names = ", then ".join(action.operation.value for action in actions)
    return Blocked(f"the wallet cannot pay: {names}", need - facts.wallet)


# --- deposits ---


def deposit_due(facts: Facts, limits: DepositLimits, today: int, ever: int) -> Step:
    """Whether a deposit is due, and how much.

    Args:
        facts: what is known.
        limits: of the configuration.
        today: nanoTON deposited automatically in the last 24 hours, all proxies together.
        ever: likewise since the beginning.

    Returns:
        A ``TOP_UP``; ``Done`` while there is enough; what is in the way otherwise.
    """
    stake = facts.own_stake
    if facts.client is not None and facts.unspent >= limits.shortage(stake):
        return Done("enough is left")
    refusal = cannot_deposit(facts, limits)
    if refusal is not None:
        return refusal
    amount = max(limits.one_deposit(stake), stake - facts.unspent)
    amount += -amount % facts.price if facts.price else 0  # whole tokens (§11)
    room = limits.remaining(today, ever)
    if room is not None and room < amount:
        amount = room - room % facts.price if facts.price else room
        if amount < SMALLEST_DEPOSIT:
            return Blocked("the configured limit of deposits is reached")
    return Action(Operation.TOP_UP, amount)


def cannot_deposit(facts: Facts, limits: DepositLimits) -> Wait | Blocked | None:
    """Why money must not be sent to this proxy now, or None."""
    if facts.proxy is None:
        return Wait("the proxy's contract is not deployed")
    if facts.proxy.phase is not ContractPhase.OPEN:
        return Blocked("the proxy is closing")
    if facts.client is not None and facts.client.phase is not ContractPhase.OPEN:
        return Blocked("our contract is closing or closed; open it again first")
    if limits.require_proxy_stake and facts.proxy.stake < facts.proxy_stake:
        return Wait("the proxy has not deposited its stake")
    return None


# --- authorization ---


def onboarding(facts: Facts, secret_is_set: bool, funding: Step) -> tuple[Action, ...] | Blocked:
    """The messages that register us at a proxy, with the deposit right behind.

    Args:
        facts: what is known.
        secret_is_set: whether the contract already has the hash of our secret.
        funding: what :func:`deposit_due` says.

    Returns:
        Messages in order; their values are attached together. ``Blocked`` if the wallet cannot pay;
        where money is left to work with, the deposit alone waits for the wallet.
    """
    if facts.client is not None and facts.client.phase is not ContractPhase.OPEN:
        return Blocked("our contract at this proxy is closing or closed; open it again first")
    register = Action(Operation.REGISTER, deploy=facts.client is None)
    plain = (register,) if secret_is_set else (register, Action(Operation.SET_SECRET))
    if not isinstance(funding, Action):
        return affordable(facts, *plain) or plain
    operation = Operation.TOP_UP if secret_is_set else Operation.SECRET_AND_TOP_UP
    funded = (register, Action(operation, funding.amount))
    blocked = affordable(facts, *funded)
    if blocked is not None and facts.unspent > 0:
        return affordable(facts, *plain) or plain
    return blocked or funded


# --- while it runs ---


def running(facts: Facts, funding: Step) -> Step:
    """The next step of a contract in use: a charge before what is uncharged reaches the stake.

    A proxy stops working for a client whose uncharged usage reaches the stake, so publishing its
    charge is in our interest.
    """
    if facts.client is None:
        return Wait("not registered yet")
    uncharged = (facts.used - facts.charged) * facts.price
    if facts.can_charge and uncharged > facts.own_stake // 2:
        return _paid(facts, Action(Operation.CHARGE))
    if isinstance(funding, Action):
        return _paid(facts, funding)
    return funding


def must_leave(facts: Facts, params_version: int, current_version: int) -> str | None:
    """Why the contract is to be closed although nobody asked, or None."""
    if facts.client is None or is_closed(facts):
        return None
    if params_version < current_version:
        return "the network's parameters have changed"
    if facts.proxy is not None and facts.proxy.phase is not ContractPhase.OPEN:
        return "the proxy is closing"
    return None


def is_closed(facts: Facts) -> bool:
    """Whether everything has come back."""
    client = facts.client
    return client is None or (client.phase is ContractPhase.CLOSED and client.balance == 0)


# --- taking money back ---


def withdrawing(facts: Facts) -> Step:
    """The next step of a withdrawal: the newest charge first, then what is above the stake."""
    client = facts.client
    if client is None:
        return Done("there is no contract at this proxy")
    if client.phase is not ContractPhase.OPEN:
        return Blocked("the contract is closing: everything comes back when that is done")
    if facts.can_charge:
        return _paid(facts, Action(Operation.CHARGE))
    if client.balance <= client.stake:
        return Done("nothing is above the stake; close the contract to get the stake back")
    return _paid(facts, Action(Operation.WITHDRAW))


def closing(facts: Facts, *, grant_time: int = 0, publish: bool = True) -> Step:
    """The next step on the way to an empty, closed contract, whatever the proxy does.

    Args:
        facts: what is known; works without the proxy and without its contract.
        grant_time: seconds to leave to a proxy that is retiring to refund by itself; it saves us
            fees. Counted by the caller: 0 when the time is over.
        publish: pay what we owe first, with the newest charge that we hold; the proxy can publish
            it itself until the delay is over.
    """
    client = facts.client
    if client is None or is_closed(facts):
        return Done("closed: everything has come back")
    if client.phase is ContractPhase.CLOSING:
        return _second_request(facts, client)
    if client.phase is ContractPhase.CLOSED:
        return Wait("the proxy contract is paying out")
    if grant_time > 0:
        return Wait("the proxy may refund by itself", facts.now + grant_time)
    if publish and facts.can_charge:
        return _paid(facts, Action(Operation.CHARGE))
    return _paid(facts, Action(Operation.REQUEST_REFUND))


def _second_request(facts: Facts, client: ClientState) -> Step:
    # The contract asks for unlock < now, strictly; and its clock may be a little behind ours.
    if facts.now <= client.unlock_time:
        return Wait("the proxy may refund; afterwards we take the balance", client.unlock_time + 1)
    return _paid(facts, Action(Operation.FORCE_REFUND))


def _paid(facts: Facts, action: Action) -> Action | Blocked:
    return affordable(facts, action) or action
