"""What client and workers were signed for: payments that they verified, asked over their HTTP."""

import asyncio
import contextlib
import time
from dataclasses import dataclass
from typing import Any

from cocoon.devnet.http import call, get_json
from cocoon.devnet.state import RunningNetwork
from cocoon.errors import PaymentError, RemoteProtocolError, UnavailableError

CALL_TIMEOUT = 5.0
POLL_INTERVAL = 0.1


@dataclass(frozen=True, slots=True)
class SignedTotals:
    """Cumulative signed payments, over all proxies and workers.

    Attributes:
        client_tokens, client_nanoton: what the client owes and has proof of.
        worker_tokens, worker_nanoton: what the workers earned and can claim.
    """

    client_tokens: int
    worker_tokens: int
    client_nanoton: int
    worker_nanoton: int

    def since(self, earlier: "SignedTotals") -> "SignedTotals":
        """What was added."""
        return SignedTotals(
            self.client_tokens - earlier.client_tokens,
            self.worker_tokens - earlier.worker_tokens,
            self.client_nanoton - earlier.client_nanoton,
            self.worker_nanoton - earlier.worker_nanoton,
        )


async def signed_totals(network: RunningNetwork) -> SignedTotals:
    """Ask the client and every worker what they hold.

    Raises:
        UnavailableError: one does not answer.
        RemoteProtocolError: one answers with something else.
    """
    client_url = network.gateway_url.removesuffix("/v1")
    client, *workers = await asyncio.gather(
        *(get_json(f"{url}/jsonstats", CALL_TIMEOUT) for url in (client_url, *network.workers))
    )
    try:
        return SignedTotals(
            client_tokens=_sum([client], "signed_tokens"),
            worker_tokens=_sum(workers, "signed_tokens"),
            client_nanoton=_sum([client], "signed_nanoton"),
            worker_nanoton=_sum(workers, "signed_nanoton"),
        )
    except (LookupError, TypeError):
        raise RemoteProtocolError("a status page lacks what was signed") from None


def _sum(pages: list[Any], name: str) -> int:
    """Over all proxies; one that was not connected since the start is known from the chain only."""
    return sum(
        int(account.get(name, 0) if "finished" in account else account[name])
        for page in pages
        for account in page["proxies"]
    )


async def wait_signed(
    network: RunningNetwork, before: SignedTotals, tokens: int, timeout: float
) -> SignedTotals:
    """Let the proxies commit and sign, and wait until both sides hold at least ``tokens`` more.

    Raises:
        PaymentError: they do not in time.
        UnavailableError: a process does not answer.
    """
    limit = time.monotonic() + timeout
    for url in network.proxies:
        with contextlib.suppress(UnavailableError):  # it signs by itself a little later
            await call("POST", f"{url}/request/flush", CALL_TIMEOUT)
    while True:
        added = (await signed_totals(network)).since(before)
        if min(added.client_tokens, added.worker_tokens) >= tokens:
            return added
        if time.monotonic() > limit:
            raise PaymentError(
                f"{tokens} tokens were used, but after {timeout:.0f} s the client holds a "
                f"signature for {added.client_tokens} and the worker for {added.worker_tokens}"
            )
        await asyncio.sleep(POLL_INTERVAL)
