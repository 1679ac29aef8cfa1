"""What became of a message that a wallet sent."""

from dataclasses import dataclass
from enum import Enum

from cocoon.chain import exit_codes
from cocoon.chain.message import OutMessage
from cocoon.chain.transaction import Transaction


class DeliveryStatus(Enum):
    """Outcome at the message's destination."""

    DELIVERED = "delivered"
    """The destination took it; or it is an account without code that just received money."""
    FAILED = "failed"
    """It arrived and stayed, but the contract failed or did not run."""
    BOUNCED = "bounced"
    """The contract failed and sent the money back."""
    NOT_SENT = "not-sent"
    """It never left the wallet and never will."""
    UNDECIDED = "undecided"
    """It left the wallet; the time limit passed before the destination was seen to take it."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of one message.

    Args:
        message: as it was handed over.
        status: outcome at the destination.
        wallet_transaction: of the wallet that sent it; None if there is none.
        transaction: of the destination; None if it was not seen.
        trace: every transaction that followed from it, the destination's first, as far as it was
            followed.
        complete: whether ``trace`` has everything down to the depth that was asked for.
        reason: for ``NOT_SENT`` and ``UNDECIDED``: why, for people.
    """

    message: OutMessage
    status: DeliveryStatus
    wallet_transaction: Transaction | None = None
    transaction: Transaction | None = None
    trace: tuple[Transaction, ...] = ()
    complete: bool = False
    reason: str = ""

    @property
    def ok(self) -> bool:
        """Whether it was delivered and nothing that followed from it failed or is unknown."""
        return self.status is DeliveryStatus.DELIVERED and self.complete and not self.failures

    @property
    def failures(self) -> tuple[Transaction, ...]:
        """Transactions that followed from it and failed; the destination's own may be among them.

        Money that an account without code keeps is no failure.
        """
        return tuple(step for step in self.trace if not step.success and not is_deposit(step))

    @property
    def exit_code(self) -> int | None:
        """Exit code of the destination's contract; None if it did not run."""
        compute = self.transaction.compute if self.transaction else None
        return None if compute is None or compute.skipped is not None else compute.exit_code

    @property
    def fees(self) -> int:
        """Fees in nanoTON of the transactions seen, the wallet's once for its whole batch."""
        first = (self.wallet_transaction,) if self.wallet_transaction else ()
        return sum(step.total_fees for step in (*first, *self.trace))

    @property
    def wallet_hash(self) -> bytes | None:
        """Hash of the wallet's transaction, to look it up; None if there is none."""
        return self.wallet_transaction.hash if self.wallet_transaction else None

    def describe(self) -> str:
        """One line for people: status and why."""
        failed = self.failures
        if self.status is DeliveryStatus.DELIVERED and not failed:
            return "delivered" if self.complete else "delivered; what followed is not known yet"
        if failed:
            return f"{self.status.value}: {describe_failure(failed[0])}"
        return f"{self.status.value}: {self.reason}" if self.reason else self.status.value


def is_deposit(transaction: Transaction) -> bool:
    """Whether an account without code kept the money of a message that asked for no bounce."""
    compute, message = transaction.compute, transaction.in_message
    return (
        compute is not None
        and compute.skipped == "no state"
        and message is not None
        and not message.bounce
        and not message.has_init
    )


def describe_failure(transaction: Transaction) -> str:
    """Why a transaction failed, for people."""
    compute = transaction.compute
    where = f"at {transaction.address}"
    if compute is None:
        return f"no computation {where}"
    if compute.skipped is not None:
        return f"contract did not run {where}: {compute.skipped}"
    if not compute.success:
        return f"{exit_codes.describe(compute.exit_code)} {where}"
    if transaction.action_code:
        return f"{exit_codes.describe_action(transaction.action_code)} {where}"
    return f"aborted {where}"
