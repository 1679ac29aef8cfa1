"""How money comes in: transfers of TON that name a top-up, and Telegram Stars."""

from cocoon.telegram.payments.comment import comment_cell, comment_of, read_comment, topup_of
from cocoon.telegram.payments.stars import (
    STARS_CURRENCY,
    StarPayment,
    decide,
    paid,
    reconcile,
    refund,
    resume_refunds,
    worth,
)
from cocoon.telegram.payments.ton import TonTopups
from cocoon.telegram.payments.transfer_request import TransferRequest, transfer_request

__all__ = [
    "STARS_CURRENCY",
    "StarPayment",
    "TonTopups",
    "TransferRequest",
    "comment_cell",
    "comment_of",
    "decide",
    "paid",
    "read_comment",
    "reconcile",
    "refund",
    "resume_refunds",
    "topup_of",
    "transfer_request",
    "worth",
]
