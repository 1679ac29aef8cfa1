"""Money as integers: amounts, prices, usage, ledgers and signed cumulative payments."""

from cocoon.accounting.account import (
    Account,
    AccountKind,
    Funds,
    Reservation,
    Settlement,
    tokens_available,
)
from cocoon.accounting.amount import MAX_AMOUNT, NO_NANO, NO_TOKENS, Amount, Nano, Tokens
from cocoon.accounting.channel import ChannelSigner, LowerClaim, PaymentClaim, PaymentReceiver
from cocoon.accounting.ledger import Batch, Ledger, Row
from cocoon.accounting.levels import Counter, Levels
from cocoon.accounting.price import PriceList, adjust, official_reservation
from cocoon.accounting.state_root import AccountLevel, state_root
from cocoon.accounting.usage import AdjustedUsage, TokenCounts

__all__ = [
    "MAX_AMOUNT",
    "NO_NANO",
    "NO_TOKENS",
    "Account",
    "AccountKind",
    "AccountLevel",
    "AdjustedUsage",
    "Amount",
    "Batch",
    "ChannelSigner",
    "Counter",
    "Funds",
    "Ledger",
    "Levels",
    "LowerClaim",
    "Nano",
    "PaymentClaim",
    "PaymentReceiver",
    "PriceList",
    "Reservation",
    "Row",
    "Settlement",
    "TokenCounts",
    "Tokens",
    "adjust",
    "official_reservation",
    "state_root",
    "tokens_available",
]
