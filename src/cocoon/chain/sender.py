"""A wallet's outgoing queue."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from cocoon.chain.backend import ChainBackend
from cocoon.chain.delivery import Delivery
from cocoon.chain.message import OutMessage
from cocoon.chain.wallets.base import Wallet

WHOLE_TRACE = 16
"""A depth of following that no chain of messages of Cocoon reaches."""


@dataclass(frozen=True, slots=True)
class SenderTiming:
    """Time limits of a sender.

    Args:
        validity: seconds of chain time for which a signed message can be included.
        poll: seconds between two looks at the chain.
        resend: seconds after which the same bytes are handed over again.
        track: seconds to wait for destinations after the wallet's transaction.
        give_up: seconds to wait for the chain before a message is given up.
    """

    validity: int = 90
    poll: float = 2.0
    resend: float = 10.0
    track: float = 180.0
    give_up: float = 900.0


class WalletSender:
    """Sends messages from one wallet, one batch after another, and follows what they do."""

    def __init__(
        self,
        backend: ChainBackend,
        wallet: Wallet,
        *,
        timing: SenderTiming | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        raise NotImplementedError

    async def send(self, *messages: OutMessage, follow: int = 0) -> list[Delivery]:
        """Send messages and wait for what became of each, in order.

        Args:
            messages: any number; they share a wallet transaction where they fit.
            follow: how many hops beyond the destination to follow; ``WHOLE_TRACE`` for all.

        Raises:
            WalletFundsError: the wallet has too little money; nothing of the failing part was sent.
            MessageRejectedError: the wallet refuses.
            ChainError: the chain cannot be reached or stalls.
        """
        raise NotImplementedError

    async def close(self) -> None:
        """Stop; what waits fails with ``ChainError``."""
        raise NotImplementedError
