"""Messages to the proxy contract (``onchain.md`` §1.1, §5, §12).

Signed close and commit envelopes are in ``contracts.proxy_envelopes``, ``save_state`` in
``contracts.proxy``. ``excesses`` is who receives what is left of the attached value.
"""

from cocoon.chain import opcodes
from cocoon.chain.address import Address
from cocoon.chain.cells import Builder, Cell
from cocoon.chain.contracts.fields import head

TEXT_CLOSE = b"c"
TEXT_WITHDRAW = b"w"


def increase_stake(query_id: int, amount: int, excesses: Address) -> Cell:
    """Add ``amount`` nanoTON to the stake; anybody. Attach the amount and ``VALUE_STAKE``.

    Raises:
        DecodeError: a value does not fit; so for every function here.
    """
    return head(opcodes.EXT_PROXY_INCREASE_STAKE, query_id).coins(amount).address(excesses).cell()


def payout_request(query_id: int, excesses: Address) -> Cell:
    """Pay the collected commission to the owner; anybody may ask."""
    return head(opcodes.EXT_PROXY_PAYOUT_REQUEST, query_id).address(excesses).cell()


def close(query_id: int, excesses: Address) -> Cell:
    """Start to close; with our contract a second one after the delay completes it. Owner."""
    return head(opcodes.OWNER_PROXY_CLOSE, query_id).address(excesses).cell()


def text_command(letter: bytes) -> Cell:
    """A comment of one letter from the owner: ``TEXT_CLOSE`` or ``TEXT_WITHDRAW``."""
    return Builder().uint(opcodes.TEXT_COMMENT, 32).raw(letter).cell()
