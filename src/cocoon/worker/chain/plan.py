"""Whether and how much to have paid out by one worker contract: pure decisions.

Counters are cumulative and the contract pays each token once, so a decision that is carried out
twice costs fees only. What the proxy's contract cannot pay yet stays in the envelope that we hold
(``onchain.md`` §7, §13; D1: payable is what was charged).
"""

from dataclasses import dataclass
from typing import TypeAlias

from cocoon.chain.contracts.attached import VALUE_OWN_PAYOUT
from cocoon.chain.contracts.fields import ContractPhase
from cocoon.chain.contracts.proxy_state import ProxyState
from cocoon.chain.contracts.worker_state import WorkerState
from cocoon.worker.chain.limits import PayoutRules

PAYOUT_FEES = 20_000_000
"""nanoTON that a payout uses up at most, wallet and all hops; measured: half (§14)."""


@dataclass(frozen=True, slots=True)
class Pay:
    """Submit the newest envelope.

    Attributes:
        tokens: how many are paid.
        amount: nanoTON that the owner receives.
        limit: send the limited form with this many tokens; None pays the whole envelope.
        deploy: send the contract's code along.
    """

    tokens: int
    amount: int
    limit: int | None
    deploy: bool

    @property
    def value(self) -> int:
        """What to attach, nanoTON; all but fees comes back."""
        return VALUE_OWN_PAYOUT


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do now.

    Attributes:
        reason: for people.
        until: Unix seconds, if known.
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


Step: TypeAlias = Pay | Wait | Blocked


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known about one worker contract.

    Attributes:
        now: time of the chain, Unix seconds.
        wallet: nanoTON in the node's wallet, which pays fees.
        reserve: nanoTON of it that must stay there.
        worker: the contract; None while it is not deployed.
        proxy: the proxy's contract; None while it is not deployed.
        fee: nanoTON that we earn for a token.
        price: nanoTON that a client pays for it.
        signed: tokens in the newest payout that we hold.
        since: Unix seconds since when something is unpaid; 0 if nothing is.
        outdated: the network's parameters have changed since the contract was made.
    """

    now: int
    wallet: int
    reserve: int
    worker: WorkerState | None
    proxy: ProxyState | None
    fee: int
    price: int
    signed: int
    since: int
    outdated: bool = False

    @property
    def paid(self) -> int:
        """Tokens that were paid."""
        return 0 if self.worker is None else self.worker.tokens

    @property
    def due_tokens(self) -> int:
        """Tokens that are signed and not paid."""
        return max(self.signed - self.paid, 0)

    @property
    def due(self) -> int:
        """What they are worth to us, nanoTON."""
        return self.due_tokens * self.fee

    @property
    def payable_tokens(self) -> int:
        """Tokens of them that the proxy's contract can pay now.

        Our contract pays out of what it has charged; an official one has no such ledger.
        """
        if self.proxy is None:
            return 0
        if self.proxy.ledger is None or not self.price:
            return self.due_tokens
        return min(self.due_tokens, self.proxy.ledger.earned // self.price)


def payout(facts: Facts, rules: PayoutRules, *, asked: bool = False) -> Step:
    """The next step.

    Args:
        facts: what is known.
        rules: of the configuration.
        asked: somebody wants it now, whatever the amount.
    """
    if not facts.due_tokens:
        return Wait("nothing is due")
    if facts.worker is not None and facts.worker.phase is ContractPhase.CLOSED:
        return Blocked("the worker contract is closed: it pays nothing more")
    if not asked:
        waiting = _not_yet(facts, rules)
        if waiting is not None:
            return waiting
    tokens = facts.payable_tokens
    if not tokens or (not asked and tokens * facts.fee <= _floor(facts, rules)):
        return Wait("the proxy's contract has not charged enough of its clients yet")
    need = facts.reserve + VALUE_OWN_PAYOUT + PAYOUT_FEES
    if facts.wallet < need:
        return Blocked("the wallet cannot pay the fees of a payout", need - facts.wallet)
    limit = None if tokens == facts.due_tokens else tokens
    return Pay(tokens, tokens * facts.fee, limit, deploy=facts.worker is None)


def _not_yet(facts: Facts, rules: PayoutRules) -> Wait | None:
    if facts.due <= rules.smallest:
        return Wait("too little is due")
    if facts.outdated or facts.due >= rules.threshold:
        return None
    if facts.proxy is not None and facts.proxy.phase is not ContractPhase.OPEN:
        return None  # it is leaving: take what is there
    if rules.max_age is None:
        return Wait("the threshold is not reached")
    due_at = facts.since + rules.max_age
    return None if facts.since and facts.now >= due_at else Wait("not due yet", due_at)


def _floor(facts: Facts, rules: PayoutRules) -> int:
    """Below this a part is not worth its fees; a part that is everything was judged before."""
    return min(rules.smallest, facts.due - 1)
