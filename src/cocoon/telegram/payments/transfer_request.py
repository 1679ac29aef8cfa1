"""What a wallet is asked to send for a top-up."""

import base64
from dataclasses import dataclass
from urllib.parse import urlencode

from cocoon.chain.address import Address
from cocoon.chain.boc import to_boc
from cocoon.telegram.accounts.values import Topup
from cocoon.telegram.payments.comment import comment_cell, comment_of

VALID_SECONDS = 300
"""How long a wallet may take to ask its owner; TON Connect advises against more."""


@dataclass(frozen=True, slots=True)
class TransferRequest:
    """Members of ``sendTransaction`` of TON Connect, and the same as a link and for people.

    Attributes:
        address: friendly form, not bounceable: the money arrives even before its first use.
        amount: nanoTON in decimal digits.
        payload: base64 of the bag of cells with the comment.
        valid_until: Unix seconds.
        comment: the text that a transfer by hand must have.
        link: ``ton://transfer/…``, which wallets open.
    """

    address: str
    amount: str
    payload: str
    valid_until: int
    comment: str
    link: str


def transfer_request(
    topup: Topup, address: Address, *, testnet: bool, now: float
) -> TransferRequest:
    """What to ask a wallet for.

    Args:
        topup: of method ``ton``.
        address: where top-ups go.
        testnet: flag of friendly addresses.
        now: Unix seconds.
    """
    text, where = comment_of(topup.id), address.friendly(testnet=testnet)
    amount = str(int(topup.nano))
    query = urlencode({"amount": amount, "text": text}, safe=":")
    return TransferRequest(
        address=where,
        amount=amount,
        payload=base64.b64encode(to_boc(comment_cell(text))).decode(),
        valid_until=int(now) + VALID_SECONDS,
        comment=text,
        link=f"ton://transfer/{where}?{query}",
    )
