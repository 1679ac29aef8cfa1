"""TON values: cells, addresses, contract data and the root configuration."""

from cocoon.chain.address import Address
from cocoon.chain.boc import from_boc, to_boc
from cocoon.chain.cells import EMPTY_CELL, Builder, Cell, Reader
from cocoon.chain.contracts.params import ContractParams
from cocoon.chain.contracts.payment import (
    CLIENT_CHARGE,
    WORKER_PAYOUT,
    PaymentReader,
    PaymentWriter,
    SignedPayment,
    read_payment,
    sign_payment,
)
from cocoon.chain.contracts.wallet import wallet_address
from cocoon.chain.keys import PublicKey, SecretKey
from cocoon.chain.net_address import Endpoint, RegisteredProxy
from cocoon.chain.pseudo_config import (
    PSEUDO_CLIENT_BALANCE,
    PSEUDO_SECRET_HASH,
    load_pseudo_config,
)
from cocoon.chain.root_config import RootConfig, model_hash

__all__ = [
    "CLIENT_CHARGE",
    "EMPTY_CELL",
    "PSEUDO_CLIENT_BALANCE",
    "PSEUDO_SECRET_HASH",
    "WORKER_PAYOUT",
    "Address",
    "Builder",
    "Cell",
    "ContractParams",
    "Endpoint",
    "PaymentReader",
    "PaymentWriter",
    "PublicKey",
    "Reader",
    "RegisteredProxy",
    "RootConfig",
    "SecretKey",
    "SignedPayment",
    "from_boc",
    "load_pseudo_config",
    "model_hash",
    "read_payment",
    "sign_payment",
    "to_boc",
    "wallet_address",
]
