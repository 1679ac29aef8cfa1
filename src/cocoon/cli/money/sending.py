"""Send one message from a wallet for a command, and follow it to the end."""

from typing import Any

from cocoon.chain.backend import ChainBackend
from cocoon.chain.message import OutMessage
from cocoon.chain.sender import WHOLE_TRACE, SenderTiming, WalletSender
from cocoon.chain.wallets.base import Wallet
from cocoon.errors import PaymentError

LOCAL_POLL = 0.1
"""Seconds between looks at a chain on this machine."""


async def send_one(
    backend: ChainBackend, wallet: Wallet, step: str, message: OutMessage, amount: int = 0
) -> dict[str, Any]:
    """Send it, wait for what follows, and tell as ``step``, ``amount``, ``transaction``, ``fees``.

    Raises:
        PaymentError: it failed on the way; says where and why.
        WalletFundsError: the wallet has too little.
        ChainError: the chain cannot be reached.
    """
    timing = SenderTiming(poll=LOCAL_POLL) if backend.name == "embedded" else None
    sender = WalletSender(backend, wallet, timing=timing)
    try:
        [delivery] = await sender.send(message, follow=WHOLE_TRACE)
    finally:
        await sender.close()
    if not delivery.ok:
        raise PaymentError(f"{step}: {delivery.describe()}")
    return {
        "step": step,
        "amount": amount,
        "transaction": (delivery.wallet_hash or b"").hex(),
        "fees": delivery.fees,
    }
