"""What an order will do, cost and bring back, told before it is given: values for people."""

from dataclasses import dataclass

from cocoon.chain.contracts.fields import ContractPhase
from cocoon.client.chain.plan import OPERATION_FEES, Facts

BLOCK_SECONDS = 60
"""A few blocks: how long a message and all that follows from it takes, generously."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """The course of an order.

    Attributes:
        steps: what happens, in order, for people.
        fees: nanoTON that are used up at most.
        attached: nanoTON that the wallet needs at a time; what is not used comes back.
        now: nanoTON that come back within a minute or so.
        later: nanoTON that come back at :attr:`latest`, or as soon as the proxy refunds.
        latest: Unix seconds of the chain, when ``later`` can be taken without anybody's help; None
            if nothing is left for later.
        warning: what may go wrong; empty if nothing is known.
    """

    steps: tuple[str, ...]
    fees: int = 0
    attached: int = 0
    now: int = 0
    later: int = 0
    latest: int | None = None
    warning: str = ""

    @property
    def returns(self) -> int:
        """NanoTON that come back altogether, without what messages return."""
        return self.now + self.later


def outlook_deposit(amount: int, attached: int, warning: str = "") -> Outlook:
    """Of a deposit of ``amount`` nanoTON with ``attached`` for the way."""
    return Outlook(("deposit",), OPERATION_FEES, amount + attached, warning=warning)


def outlook_charge(facts: Facts, attached: int) -> Outlook:
    """Of publishing the newest charge."""
    steps = _charge_steps(facts)
    if not steps:
        return Outlook(("nothing: no newer charge is signed",))
    return Outlook(steps, OPERATION_FEES, attached)


def outlook_withdrawal(facts: Facts, attached: int) -> Outlook:
    """Of taking back what is above the stake."""
    client = facts.client
    if client is None or client.phase is not ContractPhase.OPEN:
        return Outlook(("nothing: the contract is not open",))
    balance = _after_charge(facts)
    excess = max(balance - client.stake, 0)
    if not excess:
        return Outlook(("nothing: the balance is not above the stake",))
    steps = [*_charge_steps(facts), "withdraw what is above the stake"]
    return Outlook(tuple(steps), OPERATION_FEES * len(steps), attached, now=excess)


def outlook_closing(facts: Facts, attached: int) -> Outlook:
    """Of closing the contract and getting everything back."""
    client = facts.client
    if client is None:
        return Outlook(("nothing: there is no contract at this proxy",))
    if client.phase is ContractPhase.CLOSED:
        return Outlook(("nothing: the contract is closed",), later=client.balance)
    warning = _warning(facts)
    if client.phase is ContractPhase.CLOSING:
        step = "take the balance back, unless the proxy refunds before"
        return Outlook(
            (step,),
            OPERATION_FEES,
            attached,
            later=client.balance,
            latest=max(client.unlock_time + 1, facts.now) + BLOCK_SECONDS,
            warning=warning,
        )
    balance = _after_charge(facts)
    above = max(balance - client.stake, 0)
    steps = (
        *_charge_steps(facts),
        "start closing",
        "take the balance back after the delay, unless the proxy refunds before",
    )
    delay = client.params.client_delay_before_close
    return Outlook(
        steps,
        OPERATION_FEES * len(steps),
        attached,
        now=above,
        later=balance - above,
        latest=facts.now + delay + 2 * BLOCK_SECONDS,
        warning=warning,
    )


def _after_charge(facts: Facts) -> int:
    client = facts.client
    assert client is not None
    if not facts.can_charge:
        return client.balance
    return max(client.balance - (facts.signed - facts.charged) * facts.price, 0)


def _charge_steps(facts: Facts) -> tuple[str, ...]:
    return ("publish the newest charge",) if facts.can_charge else ()


def _warning(facts: Facts) -> str:
    """An official proxy contract pays a forced refund out of its stake alone (D4)."""
    client, proxy = facts.client, facts.proxy
    if client is None:
        return ""
    if proxy is None:
        return "the proxy's contract does not exist: nothing can be refunded"
    official = client.ledger is None and proxy.ledger is None
    if official and proxy.phase is not ContractPhase.CLOSED and proxy.stake < client.balance:
        return (
            "the proxy's stake is smaller than your balance: if the proxy does not refund by "
            "itself, a forced refund of the official contract pays only that stake"
        )
    return ""
