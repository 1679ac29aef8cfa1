"""Messages to a client contract (``onchain.md`` §1.1, §6).

Charges and grants of refunds are signed envelopes: see ``contracts.payment``. Wherever ``excesses``
stands, it is who receives what is left of the attached value.
"""

from cocoon.chain import opcodes
from cocoon.chain.address import Address
from cocoon.chain.cells import Cell
from cocoon.chain.contracts.fields import head


def top_up(query_id: int, amount: int, excesses: Address) -> Cell:
    """Prepay ``amount`` nanoTON; anybody may send it. Attach the amount and ``VALUE_OPERATION``.

    Raises:
        DecodeError: a value does not fit; so for every function here.
    """
    return head(opcodes.EXT_CLIENT_TOP_UP, query_id).coins(amount).address(excesses).cell()


def reopen(query_id: int, amount: int, excesses: Address) -> Cell:
    """Open a closed and empty contract again and prepay; only our contract can, from the owner."""
    out = head(opcodes.OWNER_CLIENT_TOP_UP_REOPEN, query_id)
    return out.coins(amount).address(excesses).cell()


def register(query_id: int, nonce: int, excesses: Address) -> Cell:
    """Prove ownership to the proxy with the number that it gave; from the owner."""
    out = head(opcodes.OWNER_CLIENT_REGISTER, query_id)
    return out.uint(nonce, 64).address(excesses).cell()


def change_secret_hash(query_id: int, secret_hash: bytes, excesses: Address) -> Cell:
    """Set the SHA-256 of the secret that authenticates the client; from the owner."""
    out = head(opcodes.OWNER_CLIENT_CHANGE_SECRET_HASH, query_id)
    return out.hash256(secret_hash).address(excesses).cell()


def change_secret_hash_and_top_up(
    query_id: int, amount: int, secret_hash: bytes, excesses: Address
) -> Cell:
    """Both in one; from the owner. Attach the amount and ``VALUE_OPERATION``."""
    out = head(opcodes.OWNER_CLIENT_CHANGE_SECRET_HASH_AND_TOP_UP, query_id)
    return out.coins(amount).hash256(secret_hash).address(excesses).cell()


def increase_stake(query_id: int, new_stake: int, excesses: Address) -> Cell:
    """Set the stake to this amount, which must be greater than the present one; from the owner."""
    out = head(opcodes.OWNER_CLIENT_INCREASE_STAKE, query_id)
    return out.coins(new_stake).address(excesses).cell()


def withdraw(query_id: int, excesses: Address) -> Cell:
    """Take back what is above the stake; from the owner, while the contract is open."""
    return head(opcodes.OWNER_CLIENT_WITHDRAW, query_id).address(excesses).cell()


def request_refund(query_id: int, excesses: Address) -> Cell:
    """Close: the first starts the waiting time, the second after it forces the refund; owner."""
    return head(opcodes.OWNER_CLIENT_REQUEST_REFUND, query_id).address(excesses).cell()


def settle(query_id: int, excesses: Address) -> Cell:
    """Send charges again that the proxy contract could not take; anybody (our contract only)."""
    return head(opcodes.EXT_CLIENT_SETTLE, query_id).address(excesses).cell()
