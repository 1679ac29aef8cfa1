"""Messages to a worker contract (``onchain.md`` §1.1, §7).

Payouts and last payouts are signed envelopes as they are: see ``contracts.payment``.
"""

from cocoon.chain import opcodes
from cocoon.chain.address import Address
from cocoon.chain.cells import Cell
from cocoon.chain.contracts.fields import head
from cocoon.chain.contracts.payment import SignedPayment, inner_cell
from cocoon.errors import PaymentError


def register(query_id: int, excesses: Address) -> Cell:
    """Say hello to the proxy; from the owner. No node needs it.

    Raises:
        DecodeError: a value does not fit.
    """
    return head(opcodes.OWNER_WORKER_REGISTER, query_id).address(excesses).cell()


def limited_payout(payment: SignedPayment, limit: int, excesses: Address) -> Cell:
    """Take at most ``limit`` tokens of a signed payout (our contract only).

    For a proxy contract that cannot pay all of it yet; the envelope stays good for the rest.

    Args:
        payment: a worker's payout, not a last one.
        limit: adjusted tokens, at least 1.
        excesses: who receives what is left of the attached value.

    Raises:
        PaymentError: not a worker's payout, or a limit of zero.
        DecodeError: a value does not fit.
    """
    if payment.operation != opcodes.EXT_WORKER_PAYOUT_REQUEST_SIGNED or limit < 1:
        raise PaymentError("only a worker's payout can be limited, and not to nothing")
    inner = inner_cell(payment.operation, payment.query_id, payment.tokens, payment.address)
    out = head(opcodes.EXT_WORKER_PAYOUT_LIMITED_SIGNED, payment.query_id).address(excesses)
    return out.raw(payment.signature).uint(limit, 64).ref(inner).cell()
