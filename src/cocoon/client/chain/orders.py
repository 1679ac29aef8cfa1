"""From a planned action to the message that carries it out."""

from cocoon.chain.address import Address
from cocoon.chain.boc import from_boc
from cocoon.chain.cells import Cell
from cocoon.chain.contracts import client_messages as messages
from cocoon.chain.contracts.payment import CLIENT_CHARGE, PaymentReader
from cocoon.chain.message import OutMessage
from cocoon.client.chain.plan import Action, Operation
from cocoon.errors import LocalProtocolError


def order(
    action: Action,
    contract: Address,
    *,
    query_id: int,
    excesses: Address,
    init: Cell | None = None,
    nonce: int = 0,
    secret_hash: bytes = b"",
    charge: Cell | None = None,
) -> OutMessage:
    """The message of an action.

    Args:
        action: what to do.
        contract: our client contract.
        query_id: number of the message; of a charge the signed one is used.
        excesses: our wallet.
        init: what deploys the contract, where the action deploys it.
        nonce: for ``REGISTER``.
        secret_hash: 32 bytes, where the secret is set.
        charge: the repacked envelope, for ``CHARGE``.

    Raises:
        LocalProtocolError: what the action needs was not given.
        DecodeError: a value does not fit.
    """
    if action.deploy and init is None:
        raise LocalProtocolError("a contract is deployed with its initial state")
    amount = action.amount
    match action.operation:
        case Operation.REGISTER:
            body = messages.register(query_id, nonce, excesses)
        case Operation.SET_SECRET:
            body = messages.change_secret_hash(query_id, secret_hash, excesses)
        case Operation.SECRET_AND_TOP_UP:
            body = messages.change_secret_hash_and_top_up(query_id, amount, secret_hash, excesses)
        case Operation.TOP_UP:
            body = messages.top_up(query_id, amount, excesses)
        case Operation.REOPEN:
            body = messages.reopen(query_id, amount, excesses)
        case Operation.WITHDRAW:
            body = messages.withdraw(query_id, excesses)
        case Operation.REQUEST_REFUND | Operation.FORCE_REFUND:
            body = messages.request_refund(query_id, excesses)
        case Operation.CHARGE:
            if charge is None:
                raise LocalProtocolError("there is no signed charge")
            body = charge
    return OutMessage(contract, action.value, body, init=init if action.deploy else None)


def repacked_charge(
    envelope: bytes, *, contract: Address, proxy_key: bytes, excesses: Address
) -> Cell:
    """A proxy's signed charge with our wallet as receiver of what is left over.

    Raises:
        PaymentError: it does not verify.
        DecodeError: it does not parse.
    """
    payment = PaymentReader(CLIENT_CHARGE, contract, proxy_key).read(envelope)
    return from_boc(payment.repack(excesses).boc)
